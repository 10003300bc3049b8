"""What a plan may meet: demand and yields as equally or unequally likely scenarios, many of them reduced to few."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]
SHARED_VARIANCE = 0.5
"""Part of the variance of a crop's yield (`yield_cv`) that all fields of a season share; the rest evens out over plots."""
ROUNDS = 25


@dataclass(frozen=True)
class Chances:
    """Scenarios of a plan's demand and yields.

    `rows`: crop_id, year, season, committed_kg, in the problem's order. `demand_kg`: [row, scenario]. `luck`: [row,
    scenario], standard normal: how all fields of that crop, year and season do. `weights`: [scenario], add up to 1.
    """

    rows: pl.DataFrame
    demand_kg: Floats
    luck: Floats
    weights: Floats

    @property
    def count(self) -> int:
        """How many scenarios."""
        return self.weights.size

    def only(self, scenario: int) -> "Chances":
        """As if that scenario were certain."""
        one = slice(scenario, scenario + 1)
        return Chances(self.rows, self.demand_kg[:, one], self.luck[:, one], np.ones(1))

    def mean_demand(self) -> Floats:
        """[row] (kg)."""
        return np.asarray(self.demand_kg @ self.weights)


def drawn(demand: pl.DataFrame, demand_kg: Floats, *, seed: int) -> Chances:
    """Scenarios of [row, scenario] kg of demand, equally likely, with the luck of every row's fields drawn beside them."""
    luck = np.random.default_rng([seed, 1]).standard_normal(demand_kg.shape)
    rows = demand.select("crop_id", "year", "season", "committed_kg")
    return Chances(rows, demand_kg, luck, np.full(demand_kg.shape[1], 1 / demand_kg.shape[1]))


def yield_factor(luck: Floats, cv: Floats) -> Floats:
    """Factor on the mean yield, lognormal with mean 1, for standard normal `luck` and coefficients of variation `cv`."""
    variance = np.log1p(SHARED_VARIANCE * cv**2)
    return np.asarray(np.exp(np.sqrt(variance) * luck - variance / 2))


def reduced(chances: Chances, count: int, *, worth: Floats, seed: int) -> Chances:
    """A few scenarios that stand for many: the medoids of k-means groups, weighed by their groups, means kept.

    Args:
        chances: Equally likely scenarios.
        count: How many to keep; with no more than that, `chances` itself.
        worth: [row] yuan per kg: what a difference in demand counts for.
        seed: Of the first medoids and the order of luck.

    Returns:
        Demand of every row rescaled to the mean of all scenarios. Luck is stratified anew per row (the middles of equally
        likely parts of the normal law, in random order), so few scenarios still cover good and bad seasons.

    Source: Dupačová, Gröwe-Kuska, Römisch, Scenario reduction in stochastic programming, Math. Program. 95, 2003.
    """
    if chances.count <= count:
        return chances
    rng = np.random.default_rng([seed, 2])
    points = (chances.demand_kg * worth[:, None]).T
    group = _groups(points, count, rng)
    used = np.unique(group)
    medoids = np.array([_medoid(points, np.flatnonzero(group == g)) for g in used])
    weights = np.array([(group == g).mean() for g in used])
    demand = chances.demand_kg[:, medoids]
    now, wanted = demand @ weights, chances.mean_demand()
    demand = demand * np.divide(wanted, now, out=np.ones_like(now), where=now > 0)[:, None]
    return Chances(chances.rows, demand, _stratified(len(chances.rows), weights, rng), weights)


def _groups(points: Floats, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Lloyd's k-means from centres that are drawn far apart (k-means++): the group of each point."""
    centres = points[[int(rng.integers(len(points)))]]
    for _ in range(count - 1):
        near = _distances(points, centres).min(axis=1)
        total = near.sum()
        chance = near / total if total > 0 else None
        centres = np.vstack([centres, points[int(rng.choice(len(points), p=chance))]])
    group = np.zeros(len(points), dtype=np.int64)
    for _ in range(ROUNDS):
        now = np.argmin(_distances(points, centres), axis=1)
        if (now == group).all():
            break
        group = now
        for g in np.unique(group):
            centres[g] = points[group == g].mean(axis=0)
    return group


def _distances(points: Floats, centres: Floats) -> Floats:
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None, :] - 2 * points @ centres.T
    return np.asarray(np.maximum(squares, 0.0))


def _medoid(points: Floats, members: npt.NDArray[np.int64]) -> int:
    centre = points[members].mean(axis=0)
    return int(members[np.argmin(((points[members] - centre) ** 2).sum(axis=1))])


def _stratified(rows: int, weights: Floats, rng: np.random.Generator) -> Floats:
    """Per row the scenarios in random order along the normal law, each at the middle of its part: [row, scenario]."""
    luck = np.empty((rows, weights.size))
    for row in range(rows):
        order = rng.permutation(weights.size)
        upto = np.cumsum(weights[order])
        luck[row, order] = ndtri(np.clip(upto - weights[order] / 2, 1e-9, 1 - 1e-9))
    return luck
