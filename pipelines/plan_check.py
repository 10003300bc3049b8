"""What of a plan can be told without solving it: the checker's report, and a digest of what it was made of."""

import hashlib

from models.planning.checker import Report, Rules, check
from models.planning.problem import Params, Plan, Problem
from pipelines.plan_inputs import PlanInputs


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


def inputs_hash(inputs: PlanInputs) -> str:
    """Sha256 of the problem's frames, what does not ripen where, and the rules: equal inputs, equal hash."""
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
    if problem.barred:
        digest.update(repr(sorted(problem.barred.items())).encode())
    rules = {
        name: sorted(v, key=str) if isinstance(v, frozenset) else v for name, v in vars(inputs.params).items()
    }
    digest.update(repr(sorted(rules.items())).encode())
    return digest.hexdigest()
