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
    yuan: npt.NDArray[np.float64]
    """[days + 1, products] revenue before each day, from `first_on`."""
    units: npt.NDArray[np.float64]
    """[days + 1, products]"""

    def yuan_between(self, start: int, end: int) -> npt.NDArray[np.float64]:
        """[products] revenue of days [start, end), counted from first_on; NaN where start lies before the records."""
        return _between(self.yuan, start, end)

    def price(self, start: int, end: int) -> npt.NDArray[np.float64]:
        """[products] mean price paid in days [start, end), NaN where nothing was sold."""
        yuan, units = (_between(t, max(start, 0), end) for t in (self.yuan, self.units))
        return np.divide(yuan, units, out=np.full_like(yuan, np.nan), where=units > 0)

    def day_number(self, day: date) -> int:
        """Days since first_on."""
        return (day - self.first_on).days


def _between(running: npt.NDArray[np.float64], start: int, end: int) -> npt.NDArray[np.float64]:
    if start < 0:
        return np.full(running.shape[1], np.nan)
    last = running.shape[0] - 1
    return np.asarray(running[min(max(end, 0), last)] - running[min(start, last)], dtype=np.float64)


def day_totals(entries: pl.DataFrame) -> DayTotals:
    """Lay orders out by product and day.

    Raises:
        ValueError: Nothing was sold.
    """
    sold = entries.filter(pl.col("units") > 0)
    first, last = sold["day"].min(), sold["day"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise ValueError("no sold order line: there is nothing to make features of")
    products = sold["product_id"].unique().sort()
    daily = sold.group_by("product_id", "day", maintain_order=True).agg(pl.col("revenue_yuan", "units").sum())
    row = (
        daily["product_id"]
        .replace_strict(products, np.arange(len(products)), return_dtype=pl.Int64)
        .to_numpy()
    )
    column = (daily["day"] - first).dt.total_days().to_numpy() + 1
    totals = []
    for value in ("revenue_yuan", "units"):
        running = np.zeros(((last - first).days + 2, len(products)))
        running[column, row] = daily[value].to_numpy()
        totals.append(running.cumsum(axis=0, out=running))
    return DayTotals(first, products, *totals)


def shop_context(entries: pl.DataFrame, asks: pl.DataFrame, totals: DayTotals) -> pl.DataFrame:
    """Add `log_order_share`, `shop_momentum`, `price_position`, `shop_lift_last_year`, `days_on_sale` to rows of early_features.

    The lift is the shop's revenue per day in the 56 days after this date last year, over that of the 28 days before it (log);
    null while the records are shorter. The price position is the share of products sold in the last 28 days that are cheaper.
    """
    sold = entries.filter(pl.col("units") > 0)
    daily = (
        sold.group_by("day")
        .agg(n=pl.col("order_id").n_unique())
        .sort("day")
        .with_columns(pl.col("n").cum_sum())
    )
    orders = _orders_since_start(asks, daily)
    first = sold.group_by("product_id").agg(first_on=pl.col("day").min())
    age = (pl.col("decision_on") - pl.col("first_on")).dt.total_days()
    momentum, lift, position = _by_day(asks, totals)
    return (
        asks.join(first, on="product_id", how="left", maintain_order="left")
        .with_columns(
            pl.Series("shop_momentum", momentum).fill_nan(None),
            pl.Series("shop_lift_last_year", lift).fill_nan(None),
            pl.Series("price_position", position).fill_nan(None),
            log_order_share=((pl.col("orders_so_far") + 0.5) / (pl.Series("o", orders) + 1)).log(),
            days_on_sale=age.log1p(),
        )
        .drop("first_on")
    )


def _by_day(asks: pl.DataFrame, totals: DayTotals) -> npt.NDArray[np.float64]:
    """[3, asks] momentum, lift and price position; NaN where not known."""
    found = np.full((3, asks.height), np.nan)
    shop = DayTotals(
        totals.first_on, pl.Series(["shop"]), totals.yuan.sum(axis=1, keepdims=True), totals.units[:, :1]
    )
    price = asks["log_price"].fill_null(np.nan).to_numpy()
    for day, at in rows_by_day(asks):
        now = totals.day_number(day)
        found[0, at] = _log_ratio(shop, (now - MONTH, now), (now - 2 * MONTH, now - MONTH))
        found[1, at] = _log_ratio(
            shop, (now - 365, now - 365 + 2 * MONTH), (now - 365 - MONTH, now - 365)
        ) - np.log(2)
        shelf = np.log(totals.price(now - MONTH, now))
        shelf = np.sort(shelf[np.isfinite(shelf)])
        if shelf.size:
            share = np.searchsorted(shelf, price[at]) / shelf.size
            found[2, at] = np.where(np.isfinite(price[at]), share, np.nan)
    return found


def rows_by_day(asks: pl.DataFrame) -> Iterator[tuple[date, npt.NDArray[np.int64]]]:
    """Each decision day and the numbers of its rows."""
    days = asks.with_row_index("i").group_by("decision_on", maintain_order=True).agg("i")
    for day, rows in days.iter_rows():
        yield day, np.array(rows, dtype=np.int64)


def _log_ratio(shop: DayTotals, top: tuple[int, int], bottom: tuple[int, int]) -> float:
    """log of the shop's revenue in one span over another's; NaN where either is unknown or 0."""
    a, b = float(shop.yuan_between(*top)[0]), float(shop.yuan_between(*bottom)[0])
    return float(np.log(a / b)) if a > 0 and b > 0 else float("nan")


def _orders_since_start(asks: pl.DataFrame, running: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Orders of the whole shop between each start and decision day."""
    ends = []
    for column in ("start_on", "decision_on"):
        wanted = asks.select(day=pl.col(column) - timedelta(days=1)).with_row_index("i").sort("day")
        found = wanted.join_asof(running, on="day", strategy="backward").sort("i")
        ends.append(found["n"].fill_null(0).cast(pl.Float64).to_numpy())
    return np.asarray(ends[1] - ends[0], dtype=np.float64)
