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


def within_reach(options: pl.DataFrame, activities: pl.DataFrame, plots: pl.DataFrame) -> pl.DataFrame:
    """The county's options with `max_mu`: the land of the group's plots on which the activity would not follow itself.

    Args:
        options: group_id, activity_id and more.
        activities: activity_id, rotation_group.
        plots: group_id, area_mu, last_group (nullable).
    """
    land = plots.group_by("group_id").agg(all_mu=pl.sum("area_mu"))
    taken = plots.group_by("group_id", rotation_group="last_group").agg(barred_mu=pl.sum("area_mu"))
    return (
        options.join(activities, on="activity_id", how="left", maintain_order="left")
        .join(land, on="group_id", how="left", maintain_order="left")
        .join(taken, on=["group_id", "rotation_group"], how="left", maintain_order="left")
        .with_columns(max_mu=pl.col("all_mu") - pl.col("barred_mu").fill_null(0.0))
        .drop("rotation_group", "all_mu", "barred_mu")
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
    known = ["max_mu"] if "max_mu" in problem.options.columns else []
    open_ = (
        problem.options.join(plan.areas, on=key, how="left", maintain_order="left")
        .join(short.rename({"placed_mu": "reached_mu"}), on=key, how="left", maintain_order="left")
        .with_columns(max_mu=pl.min_horizontal("reached_mu", *known))
        .filter(
            pl.col("area_mu").is_not_null()
            | pl.col("activity_id").is_in(short["activity_id"].unique().implode())
        )
        .drop("area_mu", "reached_mu")
    )
    eased = replace(problem, options=open_, previous=plan.areas)
    return solve_county(eased, replace(params, move_yuan_per_mu=MOVE_YUAN_PER_MU))
