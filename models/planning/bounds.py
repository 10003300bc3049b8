"""A bound tighter than the relaxed programme's: every plot's own best plan at given prices of kilograms.

Plots meet only in what is sold. With a price on each kilogram handed to the market, the programme falls apart into one small
mixed-integer programme a plot and one sum a demand row; their total bounds every plan, whatever the prices (Geoffrion 1974,
Lagrangean relaxation). A plot's kilograms bring the price only up to the whole demand, which the relaxed programme of all
plots does not see. Prices begin at a capped relaxation's (`bounds_prices`) and move by subgradients with Polyak's step (Held,
Wolfe & Crowder 1974), scaled by demand.
"""

import time
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.planning.bounds_prices import capped_prices
from models.planning.formulation import Programme
from models.planning.highs import loaded
from models.planning.limits import Floats

Ints = npt.NDArray[np.int64]
NODES = 200
GAP = 1e-5
TIE = 1e-9
FIRST_STEP = 0.08
"""Of Polyak's step to the best plan: plans lie far below what prices can prove."""
COUPLING = ("sale", "demand", "commitment")


@dataclass(frozen=True)
class Bound:
    """`value`: no plan earns more. `first`: the same at the first prices. `rounds`: of prices tried."""

    value: float
    first: float
    rounds: int


@dataclass
class _Plot:
    """One plot's programme in HiGHS: its columns of the whole, and kg that it hands to each sale (`sold` after the columns)."""

    solver: highspy.Highs
    columns: Ints
    kg: sparse.csr_matrix
    capped: Ints
    whole: bool

    def best(self, cost: Floats, prices: Floats) -> tuple[float, Floats]:
        """Upper bound of the plot's value at these prices, and the kg handed over by the best plan found."""
        paid = prices.copy()
        paid[self.capped] = 0.0
        worth = np.concatenate([cost[self.columns] + self.kg.T @ paid, prices[self.capped]])
        self.solver.changeColsCost(worth.size, np.arange(worth.size, dtype=np.int32), worth)
        self.solver.run()
        info = self.solver.getInfo()
        x = np.asarray(self.solver.getSolution().col_value)
        handed: Floats = np.asarray(self.kg @ x[: self.columns.size])
        handed[self.capped] = x[self.columns.size :]
        return float(info.objective_function_value if self.whole else info.mip_dual_bound), handed


def tighter_bound(
    programme: Programme, row_prices: Floats, best: float, *, rounds: int, seconds: float, seed: int
) -> Bound:
    """Lower the bound by pricing kilograms, for so many rounds or seconds (at least one round is done).

    Args:
        programme: The whole programme.
        row_prices: Its relaxation's row prices: where to begin.
        best: The value of the best plan known, the target of the steps.
        rounds, seconds: Whichever ends first; rounds are the same on every machine, seconds are a cap.
        seed: HiGHS's.
    """
    began = time.monotonic()
    plots = _plots(programme, seed)
    prices = np.maximum(row_prices[np.flatnonzero((programme.rows["kind"] == "sale").to_numpy())], 0.0)
    lowest = np.inf
    if (capped := capped_prices(programme, seconds)) is not None:
        prices, lowest = capped
    scale = np.maximum(programme.demand["demand_kg"].to_numpy(), 1.0)[programme.sales["row"].to_numpy()]
    first, step, idle = np.inf, FIRST_STEP, 0
    best_prices, direction = prices, np.zeros_like(prices)
    done = 0
    for done in range(1, rounds + 1):
        value, excess = _priced(programme, plots, prices)
        first = value if done == 1 else first
        if value < lowest - 1e-7 * abs(value):
            lowest, best_prices, idle = value, prices, 0
        else:
            idle += 1
        if idle >= 2:
            step, idle, prices, direction = step / 2, 0, best_prices, np.zeros_like(prices)
        if time.monotonic() - began > seconds or lowest - best <= 1e-6 * abs(best) or step < FIRST_STEP / 40:
            break
        direction = 0.3 * direction + excess / scale
        length = float(direction @ direction)
        if length <= 0:
            break
        prices = np.maximum(prices - step * (value - best) / length * direction / scale, 0.0)
    return Bound(lowest, first, done)


def _priced(programme: Programme, plots: list[_Plot], prices: Floats) -> tuple[float, Floats]:
    """The bound at these prices, and kg handed over beyond what is sold there."""
    total, handed = 0.0, np.zeros(prices.size)
    for plot in plots:
        value, kg = plot.best(programme.cost, prices)
        total += value
        handed += kg
    value, sold = _market(programme, prices, handed)
    return total + value, handed - sold


def _market(programme: Programme, prices: Floats, handed: Floats) -> tuple[float, Floats]:
    """What selling brings beyond the prices, and the kg sold: all demand at a gain, commitments even at a loss."""
    row = programme.sales["row"].to_numpy()
    asked, promised = (programme.demand[c].to_numpy() for c in ("demand_kg", "committed_kg"))
    gain = programme.cost[programme.first_sale : programme.first_short] - prices
    order = np.lexsort((-gain, row))
    leads = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    margin = np.full(asked.size, -np.inf)
    margin[row[leads]] = gain[leads]
    value = np.where(margin > 0, margin * asked, 0.0)
    value += promised * np.minimum(np.maximum(margin, -programme.penalty), 0.0)
    sold = np.zeros(prices.size)
    most = np.where(gain[leads] > TIE, asked[row[leads]], promised[row[leads]])
    even = np.abs(gain[leads]) <= TIE
    sold[leads] = np.where(even, np.clip(handed[leads], promised[row[leads]], asked[row[leads]]), most)
    sold[leads] = np.where(gain[leads] < -programme.penalty[row[leads]], 0.0, sold[leads])
    return float(value.sum()), sold


def _plots(programme: Programme, seed: int) -> list[_Plot]:
    kinds = programme.rows["kind"].to_numpy()
    local = ~np.isin(kinds, COUPLING)
    matrix = programme.matrix[local].tocsr()
    low, high = programme.row_lower[local], programme.row_upper[local]
    owner = np.full(programme.cost.size, -1)
    owner[: programme.first_key] = programme.line_plot
    owner[programme.keys] = programme.key_plot
    borne = sparse.csr_matrix(
        (programme.outputs["yield_kg_per_mu"].to_numpy(), (programme.outputs["sale"].to_numpy(), programme.outputs["line"].to_numpy())),
        shape=(programme.sales.height, programme.cost.size),
    ).tocsc()  # fmt: skip
    found, area = [], programme.plot_mu()
    for number in np.unique(programme.line_plot):
        columns = np.flatnonzero(owner == number)
        rows = np.flatnonzero(np.diff(matrix[:, columns].indptr) > 0)
        found.append(
            _plot(
                programme,
                matrix[rows][:, columns],
                low[rows],
                high[rows],
                columns,
                borne[:, columns].tocsr(),
                float(area[number]),
                seed,
            )
        )
    return found


def _plot(
    programme: Programme,
    inside: sparse.csr_matrix,
    low: Floats,
    high: Floats,
    columns: Ints,
    kg: sparse.csr_matrix,
    area: float,
    seed: int,
) -> _Plot:
    """The plot's own limits, and for each sale of which it could bear more than the demand a column capped by it."""
    row = programme.sales["row"].to_numpy()
    asked = programme.demand["demand_kg"].to_numpy()
    most = np.zeros(kg.shape[0])
    np.maximum.at(most, np.repeat(np.arange(kg.shape[0]), np.diff(kg.indptr)), kg.data * area)
    capped = np.flatnonzero(most > asked[row])
    within = sparse.hstack([-kg[capped], sparse.identity(capped.size)])
    asked_rows, place = np.unique(row[capped], return_inverse=True)
    caps = sparse.csr_matrix(
        (np.ones(capped.size), (place, columns.size + np.arange(capped.size))), shape=(asked_rows.size, columns.size + capped.size)
    )  # fmt: skip
    whole_matrix = sparse.vstack(
        [sparse.hstack([inside, sparse.csr_matrix((inside.shape[0], capped.size))]), within, caps]
    ).tocsr()
    keys = columns >= programme.first_key
    vectors = (
        np.zeros(whole_matrix.shape[1]),
        np.concatenate([programme.lower[columns], np.zeros(capped.size)]),
        np.concatenate([programme.upper[columns], np.full(capped.size, np.inf)]),
        np.concatenate([low, np.full(capped.size + asked_rows.size, -np.inf)]),
        np.concatenate([high, np.zeros(capped.size), asked[asked_rows]]),
    )
    solver = loaded(
        whole_matrix, vectors, is_gain=True, random_seed=seed % 2**31, mip_rel_gap=GAP, mip_max_nodes=NODES,
        mip_feasibility_tolerance=1e-7,
    )  # fmt: skip
    if keys.any():
        n = int(keys.sum())
        solver.changeColsIntegrality(n, np.flatnonzero(keys).astype(np.int32), np.ones(n, dtype=np.uint8))
    return _Plot(solver, columns, kg, capped, not keys.any())
