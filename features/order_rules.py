"""Order lines cleaned by stated rules, each with its count: what is goods, what was cancelled, what is one reseller's huge order."""

from dataclasses import dataclass

import numpy as np
import polars as pl

GOODS_CODE = r"^\d{5}[A-Z]*$"
"""Five digits with an optional letter part; postage, fees, vouchers and manual lines do not look so."""
HUGE_QUANTILE = 0.995
"""A line worth more than this share of all lines counts as one reseller's huge order."""


@dataclass(frozen=True)
class OrderRules:
    """What counts as goods."""

    goods_code: str = GOODS_CODE
    """Regular expression a product code in capitals must match."""
    cancel_prefix: str = "C"
    """Order numbers that begin so cancel earlier ones."""


@dataclass(frozen=True)
class RuledOrders:
    """Order lines after the rules."""

    entries: pl.DataFrame
    """One row per sold line, and one per cancellation of (part of) a line, with what is taken back below 0 on the day
    of the order it takes back: `product_id`, `order_id`, `buyer_id` (or null), `region_id` (or null), `title` (or null),
    `day` (ordered), `known_on` (the day the row could be known: of the order, or of its cancellation), `units`,
    `revenue_yuan` (or whatever currency the orders have). Sorted by day, product, order."""
    counts: dict[str, int]
    """Rule → lines it touched."""


def apply_rules(lines: pl.DataFrame, rules: OrderRules | None = None) -> RuledOrders:
    """Apply the rules to raw order lines.

    Args:
        lines: `order_id`, `product_id`, `title`, `units` (cancellations below 0), `unit_price`, `ordered_at`, `buyer_id`,
            `region_id`; nulls allowed in title, buyer and region.
        rules: What counts as goods.

    Rules, in order: codes are written in capitals without spaces at their ends; a code that is no goods code is a charge and
    left out; a cancelled order is netted against the newest earlier lines of the same buyer and product (those at the same
    price first), and what finds none (its order is older than the records, or the buyer is not named) is left out; other lines
    without a positive quantity and price are stock corrections or gifts and left out. Lines repeated within an order stay:
    they are scanned twice as often as entered twice.
    """
    rules = rules or OrderRules()
    named = lines.with_columns(
        product_id=pl.col("product_id").str.strip_chars().str.to_uppercase(),
        is_cancelled=pl.col("order_id").str.starts_with(rules.cancel_prefix),
    )
    goods = named.filter(pl.col("product_id").str.contains(rules.goods_code))
    is_sale = (pl.col("units") > 0) & (pl.col("unit_price") > 0) & ~pl.col("is_cancelled")
    sold = goods.filter(is_sale).sort("ordered_at", "product_id", "order_id", maintain_order=True)
    taken_back = goods.filter(pl.col("is_cancelled") & (pl.col("units") < 0))
    netted, unmatched = _netted(sold, taken_back)
    entries = pl.concat(
        [sold.with_columns(known_at=pl.col("ordered_at")).select(_ENTRY), netted.select(_ENTRY)]
    )
    renamed = named.filter(pl.col("product_id") != lines["product_id"].str.strip_chars()).height
    repeated = sold.height - sold.unique(["order_id", "product_id", "units", "unit_price"]).height
    counts = {
        "lines read": lines.height,
        "charges that are not goods": lines.height - goods.height,
        "cancelled lines netted": taken_back.height - unmatched,
        "cancelled lines without their order": unmatched,
        "corrections and gifts": goods.height - sold.height - taken_back.height,
        "codes put into capitals": renamed,
        "lines repeated within an order (kept)": repeated,
        "lines sold": sold.height,
    }
    return RuledOrders(entries.sort("day", "product_id", "order_id", maintain_order=True), counts)


_ENTRY = (
    "product_id", "order_id", "buyer_id", "region_id", "title", pl.col("ordered_at").dt.date().alias("day"),
    pl.col("known_at").dt.date().alias("known_on"), pl.col("units").cast(pl.Float64),
    (pl.col("units") * pl.col("unit_price")).cast(pl.Float64).alias("revenue_yuan"),
)  # fmt: skip


def _netted(sold: pl.DataFrame, taken_back: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Rows that take sold lines back, and how many cancellations found no line."""
    rows = sold.with_row_index("line")
    pairs = ["product_id", "buyer_id"]
    wanted = taken_back.drop_nulls("buyer_id").sort("ordered_at", maintain_order=True)
    groups = {
        key: (part["line"].to_numpy(), part["ordered_at"].to_numpy(), part["unit_price"].to_numpy(), part["units"].to_numpy().astype(float))
        for key, part in rows.join(wanted.select(pairs).unique(), on=pairs, how="semi").partition_by(
            pairs, as_dict=True, maintain_order=True
        ).items()
    }  # fmt: skip
    line, units, known_at, unmatched = [], [], [], taken_back.height - wanted.height
    columns = ["product_id", "buyer_id", "units", "unit_price", "ordered_at"]
    for product, buyer, quantity, price, when in wanted.select(columns).iter_rows():
        matched = False
        index, at, prices, left = groups.get((product, buyer), _NOTHING)
        earlier = np.flatnonzero((at <= np.datetime64(when)) & (left > 0))[::-1]
        to_take = -float(quantity)
        for i in earlier[np.argsort(prices[earlier] != price, kind="stable")]:
            amount = min(to_take, left[i])
            left[i] -= amount
            to_take -= amount
            line.append(int(index[i]))
            units.append(-amount)
            known_at.append(when)
            matched = True
            if to_take <= 0:
                break
        unmatched += not matched
    found = pl.DataFrame(
        {"line": line, "taken": units, "known_at": known_at},
        schema={"line": pl.UInt32, "taken": pl.Float64, "known_at": sold.schema["ordered_at"]},
    )
    netted = found.join(rows, on="line", how="left", maintain_order="left")
    return netted.with_columns(units=pl.col("taken")), unmatched


_NOTHING = (np.empty(0, np.int64), np.empty(0, "datetime64[us]"), np.empty(0), np.empty(0))


def huge_line_yuan(entries: pl.DataFrame) -> float:
    """Worth (yuan) above which a line is one reseller's huge order; learnt once and kept with the model. 0 lines: infinite."""
    sold = entries.filter(pl.col("units") > 0)["revenue_yuan"]
    return float(sold.quantile(HUGE_QUANTILE, "linear") or np.inf) if sold.len() else np.inf


def duplicate_listings(entries: pl.DataFrame) -> pl.DataFrame:
    """Products that repeat an earlier one.

    Returns:
        One row per product with an earlier-sold twin: `product_id`, `duplicate_of` (the first sold of those with the same
        title, written in small letters without signs, words in any order), `is_near_code` (same digits, other letters).
    """
    words = pl.col("title").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+").list.sort().list.join(" ")
    first = (
        entries.filter(pl.col("units") > 0)
        .sort("day", "product_id")
        .group_by("product_id", maintain_order=True)
        .agg(pl.col("day").first(), pl.col("title").drop_nulls().first())
        .with_columns(words=words)
        .filter(pl.col("words").str.len_chars() > 0)
    )
    twins = first.with_columns(duplicate_of=pl.col("product_id").first().over("words"))
    digits = r"^(\d+)"
    return twins.filter(pl.col("product_id") != pl.col("duplicate_of")).select(
        "product_id",
        "duplicate_of",
        is_near_code=pl.col("product_id").str.extract(digits) == pl.col("duplicate_of").str.extract(digits),
    )
