"""The mixed-integer programme of a village plan, as arrays for HiGHS.

Columns: mu of each line, then yes/no of each key, then kg sold per sale class, then kg of commitments not served. A sale
class is what one crop, year and season earns at one price: its kg are sold while demand lasts, the rest goes at salvage.
Yes/no columns are binary, relaxed or settled by their limits alone, so one matrix serves bound, search and prices.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from models.planning.activities import Activities
from models.planning.limits import INF, Floats, Rows, key_rows, land_rows, legume_rows, perennial_rows
from models.planning.problem import Params, Problem


@dataclass(frozen=True)
class Programme:
    """Maximise `cost @ x` within `lower ≤ x ≤ upper` and `row_lower ≤ matrix @ x ≤ row_upper`.

    `rows`: one row per limit, in matrix order: kind, plot_id, crop_id, year, season (nulls where it has none).
    `outputs`: kg per mu of each line and sale class (line, sale, yield_kg_per_mu). `sales`: crop_id, year, season, price,
    salvage. `demand`: the demand frame with `row` numbers. Column blocks start at 0, `first_key`, `first_sale`, `first_short`.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    matrix: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    rows: pl.DataFrame
    outputs: pl.DataFrame
    sales: pl.DataFrame
    demand: pl.DataFrame
    first_key: int
    first_sale: int
    first_short: int
    key_plot: npt.NDArray[np.int64]
    line_plot: npt.NDArray[np.int64]
    penalty: Floats
    """Yuan that a kg of commitment not served weighs, per demand row."""

    @property
    def keys(self) -> slice:
        """Where the yes/no columns are."""
        return slice(self.first_key, self.first_sale)

    @property
    def shorts(self) -> slice:
        """Where the columns of commitments not served are."""
        return slice(self.first_short, self.cost.size)

    def plot_mu(self) -> Floats:
        """Free land of each plot number: the most that any of its land rows allows; 0 where it has none."""
        land = (self.rows["kind"] == "land").to_numpy()
        rows, columns = self.matrix[land][:, : self.first_key].nonzero()
        area = np.zeros(int(self.line_plot.max(initial=0)) + 1)
        np.maximum.at(area, self.line_plot[columns], self.row_upper[land][rows])
        return area


def formulate(problem: Problem, params: Params, acts: Activities) -> Programme:
    """Write the programme of the spread-out problem."""
    outputs, sales, demand = _sales(problem, params, acts)
    n, k, s, d = acts.lines.height, acts.keys.height, sales.height, demand.height
    rows = Rows()
    land_rows(rows, acts)
    key_rows(rows, params, acts, n)
    legume_rows(rows, acts)
    perennial_rows(rows, acts)
    first_sale = n + k
    first = rows.add("sale", sales, -INF, 0.0)
    rows.put(sales["sale"], sales["sale"], 1.0, row_from=first, column_from=first_sale)
    rows.put(outputs["sale"], outputs["line"], -outputs["yield_kg_per_mu"], row_from=first)
    first = rows.add("demand", demand, -INF, demand["demand_kg"].to_numpy())
    rows.put(sales["row"], sales["sale"], 1.0, row_from=first, column_from=first_sale)
    promised = demand.filter(pl.col("committed_kg") > 0).with_row_index("promise")
    first = rows.add("commitment", promised, promised["committed_kg"].to_numpy(), INF)
    met = sales.join(promised.select("row", "promise"), on="row")
    rows.put(met["promise"], met["sale"], 1.0, row_from=first, column_from=first_sale)
    rows.put(promised["promise"], promised["row"], 1.0, row_from=first, column_from=first_sale + s)
    penalty = np.full(d, _penalty(problem))
    return Programme(
        cost=np.concatenate(
            [_line_values(acts, outputs, sales), np.zeros(k), (sales["price"] - sales["salvage"]).to_numpy(), -penalty]
        ),
        lower=np.concatenate([acts.lines["min_mu"].to_numpy(), np.zeros(k + s + d)]),
        upper=np.concatenate(
            [_most(acts), np.ones(k), np.full(s, INF), demand["committed_kg"].to_numpy()]
        ),
        matrix=rows.matrix(n + k + s + d),
        row_lower=np.concatenate(rows.low),
        row_upper=np.concatenate(rows.high),
        rows=pl.concat(rows.labels),
        outputs=outputs, sales=sales, demand=demand,
        first_key=n, first_sale=first_sale, first_short=first_sale + s,
        key_plot=_plot_numbers(problem, acts.keys), line_plot=_plot_numbers(problem, acts.lines),
        penalty=penalty,
    )  # fmt: skip


def _most(acts: Activities) -> Floats:
    """Upper limits of lines; none where the plot's land limits the line anyway, so that land carries the price."""
    most = acts.lines["max_mu"].to_numpy()
    return np.where(most >= acts.lines["area_mu"].to_numpy(), INF, most)


def _plot_numbers(problem: Problem, frame: pl.DataFrame) -> npt.NDArray[np.int64]:
    order = problem.plots.select("plot_id").with_row_index("number")
    return frame.join(order, on="plot_id", maintain_order="left")["number"].to_numpy().astype(np.int64)


def _sales(
    problem: Problem, params: Params, acts: Activities
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Outputs of lines, the sale classes they feed, and the numbered demand rows (0 kg where nobody asks)."""
    salvage = pl.col("salvage_yuan_per_kg") if params.surplus == "salvage" else pl.lit(0.0)
    borne = (
        acts.lines.select("line", "practice_id", "year", "season")
        .join(problem.yields, on="practice_id")
        .select(
            "line", "crop_id", pl.col("year", "season").cast(pl.Int64), "yield_kg_per_mu",
            price="price_yuan_per_kg", salvage=pl.min_horizontal(salvage, "price_yuan_per_kg"),
        )
    )  # fmt: skip
    key = ["crop_id", "year", "season"]
    asked = problem.demand.select(
        "crop_id", pl.col("year", "season").cast(pl.Int64), "demand_kg", "committed_kg", "demand_source"
    ).filter(
        (pl.col("year") > params.first_year)
        | ((pl.col("year") == params.first_year) & (pl.col("season") >= params.first_season)),
        pl.col("year") <= params.last_year,
    )
    unasked = borne.select(key).unique().join(asked, on=key, how="anti")
    demand = pl.concat(
        [asked, unasked.with_columns(demand_kg=0.0, committed_kg=0.0, demand_source=pl.lit("none"))]
    ).sort(key)
    demand = demand.with_columns(row=pl.int_range(pl.len()))
    sales = (
        borne.select(*key, "price", "salvage").unique().sort(*key, pl.col("price"), "salvage")
        .with_columns(sale=pl.int_range(pl.len()))
        .join(demand.select(*key, "row"), on=key, how="left", maintain_order="left")
    )  # fmt: skip
    outputs = borne.join(sales.drop("row"), on=[*key, "price", "salvage"]).sort("line", "sale")
    return (
        outputs.select("line", "sale", "crop_id", "year", "season", "yield_kg_per_mu", "price", "salvage"),
        sales,
        demand,
    )


def _line_values(acts: Activities, outputs: pl.DataFrame, sales: pl.DataFrame) -> Floats:
    """Yuan per mu of a line if all it bears went at salvage: salvage less cost."""
    worth = outputs.group_by("line").agg(yuan=(pl.col("yield_kg_per_mu") * pl.col("salvage")).sum())
    joined = acts.lines.select("line", "cost_yuan_per_mu").join(
        worth, on="line", how="left", maintain_order="left"
    )
    return (joined["yuan"].fill_null(0.0) - joined["cost_yuan_per_mu"]).to_numpy()


def _penalty(problem: Problem) -> float:
    """Yuan per kg of commitment not served: above what any rotation could earn on the land that bears one kg."""
    joined = problem.yields.join(
        problem.practices.select("practice_id", "cost_yuan_per_mu"), on="practice_id"
    )
    gross = joined.group_by("practice_id").agg(
        yuan=(pl.col("yield_kg_per_mu") * pl.col("price_yuan_per_kg")).sum() + pl.first("cost_yuan_per_mu")
    )
    best = float(gross["yuan"].max() or 0.0)  # type: ignore[arg-type]
    least = float(joined["yield_kg_per_mu"].min() or 1.0)  # type: ignore[arg-type]
    return 4.0 * best / least
