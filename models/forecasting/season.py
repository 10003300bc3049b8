"""A year ahead by week: last year's weeks, scaled to this year's level; the spread is what earlier years missed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from models.forecasting.season_spread import Spread, spread_of_weeks, spread_of_years

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

KEYS = ("family", "channel_id", "region_id")
YEAR = 52
RECENT = 8
"""Weeks that tell this year's level."""
NEEDED = YEAR + 1
"""Weeks of history for a forecast of its own."""
DAMPING = 0.98
"""The level's change against last year fades by this a week (assumed): half of it is gone after 34 weeks."""
RATIO_LIMITS = (0.5, 2.0)
BACK_WEEKS = (52, 39, 26, 13)
"""How far back the forecasts lie whose misses make the spread."""


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
    sales: pl.DataFrame, *, cutoff: date, levels: Sequence[float], weeks: int = YEAR
) -> pl.DataFrame:
    """Forecast every family, channel and region that has sold, week by week.

    Args:
        sales: KEYS, `sale_date`, `sold_kg` (kg); days without sales may be missing; rows after the cutoff are not used.
        cutoff: Last known day.
        levels: Quantile levels, ascending.
        weeks: Weeks ahead, at most 52; the first is the one in which the day after the cutoff lies.

    Returns:
        One row per series, week and level: KEYS, `week_start` (Monday), `level`, `demand_kg` (kg a week, ≥ 0, never
        falling with the level), `fallback_reason`. The middle is the same week last year smoothed over ±1 week (¼, ½,
        ¼) × how the last 8 weeks (or as many as it had a year ago) compare with those of a year ago, drawn to the family's comparison in the channel,
        cut to 0.5–2 and fading by 2 % a week. The spread is sold ÷ forecast of the same method 13 to 52 weeks ago, pooled
        over series by volume and lead. Spring Festival is not followed as it moves through the weeks.
        `fallback_reason` 'short_history:…' (< 53 weeks): its share so far of its family ('family_share'; 'pooled_share':
        of everything) × what that is expected to sell; 'flat': its mean week, as nothing is a year old.
        'spread_of_weeks': the spread is that of single weeks, as earlier years are missing.

    Raises:
        ValueError: No whole week of sales lies before the cutoff, or more than 52 weeks are asked for.
    """
    if weeks > YEAR:
        raise ValueError(f"{weeks} weeks ahead are asked for; at most {YEAR} can be read from last year")
    weekly = weekly_sales(sales, cutoff=cutoff)
    if weekly.kg.shape[1] == 0:
        raise ValueError(f"no whole week of sales until {cutoff}; load more days")
    middle, reasons = expected(weekly, weeks)
    own = np.array([r is None for r in reasons])
    spread, has_years = _spread(weekly, levels)
    if not has_years:
        reasons = [r or "spread_of_weeks" for r in reasons]
    kg = middle[:, :, None] * spread.ratios(middle, own)
    return _rows(weekly, kg, reasons, cutoff, levels)


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


def expected(weekly: Weekly, weeks: int) -> tuple[Array, list[str | None]]:
    """The middle of the forecast as [series, week ahead] (kg), and why a series has no forecast of its own."""
    own = weekly.kg.shape[1] - weekly.started >= NEEDED
    middle = np.zeros((weekly.kg.shape[0], weeks))
    if own.any():
        pool = weekly.series.filter(own).select(pl.struct("family", "channel_id").rank("dense")).to_series()
        middle[own] = _path(weekly.kg[own], weekly.started[own], pool.to_numpy().astype(np.int64) - 1, weeks)
    reasons: list[str | None] = [None] * own.size
    for i in np.flatnonzero(~own):
        middle[i], reasons[i] = _share(weekly, int(i), weeks)
    return middle, reasons


def _path(kg: Array, started: Places, pool: Places, weeks: int) -> Array:
    """Last year's weeks × the level now, for series of at least NEEDED weeks: [series, week ahead]."""
    return np.asarray(_last_year(kg, weeks) * _level_path(kg, started, pool, weeks))


def _share(weekly: Weekly, series: int, weeks: int) -> tuple[Array, str]:
    """A young series: its share so far of its family (else of everything) × what that is expected to sell, else flat."""
    first = int(weekly.started[series])
    own = weekly.kg[series, first:]
    family = (weekly.series["family"] == weekly.series["family"][series]).to_numpy()
    for name, chosen in (("family_share", family), ("pooled_share", np.ones_like(family))):
        total = weekly.kg[chosen].sum(axis=0, keepdims=True)
        began = weekly.started[chosen].min(keepdims=True)
        if total.shape[1] - began[0] >= NEEDED:
            share = own.sum() / total[0, first:].sum()
            return share * _path(total, began, np.zeros(1, np.int64), weeks)[0], f"short_history:{name}"
    return np.full(weeks, own.mean()), "short_history:flat"


def _last_year(kg: Array, weeks: int) -> Array:
    """The weeks a year before those ahead, smoothed over ±1 week: [series, week ahead]."""
    length = kg.shape[1]
    total, weight = np.zeros((kg.shape[0], weeks)), np.zeros(weeks)
    for shift, share in ((-1, 0.25), (0, 0.5), (1, 0.25)):
        places = np.arange(weeks) + length - YEAR + shift
        there = (places >= 0) & (places < length)
        total[:, there] += share * kg[:, places[there]]
        weight[there] += share
    return np.asarray(total / np.maximum(weight, 1e-9))


def _level_path(kg: Array, started: Places, pool: Places, weeks: int) -> Array:
    """This year's level over last year's, fading: [series, week ahead]."""
    length = kg.shape[1]
    window = np.arange(length - min(RECENT, length - YEAR), length)
    both = window - YEAR >= started[:, None]  # weeks that the series had a year ago too
    now, before = ((kg[:, at] * both).sum(axis=1) for at in (window, window - YEAR))
    size = np.bincount(pool)
    pool_now, pool_before = np.bincount(pool, now), np.bincount(pool, before)
    shared = np.divide(pool_now, pool_before, out=np.ones_like(pool_now), where=pool_before > 0).clip(
        *RATIO_LIMITS
    )
    drawn = (pool_before / size / 2)[pool]  # half of the pool's mean: as much as four of its weeks
    ratio = np.divide(
        now + drawn * shared[pool], before + drawn, out=np.ones_like(now), where=before + drawn > 0
    )
    fading = DAMPING ** np.arange(1, weeks + 1)
    return np.asarray(1 + (ratio.clip(*RATIO_LIMITS) - 1)[:, None] * fading)


def _spread(weekly: Weekly, levels: Sequence[float]) -> tuple[Spread, bool]:
    """Misses of this method at earlier cutoffs; those of single weeks where no series had a forecast of its own then."""
    length = weekly.kg.shape[1]
    seen = []
    for back in BACK_WEEKS:
        usable = length - back - weekly.started >= NEEDED
        if usable.any():
            kg, series = weekly.kg[usable], weekly.series.filter(usable)
            early = Weekly(series, weekly.first_week, kg[:, : length - back], weekly.started[usable])
            seen.append((expected(early, back)[0], kg[:, length - back :]))
    if seen:
        return spread_of_years(seen, levels), True
    return spread_of_weeks(weekly.kg, weekly.started, levels), False


def _rows(
    weekly: Weekly, kg: Array, reasons: list[str | None], cutoff: date, levels: Sequence[float]
) -> pl.DataFrame:
    weeks = kg.shape[1]
    start = weekly.first_week + timedelta(weeks=weekly.kg.shape[1])
    series = weekly.series.with_columns(fallback_reason=pl.Series(reasons, dtype=pl.String))
    ahead = pl.DataFrame({"week_start": [start + timedelta(weeks=w) for w in range(weeks)]})
    return (
        series.join(ahead, how="cross", maintain_order="left_right")
        .join(pl.DataFrame({"level": list(levels)}), how="cross", maintain_order="left_right")
        .with_columns(demand_kg=pl.Series(kg.reshape(-1)))
        .select(*KEYS, "week_start", "level", "demand_kg", "fallback_reason")
    )
