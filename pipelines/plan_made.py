"""Make a plan of what a night knows: solve around what stands, weigh against scenarios, keep it steady, check and value it."""

from dataclasses import dataclass, field, replace
from datetime import date
from math import inf

import polars as pl

from models.planning.activities import spread
from models.planning.chances import Chances
from models.planning.checker import Report
from models.planning.mixing import take_over
from models.planning.money import priced_lines
from models.planning.problem import FIXED_SCHEMA, Infeasible, Params, Plan, Problem, Stop
from models.planning.steady import frozen_areas, still_valid
from models.planning.village import solve
from pipelines.plan_check import check_plan
from pipelines.plan_inputs import PlanInputs
from pipelines.plan_weigh import Weighed, fresh_chances, value_row, weigh
from settings import Settings
from warehouse import Warehouse

KEY = ["plot_id", "practice_id", "year", "season"]


@dataclass(frozen=True)
class Last:
    """The plan before: lines (as planting_recommendation), the last year and season it covers, and plots not bound to it.

    `stands`: nothing that it rests on has changed, so it stands wherever it may.
    """

    lines: pl.DataFrame
    until: tuple[int, int]
    released: frozenset[str] = frozenset()
    stands: bool = False


@dataclass(frozen=True)
class Made:
    """A plan and all that is told of it.

    `plan`: at mean demand. `problem`: without what was left out. `value`: the row of planting_value without run and cutoff.
    `frozen`: areas that stood because they are sown soon. `kept`: per plot left as in the plan before, what moving it would
    have gained (yuan). `moved_mu`: mu that stand otherwise than in the plan before.
    """

    plan: Plan
    problem: Problem
    weighed: Weighed
    report: Report
    value: pl.DataFrame
    notes: tuple[str, ...]
    frozen: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FIXED_SCHEMA))
    kept: dict[str, float] = field(default_factory=dict)


def make_plan(
    settings: Settings,
    warehouse: Warehouse,
    inputs: PlanInputs,
    *,
    cutoff: date,
    run_id: str,
    stop: Stop,
    last: Last | None = None,
) -> Made:
    """Plan from inputs, bound to the plan before where there is one.

    Raises:
        Infeasible: No plan keeps all rules, even without what was settled on the plot it names.
    """
    inputs = _without_unfit_decisions(inputs)
    frozen = _frozen(settings, inputs, last, cutoff)
    problem, mean, frozen, notes = _solved(inputs, frozen, settings.seed, stop)

    def village(of: Problem) -> Plan:
        return solve(of, inputs.params, settings.seed, stop)

    weighed = weigh(settings, warehouse, inputs, problem, mean, village, cutoff=cutoff)
    lines, kept = _steady(settings, inputs.params, weighed, problem, last)
    plan = _at_mean_demand(lines, weighed, problem, inputs.params, is_kept=bool(kept))
    checked = check_plan(plan, problem, inputs.params)
    fresh = fresh_chances(settings, warehouse, inputs, problem, cutoff=cutoff, run_id=run_id)
    value, unvalued = value_row(settings, weighed, plan.assignments, fresh, certain=_is_certain(fresh))
    broken = [f"{r[0]}: {r[2]}" for r in checked.broken.rows()]
    told = (*inputs.notes, *notes, *weighed.notes, *unvalued, *broken)
    return Made(plan, problem, weighed, checked, value, told, frozen, kept)


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


def _frozen(settings: Settings, inputs: PlanInputs, last: Last | None, cutoff: date) -> pl.DataFrame:
    """What is sown soon stands, but on plots that people decided on or whose land changed."""
    if last is None:
        return pl.DataFrame(schema=FIXED_SCHEMA)
    leave = last.released | set(inputs.problem.fixed["plot_id"])
    free = replace(inputs.problem, fixed=inputs.problem.fixed.clear())
    areas = frozen_areas(
        last.lines,
        free,
        inputs.params,
        cutoff=cutoff,
        weeks=settings.plan_frozen_weeks,
        until=last.until,
        leave=leave,
    )
    unfit = areas.filter(pl.col("max_mu") > 0).join(spread(free, inputs.params).lines, on=KEY, how="anti")
    return areas.join(unfit, on="plot_id", how="anti")


def _solved(
    inputs: PlanInputs, frozen: pl.DataFrame, seed: int, stop: Stop
) -> tuple[Problem, Plan, pl.DataFrame, list[str]]:
    """Solve around what stands; where that makes a plot impossible, without it: what is frozen goes first, then decisions."""
    notes: list[str] = []
    decided = inputs.problem.fixed
    while True:
        problem = replace(inputs.problem, fixed=pl.concat([decided, frozen]))
        try:
            return problem, solve(problem, inputs.params, seed, stop), frozen, notes
        except Infeasible as nothing:
            mine = pl.col("plot_id") == nothing.plot_id
            if frozen.filter(mine).height:
                notes.append(f"{nothing}; what is sown soon on plot '{nothing.plot_id}' is planned anew")
                frozen = frozen.filter(~mine)
            elif decided.filter(mine).height:
                notes.append(f"{nothing}; what people decided on plot '{nothing.plot_id}' is left out")
                decided = decided.filter(~mine)
            else:
                raise


def _steady(
    settings: Settings, params: Params, weighed: Weighed, problem: Problem, last: Last | None
) -> tuple[pl.DataFrame, dict[str, float]]:
    """The chosen lines, with plots back in the plan before where moving them would gain too little."""
    lines = weighed.lines
    price = inf if last is not None and last.stands else settings.plan_move_yuan_per_mu
    if last is None or not price:
        return lines, {}
    bound = last.lines.filter(~pl.col("plot_id").is_in(sorted(last.released)))
    former = still_valid(bound, lines, problem.fixed, params, last.until)
    if former.is_empty():
        return lines, {}
    sound = _sound(former, problem, params, weighed.plan)
    stage = weighed.stage
    kept, lost = take_over(
        lines, sound, problem=problem, classes=stage.classes, chances=stage.few, aim=stage.aim,
        yuan_per_mu=price,
    )  # fmt: skip
    return kept, {plot_id: max(-yuan, 0.0) for plot_id, yuan in lost.items()}


def _sound(former: pl.DataFrame, problem: Problem, params: Params, like: Plan) -> pl.DataFrame:
    """Lines of plots on which the checker finds nothing broken today."""
    known = former.join(problem.usable_practices(), on="practice_id", how="semi")
    whole = former.join(former.join(known, on=KEY, how="anti"), on="plot_id", how="anti")
    crops = problem.practices.select("practice_id", "crop_id")
    broken = check_plan(
        replace(like, assignments=whole.join(crops, on="practice_id")), problem, params
    ).broken
    return whole.filter(~pl.col("plot_id").is_in(broken["plot_id"].to_list()))


def _is_certain(fresh: Chances) -> bool:
    return bool((fresh.demand_kg == fresh.demand_kg[:, :1]).all())


def _at_mean_demand(
    lines: pl.DataFrame, weighed: Weighed, problem: Problem, params: Params, *, is_kept: bool
) -> Plan:
    """The chosen lines as a plan at mean demand; the bound is the mean plan's own, which no plan exceeds there."""
    priced = priced_lines(lines, problem, params)
    profit = float(priced["expected_profit_yuan"].sum())
    bound = max(weighed.mean.bound_yuan, profit)
    proven = weighed.made_for == "mean" and weighed.mean.status == "optimal" and not is_kept
    return replace(
        weighed.plan, assignments=priced, profit_yuan=profit, bound_yuan=bound,
        status="optimal" if proven else "feasible",
    )  # fmt: skip
