"""Finding a good village plan: relax, settle plots chunk by chunk, then re-solve neighbourhoods.

Plots meet only in demand, so a plan is settled a few plots at a time while the others stay relaxed and adapt (relax and
fix), and is then improved by freeing some of its yes/no, with the rest settled (fix and optimise; `neighbourhoods`). The
first relaxation bounds every plan, prices of kilograms may bound it closer (`bounds`). Method: Pochet & Wolsey, Production Planning by Mixed Integer Programming (2006), ch. 3.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.planning.bounds import tighter_bound
from models.planning.formulation import Programme
from models.planning.highs import Answer, Flags, Solver
from models.planning.limits import Floats
from models.planning.neighbourhoods import Neighbourhoods
from models.planning.problem import Stop

WHOLE = 400
"""Up to so many yes/no columns the programme is solved in one go, to a proven optimum."""
CHUNK = 300
ONE_TURN = 0.06
"""Share of the seconds left that one neighbourhood may take."""
AFTERWARDS = 2.0
"""Areas and prices are settled after the search, in about so many times what the relaxation took on this machine just now."""
BOUND_TURN = 0.08
"""Share of the seconds left after the first plan in which rounds of a tighter bound may begin."""


@dataclass(frozen=True)
class Found:
    """The best point, the bound that holds for every point, and what the search took."""

    x: Floats
    value: float
    bound: float
    lp_bound: float
    nodes: int


class NoPoint(Exception):  # noqa: N818
    """Some of these plots (numbers) have no plan that keeps all rules."""

    def __init__(self, plots: npt.NDArray[np.int64]) -> None:
        super().__init__(f"plots {plots.tolist()} have no plan")
        self.plots = plots


def search(
    programme: Programme, key_years: npt.NDArray[np.int64], solver: Solver, *, seed: int, stop: Stop
) -> Found:
    """Look for the best plan until `stop`; raises NoPoint when there is none.

    Args:
        programme: What to maximise, and the limits.
        key_years: The year of each yes/no column.
        solver: Holds `programme`.
        seed: Draws the neighbourhoods.
        stop: Gap, nodes a run, rounds, seconds in all.
    """
    keys = programme.first_sale - programme.first_key
    none, free = np.zeros(keys, dtype=np.bool_), np.full(keys, np.nan)
    left = solver.seconds_left
    relaxed = solver.run(binary=none, settled=free)
    solver.keep_back(min(AFTERWARDS * (left - solver.seconds_left), 0.1 * left))
    if relaxed.x is None:
        raise NoPoint(np.unique(programme.line_plot))
    if (whole := _as_it_is(programme, relaxed)) is not None:
        return Found(whole, relaxed.value, relaxed.value, relaxed.value, 0)
    if keys <= WHOLE:
        return _in_one_go(programme, solver, relaxed, stop)
    prices = solver.row_prices()
    near = Neighbourhoods(programme, key_years, prices, np.random.default_rng(seed))
    first, nodes = _relax_and_fix(programme, solver, stop)
    bound = relaxed.value
    if stop.bound_rounds and bound - first.value > stop.gap * max(1.0, abs(bound)):
        seconds = max(0.0, BOUND_TURN * solver.seconds_left)
        priced = tighter_bound(
            programme, prices, first.value, rounds=stop.bound_rounds, seconds=seconds, seed=seed
        )
        bound = max(first.value, min(bound, priced.value))
    best, more = _improve(programme, solver, first, near, bound, stop)
    return Found(_x(best), best.value, max(bound, best.value), relaxed.value, nodes + more)


def _x(answer: Answer) -> Floats:
    if answer.x is None:
        raise AssertionError("a point was expected")
    return answer.x


def _as_it_is(programme: Programme, relaxed: Answer) -> Floats | None:
    """The relaxed point with each key rounded up to yes where it bears area, if that breaks no limit."""
    x = _x(relaxed).copy()
    x[programme.keys] = np.ceil(np.clip(x[programme.keys] - 1e-9, 0.0, 1.0))
    rows = programme.matrix @ x
    slack = 1e-7 * np.maximum(1.0, np.abs(rows))
    fits = (rows >= programme.row_lower - slack) & (rows <= programme.row_upper + slack)
    return x if fits.all() else None


def _in_one_go(programme: Programme, solver: Solver, relaxed: Answer, stop: Stop) -> Found:
    keys = programme.first_sale - programme.first_key
    every, free = np.ones(keys, dtype=np.bool_), np.full(keys, np.nan)
    answer = solver.run(binary=every, settled=free, nodes=stop.nodes * stop.rounds, gap=min(stop.gap, 1e-6))
    if answer.x is None:
        raise NoPoint(np.unique(programme.line_plot))
    bound = max(answer.value, min(answer.bound, relaxed.value))
    return Found(answer.x, answer.value, bound, relaxed.value, answer.nodes)


def _chunks(programme: Programme, order: npt.NDArray[np.int64], size: int) -> list[Flags]:
    """Keys of plots taken together in `order`, at most `size` keys (or one plot) a chunk."""
    per_plot = np.bincount(programme.key_plot, minlength=int(order.max(initial=0)) + 1)
    groups: list[list[int]] = [[]]
    for plot in order:
        if groups[-1] and per_plot[groups[-1]].sum() + per_plot[plot] > size:
            groups.append([])
        groups[-1].append(int(plot))
    return [np.isin(programme.key_plot, group) for group in groups]


def _large_first(programme: Programme) -> npt.NDArray[np.int64]:
    """Plots with yes/no columns, the one with most land first: what small ones cannot take the rest of is little."""
    area = programme.plot_mu()
    plots = np.unique(programme.key_plot)
    order: npt.NDArray[np.int64] = plots[np.argsort(-area[plots], kind="stable")]
    return order


def _relax_and_fix(programme: Programme, solver: Solver, stop: Stop) -> tuple[Answer, int]:
    """A first plan: the plots of one chunk yes/no, those before it settled, those after it relaxed."""
    settled = np.full(programme.first_sale - programme.first_key, np.nan)
    chunks = _chunks(programme, _large_first(programme), CHUNK)
    nodes = 0
    for done, chunk in enumerate(chunks):
        share = 1.0 / max(1.0, 0.5 * (len(chunks) - done))
        answer = solver.run(
            binary=chunk, settled=settled, nodes=stop.nodes, gap=stop.gap / 4, time_share=share
        )
        if answer.status == "infeasible":
            raise NoPoint(np.unique(programme.key_plot[chunk]))
        if answer.x is None:
            answer = _settle_by_plot(programme, solver, chunk, settled)
        nodes += answer.nodes
        settled = np.where(chunk, np.round(_x(answer)[programme.keys]), settled)
    return answer, nodes


def _settle_by_plot(programme: Programme, solver: Solver, chunk: Flags, settled: Floats) -> Answer:
    """When a chunk's time is up without a point: its plots one by one, the first point of each."""
    now = settled.copy()
    for plot in np.unique(programme.key_plot[chunk]):
        one = programme.key_plot == plot
        answer = solver.run(binary=one, settled=now, gap=0.5, patient=True)
        if answer.x is None:
            raise NoPoint(np.array([plot]))
        now = np.where(one, np.round(answer.x[programme.keys]), now)
    return replace(answer, nodes=0)


def _improve(
    programme: Programme, solver: Solver, best: Answer, near: Neighbourhoods, bound: float, stop: Stop
) -> tuple[Answer, int]:
    """Re-solve neighbourhoods, sized so that most close within the nodes; ends on gap, rounds, patience or time."""
    nodes, idle = 0, 0
    for _ in range(stop.rounds):
        close = bound - best.value <= stop.gap * max(1.0, abs(bound))
        if close or idle >= max(16, stop.rounds // 4) or solver.seconds_left < 0.2:
            break
        kind, keys = near.next(_x(best))
        settled = np.where(keys, np.nan, np.round(_x(best)[programme.keys]))
        answer = solver.run(
            binary=keys, settled=settled, start=best.x, nodes=stop.nodes, gap=1e-5, time_share=ONE_TURN
        )
        nodes += answer.nodes
        idle += 1
        gained = answer.x is not None and answer.value > best.value + 1e-6 * abs(best.value)
        if gained:
            best, idle = answer, 0
        near.learn(kind, gained=gained, closed=answer.status == "optimal")
    return best, nodes
