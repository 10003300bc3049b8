"""Solves of planting plans in MLflow: a run each, with status, bound, gap, time, seed and a digest of the inputs."""

from pipelines.plan_solved import Solved
from pipelines.registry import _client, _experiment, _log_run
from settings import Settings

EXPERIMENT = "planting"
LONGEST = 500
"""Letters of a detail that are logged."""


def record_solve(settings: Settings, solved: Solved) -> None:
    """Log one solve as a finished run; one of the same question, cutoff, inputs and seed that is there already stays alone."""
    asked = solved.asked
    key = f"{asked.what} {asked.cutoff} {solved.inputs_hash} {asked.seed}"
    client = _client(settings)
    there = f"tags.`anxu.key` = '{key}' and attributes.status = 'FINISHED'"
    if client.search_runs([_experiment(settings, client, EXPERIMENT)], there, max_results=1):
        return
    tags = {
        "anxu.key": key,
        "anxu.what": asked.what,
        "anxu.cutoff": f"{asked.cutoff}",
        "anxu.status": solved.status,
    }
    _log_run(settings, client, EXPERIMENT, tags, asked.title, _params(solved), _metrics(solved), {}, {})


def _params(solved: Solved) -> dict[str, object]:
    asked, problem = solved.asked, solved.problem
    return {
        "status": solved.status,
        "seed": asked.seed,
        "inputs_hash": solved.inputs_hash,
        "run_id": asked.run_id,
        "made_for": solved.made_for,
        "detail": solved.detail[:LONGEST],
        "plots": problem.plots.height,
        "practices": problem.practices.height,
        "demand_rows": problem.demand.height,
        "settled": problem.fixed.height,
        **{f"stop.{name}": value for name, value in vars(asked.stop).items()},
    }


def _metrics(solved: Solved) -> dict[str, float]:
    if solved.plan is None:
        return {"seconds": solved.seconds}
    valued = {} if solved.expected_yuan is None else {"expected_yuan": solved.expected_yuan}
    return valued | {
        "seconds": solved.seconds,
        "profit_yuan": solved.profit_yuan,
        "bound_yuan": solved.bound_yuan,
        "gap": solved.gap,
        "lp_bound_yuan": solved.plan.lp_bound_yuan,
        "nodes": float(solved.plan.nodes),
        "lines": float(solved.plan.assignments.height),
        "rules_broken": float(solved.rules_broken),
    }
