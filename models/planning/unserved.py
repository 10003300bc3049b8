"""Why demand stays unserved: not known, not allowed, not paying, or land that earns more otherwise."""

from collections.abc import Iterator

import polars as pl

from models.planning import wording
from models.planning.activities import Activities
from models.planning.problem import Plan, Problem
from models.planning.wording import Texts

LEAST_SHARE = 0.001
"""Unserved demand below this share of the demand is rounding, not a finding."""


def unserved_causes(
    problem: Problem, acts: Activities, plan: Plan, names: dict[str, Texts]
) -> Iterator[tuple[str, int, int, Texts, float | None]]:
    """Each demand left unserved, the most kilograms first: crop_id, year, season, sentences, yuan a kg more would cost."""
    missing = dict(problem.missing().select("crop_id", "detail").iter_rows())
    cost = _cost_of_one_more_kg(problem, acts, plan)
    left = plan.balance.filter(pl.col("unserved_kg") > LEAST_SHARE * pl.col("demand_kg")).sort(
        "unserved_kg", "crop_id", "year", "season", descending=[True, False, False, False]
    )
    for r in left.iter_rows(named=True):
        key = (r["crop_id"], r["year"], r["season"])
        value: float | None = None
        if r["crop_id"] in missing:
            cause = wording.cause_missing(missing[r["crop_id"]])
        elif key not in cost:
            cause = wording.cause_no_line()
        else:
            value, direct = cost[key]
            cause = _cause(value, direct)
        name = names.get(r["crop_id"], (r["crop_id"], r["crop_id"]))
        yield (
            *key,
            wording.unserved(name, r["unserved_kg"], r["demand_kg"], r["year"], r["season"], cause),
            value,
        )


def _cause(value: float, direct: float) -> Texts:
    if direct > 0:
        return wording.cause_unprofitable(direct)
    return wording.cause_land(value) if value > 0.005 else wording.cause_full()


def _cost_of_one_more_kg(
    problem: Problem, acts: Activities, plan: Plan
) -> dict[tuple[str, int, int], tuple[float, float]]:
    """Per crop, year and season: least yuan that one kg more costs at the shadow prices, and without them (cost − price).

    Limits that yes/no decisions impose are not priced, so the figure is a lower bound.
    """
    land = plan.limits.filter(pl.col("kind") == "land").select(
        "plot_id", "year", "season", price="price_yuan"
    )
    rent = (
        acts.lines.filter(pl.col("max_mu") > 0)
        .select("line", "plot_id", "year", season=pl.int_ranges("season", pl.col("last_season") + 1))
        .explode("season")
        .join(land, on=["plot_id", "year", "season"], how="left")
        .group_by("line")
        .agg(rent=pl.col("price").fill_null(0.0).sum())
    )
    lines = (
        acts.lines.select("line", "practice_id", "year", "season", "cost_yuan_per_mu")
        .join(rent, on="line")
        .join(problem.yields, on="practice_id")
        .with_columns(
            direct=pl.col("cost_yuan_per_mu") / pl.col("yield_kg_per_mu") - pl.col("price_yuan_per_kg"),
            rent_kg=pl.col("rent") / pl.col("yield_kg_per_mu"),
        )
        .group_by("crop_id", "year", "season")
        .agg(full=(pl.col("direct") + pl.col("rent_kg")).min(), direct=pl.min("direct"))
    )
    return {(r[0], r[1], r[2]): (r[3], r[4]) for r in lines.iter_rows()}
