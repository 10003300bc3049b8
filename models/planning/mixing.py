"""Plots meet only in demand: which plots of one plan should stand as another plan has them, and what that is worth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from models.planning.chances import Chances
from models.planning.county_problem import conditional_value
from models.planning.problem import Problem
from models.planning.recourse import Classes, factors

Floats = npt.NDArray[np.float64]
LINE = ["plot_id", "practice_id", "year", "season"]
PASSES = 3


@dataclass(frozen=True)
class Aim:
    """What a plan is chosen for: (1 − risk_weight) × mean profit + risk_weight × CVaR at `risk_level`."""

    risk_weight: float = 0.0
    risk_level: float = 0.9

    def of(self, profit: Floats, weights: Floats) -> float:
        """The aim reached with [scenario] profits."""
        mean = float(profit @ weights)
        if self.risk_weight <= 0:
            return mean
        return (1 - self.risk_weight) * mean + self.risk_weight * conditional_value(
            profit, weights, self.risk_level
        )


@dataclass(frozen=True)
class _Plot:
    """What one plot's lines bring: [class] kg at usual yields, and cost."""

    kg: dict[int, float]
    cost: float


def take_over(
    start: pl.DataFrame,
    other: pl.DataFrame,
    *,
    problem: Problem,
    classes: Classes,
    chances: Chances,
    aim: Aim,
    yuan_per_mu: float = 0.0,
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Let plots of `start` stand as in `other` where that reaches more, or costs less than `yuan_per_mu` for each mu it keeps.

    Every rule binds one plot alone, so any mix of two plans that keep the rules keeps them too.

    Args:
        start: Lines of a plan (LINE, area_mu).
        other: Lines of another; only its plots are looked at, a plot without a line in it stays as it is.
        problem: Costs of practices.
        classes, chances: See recourse.
        aim: What more means.
        yuan_per_mu: What taking over a mu is worth in itself: 0 mixes for profit, above 0 keeps a plan steady, without end
            takes everything over.

    Returns:
        The lines of the mix (LINE, area_mu), and per plot taken over what the aim gained by it (yuan; below 0: lost).
    """
    mine, theirs = _by_plot(start, problem, classes), _by_plot(other, problem, classes)
    moved = _moved_mu(start, other)
    book = _Book(classes, chances, aim, mine)
    gained: dict[str, float] = {}
    for _ in range(PASSES):
        changed = False
        for plot_id in sorted(p for p in moved if p in theirs and p not in gained):
            gain = book.gain(mine.get(plot_id, _Plot({}, 0.0)), theirs[plot_id])
            if gain > -yuan_per_mu * moved[plot_id] + 1e-6:
                book.swap(mine.get(plot_id, _Plot({}, 0.0)), theirs[plot_id])
                gained[plot_id], changed = gain, True
        if not changed:
            break
    taken = pl.col("plot_id").is_in(list(gained))
    columns = [*LINE, "area_mu"]
    lines = pl.concat([start.filter(~taken).select(columns), other.filter(taken).select(columns)])
    return lines.sort("plot_id", "year", "season", "practice_id"), gained


def _moved_mu(start: pl.DataFrame, other: pl.DataFrame) -> dict[str, float]:
    """Per plot on which the two differ: mu that stand otherwise."""
    both = start.select(*LINE, mine="area_mu").join(
        other.select(*LINE, theirs="area_mu"), on=LINE, how="full", coalesce=True
    )
    moved = both.group_by("plot_id").agg(
        mu=(pl.col("mine").fill_null(0.0) - pl.col("theirs").fill_null(0.0)).abs().sum() / 2
    )
    return dict(moved.filter(pl.col("mu") > 1e-9).iter_rows())


def _by_plot(lines: pl.DataFrame, problem: Problem, classes: Classes) -> dict[str, _Plot]:
    costs = dict(problem.practices.select("practice_id", "cost_yuan_per_mu").iter_rows())
    bears: dict[tuple[str, int, int], list[tuple[int, float]]] = {}
    for r in classes.outputs.iter_rows(named=True):
        key = (r["practice_id"], r["year"], r["season"])
        bears.setdefault(key, []).append((r["class"], r["yield_kg_per_mu"]))
    kg: dict[str, dict[int, float]] = {}
    cost: dict[str, float] = {}
    for plot_id, practice_id, year, season, mu in lines.select(*LINE, "area_mu").iter_rows():
        mine = kg.setdefault(plot_id, {})
        cost[plot_id] = cost.get(plot_id, 0.0) + mu * costs[practice_id]
        for at, per_mu in bears.get((practice_id, year, season), []):
            mine[at] = mine.get(at, 0.0) + mu * per_mu
    return {plot_id: _Plot(kg[plot_id], cost[plot_id]) for plot_id in kg}


class _Book:
    """Profits by scenario of all plots together, and what a plot's change does to them."""

    def __init__(self, classes: Classes, chances: Chances, aim: Aim, plots: dict[str, _Plot]) -> None:
        self._price, self._rest = (classes.frame[c].to_numpy() for c in ("price", "rest"))
        self._factor, self._row, self._aim = factors(classes, chances), classes.row, aim
        self._chances, self._kg = chances, np.zeros(classes.frame.height)
        self._members: dict[int, list[int]] = {}
        for at, row in enumerate(self._row):
            self._members.setdefault(int(row), []).append(at)
        for plot in plots.values():
            for at, kg in plot.kg.items():
                self._kg[at] += kg
        self._profit = np.full(chances.count, -float(sum(p.cost for p in plots.values())))
        self._revenue = {row: self._of_row(row, self._kg) for row in self._members}
        for revenue in self._revenue.values():
            self._profit += revenue

    def gain(self, now: _Plot, then: _Plot) -> float:
        """What the aim gains when a plot's lines are `then` instead of `now`."""
        weights = self._chances.weights
        return self._aim.of(self._changed(now, then)[0], weights) - self._aim.of(self._profit, weights)

    def swap(self, now: _Plot, then: _Plot) -> None:
        """Make that change."""
        self._profit, self._kg, rows = self._changed(now, then)
        self._revenue.update(rows)

    def _changed(self, now: _Plot, then: _Plot) -> tuple[Floats, Floats, dict[int, Floats]]:
        kg = self._kg.copy()
        for sign, plot in ((-1.0, now), (1.0, then)):
            for at, more in plot.kg.items():
                kg[at] = max(kg[at] + sign * more, 0.0)
        rows = {int(self._row[at]) for at in {*now.kg, *then.kg}}
        profit, revenues = self._profit + now.cost - then.cost, {}
        for row in sorted(rows):
            revenues[row] = self._of_row(row, kg)
            profit = profit + revenues[row] - self._revenue[row]
        return profit, kg, revenues

    def _of_row(self, row: int, kg: Floats) -> Floats:
        """Revenue of one crop, year and season: [scenario]."""
        left, revenue = self._chances.demand_kg[row].copy(), np.zeros(self._chances.count)
        for at in self._members[row]:
            grown = kg[at] * self._factor[at]
            sold = np.minimum(grown, left)
            left -= sold
            revenue += sold * self._price[at] + (grown - sold) * self._rest[at]
        return revenue
