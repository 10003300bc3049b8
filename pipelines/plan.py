"""Plan what to plant: read, make, explain, tell what changed, write."""

from dataclasses import dataclass, replace
from datetime import date
from time import perf_counter
from typing import Any

import polars as pl

from models.planning.checker import Report
from models.planning.problem import Infeasible, Params, Plan, Problem, Stop
from models.planning.reasons import REASON_SCHEMA, explain, recommendation_ids
from pipelines.plan_changes import changed, forget_old_facts, former_plan, night_facts
from pipelines.plan_check import check_plan as check_plan
from pipelines.plan_check import inputs_hash
from pipelines.plan_inputs import PlanInputs, plan_inputs
from pipelines.plan_made import Made, make_plan
from pipelines.plan_people import needs, scores
from pipelines.plan_solved import Asked, Record, solved, unrecorded, unsolved
from pipelines.progress import report
from settings import Settings
from warehouse import Warehouse

NIGHTLY = Stop(gap=0.01, nodes=20, rounds=40, time_limit_s=60.0)
"""Nodes and rounds end the search long before the seconds do, so a rerun gives the same plan."""
TABLES = (
    "planting_plan", "planting_value", "planting_recommendation", "planting_balance", "planting_input", "planting_change",
    "planting_decision_score", "supply_need", "recommendation_reason",
)  # fmt: skip


@dataclass(frozen=True)
class PlanResult:
    """What was planned; `plan` is None when nothing could be, and `summary` says why."""

    summary: str
    plan: Plan | None
    report: Report | None
    notes: tuple[str, ...]


def plan_planting(
    settings: Settings,
    warehouse: Warehouse,
    *,
    cutoff: date,
    run_id: str,
    stop: Stop = NIGHTLY,
    record: Record = unrecorded,
) -> PlanResult:
    """Plan from what was known on `cutoff`, have the plan checked, and write it with its reasons in place of the former one.

    A plan that rules make impossible is written as status 'infeasible' with the conflicting limits as a note; decisions of
    people on such a plot are first left out, with a note. Money of crops whose yield, cost or price is not known is not guessed:
    they are listed as notes. `record` is told of the solve once the plan is written.
    """
    began = perf_counter()
    inputs = plan_inputs(settings, warehouse, cutoff=cutoff)
    if inputs is None:
        _write(warehouse, cutoff, {})
        return PlanResult("no plan: load plots and practices first", None, None, ())
    report("plan", 1, 4, "solve")
    asked = Asked("plan", f"plan {cutoff}", cutoff, run_id, settings.seed, stop)
    missing = inputs.problem.missing()["detail"].to_list()
    former, now = former_plan(warehouse, cutoff=cutoff), night_facts(inputs.problem)
    last = None if former is None else former.last(now)
    try:
        made = make_plan(settings, warehouse, inputs, cutoff=cutoff, run_id=run_id, stop=stop, last=last)
    except Infeasible as nothing:
        notes = [*inputs.notes, *missing, str(nothing)]
        result = _infeasible(settings, warehouse, inputs, cutoff, run_id, notes)
        record(unsolved(asked, inputs, str(nothing), perf_counter() - began))
        return result
    solve = solved(asked, inputs, made, perf_counter() - began)
    report("plan", 3, 4, "explain")
    told = [*made.notes, *missing]
    frames = {
        "planting_plan": _plan_row(settings, inputs, made.plan, made.report),
        "planting_value": made.value,
        "planting_recommendation": _recommendations(made.plan, made.problem),
        "planting_balance": made.report.balance,
        "planting_input": now if former is None else former.facts_to_keep(now),
        "planting_change": changed(former, made, now, inputs.params),
        "planting_decision_score": scores(
            settings,
            warehouse,
            made,
            cutoff=cutoff,
            first=(inputs.params.first_year, inputs.params.first_season),
        ),
        "supply_need": needs(settings, warehouse, made, cutoff=cutoff),
        "recommendation_reason": pl.concat([_explained(made, inputs), _notes(told)]),
    }
    _write(warehouse, cutoff, {name: f.with_columns(run_id=pl.lit(run_id)) for name, f in frames.items()})
    forget_old_facts(warehouse, former=former)
    record(solve)
    return PlanResult(
        _summary(made, frames["planting_change"], inputs.params), made.plan, made.report, tuple(told)
    )


def _summary(made: Made, changes: pl.DataFrame, params: Params) -> str:
    worth = made.value.row(0, named=True)
    moved = changes.filter((pl.col("new_mu") - pl.col("old_mu")).abs() > 0).height
    return (
        f"{made.plan.assignments.height} lines for {params.first_year}–{params.last_year}, profit "
        f"{made.report.profit_yuan:,.0f} yuan, gap {made.plan.gap:.2%}, {made.report.broken.height} rules broken; expected "
        f"{worth['expected_yuan']:,.0f} (made for mean demand {worth['mean_plan_yuan']:,.0f}), worst tenth "
        f"{worth['cvar_yuan']:,.0f}, service {worth['service_share']:.1%}, waste {worth['waste_kg']:,.0f} kg; "
        f"{moved} lines changed"
    )


def _explained(made: Made, inputs: PlanInputs) -> pl.DataFrame:
    """Reasons by the demand that the plan was made for."""
    balance = check_plan(made.plan, made.weighed.problem, inputs.params).balance
    plan = replace(made.plan, balance=balance)
    return explain(made.weighed.problem, inputs.params, plan, inputs.freshness)


def _infeasible(
    settings: Settings, warehouse: Warehouse, inputs: PlanInputs, cutoff: date, run_id: str, notes: list[str]
) -> PlanResult:
    row = _plan_frame(
        settings, inputs, status="infeasible", profit_yuan=0.0, bound_yuan=0.0, gap=0.0, rules_broken=0
    )
    frames = {"planting_plan": row, "recommendation_reason": _notes(notes)}
    _write(warehouse, cutoff, {name: f.with_columns(run_id=pl.lit(run_id)) for name, f in frames.items()})
    return PlanResult(f"no plan: {notes[-1]}", None, None, tuple(notes))


def _plan_row(settings: Settings, inputs: PlanInputs, plan: Plan, checked: Report) -> pl.DataFrame:
    bound = max(plan.bound_yuan, checked.profit_yuan)
    return _plan_frame(
        settings,
        inputs,
        status=plan.status,
        profit_yuan=checked.profit_yuan,
        bound_yuan=bound,
        gap=(bound - checked.profit_yuan) / max(abs(bound), 1.0),
        rules_broken=checked.broken.height,
    )


def _plan_frame(settings: Settings, inputs: PlanInputs, **values: Any) -> pl.DataFrame:
    horizon = {"first_year": inputs.params.first_year, "last_year": inputs.params.last_year}
    return pl.DataFrame([{**horizon, **values, "seed": settings.seed, "inputs_hash": inputs_hash(inputs)}])


def _recommendations(plan: Plan, problem: Problem) -> pl.DataFrame:
    source = problem.demand.select("crop_id", "year", "season", "demand_source")
    return (
        plan.assignments.join(source, on=["crop_id", "year", "season"], how="left", maintain_order="left")
        .with_columns(
            recommendation_id=recommendation_ids(), demand_source=pl.col("demand_source").fill_null("none")
        )
        .drop("last_season")
    )


def _notes(notes: list[str]) -> pl.DataFrame:
    """Notes as reasons of the plan as a whole."""
    rows = [
        ("plan", rank, "note", note, note, None) for rank, note in enumerate(dict.fromkeys(notes), start=1)
    ]
    return pl.DataFrame(rows, schema=REASON_SCHEMA, orient="row")


def _write(warehouse: Warehouse, cutoff: date, frames: dict[str, pl.DataFrame]) -> None:
    with warehouse.transaction():
        for table in TABLES:
            rows = frames.get(table, pl.DataFrame({"run_id": []}, schema={"run_id": pl.String}))
            warehouse.replace(table, rows, cutoff=cutoff)
