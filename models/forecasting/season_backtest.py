"""What the season forecast would have said at earlier origins, at the leads at which planting locks, beside what was sold."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from models.evaluation.metrics import quantile_column, score_table
from models.forecasting.season import (
    KEYS,
    NEEDED,
    PARAMS,
    YEAR,
    Memo,
    Weekly,
    forecast_weekly,
    until,
    weekly_sales,
)
from models.forecasting.season_blend import SeasonParams

Array = npt.NDArray[np.float64]
OURS, NAIVE = "anxu", "seasonal_naive"
LOCK_WEEKS = (4, 8, 12, 16, 26, 39, 52)
"""Weeks ahead at which planting locks: seedlings, sowing, land, contracts."""
EVERY_WEEKS = 4
MOST_ORIGINS = 19
"""Origins 4 to 76 weeks back, so that the longest lead is seen from seven of them."""


def season_backtest(
    sales: pl.DataFrame,
    *,
    cutoff: date,
    levels: Sequence[float],
    leads: Sequence[int] = LOCK_WEEKS,
    most_origins: int = MOST_ORIGINS,
    every_weeks: int = EVERY_WEEKS,
    params: SeasonParams = PARAMS,
    seed: int = 1,
    threads: int = 1,
) -> pl.DataFrame:
    """Forecast from earlier origins with what was known then, and put beside it what was sold.

    Args:
        sales: As for season_forecast.
        cutoff: Last known day; targets are whole weeks that ended by it.
        levels: Quantile levels, ascending; 0.5 among them.
        leads: Weeks ahead that are scored, 1 to 52.
        most_origins: Origins tried, back from the cutoff.
        every_weeks: Weeks between two of them.
        params: The recipe.
        seed: Of the boosted model.
        threads: Of the boosted model.

    Returns:
        One row per series, origin and lead whose week has ended, for series with a year of history at the origin: KEYS,
        `origin` (last known day, a Sunday), `week_start` (Monday), `lead_weeks` (1: the week after the origin),
        `sold_kg`, `expected_kg` (kg a week), 'anxu_LEVEL' and 'seasonal_naive_LEVEL' (metrics.quantile_column), `fallback_reason`, `rank`
        (0–1: where `sold_kg` falls among our quantiles, straight between levels, and half of the tail beyond them; in the
        middle of levels that are equal). Sorted by origin, KEYS, lead. No rows without a year and `every_weeks` of sales.
    """
    weekly = weekly_sales(sales, cutoff=cutoff)
    last = weekly.first_week + timedelta(weeks=weekly.kg.shape[1], days=-1)
    parts, memo = [], Memo()
    for back in range(every_weeks, every_weeks * most_origins + 1, every_weeks):
        length = weekly.kg.shape[1] - back
        old = length - weekly.started >= NEEDED
        if length <= 0 or not old.any():
            continue
        wanted = [lead for lead in sorted(leads) if lead <= min(back, YEAR)]
        origin = last - timedelta(weeks=back)
        sold = _sold(weekly.kg[old], weekly.series.filter(old), length, wanted, origin, levels)
        known = until(weekly, length)
        made = forecast_weekly(
            known, levels=levels, weeks=YEAR, params=params, seed=seed, threads=threads, memo=memo
        )
        parts.append(_with_forecast(sold, known, made, wanted, levels))
    if not parts:
        return pl.DataFrame(schema=_schema(weekly.series, levels))
    return pl.concat(parts).sort("origin", *KEYS, "lead_weeks").with_columns(rank=_rank(levels))


def season_scores(tested: pl.DataFrame, *, levels: Sequence[float]) -> pl.DataFrame:
    """Scores of ours and of seasonal naive by lead and over all: metrics.score_table's columns; segments 'all', 'lead:N'."""
    if tested.is_empty():
        return pl.DataFrame(
            schema={
                "segment": pl.String,
                "rows": pl.UInt32,
                "metric": pl.String,
                "method": pl.String,
                "value": pl.Float64,
            }
        )
    segments = {"all": pl.lit("all"), "lead": pl.format("lead:{}", "lead_weeks")}
    return score_table(tested, methods=(OURS, NAIVE), levels=levels, segments=segments)


def _sold(
    kg: Array, series: pl.DataFrame, length: int, leads: Sequence[int], origin: date, levels: Sequence[float]
) -> pl.DataFrame:
    """What was sold at the leads, beside seasonal naive: the week 52 before, ± what the last year differed from the one before."""
    weeks = min(YEAR, length - YEAR)
    error = kg[:, length - weeks : length] - kg[:, length - weeks - YEAR : length - YEAR]
    off = np.quantile(np.concatenate([error, -error], axis=1), levels, axis=1)
    parts = []
    for lead in leads:
        last_year = kg[:, length + lead - 1 - YEAR]
        naive = {quantile_column(NAIVE, q): (last_year + off[i]).clip(0) for i, q in enumerate(levels)}
        parts.append(
            series.with_columns(
                origin=pl.lit(origin),
                week_start=pl.lit(origin + timedelta(weeks=lead - 1, days=1)),
                lead_weeks=pl.lit(lead, pl.Int32),
                sold_kg=pl.Series(kg[:, length + lead - 1], dtype=pl.Float64),
            ).hstack(pl.DataFrame(naive, schema=dict.fromkeys(naive, pl.Float64)))
        )
    return pl.concat(parts)


def _with_forecast(
    sold: pl.DataFrame,
    known: Weekly,
    made: tuple[Array, Array, list[str | None]],
    leads: Sequence[int],
    levels: Sequence[float],
) -> pl.DataFrame:
    expected, quantiles, reasons = made
    series = known.series.with_columns(fallback_reason=pl.Series(reasons, dtype=pl.String))
    wide = pl.concat(
        series.with_columns(
            lead_weeks=pl.lit(lead, pl.Int32),
            expected_kg=pl.Series(expected[:, lead - 1]),
            **{quantile_column(OURS, q): pl.Series(quantiles[:, lead - 1, i]) for i, q in enumerate(levels)},
        )
        for lead in leads
    )
    joined = sold.join(wide, on=[*KEYS, "lead_weeks"], how="inner")
    return joined.select(*_schema(joined, levels, rank=False))


def _rank(levels: Sequence[float]) -> pl.Expr:
    """Where `sold_kg` falls among our quantiles; see season_backtest."""
    below, above = [], []
    columns = [pl.col(quantile_column(OURS, q)) for q in levels]
    sold, edges = pl.col("sold_kg"), [0.0, *levels, 1.0]
    for k, (low, high) in enumerate(zip([None, *columns], [*columns, None], strict=True)):
        left, right = edges[k], edges[k + 1]
        if low is None or high is None:
            inside = (sold < high) if low is None else (sold > low)
            share = pl.lit(0.5)
        else:
            inside = (sold >= low) & (sold <= high)
            share = ((sold - low) / (high - low)).fill_nan(0.5).clip(0, 1)
        at = left + (right - left) * share
        below.append(pl.when(inside).then(at))
        above.append(pl.when(inside).then(at))
    return (pl.min_horizontal(below) + pl.max_horizontal(above)) / 2


def _schema(frame: pl.DataFrame, levels: Sequence[float], rank: bool = True) -> dict[str, pl.DataType]:
    keys = {k: frame.schema[k] for k in KEYS}
    days: dict[str, pl.DataType] = {"origin": pl.Date(), "week_start": pl.Date(), "lead_weeks": pl.Int32()}
    names = ["sold_kg", "expected_kg", *(quantile_column(m, q) for m in (OURS, NAIVE) for q in levels)]
    kg: dict[str, pl.DataType] = dict.fromkeys(names, pl.Float64())
    return keys | days | kg | {"fallback_reason": pl.String()} | ({"rank": pl.Float64()} if rank else {})
