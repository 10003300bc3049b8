"""How much of a new product to take on first: the newsvendor on a predicted distribution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class FirstQuantity:
    """A first quantity and what it puts at stake."""

    units: float
    """0 when no quantity earns money."""
    service_share: float
    """Critical ratio: the chance at which demand should be covered, 0–1."""
    expected_sold: float
    expected_leftover: float
    expected_margin_yuan: float
    """Sold × price + leftover × salvage − units × cost."""
    yuan_at_risk: float
    """Lost if nothing at all is sold: units × (cost − salvage)."""


def first_quantity(
    demand_units: Sequence[float] | npt.NDArray[np.float64],
    levels: Sequence[float],
    *,
    price_yuan: float,
    cost_yuan: float,
    salvage_yuan: float = 0.0,
    most_units: float = np.inf,
) -> FirstQuantity:
    """Choose the quantity of the highest expected margin.

    Args:
        demand_units: Quantiles of demand (units) at `levels`, not falling; between them demand is spread evenly, below the
            first level evenly from 0, above the last it stays at the last quantile.
        levels: Ascending, in (0, 1).
        price_yuan: Earned per unit sold.
        cost_yuan: Paid per unit taken on, > 0.
        salvage_yuan: Got per unit left over, below the cost.
        most_units: What can be had at most.

    Raises:
        ValueError: Levels and quantiles do not fit, or a unit left over would bring its cost or more.

    Source: Arrow, Harris & Marschak 1951; the critical ratio (price − cost) ÷ (price − salvage).
    """
    units, at = np.asarray(demand_units, dtype=float), np.asarray(levels, dtype=float)
    if units.size != at.size or units.size == 0 or np.any(np.diff(at) <= 0) or not 0 < at[0] <= at[-1] < 1:
        raise ValueError(
            f"{units.size} quantiles for levels {list(levels)}: give one for each, levels ascending within (0, 1)"
        )
    if np.any(np.diff(units) < 0) or units[0] < 0:
        raise ValueError("quantiles of demand must not fall with the level nor lie below 0")
    if salvage_yuan >= cost_yuan:
        raise ValueError(
            f"salvage_yuan={salvage_yuan} is not below cost_yuan={cost_yuan}: leftovers would cost nothing; check the two"
        )
    ratio = (price_yuan - cost_yuan) / (price_yuan - salvage_yuan) if price_yuan > cost_yuan else 0.0
    knots, chances = np.r_[0.0, units, units[-1]], np.r_[0.0, at, 1.0]
    best = float(min(np.interp(ratio, chances, knots), most_units)) if ratio > 0 else 0.0
    sold = _expected_least(best, knots, chances)
    margin = sold * price_yuan + (best - sold) * salvage_yuan - best * cost_yuan
    return FirstQuantity(best, ratio, sold, best - sold, margin, best * (cost_yuan - salvage_yuan))


def _expected_least(
    quantity: float, knots: npt.NDArray[np.float64], chances: npt.NDArray[np.float64]
) -> float:
    """Mean of min(demand, quantity) when the quantile function is the straight line through (chances, knots)."""
    left, right, width = knots[:-1], knots[1:], np.diff(chances)
    span = np.maximum(right - left, 1e-12)
    below = np.clip((quantity - left) / span, 0.0, 1.0)  # share of each piece under the quantity
    mean_below = (left + np.minimum(right, quantity)) / 2
    whole = np.where(right <= quantity, (left + right) / 2, below * mean_below + (1 - below) * quantity)
    return float(np.sum(width * np.where(left >= quantity, quantity, whole)))
