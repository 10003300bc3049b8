"""How far a day about a lunar festival lies from usual: what pools sold on its twins one and two lunar years before."""

from collections.abc import Mapping, Sequence

import polars as pl

WINDOWS: dict[str, tuple[int, int]] = {"spring_festival": (-25, 35)}
"""Lunar festival → first and last day, counted from it, on which the twins speak (the rise of gifts, closed shops, the dip)."""
INDEX_POOLS = ("channel", "family_channel", "family_region", "product")
USUAL_DAYS = 28
"""Days of records there must be before what is usual for a twin is told."""
ORDERS_PRIOR = 20.0
"""Orders on the twins' usual days at which an index counts half."""


def in_unit_of_day(
    rows: pl.DataFrame,
    calendar: pl.DataFrame,
    pools: Mapping[str, pl.DataFrame],
    keys: Mapping[str, Sequence[str]],
    *,
    has_year: bool,
) -> pl.DataFrame:
    """Add `festival_index` to rows with a `level_kg`, and multiply that by it (by 1 where it is null).

    What is measured against the level then learns nothing of festivals where the index is right, and what is left where it is
    not. Where records span less than a year (`has_year` false) the index is 1.
    """
    if not has_year:
        return rows.with_columns(festival_index=pl.lit(1.0, pl.Float32))
    index = festival_index(rows, calendar, pools, keys)
    return rows.with_columns(index, pl.col("level_kg") * index.fill_null(1.0))


def festival_index(
    rows: pl.DataFrame,
    calendar: pl.DataFrame,
    pools: Mapping[str, pl.DataFrame],
    keys: Mapping[str, Sequence[str]],
) -> pl.Series:
    """The factor by which a day about a lunar festival is above or below usual.

    Args:
        rows: `date`, `lead_days`, `kg_per_order`, `days_from_NAME` of each of WINDOWS, and the columns of the pools.
        calendar: `date`, `lunar_twin`, back to the first record.
        pools: As features.sales.pool_state; INDEX_POOLS are read.
        keys: The columns that name each pool.

    Returns:
        Per row (Float32): 1 outside WINDOWS. Within, the geometric mean over pools of sold on the twins ÷ usual for that weekday
        in the four weeks until as long before the twin as the origin lies before the day, drawn to 1 where orders are few; null
        where no pool has a twin with four weeks of records before what is usual there.
    """
    inside = pl.any_horizontal(
        pl.col(f"days_from_{name}").is_between(*window) for name, window in WINDOWS.items()
    )
    asked = rows.with_row_index("_row").filter(inside)
    usual_from = calendar.select(pl.col("date").min() + pl.duration(days=USUAL_DAYS)).item()
    twins = (
        asked.select("date", "lead_days")
        .unique()
        .join(_twins(calendar), on="date")
        .with_columns(before=pl.col("twin") - _weeks())
        .filter(pl.col("before") >= usual_from)
    )
    logs = [_ratio(asked, twins, pools[name], keys[name]).log() for name in INDEX_POOLS]
    index = pl.DataFrame(dict(zip(INDEX_POOLS, logs, strict=True))).select(
        pl.mean_horizontal(pl.all()).exp().cast(pl.Float32).alias("index")
    )
    found = asked.select("_row").hstack(index)
    return (
        rows.select(inside.alias("_inside"))
        .with_row_index("_row")
        .join(found, on="_row", how="left", maintain_order="left")
        .select(pl.when(pl.col("_inside").fill_null(False)).then("index").otherwise(pl.lit(1.0, pl.Float32)))
        .to_series()
        .alias("festival_index")
    )


def _twins(calendar: pl.DataFrame) -> pl.DataFrame:
    """`date` and `twin`: one row for the day a lunar year before, one for two years, as far as the calendar reaches."""
    first = calendar.select("date", twin="lunar_twin")
    second = first.join(first.rename({"date": "twin", "twin": "before"}), on="twin").select(
        "date", twin="before"
    )
    return pl.concat([first, second])


def _weeks() -> pl.Expr:
    """Whole weeks that hold the lead."""
    return pl.duration(days=(pl.col("lead_days").cast(pl.Int64) + 6) // 7 * 7)


def _ratio(asked: pl.DataFrame, twins: pl.DataFrame, pool: pl.DataFrame, by: Sequence[str]) -> pl.Series:
    """Sold on the twins ÷ usual there, per row of `asked`; null where the pool has no twin."""
    sold = pool.select(*by, twin="date", sold="weekday_kg")
    usual = pool.select(*by, before="date", usual="weekday_mean_kg")
    days = (
        asked.select(*by, "date", "lead_days")
        .unique()
        .join(twins, on=["date", "lead_days"])
        .join(sold, on=[*by, "twin"])
        .join(usual, on=[*by, "before"])
        .filter(pl.col("sold").is_not_null() & (pl.col("usual") > 0))
        .group_by(*by, "date", "lead_days")
        .agg(pl.col("sold", "usual").sum())
    )
    prior = ORDERS_PRIOR * pl.col("kg_per_order").fill_null(1.0)
    return (
        asked.select(*by, "date", "lead_days", "kg_per_order")
        .join(days, on=[*by, "date", "lead_days"], how="left", maintain_order="left")
        .select((pl.col("sold") + prior) / (pl.col("usual") + prior))
        .to_series()
    )
