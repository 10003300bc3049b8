"""When no plan keeps all rules: the smallest set of limits that conflict, found by leaving limits out one at a time."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from models.planning.formulation import Programme
from models.planning.highs import Solver
from models.planning.limits import INF, Floats
from models.planning.problem import Infeasible, Problem


def smallest_conflict(
    problem: Problem, programme: Programme, plots: npt.NDArray[np.int64], *, seed: int
) -> Infeasible:
    """The error that names a plot and a set of limits of which none can be left out.

    Plots meet only in demand, which can always be left unserved, so a conflict lies within one plot. Limits are left out
    one at a time (deletion filter, Chinneck 2008); what cannot be left out stays.
    """
    for number in plots:
        limits = _limits_of(programme, int(number))
        if _has_plan(programme, int(number), set(), seed):
            continue
        dropped: set[int] = set()
        for limit in limits:
            if not _has_plan(programme, int(number), dropped | {limit}, seed):
                dropped.add(limit)
        left = [limit for limit in limits if limit not in dropped]
        return Infeasible(problem.plots["plot_id"][int(number)], [_name(programme, limit) for limit in left])
    raise AssertionError(
        f"each of the plots {plots.tolist()} has a plan of its own, though together they have none"
    )


def _limits_of(programme: Programme, number: int) -> list[int]:
    """Rows that limit the plot, and its settled areas as negative numbers (−1 − line)."""
    own = np.flatnonzero(programme.line_plot == number)
    keys = programme.first_key + np.flatnonzero(programme.key_plot == number)
    touched = np.unique(programme.matrix[:, np.concatenate([own, keys])].nonzero()[0])
    kinds = programme.rows["kind"].gather(touched)
    plot_rows = kinds.is_in(["land", "share_low", "count", "repeat", "legume", "standing", "kept"]).to_numpy()
    empty = _rows_without_lines(programme, number)
    settled = [-1 - int(line) for line in own if programme.lower[line] > 0]
    return sorted({*(int(r) for r in touched[plot_rows]), *empty}) + settled


def _rows_without_lines(programme: Programme, number: int) -> list[int]:
    """Limits that no choice can meet, such as a legume window on land that bears no legume."""
    counts = np.diff(programme.matrix.indptr)
    bad = np.flatnonzero((counts == 0) & ((programme.row_lower > 0) | (programme.row_upper < 0)))
    plot_ids = programme.rows["plot_id"]
    line = np.flatnonzero(programme.line_plot == number)
    names = set() if not line.size else {_plot_id(programme, int(line[0]))}
    return [int(r) for r in bad if plot_ids[int(r)] in names or not line.size]


def _plot_id(programme: Programme, line: int) -> str:
    rows = programme.matrix[:, [line]].nonzero()[0]
    return next(str(p) for p in programme.rows["plot_id"].gather(rows) if p is not None)


def _has_plan(programme: Programme, number: int, without: set[int], seed: int) -> bool:
    """Whether the plot has a plan when some limits are left out."""
    own = programme.line_plot == number
    keys = programme.key_plot == number
    lower: Floats = programme.lower.copy()
    upper: Floats = programme.upper.copy()
    lower[: programme.first_key] = np.where(own, lower[: programme.first_key], 0.0)
    upper[: programme.first_key] = np.where(own, upper[: programme.first_key], 0.0)
    row_lower, row_upper = programme.row_lower.copy(), programme.row_upper.copy()
    others = _other_plots_rows(programme, own)
    row_lower[others] = np.minimum(row_lower[others], 0.0)
    for limit in without:
        if limit < 0:
            lower[-1 - limit] = 0.0
        else:
            row_lower[limit], row_upper[limit] = -INF, INF
    alone = replace(
        programme,
        cost=np.zeros_like(programme.cost),
        lower=lower,
        upper=upper,
        row_lower=row_lower,
        row_upper=row_upper,
    )
    solver = Solver(alone, seed=seed, time_limit_s=60.0)
    return solver.run(binary=keys, settled=np.where(keys, np.nan, 0.0), patient=True).x is not None


def _other_plots_rows(programme: Programme, own: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows that belong to plots without a line of this one."""
    touched = np.zeros(programme.rows.height, dtype=np.bool_)
    touched[programme.matrix[:, np.flatnonzero(own)].nonzero()[0]] = True
    plots_here = set(programme.rows["plot_id"].filter(pl.Series(touched)).drop_nulls())
    return np.array(
        [p is not None and p not in plots_here for p in programme.rows["plot_id"]], dtype=np.bool_
    )


def _name(programme: Programme, limit: int) -> str:
    if limit < 0:
        return f"the settled area of {programme.lower[-1 - limit]:g} mu"
    row = programme.rows.row(limit, named=True)
    when = f"{row['year']}" + (f" season {row['season']}" if row["season"] is not None else "")
    low, high = programme.row_lower[limit], programme.row_upper[limit]
    return {
        "land": f"its free land of {high:g} mu in {when}",
        "share_low": f"the least share of a plot for '{row['crop_id']}' in {when}",
        "count": f"the least share allows {high:g} crops in {when}",
        "repeat": f"'{row['crop_id']}' may not follow itself in {when}",
        "legume": f"legumes on {low:g} mu more in the window ending {when}",
        "standing": f"'{row['crop_id']}' stands on {high:g} mu in {when}",
        "kept": f"'{row['crop_id']}' given up does not come back in {when}",
    }[str(row["kind"])]
