"""Prices to begin a bound with: those of a relaxation in which a plot sells no more of a crop than its yes allows."""

import highspy
import numpy as np
import polars as pl
from scipy import sparse

from models.planning.formulation import Programme
from models.planning.highs import loaded
from models.planning.limits import Floats


def capped_prices(programme: Programme, seconds: float) -> tuple[Floats, float] | None:
    """Yuan that one more kg handed over is worth, per sale class, and the relaxation's value; None when the time was too short.

    Where a plot could bear more than the whole demand, its kilograms go through a column of their own: at most what grows,
    and at most the demand times the yes of its crop there. A plan keeps that; a relaxed plan with a little of a crop on many
    plots does not. It is the demand row taken apart by plot (Pochet & Wolsey 2006, ch. 8, on variable upper limits).

    Args:
        programme: The whole programme.
        seconds: A cap.
    """
    flows = _flows(programme)
    n: int = flows.height
    height, width = programme.matrix.shape
    first = int(np.flatnonzero((programme.rows["kind"] == "sale").to_numpy())[0])
    line, key, sale = (flows[c].to_numpy().astype(np.int64) for c in ("line", "key", "sale"))
    kg, asked = flows["yield_kg_per_mu"].to_numpy(), flows["demand_kg"].to_numpy()
    old = programme.matrix.tolil(copy=True)
    old[first + sale, line] = 0.0
    flow = np.arange(n)
    through = sparse.csr_matrix((-np.ones(n), (first + sale, flow)), shape=(height, n))
    grown = sparse.csr_matrix((-kg, (flow, line)), shape=(n, width))
    said = sparse.csr_matrix((-asked, (flow, programme.first_key + key)), shape=(n, width))
    one = sparse.identity(n, format="csr")
    matrix = sparse.bmat([[old.tocsr(), through], [grown, one], [said, one]], format="csr")
    return _solved(programme, matrix, n, first, seconds)


def _flows(programme: Programme) -> pl.DataFrame:
    """Outputs with a yes/no of their own that may exceed the demand: line, key, sale, yield_kg_per_mu, demand_kg."""
    share = (programme.rows["kind"] == "share_high").to_numpy()
    keys, lines = programme.matrix[share][:, : programme.first_key].nonzero()
    keyed = pl.DataFrame({"line": lines, "key": keys}, schema={"line": pl.UInt32, "key": pl.Int64})
    plots = pl.DataFrame(
        {"line": np.arange(programme.first_key), "most": programme.plot_mu()[programme.line_plot]}
    )
    return (
        programme.outputs.select("line", "sale", "yield_kg_per_mu")
        .join(programme.sales.select("sale", "row"), on="sale")
        .join(programme.demand.select("row", "demand_kg"), on="row")
        .with_columns(pl.col("line").cast(pl.UInt32))
        .join(keyed, on="line")
        .join(plots.with_columns(pl.col("line").cast(pl.UInt32)), on="line")
        .filter(pl.col("most") * pl.col("yield_kg_per_mu") > pl.col("demand_kg"))
        .sort("line", "sale")
    )


def _solved(
    programme: Programme, matrix: sparse.csr_matrix, flows: int, first: int, seconds: float
) -> tuple[Floats, float] | None:
    vectors = (
        np.concatenate([programme.cost, np.zeros(flows)]),
        np.concatenate([programme.lower, np.zeros(flows)]),
        np.concatenate([programme.upper, np.full(flows, np.inf)]),
        np.concatenate([programme.row_lower, np.full(2 * flows, -np.inf)]),
        np.concatenate([programme.row_upper, np.zeros(2 * flows)]),
    )
    solver = loaded(matrix, vectors, is_gain=True, time_limit=max(seconds, 0.1))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    prices = np.asarray(solver.getSolution().row_dual)[first : first + programme.sales.height]
    return np.maximum(prices, 0.0), float(solver.getInfo().objective_function_value)
