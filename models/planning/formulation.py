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
from models.planning.problem import Params, Problem

Floats = npt.NDArray[np.float64]
INF = float("inf")


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


class _Rows:
    """Collects coefficients and limits, block by block."""

    def __init__(self) -> None:
        self.entries: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]] = []
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.labels: list[pl.DataFrame] = []
        self.count = 0

    def add(self, kind: str, labels: pl.DataFrame, low: Floats | float, high: Floats | float) -> int:
        """Open a block of rows, one a label; returns the number of its first row."""
        n, first = labels.height, self.count
        wanted = {"plot_id": pl.String, "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64}
        self.labels.append(
            labels.select(
                kind=pl.lit(kind),
                **{
                    c: pl.col(c).cast(t) if c in labels.columns else pl.lit(None, t)
                    for c, t in wanted.items()
                },
            )
        )
        self.low.append(np.broadcast_to(np.asarray(low, dtype=np.float64), n))
        self.high.append(np.broadcast_to(np.asarray(high, dtype=np.float64), n))
        self.count += n
        return first

    def put(
        self,
        row: pl.Series,
        column: pl.Series,
        value: pl.Series | float,
        *,
        row_from: int,
        column_from: int = 0,
    ) -> None:
        """Set coefficients of a block (row and column counted from the block's first)."""
        size = row.len()
        values = value.to_numpy() if isinstance(value, pl.Series) else np.full(size, value)
        self.entries.append(
            (
                row.to_numpy().astype(np.int64) + row_from,
                column.to_numpy().astype(np.int64) + column_from,
                values,
            )
        )

    def matrix(self, columns: int) -> sp.csr_matrix:
        """All blocks as one sparse matrix."""
        if not self.entries:
            return sp.csr_matrix((self.count, columns))
        r, c, v = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        return sp.csr_matrix((v.astype(np.float64), (r, c)), shape=(self.count, columns))


def formulate(problem: Problem, params: Params, acts: Activities) -> Programme:
    """Write the programme of the spread-out problem."""
    outputs, sales, demand = _sales(problem, params, acts)
    n, k, s, d = acts.lines.height, acts.keys.height, sales.height, demand.height
    rows = _Rows()
    _land_rows(rows, acts)
    _key_rows(rows, params, acts, n)
    _legume_rows(rows, acts)
    _perennial_rows(rows, acts)
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
            [acts.lines["max_mu"].to_numpy(), np.ones(k), np.full(s, INF), demand["committed_kg"].to_numpy()]
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


def _land_rows(rows: _Rows, acts: Activities) -> None:
    """Land of a plot in a slot is taken once; perennials have land of their own."""
    first = rows.add("land", acts.land, -INF, acts.land["free_mu"].to_numpy())
    taken = (
        acts.lines.filter(~pl.col("is_perennial"))
        .select("line", "plot_id", slot=pl.int_ranges("start", pl.col("end") + 1))
        .explode("slot")
        .join(acts.land.with_row_index("row"), on=["plot_id", "slot"])
    )
    rows.put(taken["row"], taken["line"], 1.0, row_from=first)


def _key_rows(rows: _Rows, params: Params, acts: Activities, first_key: int) -> None:
    """Area only where the answer is yes, at least the minimum share of it, and never two keys of a pair."""
    keys, lines = acts.keys, acts.lines.filter(pl.col("key").is_not_null())
    labels = keys.select("plot_id", "year", "season", crop_id="group")
    first = rows.add("share_high", labels, -INF, 0.0)
    rows.put(lines["key"], lines["line"], 1.0, row_from=first)
    rows.put(keys["key"], keys["key"], -keys["area_mu"], row_from=first, column_from=first_key)
    if params.min_share:
        first = rows.add("share_low", labels, 0.0, INF)
        rows.put(lines["key"], lines["line"], 1.0, row_from=first)
        rows.put(
            keys["key"],
            keys["key"],
            -params.min_share * keys["area_mu"],
            row_from=first,
            column_from=first_key,
        )
    _count_rows(rows, params, acts, first_key)
    named = acts.pairs.join(labels.with_columns(second=keys["key"]), on="second", maintain_order="left")
    first = rows.add("repeat", named, -INF, 1.0)
    order = pl.int_range(acts.pairs.height, eager=True)
    for side in ("first", "second"):
        rows.put(order, acts.pairs[side], 1.0, row_from=first, column_from=first_key)


def _count_rows(rows: _Rows, params: Params, acts: Activities, first_key: int) -> None:
    """At most one crop where it stands alone, and at most as many as the minimum share leaves room for."""
    most = float(int(1.0 / params.min_share + 1e-9)) if params.min_share else INF
    slots = (
        acts.keys.select("key", "plot_id", "alone", slot=pl.int_ranges("start", pl.col("end") + 1))
        .explode("slot")
        .join(acts.land, on=["plot_id", "slot"])
    )
    limited = (
        slots.group_by("plot_id", "slot")
        .agg(pl.first("year", "season"), most=pl.when(pl.col("alone").any()).then(1.0).otherwise(most))
        .filter(pl.col("most") < INF)
        .sort("plot_id", "slot")
        .with_row_index("row")
    )
    first = rows.add("count", limited, -INF, limited["most"].to_numpy())
    inside = slots.join(limited.select("plot_id", "slot", "row"), on=["plot_id", "slot"])
    rows.put(inside["row"], inside["key"], 1.0, row_from=first, column_from=first_key)


def _legume_rows(rows: _Rows, acts: Activities) -> None:
    """Legumes cover the plot's area within each window."""
    windows = acts.legume.with_row_index("row")
    first = rows.add(
        "legume", windows.with_columns(year="to_year"), acts.legume["missing_mu"].to_numpy(), INF
    )
    bearing = (
        acts.lines.filter("is_legume")
        .join(windows, on="plot_id")
        .filter(pl.col("year").is_between("from_year", "to_year"))
    )
    rows.put(bearing["row"], bearing["line"], 1.0, row_from=first)


def _perennial_rows(rows: _Rows, acts: Activities) -> None:
    """A perennial keeps to its standing land, and what is given up does not come back."""
    lines = acts.lines.filter("is_perennial")
    years = lines.select("plot_id", "crop_id", "year").unique().sort("plot_id", "crop_id", "year")
    held = years.join(acts.standing, on=["plot_id", "crop_id"], maintain_order="left").with_row_index("row")
    first = rows.add("standing", held, -INF, held["standing_mu"].to_numpy())
    here = lines.join(held.select("plot_id", "crop_id", "year", "row"), on=["plot_id", "crop_id", "year"])
    rows.put(here["row"], here["line"], 1.0, row_from=first)
    before = held.select("plot_id", "crop_id", year=pl.col("year") + 1, previous="row")
    kept = held.join(before, on=["plot_id", "crop_id", "year"], maintain_order="left").with_row_index("step")
    first = rows.add("kept", kept, -INF, 0.0)
    for side, sign in (("row", 1.0), ("previous", -1.0)):
        part = kept.select("step", row=side).join(here.select("row", "line"), on="row")
        rows.put(part["step"], part["line"], sign, row_from=first)
