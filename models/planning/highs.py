"""One programme held by HiGHS, solved again and again with its yes/no columns free, relaxed or settled.

HiGHS 1.16 sometimes reports an objective that its own point does not have (seen when presolve solves a mixed-integer run
outright), so values are recomputed from the point, and a bound reported beside a wrong objective is not used.
"""

import time
from dataclasses import dataclass
from typing import Protocol

import highspy
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.planning.limits import Floats

Flags = npt.NDArray[np.bool_]


class Programme(Protocol):
    """Maximise `cost @ x` within `lower ≤ x ≤ upper` and `row_lower ≤ matrix @ x ≤ row_upper`; `keys`: the yes/no columns."""

    @property
    def cost(self) -> Floats: ...
    @property
    def lower(self) -> Floats: ...
    @property
    def upper(self) -> Floats: ...
    @property
    def matrix(self) -> sp.csr_matrix: ...
    @property
    def row_lower(self) -> Floats: ...
    @property
    def row_upper(self) -> Floats: ...
    @property
    def keys(self) -> slice: ...


@dataclass(frozen=True)
class Answer:
    """What one run found: `x` is None when it found no point; `bound` is never below the best value in its reach."""

    status: str
    x: Floats | None
    value: float
    bound: float
    nodes: int


class Solver:
    """HiGHS with one programme loaded; one thread and a seed, so equal calls give equal answers.

    `linear`: HiGHS's method for runs without yes/no columns; `ipm` is many times faster where many plans are worth the same.
    """

    def __init__(
        self, programme: Programme, *, seed: int, time_limit_s: float, linear: str = "choose"
    ) -> None:
        self._programme, self._linear = programme, linear
        self._ends = time.monotonic() + time_limit_s
        self._keys = np.arange(programme.keys.start, programme.keys.stop, dtype=np.int32)
        vectors = (programme.cost, programme.lower, programme.upper, programme.row_lower, programme.row_upper)
        self._highs = loaded(
            programme.matrix, vectors, is_gain=True, random_seed=seed % 2**31, mip_feasibility_tolerance=1e-7,
            primal_feasibility_tolerance=1e-8,
        )  # fmt: skip

    @property
    def seconds_left(self) -> float:
        """What remains of the time limit."""
        return self._ends - time.monotonic()

    def keep_back(self, seconds: float) -> None:
        """End so many seconds earlier: time for what comes after the search."""
        self._ends -= seconds

    def run(
        self,
        *,
        binary: Flags,
        settled: Floats,
        start: Floats | None = None,
        nodes: int = 0,
        gap: float = 0.0,
        time_share: float = 1.0,
        patient: bool = False,
    ) -> Answer:
        """Solve with the keys of `binary` as yes/no and those with a number in `settled` held to it; NaN leaves a key free.

        With no binary key this is a linear programme. `start` is a point to begin from; `nodes`, `gap` and the share of the
        seconds left end the search.
        """
        held = ~np.isnan(settled)
        low, high = np.where(held, settled, 0.0), np.where(held, settled, 1.0)
        kinds = np.where(binary, 1, 0).astype(np.uint8)
        if self._keys.size:
            self._highs.changeColsBounds(self._keys.size, self._keys, low, high)
            self._highs.changeColsIntegrality(self._keys.size, self._keys, kinds)
        for option, value in (
            ("solver", "choose" if binary.any() else self._linear), ("mip_max_nodes", nodes if nodes else 2**31 - 1), ("mip_rel_gap", gap),
            ("time_limit", self._highs.getRunTime() + max(10.0 if patient else 0.1, self.seconds_left * time_share)),
        ):  # fmt: skip
            self._highs.setOptionValue(option, value)
        self._highs.clearSolver()
        if start is not None and binary.any():
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            self._highs.setSolution(solution)
        self._highs.run()
        return self._answer(bool(binary.any()))

    def row_prices(self) -> Floats:
        """Shadow prices of the last linear programme: yuan gained per unit a row's limit is loosened upwards."""
        return np.asarray(self._highs.getSolution().row_dual)

    def _answer(self, is_mixed: bool) -> Answer:
        info = self._highs.getInfo()
        status = self._highs.getModelStatus()
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        x = np.asarray(self._highs.getSolution().col_value) if found else None
        value = float(self._programme.cost @ x) if x is not None else -np.inf
        agrees = abs(value - info.objective_function_value) <= 1e-6 * max(1.0, abs(value))
        bound = (float(info.mip_dual_bound) if agrees else np.inf) if is_mixed else value
        names = {
            highspy.HighsModelStatus.kOptimal: "optimal",
            highspy.HighsModelStatus.kInfeasible: "infeasible",
        }
        return Answer(
            names.get(status, "stopped"), x, value, bound, max(0, int(info.mip_node_count)) if is_mixed else 0
        )


def loaded(
    matrix: sp.csr_matrix,
    vectors: tuple[Floats, Floats, Floats, Floats, Floats],
    *,
    is_gain: bool,
    **options: float | str,
) -> highspy.Highs:
    """HiGHS with a programme, silent and on one thread.

    Args:
        matrix: [row, column].
        vectors: cost, lower and upper [column], row_lower and row_upper [row].
        is_gain: `cost` is to be as large as can be, not as small.
        options: HiGHS's own, by name.
    """
    solver = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "parallel": "off", **options}.items():
        solver.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    if is_gain:
        lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_, lp.row_lower_, lp.row_upper_ = vectors
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    solver.passModel(lp)
    return solver
