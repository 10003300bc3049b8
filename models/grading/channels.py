"""Which lot and grade goes to which order or channel; what is left goes to processing where that pays, else it is cleared.

A lot may serve who asks for its own grade or a lower one (downgrade), never who asks for a better one.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

Floats = NDArray[np.float64]
SHOWN_KG = 1e-6


@dataclass(frozen=True)
class Allocation:
    """Where the lots go.

    flows: lot_id, to (order, recipe or 'clearance'), kind (order, processing, clearance), kg, yuan (net), steps_down (grades
    below the lot's own; null where no grade is asked). unserved: ask_id, kg. worth_of_more: lot_id, yuan_per_kg (what one kg
    more of it would bring: the shadow price). net_yuan: of all flows.
    """

    flows: pl.DataFrame
    unserved: pl.DataFrame
    worth_of_more: pl.DataFrame
    net_yuan: float


def allocate(
    lots: pl.DataFrame, asks: pl.DataFrame, recipes: pl.DataFrame | None = None, *, clearance: pl.DataFrame
) -> Allocation:
    """Send every kilogram where it brings most: exact, by linear programming (HiGHS).

    Args:
        lots: lot_id, crop_id, rank (1 is best), lot_kg (≥ 0).
        asks: ask_id, crop_id, rank (the least grade that will do), ask_kg (≥ 0), price_yuan_per_kg, short_yuan_per_kg (what a
            kg not delivered costs; 0 for a channel that may be left unserved).
        recipes: product_id, crop_id, best_rank (lots of a better grade are not processed; null: any), kg_in_per_kg_out,
            price_yuan_per_kg and cost_yuan_per_kg (of the product), most_kg (of product; null: all).
        clearance: crop_id, clearance_yuan_per_kg; a crop without a row is cleared for nothing.

    Raises:
        ValueError: A negative quantity, or a recipe that needs no material.
    """
    recipes = pl.DataFrame(schema=RECIPE) if recipes is None else recipes
    _check(lots, asks, recipes)
    arcs = pl.concat([_orders(lots, asks), _processing(lots, recipes), _cleared(lots, clearance)])
    if arcs.is_empty():
        return _empty(asks)
    arcs = arcs.with_row_index("arc")
    solved = _solve(arcs, lots, asks, recipes)
    flows = arcs.with_columns(kg=pl.Series(solved[0])).with_columns(yuan=pl.col("kg") * pl.col("worth"))
    served = flows.filter(pl.col("kind") == "order").group_by("to").agg(kg=pl.sum("kg"))
    unserved = (
        asks.join(served, left_on="ask_id", right_on="to", how="left")
        .select("ask_id", kg=(pl.col("ask_kg") - pl.col("kg").fill_null(0.0)).clip(lower_bound=0.0))
        .filter(pl.col("kg") > SHOWN_KG)
    )
    shown = flows.filter(pl.col("kg") > SHOWN_KG).select("lot_id", "to", "kind", "kg", "yuan", "steps_down")
    more = lots.select("lot_id", yuan_per_kg=pl.Series(solved[1], dtype=pl.Float64))
    return Allocation(shown, unserved, more, float(shown["yuan"].sum()))


def _check(lots: pl.DataFrame, asks: pl.DataFrame, recipes: pl.DataFrame) -> None:
    for frame, key, kg in ((lots, "lot_id", "lot_kg"), (asks, "ask_id", "ask_kg")):
        if (bad := frame.filter(pl.col(kg) < 0)).height:
            raise ValueError(f"{key} '{bad[key][0]}' has {bad[kg][0]:g} kg; give 0 or more")
    if (bad := recipes.filter(pl.col("kg_in_per_kg_out") <= 0)).height:
        raise ValueError(f"recipe '{bad['product_id'][0]}' needs no material; give kg_in_per_kg_out above 0")


def _orders(lots: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    pairs = lots.join(asks, on="crop_id", suffix="_asked").filter(pl.col("rank") <= pl.col("rank_asked"))
    return pairs.select(
        "lot_id", to="ask_id", kind=pl.lit("order"),
        worth=pl.col("price_yuan_per_kg").cast(pl.Float64),
        gain=(pl.col("price_yuan_per_kg") + pl.col("short_yuan_per_kg")).cast(pl.Float64),
        out_per_kg=pl.lit(1.0), steps_down=(pl.col("rank_asked") - pl.col("rank")).cast(pl.Int64),
    )  # fmt: skip


def _processing(lots: pl.DataFrame, recipes: pl.DataFrame) -> pl.DataFrame:
    pairs = lots.join(recipes, on="crop_id").filter(pl.col("rank") >= pl.col("best_rank").fill_null(1))
    worth = (pl.col("price_yuan_per_kg") - pl.col("cost_yuan_per_kg").fill_null(0.0)) / pl.col(
        "kg_in_per_kg_out"
    )
    return pairs.select(
        "lot_id", to="product_id", kind=pl.lit("processing"), worth=worth.cast(pl.Float64), gain=worth.cast(pl.Float64),
        out_per_kg=(1 / pl.col("kg_in_per_kg_out")).cast(pl.Float64), steps_down=pl.lit(None, pl.Int64),
    )  # fmt: skip


def _cleared(lots: pl.DataFrame, clearance: pl.DataFrame) -> pl.DataFrame:
    worth = pl.col("clearance_yuan_per_kg").fill_null(0.0).cast(pl.Float64)
    return lots.join(clearance, on="crop_id", how="left", maintain_order="left").select(
        "lot_id", to=pl.lit("clearance"), kind=pl.lit("clearance"), worth=worth, gain=worth,
        out_per_kg=pl.lit(1.0), steps_down=pl.lit(None, pl.Int64),
    )  # fmt: skip


def _solve(
    arcs: pl.DataFrame, lots: pl.DataFrame, asks: pl.DataFrame, recipes: pl.DataFrame
) -> tuple[Floats, Floats]:
    """Kilograms of each arc, and the shadow price of each lot."""
    of_lot = arcs.join(lots.with_row_index("row"), on="lot_id", maintain_order="left")["row"].to_numpy()
    equal = coo_array(
        (np.ones(arcs.height), (of_lot, np.arange(arcs.height))), shape=(lots.height, arcs.height)
    )
    limits = pl.concat([
        asks.select(to="ask_id", kind=pl.lit("order"), most=pl.col("ask_kg").cast(pl.Float64)),
        recipes.drop_nulls("most_kg").select(
            to="product_id", kind=pl.lit("processing"), most=pl.col("most_kg").cast(pl.Float64)),
    ]).with_row_index("row")  # fmt: skip
    bound = arcs.join(limits, on=["to", "kind"], maintain_order="left")
    upper = coo_array(
        (bound["out_per_kg"].to_numpy(), (bound["row"].to_numpy(), bound["arc"].to_numpy())),
        shape=(limits.height, arcs.height),
    )
    found = linprog(
        -arcs["gain"].to_numpy(), A_ub=upper.tocsr() if limits.height else None,
        b_ub=limits["most"].to_numpy() if limits.height else None,
        A_eq=equal.tocsr(), b_eq=lots["lot_kg"].cast(pl.Float64).to_numpy(), method="highs",
    )  # fmt: skip
    if found.status != 0:
        raise RuntimeError(f"the allocation was not solved: {found.message}")
    return np.asarray(found.x), -np.asarray(found.eqlin.marginals)


def _empty(asks: pl.DataFrame) -> Allocation:
    flows = pl.DataFrame(schema=FLOW)
    unserved = asks.filter(pl.col("ask_kg") > SHOWN_KG).select("ask_id", kg=pl.col("ask_kg").cast(pl.Float64))
    return Allocation(
        flows, unserved, pl.DataFrame(schema={"lot_id": pl.String, "yuan_per_kg": pl.Float64}), 0.0
    )


FLOW = {
    "lot_id": pl.String, "to": pl.String, "kind": pl.String, "kg": pl.Float64, "yuan": pl.Float64, "steps_down": pl.Int64,
}  # fmt: skip
RECIPE = {
    "product_id": pl.String, "crop_id": pl.String, "best_rank": pl.Int64, "kg_in_per_kg_out": pl.Float64,
    "price_yuan_per_kg": pl.Float64, "cost_yuan_per_kg": pl.Float64, "most_kg": pl.Float64,
}  # fmt: skip
