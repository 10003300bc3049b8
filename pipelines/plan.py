"""Plan what to plant: read, solve, check, explain, write."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from models.planning.activities import spread
from models.planning.chances import Chances
from models.planning.checker import Report, Rules, check
from models.planning.money import priced_lines
from models.planning.problem import Infeasible, Params, Plan, Problem, Stop
from models.planning.reasons import REASON_SCHEMA, explain, recommendation_ids
from models.planning.village import solve
from pipelines.plan_inputs import PlanInputs, plan_inputs
from pipelines.plan_weigh import Weighed, fresh_chances, value_row, weigh
from pipelines.progress import report
from settings import Settings
from warehouse import Warehouse

NIGHTLY = Stop(gap=0.01, nodes=20, rounds=40, time_limit_s=60.0)
"""Nodes and rounds end the search long before the seconds do, so a rerun gives the same plan."""
TABLES = (
    "planting_plan", "planting_value", "planting_recommendation", "planting_balance", "recommendation_reason",
)  # fmt: skip


@dataclass(frozen=True)
class PlanResult:
    """What was planned; `plan` is None when nothing could be, and `summary` says why."""

    summary: str
    plan: Plan | None
    report: Report | None
    notes: tuple[str, ...]


def plan_planting(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str, stop: Stop = NIGHTLY
) -> PlanResult:
    """Plan from what was known on `cutoff`, have the plan checked, and write it with its reasons in place of the former one.

    A plan that rules make impossible is written as status 'infeasible' with the conflicting limits as a note; decisions of
    people on such a plot are first left out, with a note. Money of crops whose yield, cost or price is not known is not guessed:
    they are listed as notes.
    """
    inputs = plan_inputs(settings, warehouse, cutoff=cutoff)
    if inputs is None:
        _write(warehouse, cutoff, {})
        return PlanResult("no plan: load plots and practices first", None, None, ())
    inputs = _without_unfit_decisions(inputs)
    report("plan", 1, 4, "solve")
    notes = [*inputs.notes, *inputs.problem.missing()["detail"]]
    try:
        problem, plan, more = _solve(inputs.problem, inputs.params, settings.seed, stop)
    except Infeasible as nothing:
        return _infeasible(settings, warehouse, inputs, cutoff, run_id, [*notes, str(nothing)])
    report("plan", 2, 4, "weigh")

    def village(of: Problem) -> Plan:
        return solve(of, inputs.params, settings.seed, stop)

    weighed = weigh(settings, warehouse, inputs, problem, plan, village, cutoff=cutoff)
    final = _finished(weighed, problem, inputs.params)
    checked = check_plan(final, problem, inputs.params)
    fresh = fresh_chances(settings, warehouse, inputs, problem, cutoff=cutoff, run_id=run_id)
    value, unvalued = value_row(settings, weighed, final.assignments, fresh, certain=_is_certain(fresh))
    report("plan", 3, 4, "explain")
    reasons = _explained(weighed, final, inputs)
    told = [*notes, *more, *weighed.notes, *unvalued, *(f"{r[0]}: {r[2]}" for r in checked.broken.rows())]
    frames = {
        "planting_plan": _plan_row(settings, inputs, final, checked),
        "planting_value": value,
        "planting_recommendation": _recommendations(final, problem),
        "planting_balance": checked.balance,
        "recommendation_reason": pl.concat([reasons, _notes(told)]),
    }
    _write(warehouse, cutoff, {name: f.with_columns(run_id=pl.lit(run_id)) for name, f in frames.items()})
    return PlanResult(_summary(final, checked, value, inputs.params), final, checked, tuple(told))


def _summary(plan: Plan, checked: Report, value: pl.DataFrame, params: Params) -> str:
    worth = value.row(0, named=True)
    return (
        f"{plan.assignments.height} lines for {params.first_year}–{params.last_year}, profit "
        f"{checked.profit_yuan:,.0f} yuan, gap {plan.gap:.2%}, {checked.broken.height} rules broken; expected "
        f"{worth['expected_yuan']:,.0f} (made for mean demand {worth['mean_plan_yuan']:,.0f}), worst tenth "
        f"{worth['cvar_yuan']:,.0f}, service {worth['service_share']:.1%}, waste {worth['waste_kg']:,.0f} kg"
    )


def _is_certain(fresh: Chances) -> bool:
    return bool((fresh.demand_kg == fresh.demand_kg[:, :1]).all())


def _finished(weighed: Weighed, problem: Problem, params: Params) -> Plan:
    """The chosen lines as a plan at mean demand; the bound is the mean plan's own, which no plan exceeds there."""
    lines = priced_lines(weighed.lines, problem, params)
    profit = float(lines["expected_profit_yuan"].sum())
    bound = max(weighed.mean.bound_yuan, profit)
    proven = weighed.made_for == "mean" and weighed.mean.status == "optimal"
    return replace(
        weighed.plan, assignments=lines, profit_yuan=profit, bound_yuan=bound,
        status="optimal" if proven else "feasible",
    )  # fmt: skip


def _explained(weighed: Weighed, final: Plan, inputs: PlanInputs) -> pl.DataFrame:
    """Reasons by the demand that the plan was made for."""
    balance = check_plan(final, weighed.problem, inputs.params).balance
    return explain(weighed.problem, inputs.params, replace(final, balance=balance), inputs.freshness)


def check_plan(plan: Plan, problem: Problem, params: Params) -> Report:
    """Have the independent checker re-read a plan under the rules it was made with."""
    return check(
        plan.assignments,
        plots=problem.plots,
        practices=problem.practices,
        practice_yield=problem.yields,
        crops=problem.crops,
        planting=problem.history,
        demand=problem.demand,
        rules=Rules(
            first_year=params.first_year,
            last_year=params.last_year,
            first_season=params.first_season,
            repeat=params.repeat,
            rotate_by=params.rotate_by,
            may_repeat=params.may_repeat,
            surplus=params.surplus,
            legume_years=params.legume_years,
            legume_from=params.first_year - 1 if params.legume_from is None else params.legume_from,
            legume_classes=params.legume_classes,
            min_share=params.min_share,
            one_crop=params.one_crop,
        ),
    )


def _without_unfit_decisions(inputs: PlanInputs) -> PlanInputs:
    """Leave out settled areas of lines that no longer exist, with a note each."""
    free = replace(inputs.problem, fixed=inputs.problem.fixed.clear())
    key = ["plot_id", "practice_id", "year", "season"]
    lines = spread(free, inputs.params).lines
    fixed = inputs.problem.fixed
    fits = fixed.filter(pl.col("max_mu") <= 0).vstack(
        fixed.filter(pl.col("max_mu") > 0).join(lines, on=key, how="semi")
    )
    gone = fixed.join(fits, on=key, how="anti")
    notes = [
        f"the area settled for plot '{r[0]}', practice '{r[1]}', {r[2]} season {r[3]} does not fit any more "
        "(unknown, not ripe in the usual year, or the crop would follow itself); it is left out"
        for r in gone.rows()
    ]
    return replace(inputs, problem=replace(inputs.problem, fixed=fits), notes=(*inputs.notes, *notes))


def _solve(problem: Problem, params: Params, seed: int, stop: Stop) -> tuple[Problem, Plan, list[str]]:
    """Solve; where people's decisions make a plot impossible, without them."""
    notes: list[str] = []
    while True:
        try:
            return problem, solve(problem, params, seed, stop), notes
        except Infeasible as nothing:
            mine = pl.col("plot_id") == nothing.plot_id
            if not problem.fixed.filter(mine).height:
                raise
            notes.append(f"{nothing}; what people decided on plot '{nothing.plot_id}' is left out")
            problem = replace(problem, fixed=problem.fixed.filter(~mine))


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


def inputs_hash(inputs: PlanInputs) -> str:
    """Sha256 of the problem's frames, what does not ripen, and the rules: equal inputs, equal hash."""
    digest = hashlib.sha256()
    problem = inputs.problem
    for frame in (
        problem.plots,
        problem.practices,
        problem.yields,
        problem.crops,
        problem.history,
        problem.demand,
        problem.fixed,
    ):
        plain = frame.drop("known_at", strict=False)
        digest.update(plain.select(sorted(plain.columns)).write_csv().encode())
    digest.update(",".join(sorted(problem.unripe)).encode())
    rules = {
        name: sorted(v, key=str) if isinstance(v, frozenset) else v for name, v in vars(inputs.params).items()
    }
    digest.update(repr(sorted(rules.items())).encode())
    return digest.hexdigest()


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
