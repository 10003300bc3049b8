"""A year ahead by week for families, channels and regions: members joined by what they missed, labelled where history is short."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from features.weeks import festival_distance, lunar_festivals, year_back
from models.forecasting.season_blend import Joined, Rolled, SeasonParams, forecast_course
from models.forecasting.season_course import Course
from models.forecasting.season_young import flat_year, shares_of_family

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

KEYS = ("family", "channel_id", "region_id")
YEAR = 52
NEEDED = YEAR + 1
"""Weeks of history for a forecast of its own."""
PARAMS = SeasonParams(origins=5, apart=3 / 13)
"""Five earlier origins, twelve weeks apart."""
Memo = dict[tuple[bytes, int], dict[int, Rolled]]


@dataclass(frozen=True)
class Weekly:
    """Whole weeks of sales: kg as [series, week], weeks Monday to Sunday, the last one ending by the cutoff."""

    series: pl.DataFrame
    """KEYS, sorted; one row per row of `kg`."""
    first_week: date
    kg: Array
    started: Places
    """Per series the place of its first week with a sale."""


def season_forecast(
    sales: pl.DataFrame,
    *,
    cutoff: date,
    levels: Sequence[float],
    weeks: int = YEAR,
    params: SeasonParams = PARAMS,
    seed: int = 1,
    threads: int = 1,
) -> pl.DataFrame:
    """Forecast every family, channel and region that has sold, week by week.

    Args:
        sales: KEYS, `sale_date`, `sold_kg` (kg); days without sales may be missing; rows after the cutoff are not used.
        cutoff: Last known day.
        levels: Quantile levels, ascending.
        weeks: Weeks ahead, at most 52; the first is the one in which the day after the cutoff lies.
        params: The recipe.
        seed: Of the boosted model.
        threads: Of the boosted model.

    Returns:
        One row per series, week and level: KEYS, `week_start` (Monday), `level`, `demand_kg` (kg a week, ≥ 0, never
        falling with the level), `fallback_reason`, `expected_kg` (mean of the week, the same at every level).
        Members: last year with festival weeks moved by the lunar calendar, that times this year's level, the mean of the
        years, what a family has in common in a channel, Theta, and one boosted model for all; weighed by what they missed
        at earlier origins. Quantiles are what the mix missed there, by volume and lead.
        `fallback_reason` 'short_history:…' (< 53 weeks): its share so far of its family ('family_share'; 'pooled_share':
        of everything) × what that is expected to sell; 'flat': its mean week, as nothing is a year old.
        'spread_of_weeks': the spread is that of single weeks, as earlier origins are missing. 'member_exploded:NAME': a member
        ran away and was left out for the series.

    Raises:
        ValueError: No whole week of sales lies before the cutoff, or more than 52 weeks are asked for.
    """
    if weeks > YEAR:
        raise ValueError(f"{weeks} weeks ahead are asked for; at most {YEAR} can be read from last year")
    weekly = weekly_sales(sales, cutoff=cutoff)
    if weekly.kg.shape[1] == 0:
        raise ValueError(f"no whole week of sales until {cutoff}; load more days")
    made = forecast_weekly(weekly, levels=levels, weeks=weeks, params=params, seed=seed, threads=threads)
    return _rows(weekly, *made, levels)


def weekly_sales(sales: pl.DataFrame, *, cutoff: date) -> Weekly:
    """Sum days to whole weeks; see Weekly."""
    monday = cutoff + timedelta(days=1) - timedelta(days=(cutoff + timedelta(days=1)).weekday())
    known = sales.filter((pl.col("sale_date") < monday) & (pl.col("sold_kg") > 0))
    totals = (
        known.group_by(*KEYS, week=pl.col("sale_date").dt.truncate("1w"))
        .agg(pl.col("sold_kg").cast(pl.Float64).sum())
        .sort(*KEYS, "week")
    )
    series = totals.select(KEYS).unique(maintain_order=True)
    first = totals["week"].min() if totals.height else monday
    assert isinstance(first, date)
    placed = totals.join(
        series.with_row_index("series"), on=KEYS, how="left", maintain_order="left"
    ).with_columns(place=(pl.col("week") - first).dt.total_days() // 7)
    kg = np.zeros((series.height, (monday - first).days // 7))
    kg[placed["series"].to_numpy(), placed["place"].to_numpy()] = placed["sold_kg"].to_numpy()
    return Weekly(series, first, kg, np.argmax(kg > 0, axis=1) if kg.size else np.zeros(0, np.int64))


def until(weekly: Weekly, length: int) -> Weekly:
    """The weeks as known after `length` of them: series that had not begun are not there."""
    begun = weekly.started < length
    series = weekly.series.filter(pl.Series(begun))
    return Weekly(series, weekly.first_week, weekly.kg[begun, :length], weekly.started[begun])


def forecast_weekly(
    weekly: Weekly,
    *,
    levels: Sequence[float],
    weeks: int,
    params: SeasonParams = PARAMS,
    seed: int = 1,
    threads: int = 1,
    memo: Memo | None = None,
) -> tuple[Array, Array, list[str | None]]:
    """Forecast from the end of `weekly`.

    `memo` keeps what members said, for callers that forecast the same sales from several origins (`until`).

    Returns:
        Mean [series, week ahead] and quantiles [series, week ahead, level] (kg), and each series' fallback reason.
    """
    own = weekly.kg.shape[1] - weekly.started >= NEEDED
    if not own.any():
        expected, quantiles = flat_year(weekly.kg, weekly.started, weeks, levels)
        return expected, quantiles, ["short_history:flat"] * len(own)
    kept = {} if memo is None else memo.setdefault((weekly.started.tobytes(), weeks), {})
    joined = forecast_course(
        course_of(weekly, weeks), levels=levels, params=params, seed=seed, threads=threads, memo=kept
    )
    reasons = [_reason(name, joined) for name in joined.dropped]
    if own.all():
        return joined.expected, joined.quantiles, reasons
    family = weekly.series["family"].rank("dense").to_numpy().astype(np.int64)
    share, names = shares_of_family(weekly.kg, weekly.started, own, family, joined.middle)
    expected, quantiles = joined.expected.copy(), joined.quantiles.copy()
    expected[~own], quantiles[~own] = joined.spread.of_young(share)
    for i, name in zip(np.flatnonzero(~own), names, strict=True):
        reasons[i] = f"short_history:{name}"
    return expected, quantiles, reasons


def course_of(weekly: Weekly, weeks: int) -> Course:
    """The weeks as a course, with the lunar festivals of the weeks ahead; pools: family in channel, family."""
    periods = weekly.kg.shape[1] + weeks
    moving = lunar_festivals(weekly.first_week, weekly.first_week + timedelta(weeks=periods))
    pools = tuple(
        weekly.series.select(pl.struct(keys).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
        for keys in (("family", "channel_id"), ("family",))
    )
    return Course(
        weekly.kg,
        weekly.started,
        pools,
        YEAR,
        year_back(weekly.first_week, periods, moving),
        festival_distance(weekly.first_week, periods, moving),
    )


def _reason(dropped: str | None, joined: Joined) -> str | None:
    if dropped:
        return f"member_exploded:{dropped}"
    return None if joined.has_past else "spread_of_weeks"


def _rows(
    weekly: Weekly, expected: Array, kg: Array, reasons: list[str | None], levels: Sequence[float]
) -> pl.DataFrame:
    weeks = kg.shape[1]
    start = weekly.first_week + timedelta(weeks=weekly.kg.shape[1])
    series = weekly.series.with_columns(fallback_reason=pl.Series(reasons, dtype=pl.String))
    ahead = pl.DataFrame({"week_start": [start + timedelta(weeks=w) for w in range(weeks)]})
    return (
        series.join(ahead, how="cross", maintain_order="left_right")
        .with_columns(expected_kg=pl.Series(expected.reshape(-1)))
        .join(pl.DataFrame({"level": list(levels)}), how="cross", maintain_order="left_right")
        .with_columns(demand_kg=pl.Series(kg.reshape(-1)))
        .select(*KEYS, "week_start", "level", "demand_kg", "fallback_reason", "expected_kg")
    )
