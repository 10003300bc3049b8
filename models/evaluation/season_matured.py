"""Season forecasts at the leads at which planting locks: what is kept of them, and how they came out."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.evaluation.metrics import quantile_column, score_table
from models.forecasting.season import KEYS, NEEDED, YEAR, weekly_sales
from models.forecasting.season_backtest import LOCK_WEEKS, NAIVE, OURS

ROW = (*KEYS, "week_start")


def at_locks(forecast: pl.DataFrame, leads: Sequence[int] = LOCK_WEEKS) -> pl.DataFrame:
    """The rows of one cutoff's season forecast whose week is one of these many weeks ahead, with `lead_weeks`."""
    first = pl.col("week_start").min()
    lead = (pl.col("week_start") - first).dt.total_days() // 7 + 1
    return forecast.with_columns(lead_weeks=lead).filter(pl.col("lead_weeks").is_in(leads))


def season_naive(
    sales: pl.DataFrame, *, cutoff: date, levels: Sequence[float], leads: Sequence[int] = LOCK_WEEKS
) -> pl.DataFrame:
    """The week 52 before, with what the last year differed from the one before as its spread.

    Args:
        sales: `family`, `channel_id`, `region_id`, `sale_date`, `sold_kg` as known at the cutoff.
        cutoff: Last known day.
        levels: Quantile levels.
        leads: Weeks ahead.

    Returns:
        One row per series with 53 weeks of history, lead and level: KEYS, `week_start`, `level`, `naive_kg` (kg, ≥ 0).
        A series without two years has the spread of the weeks it has twice; with none it has no spread.
    """
    weekly = weekly_sales(sales, cutoff=cutoff)
    length = weekly.kg.shape[1]
    old = length - weekly.started >= NEEDED
    kg, series = weekly.kg[old], weekly.series.filter(pl.Series(old))
    twice = min(YEAR, length - YEAR)
    parts = []
    if old.any():
        error = kg[:, length - twice :] - kg[:, length - twice - YEAR : length - YEAR]
        spread = np.quantile(np.concatenate([error, -error], axis=1), levels, axis=1)
        for lead in leads:
            start = weekly.first_week + timedelta(weeks=length + lead - 1)
            for i, level in enumerate(levels):
                value = (kg[:, length + lead - 1 - YEAR] + spread[i]).clip(0)
                parts.append(
                    series.with_columns(
                        week_start=pl.lit(start), level=pl.lit(level), naive_kg=pl.Series(value)
                    )
                )
    schema = {**dict.fromkeys(KEYS, pl.String), "week_start": pl.Date, "level": pl.Float64}
    return pl.concat([pl.DataFrame(schema={**schema, "naive_kg": pl.Float64}), *parts])


def season_scores_of(kept: pl.DataFrame, sold: pl.DataFrame) -> pl.DataFrame:
    """Score kept rows of one cutoff and lead whose week has passed.

    Args:
        kept: KEYS, `week_start`, `level`, `demand_kg`, `naive_kg` (null: none).
        sold: KEYS, `week_start`, `sold_kg`; a week that is missing sold nothing.

    Returns:
        `segment` ('all', 'channel:…', 'family:…'), `metric`, `method`, `value`, `rows_scored`. Seasonal naive is scored, and
        ours beside it, on the series that had a year of sales; without one ours alone is, on all.
    """
    levels = tuple(kept["level"].unique().sort())
    columns = {OURS: "demand_kg", NAIVE: "naive_kg"}
    wide = kept.group_by(ROW, maintain_order=True).agg(
        pl.col(value).filter(pl.col("level") == q).first().alias(quantile_column(method, q))
        for method, value in columns.items()
        for q in levels
    )
    joined = wide.join(sold, on=ROW, how="left", maintain_order="left").with_columns(
        pl.col("sold_kg").fill_null(0.0)
    )
    both = joined.drop_nulls(quantile_column(NAIVE, levels[0]))
    segments = {
        "all": pl.lit("all"),
        "channel": pl.format("channel:{}", "channel_id"),
        "family": pl.format("family:{}", "family"),
    }
    methods = (OURS, NAIVE) if both.height else (OURS,)
    rows = both if both.height else joined
    table = score_table(rows, methods=methods, levels=levels, segments=segments)
    return table.filter(pl.col("value").is_finite()).rename({"rows": "rows_scored"})
