"""A spread of whole orders around an expected number of them, for series that seldom sell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import nbinom

Array = npt.NDArray[np.float64]
LEAST_ROWS = 500


@dataclass(frozen=True)
class CountTable:
    """Whole orders around an expected number of them: negative binomial, as wide as its volume class has been."""

    levels: tuple[float, ...]
    edges: tuple[float, ...]
    """Borders between volume classes, in expected orders per day."""
    dispersion: tuple[float, ...]
    """Per class α of variance = mean + α · mean²."""
    factor: tuple[float, ...]
    """Per class orders that came ÷ orders expected."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "levels": self.levels,
            "edges": self.edges,
            "dispersion": self.dispersion,
            "factor": self.factor,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CountTable":
        """From what to_json gave."""
        return cls(*(tuple(stored[name]) for name in ("levels", "edges", "dispersion", "factor")))

    def quantiles(self, mean_kg: Array, kg_per_order: Array) -> Array:
        """Return kg as [rows, levels]: whole orders, never negative, never crossing.

        Args:
            mean_kg: Expected kg per row, ≥ 0.
            kg_per_order: Kg of one order per row, > 0.
        """
        orders = mean_kg / kg_per_order
        volume = np.searchsorted(self.edges, orders, side="right")
        kg = np.zeros((orders.size, len(self.levels)))
        for v in np.unique(volume):
            rows = volume == v
            kg[rows] = count_quantiles(orders[rows] * self.factor[v], self.dispersion[v], self.levels)
        return kg * kg_per_order[:, None]


def count_quantiles(mean: Array, dispersion: float, levels: Sequence[float]) -> Array:
    """Quantiles of a negative binomial: [rows, levels], whole numbers.

    Args:
        mean: ≥ 0; each is moved to the nearest of a grid 1 % apart, so that a hundred thousand rows take a moment.
        dispersion: α > 0 of variance = mean + α · mean².
        levels: Between 0 and 1.
    """
    step = np.rint(np.log(np.maximum(mean, 1e-6)) / 0.01)
    grid, back = np.unique(step, return_inverse=True)
    of_grid = np.exp(grid * 0.01)[:, None]
    size = 1 / dispersion
    return np.asarray(nbinom.ppf(np.asarray(levels), size, size / (size + of_grid))[back])


def fit_counts(
    mean_kg: Array, sold_kg: Array, kg_per_order: Array, levels: Sequence[float], edges: Sequence[float]
) -> CountTable:
    """Learn the dispersion of each volume class from rows the expected value was not fitted on.

    Args:
        mean_kg: Expected kg per row; rows expecting nothing are passed over.
        sold_kg: What came.
        kg_per_order: Kg of one order per row, > 0.
        levels: Ascending, between 0 and 1.
        edges: Ascending borders between classes, in expected orders per day.

    Returns:
        A class's dispersion is the one of DISPERSIONS with the least quantile loss; a class with fewer than 500 rows
        takes in its neighbours, step by step.

    Raises:
        ValueError: No row expects anything.
    """
    expecting = mean_kg > 0
    if not expecting.any():
        raise ValueError("no held-out day with an expected sale to learn a spread from")
    orders, came = (mean_kg / kg_per_order)[expecting], (sold_kg / kg_per_order)[expecting]
    volume = np.searchsorted(edges, orders, side="right")
    fitted = [_class(orders, came, _near(volume, v), levels) for v in range(len(edges) + 1)]
    return CountTable(
        tuple(levels),
        tuple(edges),
        tuple(alpha for alpha, _ in fitted),
        tuple(factor for _, factor in fitted),
    )


MOST_ROWS = 20_000
"""A class learns from at most so many rows, taken evenly."""
DISPERSIONS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)


def _near(volume: npt.NDArray[np.int64], v: int) -> npt.NDArray[np.bool_]:
    for width in range(int(volume.max()) + v + 1):
        near = np.abs(volume - v) <= width
        if near.sum() >= LEAST_ROWS:
            return np.asarray(near)
    return np.ones_like(volume, dtype=bool)


def _class(
    orders: Array, came: Array, rows: npt.NDArray[np.bool_], levels: Sequence[float]
) -> tuple[float, float]:
    kept = np.flatnonzero(rows)[:: max(1, int(rows.sum()) // MOST_ROWS)]
    mean, actual = orders[kept], came[kept]
    factor = float(actual.sum() / mean.sum())
    losses: Mapping[float, float] = {
        alpha: _loss(actual, count_quantiles(mean * factor, alpha, levels), levels) for alpha in DISPERSIONS
    }
    return min(losses, key=lambda alpha: losses[alpha]), factor


def _loss(actual: Array, quantiles: Array, levels: Sequence[float]) -> float:
    error = actual[:, None] - quantiles
    q = np.asarray(levels)
    return float(np.maximum(q * error, (q - 1) * error).sum())
