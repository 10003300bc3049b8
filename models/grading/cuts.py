"""Cut points that earn most: exact dynamic programming over bins of a measured attribute.

Grades are taken in order from the best; a grade takes all that measures between its own cut and the next better one. What a
grade's demand does not take, and what lies below the lowest cut, goes at the clearance price. More is better: an attribute
of which less is better (damage) enters with its sign turned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grade:
    """What a grade may earn.

    price_yuan_per_kg: One price, or one per edge [bin] where customers pay by the limit that is promised.
    demand_kg: What is taken at that price, in the mean; infinite: all.
    demand_cv: How unsure that is (standard deviation ÷ mean, log-normal); the mean of what sells is then reckoned.
    least: Limit of the class that the name claims; a cut lies at or above it, and what is promised is the limit itself.
        None: an own grade, which promises its cut.
    cost_yuan: For having the grade at all: packs, labels, a lane.
    depression: Share of the price lost when the whole demand is filled (0–0.5): the price falls in proportion to what is sold.
    """

    name: str
    price_yuan_per_kg: float | tuple[float, ...]
    demand_kg: float = float("inf")
    least: float | None = None
    cost_yuan: float = 0.0
    depression: float = 0.0
    demand_cv: float = 0.0

    def sells(self, kg: Floats) -> Floats:
        """Mean kilograms sold of so many offered: the mean of the lesser of offer and demand."""
        if not np.isfinite(self.demand_kg) or self.demand_cv <= 0 or self.demand_kg <= 0:
            return np.minimum(kg, self.demand_kg)
        spread = float(np.sqrt(np.log1p(self.demand_cv**2)))
        far = (np.log(np.maximum(kg, 1e-12) / self.demand_kg) + spread**2 / 2) / spread
        found: Floats = self.demand_kg * ndtr(far - spread) + kg * ndtr(-far)
        return np.minimum(found, kg)


@dataclass(frozen=True)
class CutProblem:
    """Goods, grades and the rest of the market.

    values, kg: What was measured [item] and the kilograms it stands for. edges: cuts that may be chosen [bin], ascending;
    the first lies at or below every value, and means no limit. grades: best first. error: standard deviation of measuring
    (in the attribute's unit). refund_share: of the price, paid back for what truly misses the promised limit.
    sorting_yuan_per_kg: of all goods, once they are sorted into more than one grade. chances: chance that an item truly lies below an
    edge [edge, item], see `with_chances`; None: reckoned when needed.
    """

    values: Floats
    kg: Floats
    edges: Floats
    grades: tuple[Grade, ...]
    clearance_yuan_per_kg: float = 0.0
    error: float = 0.0
    refund_share: float = 1.0
    sorting_yuan_per_kg: float = 0.0
    chances: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be cut.

        Raises:
            ValueError: No item, a negative weight, edges out of order or above the least value, no grade.
        """
        if not len(self.values) or (self.kg < 0).any() or len(self.values) != len(self.kg):
            raise ValueError("cuts need at least one measured item and kilograms of 0 or more for each")
        if (np.diff(self.edges) <= 0).any() or self.edges[0] > self.values.min():
            raise ValueError("edges must ascend and begin at or below the least value; prepend one")
        if not self.grades:
            raise ValueError("cuts need at least one grade")


@dataclass(frozen=True)
class Cuts:
    """Chosen cuts: (grade name, index of its edge), best first; what lies below the last is cleared."""

    at: tuple[tuple[str, int], ...]
    net_yuan: float

    def limits(self, edges: Floats) -> dict[str, float]:
        """Grade → lower limit."""
        return {name: float(edges[i]) for name, i in self.at}


def with_chances(problem: CutProblem) -> CutProblem:
    """The problem with its chances reckoned once, for many problems that differ in `kg` only."""
    if problem.error <= 0 or all(g.least is not None for g in problem.grades):
        return problem
    return replace(problem, chances=ndtr((problem.edges[:, None] - problem.values[None, :]) / problem.error))


def revenue_table(problem: CutProblem) -> Floats:
    """Yuan of a grade that takes bins a … b − 1 [grade, a, b]; −inf where b ≤ a or the cut lies below the claimed class.

    A kilogram sold brings the price less its fall and less refunds; the rest brings the clearance price.
    """
    bins, edges = len(problem.edges), problem.edges
    where = np.searchsorted(edges, problem.values, side="right") - 1
    upto = np.concatenate([[0.0], np.cumsum(np.bincount(where, problem.kg, minlength=bins))])
    mass = np.maximum(upto[None, :] - upto[:, None], 0.0)  # [a, b]
    return np.stack([_revenue(problem, g, mass, where) for g in problem.grades])


def _revenue(problem: CutProblem, grade: Grade, mass: Floats, where: NDArray[np.int64]) -> Floats:
    bins, edges = len(problem.edges), problem.edges
    price = np.broadcast_to(np.asarray(grade.price_yuan_per_kg, dtype=float), (bins,))[:, None]
    sold = grade.sells(mass[:bins])
    filled = sold / grade.demand_kg if np.isfinite(grade.demand_kg) and grade.demand_kg > 0 else 0.0 * sold
    missing = _missing_share(problem, grade, mass, where)
    net = price * sold * (1 - grade.depression * filled - problem.refund_share * missing)
    yuan = net + (mass[:bins] - sold) * problem.clearance_yuan_per_kg - grade.cost_yuan
    allowed = np.arange(bins + 1)[None, :] > np.arange(bins)[:, None]
    if grade.least is not None:
        allowed &= (edges >= grade.least - 1e-9)[:, None]
    found: Floats = np.where(allowed, yuan, -np.inf)
    return found


def _missing_share(problem: CutProblem, grade: Grade, mass: Floats, where: NDArray[np.int64]) -> Floats:
    """Share of the kilograms of bins a … b − 1 that truly lie below what is promised [a, b]; measuring errs normally."""
    bins, edges = len(problem.edges), problem.edges
    if problem.error <= 0:
        return np.zeros((bins, bins + 1))
    missing = np.zeros((bins, bins + 1))
    if grade.least is not None:
        upto = _missing_upto(problem, grade.least, where)
        missing = np.maximum(upto[None, :] - upto[:bins, None], 0.0)
    else:
        for a in range(1, bins):  # the lowest edge is no limit: nothing to miss
            chance = None if problem.chances is None else problem.chances[a]
            upto = _missing_upto(problem, float(edges[a]), where, chance)
            missing[a] = np.maximum(upto - upto[a], 0.0)
    found: Floats = missing / np.where(mass[:bins] > 0, mass[:bins], 1.0)
    return found


def _missing_upto(
    problem: CutProblem, promised: float, where: NDArray[np.int64], chance: Floats | None = None
) -> Floats:
    """Kilograms of the bins below each [bin + 1] that truly lie below what is promised."""
    chance = ndtr((promised - problem.values) / problem.error) if chance is None else chance
    by_bin = np.bincount(where, chance * problem.kg, minlength=len(problem.edges))
    return np.concatenate([[0.0], np.cumsum(by_bin)])


def best_cuts(problem: CutProblem) -> list[Cuts]:
    """The best cuts with exactly 1, 2, … grades in use, as far as that many can be used; exact.

    `net_yuan` is revenue less the grades' costs and, from two grades on, the cost of sorting.
    """
    table = revenue_table(problem)
    grades, bins = len(problem.grades), len(problem.edges)
    value = np.full((grades + 1, bins + 1), -np.inf)  # [grades in use, lowest bin taken]
    value[0, bins] = 0.0
    came = np.full((grades, grades + 1, bins + 1), -1)  # next better cut, −1: this grade is not used
    for k in range(grades):
        fresh = value.copy()
        for used in range(1, k + 2):
            reach = table[k] + value[used - 1][None, :]  # [a, b]
            best = reach.argmax(axis=1)
            gain = reach[np.arange(bins), best]
            is_better = gain > fresh[used, :bins]
            fresh[used, :bins] = np.where(is_better, gain, fresh[used, :bins])
            came[k, used, :bins] = np.where(is_better, best, -1)
        value = fresh
    return [c for used in range(1, grades + 1) if (c := _traced(problem, value, came, used)) is not None]


def _traced(problem: CutProblem, value: Floats, came: NDArray[np.int64], used: int) -> Cuts | None:
    bins = len(problem.edges)
    kg = float(problem.kg.sum())
    where = np.searchsorted(problem.edges, problem.values, side="right") - 1
    below = np.concatenate([[0.0], np.cumsum(np.bincount(where, problem.kg, minlength=bins))])[:bins]
    total = value[used, :bins] + below * problem.clearance_yuan_per_kg
    lowest = int(total.argmax())
    if not np.isfinite(total[lowest]):
        return None
    at: list[tuple[str, int]] = []
    left, a = used, lowest
    for k in range(len(problem.grades) - 1, -1, -1):
        if left and came[k, left, a] >= 0:
            at.append((problem.grades[k].name, a))
            a, left = int(came[k, left, a]), left - 1
    sorting = problem.sorting_yuan_per_kg * kg if used > 1 else 0.0
    return Cuts(tuple(reversed(at)), float(total[lowest]) - sorting)


def worth(problem: CutProblem, limits: Sequence[tuple[str, float]]) -> float:
    """Net yuan of given lower limits (grade, limit), best first, each moved to the edge at or next above it.

    Grades that take nothing cost nothing; a limit below the claimed class is allowed here and pays refunds.
    """
    bins, names = len(problem.edges), {g.name: g for g in problem.grades}
    where = np.searchsorted(problem.edges, problem.values, side="right") - 1
    total, used, upper = 0.0, 0, bins
    for name, limit in limits:
        a = min(int(np.searchsorted(problem.edges, limit - 1e-9)), upper)
        inside = (where >= a) & (where < upper)
        if problem.kg[inside].sum() > 0:
            total += _worth_of(problem, names[name], a, inside)
            used += 1
        upper = a
    total += float(problem.kg[where < upper].sum()) * problem.clearance_yuan_per_kg
    return total - (problem.sorting_yuan_per_kg * float(problem.kg.sum()) if used > 1 else 0.0)


def _worth_of(problem: CutProblem, grade: Grade, a: int, inside: NDArray[np.bool_]) -> float:
    kg = float(problem.kg[inside].sum())
    price = float(np.broadcast_to(np.asarray(grade.price_yuan_per_kg, dtype=float), len(problem.edges))[a])
    sold = float(grade.sells(np.array(kg)))
    is_capped = np.isfinite(grade.demand_kg) and grade.demand_kg > 0
    fall = grade.depression * sold / grade.demand_kg if is_capped else 0.0
    missing = 0.0
    promised = problem.edges[a] if grade.least is None else grade.least
    truly = problem.values[inside]
    if problem.error > 0 and not (a == 0 and grade.least is None):
        missing = float(problem.kg[inside] @ ndtr((promised - truly) / problem.error)) / kg
    elif grade.least is not None:
        missing = float(problem.kg[inside] @ (truly < grade.least)) / kg
    net = price * sold * (1 - fall - problem.refund_share * missing)
    return net + (kg - sold) * problem.clearance_yuan_per_kg - grade.cost_yuan
