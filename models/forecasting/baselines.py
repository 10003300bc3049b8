"""Plain forecasts: the yardstick every model is held against, and what stands in where a model has too little to go on."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from features.calendar import SERIES
from features.panel import Panel

ERROR_DAYS = 56


def fallback_kg() -> pl.Expr:
    """Expected kg where the model does not stand, from columns of features.assemble.add_features.

    'short_history': own mean × the pool's weekday index. 'no_sale_28d': what sold in the week around that day a year
    ago; 0 where nothing did or there is no such year.
    """
    dormant = pl.col("fallback_reason") == "no_sale_28d"
    return pl.when(dormant).then(pl.col("year_kg").fill_null(0)).otherwise("profile_kg").fill_null(0)


def seasonal_naive(panel: Panel, *, origin: date, horizon_days: int, levels: Sequence[float]) -> pl.DataFrame:
    """Repeat the last same weekday; the spread is that of the method's own errors in the 56 days to the origin.

    Args:
        panel: What is known; only days until the origin are used.
        origin: Last known day.
        horizon_days: Days ahead.
        levels: Quantile levels.

    Returns:
        One row per series that had sold by the origin, day ahead and level: SERIES, `forecast_date`, `level`,
        `demand_kg` (kg, ≥ 0, never falling with the level). The errors of a lag of 7, 14, … days (as many weeks as the
        lead needs) are taken with both signs, so the level 0.5 is the repeated value itself. A closed day, or one
        before the first sale, counts as the series' mean of 28 days; a series without two such days has no spread.

    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.2 and 5.5.
    """
    known = panel.days.filter(pl.col("date") <= origin).select("series", "date", "sold_kg")
    weeks = range(1, -(-horizon_days // 7) + 1)
    spread = pl.concat(_spread(known, origin, week, levels) for week in weeks)
    last = known.filter(pl.col("date") > origin - timedelta(days=28))
    mean = last.group_by("series").agg(mean_kg=pl.col("sold_kg").mean())
    ahead = pl.DataFrame({"lead": range(1, horizon_days + 1)}).with_columns(
        week=(pl.col("lead") - 1) // 7 + 1,
        date=pl.lit(origin).dt.offset_by(pl.format("{}d", (pl.col("lead") - 1) % 7 - 6)),
        forecast_date=pl.lit(origin).dt.offset_by(pl.format("{}d", "lead")),
    )
    return (
        panel.series.filter(pl.col("first_sale") <= origin)
        .select("series", *SERIES)
        .join(ahead, how="cross")
        .join(last, on=["series", "date"], how="left")
        .join(mean, on="series", how="left")
        .join(spread, on=["series", "week"], how="left")
        .sort("series", "lead", "level")
        .select(
            *SERIES,
            "forecast_date",
            "level",
            demand_kg=(pl.coalesce("sold_kg", "mean_kg", pl.lit(0.0)) + pl.col("error_kg"))
            .cast(pl.Float64)
            .clip(0),
        )
    )


def _spread(known: pl.DataFrame, origin: date, week: int, levels: Sequence[float]) -> pl.DataFrame:
    """Quantiles of ±|error| of a lag of `week` weeks: `series`, `week`, `level`, `error_kg`."""
    error = (pl.col("sold_kg") - pl.col("sold_kg").shift(7 * week).over("series")).abs()
    recent = known.filter(pl.col("date") > origin - timedelta(days=ERROR_DAYS + 7 * week)).select(
        "series", "date", error=error
    )
    sides = {q: (abs(2 * q - 1), float(np.sign(q - 0.5))) for q in levels}
    per_series = recent.filter(pl.col("date") > origin - timedelta(days=ERROR_DAYS)).group_by("series")
    wide = per_series.agg(
        (pl.col("error").quantile(side, "linear") * sign).fill_null(0).alias(str(q))
        for q, (side, sign) in sides.items()
    )
    return wide.unpivot(index="series", variable_name="level", value_name="error_kg").select(
        "series", pl.lit(week, pl.Int64).alias("week"), pl.col("level").cast(pl.Float64), "error_kg"
    )
