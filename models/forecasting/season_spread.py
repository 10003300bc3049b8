"""How far weekly forecasts miss: quantiles of sold ÷ expected, pooled over series by volume and lead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEAD_EDGES = (8, 26)
"""Weeks ahead: 1–8, 9–26, 27–52."""
LEAST = 100
LARGEST_RATIO = 5.0


@dataclass(frozen=True)
class Spread:
    """Ratios to multiply an expected week by."""

    volume_edges: Array
    """Borders between the three volume classes (kg expected a week)."""
    table: Array
    """[volume class, lead bucket, level], ascending along the levels."""

    def ratios(self, middle: Array, own: npt.NDArray[np.bool_]) -> Array:
        """Ratios as [series, week ahead, level] for an expected [series, week ahead].

        A series without a forecast of its own (`own` false) takes the longest lead's, the widest there is.
        """
        volume = np.searchsorted(self.volume_edges, middle, side="right")
        lead = np.broadcast_to(_lead(middle.shape[1]), middle.shape).copy()
        lead[~own] = len(LEAD_EDGES)
        return np.asarray(self.table[volume, lead])


def spread_of_years(seen: Sequence[tuple[Array, Array]], levels: Sequence[float]) -> Spread:
    """Learn from earlier forecasts.

    Args:
        seen: Per earlier cutoff what was expected and what was sold, both [series, week ahead] (kg).
        levels: Quantile levels, ascending.
    """
    middle = np.concatenate([m.ravel() for m, _ in seen])
    sold = np.concatenate([s.ravel() for _, s in seen])
    lead = np.concatenate([np.broadcast_to(_lead(m.shape[1]), m.shape).ravel() for m, _ in seen])
    return _fit(middle, sold, lead, levels)


def spread_of_weeks(kg: Array, started: npt.NDArray[np.int64], levels: Sequence[float]) -> Spread:
    """Without earlier years: each week against the mean of its two neighbours on either side, the same for all leads."""
    middle, sold = [np.zeros(0)], [np.zeros(0)]
    for row, first in zip(kg, started, strict=True):
        weeks = row[first:]
        if weeks.size >= 5:
            around = np.convolve(weeks, np.array([1, 1, 0, 1, 1]) / 4, mode="valid")
            middle.append(around)
            sold.append(weeks[2:-2])
    everything = np.concatenate(middle)
    return _fit(everything, np.concatenate(sold), np.full(everything.size, len(LEAD_EDGES)), levels)


def _fit(middle: Array, sold: Array, lead: npt.NDArray[np.int64], levels: Sequence[float]) -> Spread:
    usable = middle > 0
    middle, sold, lead = middle[usable], sold[usable], lead[usable]
    if middle.size == 0:
        return Spread(np.zeros(2), np.ones((3, len(LEAD_EDGES) + 1, len(levels))))
    edges = np.quantile(middle, [1 / 3, 2 / 3])
    volume = np.searchsorted(edges, middle, side="right")
    ratio = (sold / middle).clip(0, LARGEST_RATIO)
    table = np.empty((3, len(LEAD_EDGES) + 1, len(levels)))
    for v in range(3):
        for b in range(len(LEAD_EDGES) + 1):
            choices = ((volume == v) & (lead == b), volume == v, np.ones_like(usable[usable]))
            chosen = next((c for c in choices if c.sum() >= LEAST), choices[-1])
            table[v, b] = np.quantile(ratio[chosen], levels)
    return Spread(edges, table)


def _lead(weeks: int) -> npt.NDArray[np.int64]:
    return np.searchsorted(LEAD_EDGES, np.arange(1, weeks + 1), side="left")
