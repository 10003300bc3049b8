"""Kilograms of the next picks of a crop picked many times, from its own picks so far and other plantings' whole seasons.

What others bore around that day of the season, smoothed and times the days since the pick before, scaled by how this
planting has done against them so far, and mixed with its own last rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Picks:
    """One planting's picks in order: day (a number, the same scale for all) and kg per area [pick]."""

    day: Floats
    kg: Floats

    @property
    def gap(self) -> Floats:
        """Days since the pick before; of the first: the median of the others, 1 where there is no other."""
        steps = np.diff(self.day)
        usual = float(np.median(steps)) if steps.size else 1.0
        return np.concatenate([[usual], steps])


@dataclass(frozen=True)
class PickSetting:
    """How others and own are weighed.

    smooth_days: width (standard deviation) of the smoothing of others' daily rate; exact_share: weight of others' very
    pick on that day against the smoothed one; prior_picks: picks at the others' level that the ratio starts from;
    half_life_days: of own picks in the ratio (inf: all alike); own_share: weight of the own rate of the last `own_picks`.
    """

    smooth_days: float
    exact_share: float
    prior_picks: float
    half_life_days: float
    own_share: float
    own_picks: int


GRID = tuple(
    PickSetting(*values)
    for values in product((3.0, 5.0, 8.0, 12.0), (0.0, 0.25, 0.5, 1.0), (0.5, 2.0, 8.0), (25.0, 1e9), (0.0, 0.2, 0.4), (4,))
)  # fmt: skip
"""What is tried when a setting is chosen."""


def smoothed_rate(picks: Picks, days: Floats, width: float) -> Floats:
    """Kernel mean of kilograms per day at `days`; NaN where no pick is within six widths."""
    weight = np.exp(-0.5 * ((picks.day[None, :] - days[:, None]) / width) ** 2)
    span = weight @ picks.gap
    found = np.where(span > 1e-7, (weight @ picks.kg) / np.maximum(span, 1e-12), np.nan)
    result: Floats = found
    return result


def on_days(picks: Picks, days: Floats, values: Floats) -> Floats:
    """`values` [pick] at the picks of exactly these days; NaN where there is none."""
    at = np.clip(np.searchsorted(picks.day, days), 0, len(picks.day) - 1)
    result: Floats = np.where(picks.day[at] == days, values[at], np.nan)
    return result


def _mean(rows: Floats) -> Floats:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(rows)
    result: Floats = np.where(
        known.any(axis=0), np.nansum(rows, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan
    )
    return result


@dataclass(frozen=True)
class Season:
    """What the other plantings say about the days of one planting, for every smoothing width of a grid."""

    own: Picks
    exact: Floats
    gap: Floats
    smooth: dict[float, Floats]

    @classmethod
    def of(cls, own: Picks, others: Sequence[Picks], widths: Sequence[float]) -> "Season":
        """Gather once; the pick days of `own` are those asked for.

        The gap is the others' on that day where they picked on it, else the own usual one: the day of the own pick
        before may lie after what is known.
        """
        gaps = _mean(np.array([on_days(o, own.day, o.gap) for o in others]))
        usual = float(np.median(np.concatenate([o.gap for o in others])))
        return cls(
            own,
            _mean(np.array([on_days(o, own.day, o.kg) for o in others])),
            np.where(np.isnan(gaps), usual, gaps),
            {w: _mean(np.array([smoothed_rate(o, own.day, w) for o in others])) for w in set(widths)},
        )

    def level(self, setting: PickSetting) -> Floats:
        """What the others would bear on each own pick day (kg); NaN where they say nothing."""
        smooth = self.smooth[setting.smooth_days] * self.gap
        exact = np.where(np.isnan(self.exact), smooth, self.exact)
        result: Floats = setting.exact_share * exact + (1 - setting.exact_share) * smooth
        return result


def forecast(season: Season, setting: PickSetting, lead_days: float) -> Floats:
    """Kilograms of each pick of the season's own planting, knowing only picks at least `lead_days` older; NaN: none is."""
    own, level = season.own, season.level(setting)
    base, result = float(np.nanmean(level)), np.full(len(own.day), np.nan)
    for i, day in enumerate(own.day):
        known = np.flatnonzero(own.day <= day - lead_days)
        if not known.size or np.isnan(level[i]):
            continue
        weight = 0.5 ** ((day - lead_days - own.day[known]) / setting.half_life_days)
        fair = np.where(np.isnan(level[known]), own.kg[known], level[known])
        prior = setting.prior_picks * base
        ratio = (float(weight @ own.kg[known]) + prior) / (float(weight @ fair) + prior)
        last = known[-setting.own_picks :]
        rate = own.kg[last].sum() / season.gap[last].sum()
        result[i] = (1 - setting.own_share) * ratio * level[i] + setting.own_share * rate * season.gap[i]
    return result


def choose(
    plantings: Sequence[Picks], lead_days: float, grid: Sequence[PickSetting] = GRID, best: int = 12
) -> list[PickSetting]:
    """The `best` settings, each planting forecast from the others in turn; least summed absolute error first.

    Raises:
        ValueError: Fewer than two plantings: nothing can be left out.
    """  # fmt: skip
    if len(plantings) < 2:
        raise ValueError(f"{len(plantings)} planting to choose from; leave-one-out needs two")
    widths = [s.smooth_days for s in grid]
    seasons = [Season.of(p, [o for o in plantings if o is not p], widths) for p in plantings]
    losses = [sum(_loss(s, setting, lead_days) for s in seasons) for setting in grid]
    return [grid[i] for i in np.argsort(losses, kind="stable")[:best]]


def _loss(season: Season, setting: PickSetting, lead_days: float) -> float:
    return float(np.nansum(np.abs(forecast(season, setting, lead_days) - season.own.kg)))


def forecast_mean(
    own: Picks, others: Sequence[Picks], settings: Sequence[PickSetting], lead_days: float
) -> Floats:
    """Mean forecast of several settings: of nearly equal ones none is trusted alone. As `forecast`."""
    season = Season.of(own, others, [s.smooth_days for s in settings])
    result: Floats = np.mean([forecast(season, s, lead_days) for s in settings], axis=0)
    return result
