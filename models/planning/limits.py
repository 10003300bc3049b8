"""The limits of a village plan as blocks of matrix rows: land, yes/no, repeats, legumes, perennials."""

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from models.planning.activities import Activities, cliques
from models.planning.problem import Params

Floats = npt.NDArray[np.float64]
INF = float("inf")


class Rows:
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
        """All blocks as one sparse matrix, its entries in order, so that equal inputs are solved alike."""
        if not self.entries:
            return sp.csr_matrix((self.count, columns))
        r, c, v = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        found = sp.csr_matrix((v.astype(np.float64), (r, c)), shape=(self.count, columns))
        found.sort_indices()
        return found


def land_rows(rows: Rows, acts: Activities) -> None:
    """Land of a plot in a slot is taken once; perennials have land of their own."""
    first = rows.add("land", acts.land, -INF, acts.land["free_mu"].to_numpy())
    taken = (
        acts.lines.filter(~pl.col("is_perennial"))
        .select("line", "plot_id", slot=pl.int_ranges("start", pl.col("end") + 1))
        .explode("slot")
        .join(acts.land.with_row_index("row"), on=["plot_id", "slot"])
    )
    rows.put(taken["row"], taken["line"], 1.0, row_from=first)


def key_rows(rows: Rows, params: Params, acts: Activities, first_key: int) -> None:
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
    count_rows(rows, params, acts, first_key)
    sets = cliques(acts.pairs)
    named = sets.unique("clique", maintain_order=True).join(
        labels.with_columns(second=keys["key"]), on="second", maintain_order="left"
    )
    first = rows.add("repeat", named, -INF, 1.0)
    rows.put(sets["clique"], sets["key"], 1.0, row_from=first, column_from=first_key)


def count_rows(rows: Rows, params: Params, acts: Activities, first_key: int) -> None:
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


def legume_rows(rows: Rows, acts: Activities) -> None:
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


def perennial_rows(rows: Rows, acts: Activities) -> None:
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
