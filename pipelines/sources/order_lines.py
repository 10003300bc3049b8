"""From the cells of an order file to rows of the table order_line, block by block."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from pipelines.sources.buyers import buyer_keys
from pipelines.sources.cells import clean_text, first_filled, instants, whole, yuan
from pipelines.sources.kinds import Batch, Context
from pipelines.sources.line_keys import LineNumbers
from pipelines.sources.order_rules import dropped_because, first_broken, refuse, rules
from pipelines.sources.order_status import outcomes
from pipelines.sources.order_versions import versions
from pipelines.sources.profile import Profile
from pipelines.sources.provinces import region_of
from pipelines.sources.records import FAULT, LINE
from pipelines.sources.regions import region_batch

TEXT_ROLES = (
    "order_id", "line_id", "status", "after_sale", "shipping", "title", "spec", "seller_sku", "quantity", "goods",
    "goods_less", "list_goods", "unit_price", "line_discount", "paid_at", "ordered_at", "shipped_at", "refunded_at",
    "cancelled_at", "head", "parcel", "province", "address", "country", "currency", "buyer",
)  # fmt: skip
ROW = "_row"
"""Place of a line in its block."""
HOME_CURRENCY = ("CNY", "RMB", "人民币")
HOME_COUNTRIES = ("CN", "China", "中国", "HK", "MO", "TW")


class OrderLines:
    """Reads one file: the cells of a block in, batches out; remembers what must reach across blocks."""

    def __init__(
        self, profile: Profile, roles: Mapping[str, Sequence[str]], header_row: int, context: Context
    ) -> None:
        self._profile = profile
        self._roles = roles
        self._header_row = header_row
        self._context = context
        self._numbers = LineNumbers()
        self._carried: pl.DataFrame | None = None

    def batches(self, raw: pl.DataFrame) -> Iterator[Batch]:
        """The facts of one block: its regions, then its lines with refusals and drops.

        `raw` has the file's kept and personal columns as delivered, `line_number` and `_fault`.
        """
        kept = self._kept(raw)
        lines = self._judged(clean_text(raw), kept)
        is_good = lines["dropped"].is_null() & lines["rule"].is_null()
        good = lines.filter(is_good)
        good, repeated = self._keyed(good)
        bad = pl.concat([lines.filter(lines["dropped"].is_null() & lines["rule"].is_not_null()), repeated])
        told = refuse(bad, rules(self._context.arrived_at), raw[bad[ROW]], kept)
        same = (told["rule"] == "repeated_line").sum()
        dropped = dict(lines["dropped"].drop_nulls().value_counts().sort("dropped").iter_rows())
        if same:
            dropped["repeated_line"] = int(same)
        rows = self._rows(good)
        if (regions := region_batch(rows)) is not None:
            yield regions
        rejected = told.filter(pl.col("rule") != "repeated_line")
        yield Batch("order_line", versions(rows, self._profile, self._context), rejected, dropped, raw.height)

    def dropped(self, raw: pl.DataFrame) -> pl.Series:
        """Why each row of a block is no line by rule; null for lines."""
        return self._judged(clean_text(raw), self._kept(raw))["dropped"]

    def _kept(self, raw: pl.DataFrame) -> list[str]:
        return [name for name in raw.columns if name in self._profile.names(kept=True)]

    def _judged(self, cells: pl.DataFrame, kept: list[str]) -> pl.DataFrame:
        """One row per row of the block with its texts, values, `dropped` reason and broken `rule`."""
        lines = self._valued(self._filled_down(self._texts(cells)))
        has = cells.select(kept)
        table = pl.concat([lines, has.rename({n: f"cell {n}" for n in kept})], how="horizontal")
        shown = [f"cell {n}" for n in kept]
        return (
            table.lazy()
            .with_columns(dropped_because(self._header_row, shown).alias("dropped"))
            .with_columns(
                pl.when(pl.col("dropped").is_null())
                .then(first_broken(rules(self._context.arrived_at)))
                .alias("rule")
            )
            .drop(shown)
            .with_row_index(ROW)
            .collect()
        )

    def _texts(self, cells: pl.DataFrame) -> pl.DataFrame:
        """The cells by role (null where the file has no column for it), the line number and its fault."""
        roles = {role: first_filled(cells, self._roles.get(role, ())) for role in TEXT_ROLES}
        return pl.DataFrame({LINE: cells[LINE], FAULT: cells[FAULT], **roles})

    def _filled_down(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Cells that stand on an order's first row only, on all its rows; reaches back into the block before."""
        if not self._profile.fill_down:
            return texts
        block = texts if self._carried is None else pl.concat([self._carried, texts])
        filled = block.with_columns(pl.col(self._profile.fill_down).forward_fill().over("order_id"))
        self._carried = filled.tail(1)
        return filled.tail(texts.height)

    def _valued(self, texts: pl.DataFrame) -> pl.DataFrame:
        zone, notes = self._context.timezone, self._profile.money_notes
        paid_text = texts.select(pl.coalesce("paid_at", "ordered_at")).to_series()
        parts = self._parts(texts)
        values = texts.with_columns(
            outcome=outcomes(texts, self._profile),
            quantity_text="quantity",
            order_id_text="order_id",
            status_text="status",
            title_text="title",
            paid_at_text=paid_text,
            goods_text=texts.select(pl.coalesce("goods", "unit_price")).to_series(),
            quantity=whole(texts["quantity"]),
            paid_at=instants(paid_text, zone),
            shipped_at=instants(texts["shipped_at"], zone),
            refunded_at=instants(texts["refunded_at"], zone),
            goods_paid=yuan(texts["goods"], notes=notes),
            goods_less_paid=yuan(texts["goods_less"], notes=notes),
            unit_price_paid=yuan(texts["unit_price"], notes=notes),
            discount_paid=yuan(texts["line_discount"], notes=notes),
            parts=parts,
            is_lonely=texts["head"].is_null() if self._roles.get("head") else pl.lit(value=False),
        )
        return values.with_columns(**_money(), **_joined())

    def _parts(self, texts: pl.DataFrame) -> pl.Series:
        """How many articles the title joins."""
        joiner = self._profile.joined_by
        if not joiner:
            return pl.repeat(1, texts.height, dtype=pl.UInt32, eager=True)
        titles = texts["title"].fill_null("").str.replace_all("；", ";").str.strip_chars(joiner + " ")
        return titles.str.count_matches(joiner, literal=True) + 1

    def _keyed(self, good: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Good lines with their line_id, and those that repeat a line of this file."""
        key = ["order_id", "seller_sku", "spec"]
        if self._roles.get("line_id"):
            whole_line = pl.coalesce("line_id", pl.concat_str(*key[1:], separator="|", ignore_nulls=True))
            return self._unrepeated(good.with_columns(line_id=whole_line), ["order_id", "line_id"])
        label = pl.format("{}|{}|", pl.col("seller_sku").fill_null(""), pl.col("spec").fill_null(""))
        if self._profile.one_line_per_order:
            return self._unrepeated(good.with_columns(line_id=pl.concat_str(label, pl.lit("1"))), key)
        numbers = self._numbers.occurrences(good, key)
        named = good.with_columns(line_id=pl.concat_str(label, numbers.cast(pl.String)))
        return named, good.clear()

    def _unrepeated(self, good: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
        told = ["title", "quantity", "goods", "status", "after_sale", "paid_at", "shipped_at"]
        word = self._numbers.repetitions(good, key, [*key, *told])
        rule = word.replace_strict({"same": "repeated_line", "differs": "duplicate_key"}, default=None)
        repeated = good.with_columns(rule=rule.cast(pl.String)).filter(rule.is_not_null())
        return good.filter(rule.is_null()), repeated

    def _rows(self, good: pl.DataFrame) -> pl.DataFrame:
        """Columns of order_line but `known_at`, with `line_number`, `parts`; statuses as they are now."""
        told = {"after_sale": self._profile.after_sale_words, "shipping": self._profile.shipping_words}
        words = ["status", *(role for role, declared in told.items() if declared)]
        keys = buyer_keys(good["buyer"], self._profile.platform, self._context.buyer_secret)
        return good.select(
            pl.lit(self._profile.platform).alias("platform"),
            pl.lit(self._context.shop).alias("shop"),
            "order_id",
            "line_id",
            pl.col("seller_sku").fill_null(""),
            "title",
            "spec",
            pl.col("quantity").cast(pl.Int32),
            pl.col("goods").cast(pl.Decimal(14, 2)).alias("goods_yuan"),
            pl.col("outcome").alias("status"),
            pl.concat_str(words, separator=" / ", ignore_nulls=True).alias("raw_status"),
            "paid_at",
            "shipped_at",
            "refunded_at",
            _region().alias("region_id"),
            keys.alias("buyer_key"),
            LINE,
            "parts",
        )


def _money() -> dict[str, pl.Expr]:
    """Goods paid for (yuan): the paid amount less postage, else unit price × quantity less the line's discount."""
    paid = (pl.col("goods_paid") - pl.col("goods_less_paid").fill_null(0)).clip(lower_bound=0)
    reckoned = pl.col("unit_price_paid") * pl.col("quantity") - pl.col("discount_paid").fill_null(0)
    goods = pl.when(pl.col("goods").is_not_null()).then(paid).otherwise(reckoned.clip(lower_bound=0))
    is_home = pl.col("currency").is_null() | pl.col("currency").is_in(HOME_CURRENCY)
    unreadable = (pl.col("goods").is_not_null() & pl.col("goods_paid").is_null()) | (
        pl.col("goods").is_null() & pl.col("unit_price").is_not_null() & pl.col("unit_price_paid").is_null()
    )
    return {
        "goods": pl.when(is_home).then(goods.round(2)),
        "goods_unreadable": unreadable,
        "goods_paid": pl.when(pl.col("goods").is_not_null())
        .then(pl.col("goods_paid"))
        .otherwise(pl.col("unit_price_paid")),
    }


def _joined() -> dict[str, pl.Expr]:
    """Several articles in one row are readable only when each is one unit and each has its seller code."""
    codes = pl.col("seller_sku").fill_null("").str.count_matches(";", literal=True) + 1
    is_clear = (pl.col("quantity") == pl.col("parts")) & (codes == pl.col("parts"))
    return {"is_joined": (pl.col("parts") > 1) & ~is_clear.fill_null(value=False)}


def _region() -> pl.Expr:
    abroad = pl.col("country").is_not_null() & ~pl.col("country").is_in(HOME_COUNTRIES)
    named = pl.coalesce(region_of(pl.col("province")), region_of(pl.col("address")))
    foreign = pl.concat_str("country", "province", separator="-", ignore_nulls=True)
    return pl.when(abroad).then(foreign).otherwise(named)
