"""How far the season forecast misses: quantiles of (sold − expected) ÷ (expected × the series' own swing), by volume and lead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.forecasting.season_course import Course, Places

Array = npt.NDArray[np.float64]

LEAD_EDGES = (2 / 13, 1 / 2)
"""Lead buckets end at these shares of the season: weeks 1–8, 9–26, 27–52; months 1–2, 3–6, 7–12."""
BUCKETS = len(LEAD_EDGES) + 1
LEAST = 100
CLASSES = 3
DRAWN = 20.0
"""Periods' worth of the class's swing that a series' own is drawn to."""
CENTRED = (0.0, 1.0, 1.0)
"""By volume class how far the middle quantile is drawn back to the mix: misses of a few years are a poor guide to the next
one's sign, except for series that sell rarely."""
LARGEST = 12.0
FLOOR = 0.03
"""A period counts as expecting this share of the series' mean period at least."""


@dataclass(frozen=True)
class Seen:
    """An earlier origin: the mix and what was sold, [series, period ahead]; which series had a season of history."""

    middle: Array
    sold: Array
    old: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SeasonSpread:
    """Quantiles and mean of the misses."""

    swing: Array
    """[series]: mean |sold − expected| ÷ expected of the series, drawn to its volume class."""
    floor: Array
    """[series]: kg that a period expects at least, for the spread."""
    table: Array
    """[volume class, lead bucket, level]: misses in swings, ascending along the levels."""
    mean: Array
    """[volume class, lead bucket]: mean miss in swings."""
    season: int
    of_class: Array
    """[volume class]: the swing of its series together."""
    edges: Array
    """Borders between the volume classes, kg a period."""

    def of(self, middle: Array, volume: Places) -> tuple[Array, Array]:
        """Mean [series, period ahead] and quantiles [series, period ahead, level] around a middle; at least 0."""
        lead = lead_buckets(middle.shape[1], self.season)
        unit = np.maximum(middle, self.floor[:, None]) * self.swing[:, None]
        off = self.table[volume][:, lead]
        quantiles = (middle[:, :, None] + unit[:, :, None] * off).clip(0)
        expected = middle + unit * self.mean[volume][:, lead]
        return expected.clip(0), np.maximum.accumulate(quantiles, axis=2)

    def of_young(self, middle: Array) -> tuple[Array, Array]:
        """Like `of`, for series without misses of their own: their class's swing at the longest lead, the widest there is."""
        level = middle.mean(axis=1)
        volume = np.searchsorted(self.edges, level, side="right")
        unit = np.maximum(middle, FLOOR * level[:, None]) * self.of_class[volume][:, None]
        quantiles = (middle[:, :, None] + unit[:, :, None] * self.table[volume, -1][:, None]).clip(0)
        expected = middle + unit * self.mean[volume, -1][:, None]
        return expected.clip(0), np.maximum.accumulate(quantiles, axis=2)


def fit_spread(seen: Sequence[Seen], course: Course, volume: Places, levels: Sequence[float]) -> SeasonSpread:
    """Learn from earlier origins; without any, from each period of the last year against its neighbours."""
    seen = list(seen) or [_neighbours(course)]
    level = course.sold[:, -course.season :].clip(0).mean(axis=1)
    floor = np.maximum(FLOOR * level, 1e-9)
    off, size, count = (np.zeros(len(volume)) for _ in range(3))
    for s in seen:
        unit = np.maximum(s.middle, floor[:, None])
        off += np.where(s.old, np.abs(s.sold - s.middle).sum(axis=1), 0)
        size += np.where(s.old, unit.sum(axis=1), 0)
        count += np.where(s.old, s.sold.shape[1], 0)
    own = np.divide(off, size, out=np.zeros_like(off), where=size > 0)
    of_class = np.array([_ratio(off[volume == v], size[volume == v]) for v in range(CLASSES)])
    swing = np.maximum((count * own + DRAWN * of_class[volume]) / (count + DRAWN), 1e-3)
    edges = np.array([level[volume <= v].max(initial=0.0) for v in range(CLASSES - 1)])
    table, mean = _tables(seen, volume, floor, swing, course.season, levels)
    return SeasonSpread(swing, floor, table, mean, course.season, of_class, edges)


def lead_buckets(ahead: int, season: int) -> Places:
    """The bucket of each period ahead."""
    return np.searchsorted(np.array(LEAD_EDGES) * season, np.arange(1, ahead + 1), side="left").astype(
        np.int64
    )


def _tables(
    seen: Sequence[Seen], volume: Places, floor: Array, swing: Array, season: int, levels: Sequence[float]
) -> tuple[Array, Array]:
    parts = []
    for s in seen:
        unit = np.maximum(s.middle, floor[:, None])
        miss = ((s.sold - s.middle) / (unit * swing[:, None])).clip(-LARGEST, LARGEST)
        lead = np.broadcast_to(lead_buckets(s.sold.shape[1], season), miss.shape)
        wide = np.broadcast_to(volume[:, None], miss.shape)
        parts.append([x[s.old].ravel() for x in (miss, unit * swing[:, None], lead, wide)])
    miss, unit, lead, wide = (np.concatenate(column) for column in zip(*parts, strict=True))
    table, mean = np.zeros((CLASSES, BUCKETS, len(levels))), np.zeros((CLASSES, BUCKETS))
    if not miss.size:
        return table, mean
    for v in range(CLASSES):
        for b in range(BUCKETS):
            choices = ((wide == v) & (lead == b), wide == v, np.ones_like(wide, np.bool_))
            chosen = next((c for c in choices if c.sum() >= LEAST), choices[-1])
            found = np.quantile(miss[chosen], [*levels, 0.5])
            table[v, b] = found[:-1] - CENTRED[v] * found[-1]
            mean[v, b] = np.average(miss[chosen], weights=unit[chosen])
    return table, mean


def _neighbours(course: Course) -> Seen:
    """Without earlier origins: each period of the last year against the mean of its two neighbours on either side."""
    sold = course.sold[:, -course.season :]
    middle = np.repeat(sold.mean(axis=1, keepdims=True), sold.shape[1], axis=1)
    if sold.shape[1] >= 5:
        middle = np.mean([np.roll(sold, k, axis=1) for k in (-2, -1, 1, 2)], axis=0)[:, 2:-2]
        sold = sold[:, 2:-2]
    return Seen(middle, sold, np.ones(len(sold), np.bool_))


def _ratio(part: Array, whole: Array) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else 1.0
