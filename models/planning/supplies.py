"""Seed, seedlings and labour by week that a plan's lines need."""

from datetime import date, timedelta

import polars as pl

WEEKS = 52
NEED_SCHEMA = pl.Schema(
    {
        "week_start": pl.Date, "village_id": pl.String, "crop_id": pl.String, "item": pl.String, "quantity": pl.Float64,
        "unit": pl.String, "is_accepted": pl.Boolean,
    }
)  # fmt: skip
LABOUR, HOURS = "labour", "hours"


def supply_needs(
    lines: pl.DataFrame,
    *,
    plots: pl.DataFrame,
    practices: pl.DataFrame,
    materials: pl.DataFrame,
    cutoff: date,
) -> pl.DataFrame:
    """What the lines of a plan need in each of the next WEEKS weeks.

    Args:
        lines: plot_id, practice_id, crop_id, year, season, area_mu, is_accepted.
        plots: plot_id, place_id (its village; null: none).
        practices: With sow_from_doy, sow_to_doy, sell_from_doy, labour_hours_per_mu; nulls are not known.
        materials: practice_id, item, quantity_per_mu, unit, weeks_before: bought so long before it is sown.
        cutoff: Today; weeks start on Mondays, the first is the one after.

    Returns:
        NEED_SCHEMA, summed over plots, sorted. Sowing is spread evenly over the practice's sowing days. A practice's hours are
        spread evenly from its first sowing day to the day its sale begins (perennials, and where days are not known: over the
        year). What is needed before the first week is asked for in it, unless its sowing days are over.
    """
    placed = lines.join(plots.select("plot_id", village_id="place_id"), on="plot_id", how="left")
    windows = placed.join(practices.drop("crop_id", "season"), on="practice_id").with_columns(
        first=_day("sow_from_doy", 1), last=_day("sow_to_doy", 366), sold=_day("sell_from_doy", 366)
    )
    ahead = windows.filter(pl.col("last") > cutoff)
    start = cutoff + timedelta(days=7 - cutoff.weekday())
    goods = (
        ahead.join(materials, on="practice_id")
        .with_columns(
            quantity=pl.col("area_mu") * pl.col("quantity_per_mu"), back=pl.duration(weeks="weeks_before")
        )
        .with_columns(pl.col("first") - pl.col("back"), pl.col("last") - pl.col("back"))
    )
    hours = windows.drop_nulls("labour_hours_per_mu").with_columns(
        item=pl.lit(LABOUR), unit=pl.lit(HOURS), quantity=pl.col("area_mu") * pl.col("labour_hours_per_mu"),
        last=pl.when(pl.col("sold") > pl.col("first")).then("sold").otherwise(pl.date("year", 12, 31)),
    )  # fmt: skip
    parts = [_by_week(goods, start, late=True), _by_week(hours, start, late=False)]
    group = ["week_start", "village_id", "crop_id", "item", "unit", "is_accepted"]
    return (
        pl.concat(parts)
        .group_by(group)
        .agg(pl.sum("quantity"))
        .filter(pl.col("quantity") > 1e-9)
        .select(NEED_SCHEMA.names())
        .sort("week_start", "village_id", "crop_id", "item", "is_accepted", nulls_last=True)
    )


def _day(column: str, otherwise: int) -> pl.Expr:
    return pl.date("year", 1, 1) + pl.duration(days=pl.col(column).fill_null(otherwise).cast(pl.Int64) - 1)


def _by_week(rows: pl.DataFrame, start: date, *, late: bool) -> pl.DataFrame:
    """Spread `quantity` evenly over the days `first` to `last`; what falls before `start` is asked for then, or is past."""
    end = start + timedelta(weeks=WEEKS)
    group = ["village_id", "crop_id", "item", "unit", "is_accepted"]
    days = (
        rows.group_by(*group, "first", "last")
        .agg(pl.sum("quantity"))
        .with_columns(day=pl.date_ranges("first", "last"))
        .with_columns(pl.col("quantity") / pl.col("day").list.len())
        .explode("day")
    )
    if late:
        days = days.with_columns(day=pl.max_horizontal("day", pl.lit(start)))
    inside = days.filter(pl.col("day").is_between(start, end, closed="left"))
    return inside.select(*group, "quantity", week_start=pl.col("day").dt.truncate("1w"))
