"""What an order line must hold to be taken in, and what is no line at all."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from pipelines.sources.kinds import REJECTED_SCHEMA
from pipelines.sources.order_status import NO_SALE
from pipelines.sources.records import FAULT, LINE

MOST_UNITS = 100_000
MOST_YUAN = 100_000_000
TOTALS = ("合计", "总计", "汇总", "小计", "共计")
NOTES_WITHIN = 2
"""Rows under the header that may explain the columns instead of being lines."""
FIRST_DAY = pl.datetime(2000, 1, 1, time_zone="UTC")

AGAIN = "correct the line and load the file again"


@dataclass(frozen=True)
class Rule:
    """A short name, when it is broken, and what to tell: value, limit, way out."""

    name: str
    broken: pl.Expr
    detail: pl.Expr


def dropped_because(header_row: int, kept: list[str]) -> pl.Expr:
    """Why a row is no order line by rule: blank, totals, notes under the header, unpaid, cancelled; else null."""
    order_id, quantity = pl.col("order_id_text"), pl.col("quantity_text")
    is_blank = pl.all_horizontal(pl.col(kept).is_null())
    says_total = pl.any_horizontal(pl.col(kept).str.contains(rf"^({'|'.join(TOTALS)})"))
    has_no_id = order_id.is_null() | ~order_id.str.contains(r"\d")
    is_note = (pl.col(LINE) <= header_row + NOTES_WITHIN) & has_no_id & ~quantity.str.contains(r"^[\d.,-]+$")
    return (
        pl.when(pl.col(FAULT).is_not_null())
        .then(None)
        .when(is_blank)
        .then(pl.lit("blank_row"))
        .when(has_no_id & says_total)
        .then(pl.lit("totals_row"))
        .when(is_note & order_id.is_not_null())
        .then(pl.lit("note_row"))
        .when(pl.col("outcome").is_in(NO_SALE))
        .then(pl.col("outcome"))
    )


def rules(arrived_at: datetime) -> list[Rule]:
    """The rules of an order line, in the order in which they are told."""
    return [*_record_rules(), *_quantity_rules(), *_time_rules(arrived_at), *_money_rules(), *_key_rules()]


def refuse(lines: pl.DataFrame, broken: list[Rule], raw: pl.DataFrame, kept: list[str]) -> pl.DataFrame:
    """The refused lines with their first broken rule and the kept cells as delivered; `raw` row by row as `lines`."""
    if lines.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    details = {rule.name: rule.detail for rule in broken}
    text = raw.select(pl.struct(kept).struct.json_encode().alias("row_text"))
    table = pl.concat([lines, text], how="horizontal").rechunk()
    told = [
        one.select(LINE, "rule", details[str(one["rule"][0])].alias("detail"), "row_text")
        for one in table.partition_by("rule", maintain_order=True)
    ]
    return pl.concat(told).sort(LINE).cast(REJECTED_SCHEMA)


def first_broken(broken: list[Rule]) -> pl.Expr:
    """The name of the first rule a line breaks; null when it keeps all."""
    return pl.coalesce(*(pl.when(r.broken).then(pl.lit(r.name)) for r in broken))


def _record_rules() -> list[Rule]:
    order_id, shown = pl.col("order_id_text"), _shown("order_id_text")
    return [
        Rule(
            "too_many_cells",
            pl.col(FAULT) == "too_many_cells",
            pl.lit(
                f"the line has more cells than the header: put quotes around the cell with a comma; {AGAIN}"
            ),
        ),
        Rule(
            "unclosed_quote",
            pl.col(FAULT) == "unclosed_quote",
            pl.lit(f'a quotation mark (") opens and never closes: remove it; {AGAIN}'),
        ),
        Rule("order_id_missing", order_id.is_null(), pl.lit(f"the line has no order number; {AGAIN}")),
        Rule(
            "order_id_rounded",
            order_id.str.contains(r"^\d[\d.]*[eE]\+?\d+$") | order_id.str.contains(r"^\d{16,}\.0$"),
            pl.format(
                "order number {}: a spreadsheet cut off its last digits; export again and load the file without "
                "opening and saving it",
                shown,
            ),
        ),
        Rule(
            "item_without_order",
            pl.col("is_lonely"),
            pl.lit(
                "no row of the order report has this 订单编号: export both reports for the same days and load both"
            ),
        ),
        Rule(
            "status_missing",
            pl.col("status_text").is_null(),
            pl.lit("the line has no order status, so it cannot be told whether it was paid; export it again"),
        ),
        Rule(
            "joined_items",
            pl.col("is_joined"),
            pl.format(
                "several articles in one line ({}) with one quantity ({}): export the report by article "
                "(按商品导出) and load that",
                _shown("title_text"),
                _shown("quantity_text"),
            ),
        ),
    ]


def _quantity_rules() -> list[Rule]:
    quantity, shown = pl.col("quantity"), _shown("quantity_text")
    return [
        Rule(
            "quantity_whole",
            quantity.is_null(),
            pl.format("quantity {} is not a whole number of units; {}", shown, pl.lit(AGAIN)),
        ),
        Rule(
            "quantity_positive",
            quantity <= 0,
            pl.format("quantity {} is not above 0; returns belong in the status, {}", shown, pl.lit(AGAIN)),
        ),
        Rule(
            "quantity_limit",
            quantity > MOST_UNITS,
            pl.format("quantity {} is above {} units; {}", shown, pl.lit(MOST_UNITS), pl.lit(AGAIN)),
        ),
    ]


def _time_rules(arrived_at: datetime) -> list[Rule]:
    paid_at, shown = pl.col("paid_at"), _shown("paid_at_text")
    latest = arrived_at + timedelta(days=1)
    return [
        Rule(
            "paid_at_missing",
            pl.col("paid_at_text").is_null(),
            pl.format(
                "status {} says paid, but the line has no payment time; {}",
                _shown("status_text"),
                pl.lit(AGAIN),
            ),
        ),
        Rule(
            "paid_at_unreadable",
            paid_at.is_null(),
            pl.format("payment time {} is not a time such as 2026-05-01 10:00:00; {}", shown, pl.lit(AGAIN)),
        ),
        Rule(
            "paid_in_future",
            paid_at > pl.lit(latest.astimezone(UTC)),
            pl.format(
                "payment time {} is later than {}, a day after the file came; check the clock and the date format",
                shown,
                pl.lit(f"{latest:%Y-%m-%d %H:%M}"),
            ),
        ),
        Rule(
            "paid_too_early",
            paid_at < FIRST_DAY,
            pl.format("payment time {} is before the year 2000; {}", shown, pl.lit(AGAIN)),
        ),
    ]


def _money_rules() -> list[Rule]:
    goods, shown = pl.col("goods"), _shown("goods_text")
    return [
        Rule(
            "goods_yuan_unreadable",
            pl.col("goods_unreadable"),
            pl.format("amount {} is not money such as 1299.90; {}", shown, pl.lit(AGAIN)),
        ),
        Rule(
            "goods_yuan_negative",
            pl.col("goods_paid") < 0,
            pl.format("amount {} is below 0; refunds belong in the status, {}", shown, pl.lit(AGAIN)),
        ),
        Rule(
            "goods_yuan_limit",
            goods > MOST_YUAN,
            pl.format("amount {} is above {} yuan; {}", shown, pl.lit(MOST_YUAN), pl.lit(AGAIN)),
        ),
    ]


def _key_rules() -> list[Rule]:
    """Broken by comparing lines with each other, not by looking at one (line_keys.py finds them)."""
    never, key = pl.lit(value=False), (_shown("order_id_text"), _shown("line_id"))
    return [
        Rule(
            "repeated_line",
            never,
            pl.format("order {}, line {} stands in this file before, word for word", *key),
        ),
        Rule(
            "duplicate_key",
            never,
            pl.format(
                "order {}, line {} stands in this file before with other content, and that one is taken; keep one of them",
                *key,
            ),
        ),
    ]


def _shown(column: str) -> pl.Expr:
    return pl.format("'{}'", pl.col(column).fill_null("").str.slice(0, 80))
