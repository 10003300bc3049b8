"""Weigh a night's plan against demand paths: read or draw them, plan against few, mix the plans, value on fresh ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.planning.chances import Chances, drawn
from models.planning.demand_paths import Floats, demand_by_path, season_paths
from models.planning.mixing import Aim, take_over
from models.planning.problem import Infeasible, Plan, Problem
from models.planning.two_stage import GroupsInfeasible
from models.planning.weigh import Information, Stage, against_scenarios, information, stage_of
from pipelines.plan_inputs import PlanInputs
from pipelines.scenarios import draw_paths
from settings import Settings
from warehouse import Warehouse

GROUPS_LIMIT_S = 120.0
"""Cap on one plan of land groups; a village's takes a fraction of a second."""
UNKNOWN_DEMAND_PATHS = 1000
"""Without demand paths only yields are drawn: so many."""

Solve = Callable[[Problem], Plan]


@dataclass(frozen=True)
class Weighed:
    """The plan chosen: its lines (plot_id, practice_id, year, season, area_mu), the solver's plan and problem behind it.

    `made_for`: 'mean', 'scenarios', or 'both' where plots of two plans stand beside each other.
    """

    lines: pl.DataFrame
    plan: Plan
    problem: Problem
    made_for: str
    stage: Stage
    mean: Plan
    scenario_lines: pl.DataFrame | None
    notes: tuple[str, ...]


def weigh(
    settings: Settings,
    warehouse: Warehouse,
    inputs: PlanInputs,
    problem: Problem,
    mean: Plan,
    solve: Solve,
    *,
    cutoff: date,
) -> Weighed:
    """Plan against the scenarios as well, and take what reaches more over all paths, plot by plot.

    Args:
        inputs: As planned for; `problem` is its problem less decisions that do not fit.
        mean: The plan made for mean demand.
        solve: Makes a village plan of a problem; may raise Infeasible.
    """
    aim = Aim(settings.plan_risk_weight, settings.plan_risk_level)
    chances = planning_chances(settings, warehouse, inputs, problem, cutoff=cutoff)
    stage = stage_of(
        problem,
        inputs.params,
        chances,
        scenarios=max(settings.plan_scenarios, 1),
        aim=aim,
        seed=settings.seed,
    )
    if not settings.plan_scenarios:
        return Weighed(mean.assignments, mean, problem, "mean", stage, mean, None, ())
    try:
        aimed = against_scenarios(stage, time_limit_s=GROUPS_LIMIT_S)
        hedged = solve(aimed)
    except (GroupsInfeasible, Infeasible) as nothing:
        return Weighed(mean.assignments, mean, problem, "mean", stage, mean, None, (str(nothing),))
    return _better(stage, problem, mean, aimed, hedged)


def _better(stage: Stage, problem: Problem, mean: Plan, aimed: Problem, hedged: Plan) -> Weighed:
    """The plan that reaches more over all paths, with those plots of the other that raise it further."""
    ours = stage.reached(hedged.assignments, stage.many) > stage.reached(mean.assignments, stage.many)
    first, second = (hedged, mean) if ours else (mean, hedged)
    lines, gained = take_over(
        first.assignments,
        second.assignments,
        problem=problem,
        classes=stage.classes,
        chances=stage.few,
        aim=stage.aim,
    )
    better = gained and stage.reached(lines, stage.many) > stage.reached(first.assignments, stage.many)
    made_for = "both" if better else ("scenarios" if ours else "mean")
    return Weighed(
        lines if better else first.assignments, first, aimed if ours else problem, made_for, stage,
        mean, hedged.assignments, (),
    )  # fmt: skip


def planning_chances(
    settings: Settings, warehouse: Warehouse, inputs: PlanInputs, problem: Problem, *, cutoff: date
) -> Chances:
    """Demand of `demand_scenario` and drawn yields, over the problem's demand rows; certain demand where no paths are drawn."""
    paths = warehouse.sql("select * from demand_scenario where cutoff = $cutoff order by all", cutoff=cutoff)
    kg = _by_path(warehouse, inputs, problem, paths)
    return drawn(problem.demand, kg, seed=settings.seed)


def fresh_chances(
    settings: Settings,
    warehouse: Warehouse,
    inputs: PlanInputs,
    problem: Problem,
    *,
    cutoff: date,
    run_id: str,
) -> Chances:
    """As planning_chances, on paths and yields of the same laws drawn with the next seed: fixed, and none of them planned for."""
    seed = settings.seed + 1
    season = warehouse.sql("select * from season_forecast where cutoff = $cutoff order by all", cutoff=cutoff)
    planned = warehouse.sql("select count(*) as n from demand_scenario where cutoff = $cutoff", cutoff=cutoff)
    paths = pl.DataFrame()
    if season.height and planned["n"][0]:
        paths = draw_paths(settings, warehouse, season, cutoff=cutoff, run_id=run_id, seed=seed)
    return drawn(problem.demand, _by_path(warehouse, inputs, problem, paths), seed=seed)


def _by_path(warehouse: Warehouse, inputs: PlanInputs, problem: Problem, paths: pl.DataFrame) -> Floats:
    if paths.is_empty():
        return np.repeat(problem.demand["demand_kg"].to_numpy()[:, None], UNKNOWN_DEMAND_PATHS, axis=1)
    keys, kg = season_paths(
        paths,
        catchment=warehouse.read("catchment"),
        practices=problem.practices,
        yields=problem.yields,
    )
    factor = inputs.imagined.demand(keys.with_columns(factor=pl.lit(1.0)), "factor")["factor"].to_numpy()
    return demand_by_path(problem.demand, inputs.parts, keys, kg * factor[:, None])


def value_row(
    settings: Settings, weighed: Weighed, lines: pl.DataFrame, fresh: Chances, *, certain: bool
) -> tuple[pl.DataFrame, list[str]]:
    """The row of `planting_value` without run and cutoff, and notes.

    Args:
        weighed: What was weighed.
        lines: The plan as published.
        fresh: Scenarios that nothing was planned for.
        certain: Whether demand had no paths.
    """
    stage, chances = weighed.stage, weighed.stage.over_rows(fresh)
    found = stage.earned(lines, chances)
    known, notes = _information(settings, stage)
    low, high = np.quantile(found.profit, [0.1, 0.9])
    promised = float(chances.rows["committed_kg"].sum())
    both = weighed.scenario_lines
    row = {
        "made_for": weighed.made_for,
        "paths": 0 if certain else fresh.count,
        "scenarios": stage.few.count if settings.plan_scenarios else 0,
        "expected_yuan": found.expected_yuan,
        "low_yuan": float(low),
        "high_yuan": float(high),
        "cvar_yuan": found.cvar_yuan(settings.plan_risk_level),
        "cvar_level": settings.plan_risk_level,
        "mean_plan_yuan": stage.earned(weighed.mean.assignments, chances).expected_yuan,
        "scenario_plan_yuan": None if both is None else stage.earned(both, chances).expected_yuan,
        "vss_yuan": known.vss if known else None,
        "evpi_yuan": known.evpi if known else None,
        "service_share": min(found.service_share, 1.0),
        "promise_share": 1 - min(found.short_kg / promised, 1.0) if promised else 1.0,
        "waste_kg": max(found.waste_kg, 0.0),
        "unserved_kg": max(found.mean_kg(chances.demand_kg - found.sold_kg), 0.0),
    }
    schema = dict.fromkeys(("scenario_plan_yuan", "vss_yuan", "evpi_yuan"), pl.Float64)
    return pl.DataFrame([row], schema_overrides=schema), notes


def _information(settings: Settings, stage: Stage) -> tuple[Information | None, list[str]]:
    if not settings.plan_scenarios:
        return None, []
    try:
        return information(stage, time_limit_s=GROUPS_LIMIT_S), []
    except GroupsInfeasible as nothing:
        return None, [f"what knowing demand and yields would be worth is not reckoned: {nothing}"]
