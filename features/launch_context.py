"""The shop around a launch: how busy it is, what else it sells and at what price, as known on the decision day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

MONTH = 28


@dataclass(frozen=True)
class DayTotals:
    """Running totals by product and day of what was ordered, cancellations left aside, so that a day's total never changes later."""

    first_on: date
    products: pl.Series
    running: npt.NDArray[np.float64]
    """[products, days + 1] revenue (yuan) before each day, from `first_on`."""

    def between(self, start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """[products, asks] revenue of days [start, end), counted from first_on; NaN where start lies before the records."""
        last = self.running.shape[1] - 1
        total = self.running[:, end.clip(0, last)] - self.running[:, start.clip(0, last)]
        return np.where(start < 0, np.nan, total)

    def day_number(self, days: pl.Series) -> npt.NDArray[np.int64]:
        """Days since first_on."""
        return (days - self.first_on).dt.total_days().to_numpy().astype(np.int64)


def day_totals(entries: pl.DataFrame) -> DayTotals:
    """Lay orders out by product and day."""
    sold = entries.filter(pl.col("units") > 0)
    first, last = sold["day"].min(), sold["day"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise ValueError("no sold order line: there is nothing to make features of")
    products = sold["product_id"].unique().sort()
    row = (
        sold["product_id"]
        .replace_strict(products, np.arange(len(products)), return_dtype=pl.Int64)
        .to_numpy()
    )
    column = (sold["day"] - first).dt.total_days().to_numpy()
    running = np.zeros((len(products), (last - first).days + 2))
    np.add.at(running, (row, column + 1), sold["revenue_yuan"].to_numpy())
    return DayTotals(first, products, running.cumsum(axis=1))


def shop_context(entries: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    """Add `log_order_share`, `shop_momentum`, `price_position`, `shop_lift_last_year`, `days_on_sale` to rows of early_features.

    The lift is the shop's revenue per day in the 56 days after this date last year, over that of the 28 days before it (log);
    null while the records are shorter.
    """
    totals = day_totals(entries)
    sold = entries.filter(pl.col("units") > 0)
    now = totals.day_number(asks["decision_on"])
    shop = DayTotals(totals.first_on, pl.Series(["shop"]), totals.running.sum(axis=0, keepdims=True))
    month, before = shop.between(now - MONTH, now)[0], shop.between(now - 2 * MONTH, now - MONTH)[0]
    ahead, behind = shop.between(now - 365, now - 309)[0], shop.between(now - 393, now - 365)[0]
    daily = (
        sold.group_by("day")
        .agg(n=pl.col("order_id").n_unique())
        .sort("day")
        .with_columns(pl.col("n").cum_sum())
    )
    orders = _orders_since_start(asks, daily)
    first = sold.group_by("product_id").agg(first_on=pl.col("day").min())
    age = (pl.col("decision_on") - pl.col("first_on")).dt.total_days()
    return (
        asks.join(first, on="product_id", how="left", maintain_order="left")
        .with_columns(
            pl.Series("shop_momentum", _log_ratio(month, before)),
            pl.Series("shop_lift_last_year", _log_ratio(ahead / 2, behind)),
            pl.Series("price_position", _price_position(sold, asks)),
            log_order_share=((pl.col("orders_so_far") + 0.5) / (pl.Series("o", orders) + 1)).log(),
            days_on_sale=age.log1p(),
        )
        .drop("first_on")
    )  # fmt: skip


def _log_ratio(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> list[float | None]:
    """log(a ÷ b), null where either is unknown or 0."""
    good = (np.nan_to_num(a) > 0) & (np.nan_to_num(b) > 0)
    ratio = np.log(np.divide(a, b, out=np.ones_like(a), where=good))
    return [float(r) if g else None for r, g in zip(ratio, good, strict=True)]


def _orders_since_start(asks: pl.DataFrame, running: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Orders of the whole shop between each start and decision day."""
    ends = []
    for column in ("start_on", "decision_on"):
        wanted = asks.select(day=pl.col(column) - timedelta(days=1)).with_row_index("i").sort("day")
        found = wanted.join_asof(running, on="day", strategy="backward").sort("i")
        ends.append(found["n"].fill_null(0).cast(pl.Float64).to_numpy())
    return np.asarray(ends[1] - ends[0], dtype=np.float64)


def _by_day(rows: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    for part in rows.partition_by("decision_on", maintain_order=True):
        yield part["decision_on"][0], part


def _price_position(sold: pl.DataFrame, asks: pl.DataFrame) -> list[float | None]:
    """Share of the products sold in the last 28 days that are cheaper; null without a price."""
    priced = sold.group_by("product_id", "day").agg(
        price=(pl.col("revenue_yuan") / pl.col("units")).log().median()
    )
    found: list[float | None] = [None] * asks.height
    rows = asks.select("decision_on", "log_price").with_row_index("i")
    for decision, part in _by_day(rows):
        window = pl.col("day").is_between(decision - timedelta(days=MONTH), decision - timedelta(days=1))
        shelf = np.sort(
            priced.filter(window).group_by("product_id").agg(pl.col("price").median())["price"].to_numpy()
        )
        for i, price in part.select("i", "log_price").iter_rows():
            if price is not None and shelf.size:
                found[i] = float(np.searchsorted(shelf, price) / shelf.size)
    return found
