"""One land group's targets on its plots: a small mixed-integer programme, relaxed, settled and mended around its splits.

The relaxed programme ends at a vertex, where few plots are split; what is whole there stays, the split plots and some drawn
at random are freed and re-solved until the targets are met closely enough (fix and optimise; Pochet & Wolsey 2006, ch. 3).
Nodes and rounds end the search, never the clock.
"""

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from models.planning.county_columns import Builder, Floats, Ints
from models.planning.highs import loaded

Flags = npt.NDArray[np.bool_]
SLACK = 1e-9


@dataclass(frozen=True)
class Effort:
    """`rounds` of mending, each freeing the yes/no of `freed` plots for at most `nodes` nodes."""

    rounds: int = 12
    freed: int = 10
    nodes: int = 200


@dataclass(frozen=True)
class Group:
    """`area_mu` [plot], `target_mu` [activity], `share` [activity, period] of a mu taken, `may` [plot, activity], `turns` [activity]."""

    area_mu: Floats
    target_mu: Floats
    share: Floats
    may: Flags
    turns: tuple[str, ...]


@dataclass
class _Programme:
    """HiGHS with the group's programme: mu and yes/no of each pair, then under and over of each target."""

    solver: highspy.Highs
    plot: Ints
    activity: Ints

    @property
    def pairs(self) -> int:
        return int(self.plot.size)

    def run(
        self, low: Floats, high: Floats, binary: Flags, start: Floats | None, nodes: int
    ) -> Floats | None:
        """The best point with yes/no within `low` and `high`; None when no run found one."""
        keys = np.arange(self.pairs, 2 * self.pairs, dtype=np.int32)
        self.solver.changeColsBounds(self.pairs, keys, low, high)
        self.solver.changeColsIntegrality(self.pairs, keys, binary.astype(np.uint8))
        self.solver.setOptionValue("mip_max_nodes", nodes)
        self.solver.clearSolver()
        if start is not None and binary.any():
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            self.solver.setSolution(solution)
        self.solver.run()
        found = self.solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        return np.asarray(self.solver.getSolution().col_value) if found else None

    def nodes(self) -> int:
        return max(0, int(self.solver.getInfo().mip_node_count))

    def missed(self, x: Floats) -> float:
        return float(x[2 * self.pairs :].sum())


def place_group(
    group: Group, min_share: float, most: int, miss_share: float, effort: Effort, seed: int
) -> tuple[Floats, int]:
    """Mu of each activity on each plot ([plot, activity]) and the nodes taken.

    Misses as little of the targets as it finds; every limit of plots holds whatever is missed.
    """
    areas = np.zeros(group.may.shape)
    if not group.may.any() or group.target_mu.sum() <= 0:
        return areas, 0
    enough = miss_share * float(group.target_mu.sum())
    programme = _formulate(group, min_share, most, enough, seed)
    x, nodes = _search(programme, group, min_share, most, enough, effort, np.random.default_rng(seed))
    areas[programme.plot, programme.activity] = np.clip(x[: programme.pairs], 0.0, None)
    return areas, nodes


def _search(
    programme: _Programme, group: Group, min_share: float, most: int, enough: float, effort: Effort,
    draw: np.random.Generator,
) -> tuple[Floats, int]:  # fmt: skip
    n = programme.pairs
    none, zero, one = np.zeros(n, np.bool_), np.zeros(n), np.ones(n)
    relaxed = programme.run(zero, one, none, None, 0)
    if relaxed is None:
        raise AssertionError("nothing planted keeps every limit, so the relaxation has a point")
    unsettled = _broken_plots(programme, group, relaxed, min_share, most)
    yes = np.where(relaxed[:n] > SLACK, 1.0, 0.0)
    x, nodes = None, 0
    order = np.flatnonzero(unsettled)
    for chunk in np.array_split(order, max(1, -(-order.size // effort.freed))):
        unsettled[chunk] = False
        free, later = np.isin(programme.plot, chunk), unsettled[programme.plot]
        low, high = np.where(free | later, 0.0, yes), np.where(free | later, 1.0, yes)
        x = programme.run(low, high, free, None, effort.nodes)
        nodes += programme.nodes()
        if x is None:
            high = np.where(free, 0.0, high)
            x = programme.run(np.where(free, 0.0, low), high, none, None, 0)
        yes = np.where(free, np.round(_point(x)[n : 2 * n]), yes)
    best = _point(x)
    for _ in range(effort.rounds):
        if programme.missed(best) <= enough:
            break
        free = np.isin(programme.plot, _next_plots(programme, group, best, effort.freed, draw))
        yes = np.round(best[n : 2 * n])
        found = programme.run(np.where(free, 0.0, yes), np.where(free, 1.0, yes), free, best, effort.nodes)
        nodes += programme.nodes()
        if found is not None and programme.missed(found) < programme.missed(best) - SLACK:
            best = found
    return best, nodes


def _point(x: Floats | None) -> Floats:
    if x is None:
        raise AssertionError("plots left empty keep every limit, so there is a point")
    return x


def _next_plots(
    programme: _Programme, group: Group, x: Floats, count: int, draw: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Half of them plots that bear, or could bear, what misses its target; the rest at random."""
    k = group.target_mu.size
    under, over = x[2 * programme.pairs : 2 * programme.pairs + k], x[2 * programme.pairs + k :]
    gap = np.clip(under, 0.0, None) + np.clip(over, 0.0, None)  # a solver's point may lie a hair below 0
    wanted = int(draw.choice(k, p=gap / gap.sum()))
    fitting = draw.permutation(np.flatnonzero(group.may[:, wanted]))[: count // 2]
    others = np.setdiff1d(draw.permutation(group.area_mu.size), fitting)
    chosen: npt.NDArray[np.int64] = np.concatenate(
        [fitting, draw.permutation(others)[: count - fitting.size]]
    )
    return chosen


def _broken_plots(programme: _Programme, group: Group, x: Floats, min_share: float, most: int) -> Flags:
    """Plots on which the relaxed areas are below the least share, too many at a time, or follow their own group."""
    areas = np.zeros(group.may.shape)
    areas[programme.plot, programme.activity] = x[: programme.pairs]
    here = areas > SLACK
    small = (here & (areas < min_share * group.area_mu[:, None] - SLACK)).any(axis=1)
    many = ((here.astype(np.float64) @ (group.share > 0)) > most).any(axis=1)
    again = np.zeros_like(small)
    for a, b in _excluding(group):
        again |= here[:, a] & here[:, b]
    return small | many | again


def _excluding(group: Group) -> list[tuple[int, int]]:
    """Activities of one rotation group whose periods do not overlap: one would follow the other."""
    stands = group.share > 0
    k = len(group.turns)
    return [
        (a, b) for a in range(k) for b in range(a + 1, k)
        if group.turns[a] == group.turns[b] and not (stands[a] & stands[b]).any()
    ]  # fmt: skip


def _formulate(group: Group, min_share: float, most: int, enough: float, seed: int) -> _Programme:
    plot, activity = (np.asarray(v, dtype=np.int64) for v in np.nonzero(group.may))
    builder, n, k = Builder(), plot.size, group.target_mu.size
    area = group.area_mu[plot]
    mu = builder.add_columns("mu", np.zeros(n), 0.0, area)
    yes = builder.add_columns("yes", np.zeros(n), 0.0, 1.0)
    under = builder.add_columns("under", np.full(k, 1.0))
    over = builder.add_columns("over", np.full(k, 1.0))
    rows = builder.add_rows("target", k, group.target_mu, group.target_mu)
    builder.put(rows[activity], mu, 1.0)
    builder.put(rows, under, 1.0)
    builder.put(rows, over, -1.0)
    for share, low, high in ((1.0, -np.inf, 0.0), (min_share, 0.0, np.inf)):
        rows = builder.add_rows("share", n, low, high)
        builder.put(rows, mu, 1.0)
        builder.put(rows, yes, -share * area)
    _by_period(builder, group, plot, activity, mu, yes, most)
    numbers = np.full(group.may.shape, -1, dtype=np.int64)
    numbers[plot, activity] = np.arange(n)
    for a, b in _excluding(group):
        both = np.flatnonzero((numbers[:, a] >= 0) & (numbers[:, b] >= 0))
        rows = builder.add_rows("turn", both.size, -np.inf, 1.0)
        builder.put(rows, yes[numbers[both, a]], 1.0)
        builder.put(rows, yes[numbers[both, b]], 1.0)
    return _Programme(_loaded(builder, enough, seed), plot, activity)


def _by_period(
    builder: Builder, group: Group, plot: Ints, activity: Ints, mu: Ints, yes: Ints, most: int
) -> None:
    """Land of a plot, and how many stand on it, in each period in which something may begin."""
    before = np.hstack([np.zeros((group.share.shape[0], 1)), group.share[:, :-1]])
    begins = np.flatnonzero((group.share > before + 1e-12).any(axis=0))
    plots = group.area_mu.size
    for period in begins:
        here = group.share[activity, period] > 0
        rows = builder.add_rows("land", plots, -np.inf, group.area_mu)
        builder.put(rows[plot[here]], mu[here], group.share[activity[here], period])
        if (group.share[:, period] > 0).sum() > most:
            rows = builder.add_rows("count", plots, -np.inf, float(most))
            builder.put(rows[plot[here]], yes[here], 1.0)


def _loaded(builder: Builder, enough: float, seed: int) -> highspy.Highs:
    return loaded(
        builder.matrix(), builder.vectors(), is_gain=False, random_seed=seed % 2**31, mip_rel_gap=0.0, mip_abs_gap=enough,
        objective_target=enough, mip_feasibility_tolerance=1e-7, primal_feasibility_tolerance=1e-8,
    )  # fmt: skip
