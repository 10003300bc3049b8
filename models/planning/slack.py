"""What villages could not place goes back to the county plan, once: it may stand on other villages' land instead."""

from dataclasses import replace

import polars as pl

from models.planning.county import solve_county
from models.planning.county_problem import CountyParams, CountyPlan, CountyProblem

LEAST_MU, LEAST_SHARE = 0.05, 0.01
"""A miss below either is too little to plan anew for."""
MOVE_YUAN_PER_MU = 20.0
"""What moving a mu must gain at least, so that villages that met their targets keep them."""


def misses(reached: pl.DataFrame) -> pl.DataFrame:
    """group_id, activity_id, placed_mu of targets that fell short by more than a trifle."""
    short = pl.col("target_mu") - pl.col("placed_mu")
    return reached.filter(short > LEAST_MU, short > LEAST_SHARE * pl.col("target_mu")).select(
        "group_id", "activity_id", "placed_mu"
    )


def give_back(
    problem: CountyProblem, plan: CountyPlan, params: CountyParams, reached: pl.DataFrame
) -> CountyPlan:
    """The county plan with each missed target limited to what was placed; the same plan when nothing was missed.

    Open are the plan's own options, and those of the missed activities on all land; moves cost a little.

    Args:
        problem, plan, params: What was planned, and how.
        reached: Of all villages: group_id, activity_id, target_mu, placed_mu.
    """
    short = misses(reached)
    if short.is_empty():
        return plan
    key = ["group_id", "activity_id"]
    open_ = (
        problem.options.join(plan.areas, on=key, how="left", maintain_order="left")
        .join(short.rename({"placed_mu": "max_mu"}), on=key, how="left", maintain_order="left")
        .filter(
            pl.col("area_mu").is_not_null()
            | pl.col("activity_id").is_in(short["activity_id"].unique().implode())
        )
        .drop("area_mu")
    )
    eased = replace(problem, options=open_, previous=plan.areas)
    return solve_county(eased, replace(params, move_yuan_per_mu=MOVE_YUAN_PER_MU))
