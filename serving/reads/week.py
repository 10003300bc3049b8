"""What the coming week holds against the past one, per product; sums of the published medians."""

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
    products: pl.DataFrame
    """One row per product, largest change first: product_id, sold_kg, ahead_kg, change (share, null when sold is 0)."""


def median_level(levels: tuple[str, ...]) -> str | None:
    """The published level nearest to the middle."""
    return min(levels, key=lambda level: abs(float(level) - 0.5), default=None)


def week(release: Release) -> Week:
    """Sum the last seven days sold and the next seven days' medians, by product."""
    fan, sales = release.made(daily_fan), release.made(history).frame
    middle = median_level(fan.levels)
    if middle is None:
        return Week(None, None, None, pl.DataFrame(schema=PRODUCTS))
    first = fan.table.frame.select(pl.col("forecast_date").min()).item()
    ahead = fan.table.frame.filter(pl.col("forecast_date") < first + timedelta(days=7))
    behind = sales.filter(pl.col("sale_date").is_between(first - timedelta(days=7), first, closed="left"))
    products = _products(behind, ahead, middle)
    sold = float(behind["sold_kg"].sum()) if sales.height else None
    return Week(first, sold, float(ahead[middle].sum()), products)


def sparks(release: Release, product_id: str) -> tuple[list[float], list[float]]:
    """Kg a day of one product: the last four weeks sold (gaps are 0), and the medians ahead."""
    fan = release.made(daily_fan)
    middle = median_level(fan.levels)
    rows = fan.table.rows(product_id)
    if middle is None or rows.is_empty():
        return [], []
    ahead = rows.group_by("forecast_date").agg(pl.col(middle).sum()).sort("forecast_date")
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
    return [float(sold.get(day) or 0.0) for day in days], ahead[middle].to_list()


def _products(behind: pl.DataFrame, ahead: pl.DataFrame, middle: str) -> pl.DataFrame:
    sold = behind.group_by("product_id").agg(pl.col("sold_kg").sum())
    joined = (
        ahead.group_by("product_id")
        .agg(ahead_kg=pl.col(middle).sum())
        .join(sold, on="product_id", how="left")
    )
    filled = joined.with_columns(pl.col("sold_kg").fill_null(0.0))
    change = pl.when(pl.col("sold_kg") > 0).then(pl.col("ahead_kg") / pl.col("sold_kg") - 1)
    moved = (pl.col("ahead_kg") - pl.col("sold_kg")).abs()
    return filled.with_columns(change=change).sort(moved, "product_id", descending=[True, False])
