"""What the coming week holds against the past one, per product: sums of means, or of medians where no mean is published."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from serving.published import Release
from serving.reads.forecasts import daily_fan, history

SPARK_DAYS = 28
PRODUCTS = {"product_id": pl.String, "ahead_kg": pl.Float64, "sold_kg": pl.Float64, "change": pl.Float64}


@dataclass(frozen=True)
class Week:
    """Seven days behind and seven ahead (kg); None where there is nothing to sum."""

    first_day: date | None
    sold_kg: float | None
    ahead_kg: float | None
    expected: bool
    """Whether what is ahead are means; else sums of medians, too low where sales are sparse."""
    products: pl.DataFrame
    """One row per product, largest change first: product_id, sold_kg, ahead_kg, change (share, null when sold is 0)."""


def week(release: Release) -> Week:
    """Sum the last seven days sold and the next seven days expected, by product."""
    fan, sales = release.made(daily_fan), release.made(history).frame
    if fan.summed is None:
        return Week(None, None, None, fan.expected, pl.DataFrame(schema=PRODUCTS))
    first = fan.table.frame.select(pl.col("forecast_date").min()).item()
    ahead = fan.table.frame.filter(pl.col("forecast_date") < first + timedelta(days=7))
    behind = sales.filter(pl.col("sale_date").is_between(first - timedelta(days=7), first, closed="left"))
    products = _products(behind, ahead, fan.summed)
    sold = float(behind["sold_kg"].sum()) if sales.height else None
    return Week(first, sold, float(ahead[fan.summed].sum()), fan.expected, products)


def sparks(release: Release, product_id: str) -> tuple[list[float], list[float]]:
    """Kg a day of one product: the last four weeks sold (gaps are 0), and what is ahead, summed as in `week`."""
    fan = release.made(daily_fan)
    rows = fan.table.rows(product_id)
    if fan.summed is None or rows.is_empty():
        return [], []
    ahead = rows.group_by("forecast_date").agg(pl.col(fan.summed).sum()).sort("forecast_date")
    first: date = ahead["forecast_date"][0]
    sold = dict(
        release.made(history)
        .rows(product_id)
        .filter(pl.col("sale_date") >= first - timedelta(days=SPARK_DAYS))
        .group_by("sale_date")
        .agg(pl.col("sold_kg").sum())
        .iter_rows()
    )
    days = [first - timedelta(days=back) for back in range(SPARK_DAYS, 0, -1)]
    return [float(sold.get(day) or 0.0) for day in days], ahead[fan.summed].to_list()


def _products(behind: pl.DataFrame, ahead: pl.DataFrame, summed: str) -> pl.DataFrame:
    sold = behind.group_by("product_id").agg(pl.col("sold_kg").sum())
    joined = (
        ahead.group_by("product_id")
        .agg(ahead_kg=pl.col(summed).sum())
        .join(sold, on="product_id", how="left")
    )
    filled = joined.with_columns(pl.col("sold_kg").fill_null(0.0))
    change = pl.when(pl.col("sold_kg") > 0).then(pl.col("ahead_kg") / pl.col("sold_kg") - 1)
    moved = (pl.col("ahead_kg") - pl.col("sold_kg")).abs()
    return filled.with_columns(change=change).sort(moved, "product_id", descending=[True, False])
