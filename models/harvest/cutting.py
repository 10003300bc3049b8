"""The cutting plan: 14 days rolling, which plot, how many kg, which crew, on which day, for which orders."""

import time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.cutting_causes import uncut_rows, unserved_rows
from models.harvest.cutting_lots import Setting, arrange
from models.harvest.cutting_problem import CutParams, CutPlan, CutProblem
from models.harvest.cutting_programme import Programme, formulate
from models.harvest.cutting_rows import cut_rows, load_rows, serve_rows, surplus_rows
from models.planning.highs import Answer, Solver

Floats = NDArray[np.float64]
ROUND_FROM = (0.05, 0.3)
"""Shares of a visit in the relaxation from which it is made."""


def plan_cuts(
    problem: CutProblem, params: CutParams, *, seed: int = 0, gap: float = 0.01, time_limit_s: float = 20.0
) -> CutPlan:
    """The plan of the days from `problem.first_day` on: most money within the limits, promised orders first.

    The linear relaxation bounds the value; its visits rounded and the kilograms solved again are the plan where that leaves no
    more than `gap`, else the mixed-integer search begins from it. Equal inputs and seed give equal plans unless the time runs out.

    Args:
        gap: Enough, as a share of the bound.
        time_limit_s: Seconds after which the best plan found is taken.

    Raises:
        RuntimeError: No plan was found in the time; nothing cut is always a plan, so this is a fault of the solver.
    """
    began, cpu = time.monotonic(), time.process_time()
    setting = arrange(problem, params)
    programme = formulate(setting)
    solver = Solver(programme, seed=seed, time_limit_s=time_limit_s, linear="ipm")
    answer, bound = _search(programme, solver, gap)
    if answer.x is None:
        raise RuntimeError(
            f"no cutting plan in {time_limit_s:.0f} s for {setting.lots.table.height} lots; give more seconds"
        )
    x = np.maximum(answer.x, 0.0)
    miss = max(bound - answer.value, 0.0) / max(abs(bound), 1.0)
    status = "optimal" if miss <= gap + 1e-9 else "stopped"
    return _told(setting, programme, x, status, answer.value, max(bound, answer.value), miss, began, cpu)


def _search(programme: Programme, solver: Solver, gap: float) -> tuple[Answer, float]:
    """The best point found and a bound that no plan exceeds."""
    keys = programme.keys
    n = keys.stop - keys.start
    free, none = np.full(n, np.nan), np.zeros(n, dtype=bool)
    if not programme.cost.size:  # nothing ripens and nothing is in store
        return Answer("optimal", np.zeros(0), 0.0, 0.0, 0), 0.0
    relaxed = solver.run(binary=none, settled=free, patient=True)
    if relaxed.x is None or n == 0:
        return relaxed, relaxed.value
    bound = relaxed.value
    best = Answer("stopped", None, -np.inf, bound, 0)
    for least in ROUND_FROM:
        found = solver.run(binary=none, settled=_rounded(programme, relaxed.x[keys], least), patient=True)
        best = max(best, found, key=lambda a: a.value if a.x is not None else -np.inf)
        if best.x is not None and bound - best.value <= gap * max(abs(bound), 1.0):
            return best, bound
    whole = solver.run(binary=~none, settled=free, start=best.x, gap=gap * 0.9, patient=best.x is None)
    best = max(best, whole, key=lambda a: a.value if a.x is not None else -np.inf)
    return best, min(bound, whole.bound)


def _rounded(programme: Programme, share: Floats, least: float) -> Floats:
    """Visits of at least that share in the relaxation made whole, the surest first, as far as the crews' fixed hours reach."""
    _, visits = programme.blocks["visits"]
    table = visits.with_columns(share=pl.Series(share)).filter(pl.col("share") >= least)
    kept = (
        table.sort("share", descending=True, maintain_order=True)
        .with_columns(upto=pl.col("fixed_hours").cum_sum().over("crew", "day"))
        .filter(pl.col("upto") <= pl.col("limit"))
    )
    chosen = np.zeros(len(share))
    chosen[kept["visit"].to_numpy()] = 1.0
    return chosen


def _told(
    s: Setting, programme: Programme, x: Floats, status: str, value: float, bound: float, miss: float, began: float,
    cpu: float,
) -> CutPlan:  # fmt: skip
    crews, rooms = load_rows(s, programme, x)
    serves = serve_rows(s, programme, x)
    return CutPlan(
        cuts=cut_rows(s, programme, x),
        serves=serves,
        unserved=unserved_rows(s, programme, x, serves, crews, rooms),
        uncut=uncut_rows(s, programme, x, crews, rooms),
        surplus=surplus_rows(s, programme, x),
        crew_days=crews,
        room_days=rooms,
        status=status,
        value_yuan=value,
        bound_yuan=bound,
        gap=miss,
        seconds=time.monotonic() - began,
        cpu_seconds=time.process_time() - cpu,
    )
