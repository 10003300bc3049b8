"""What is told of one solve: what was asked, of what inputs, how it ended and how long it took."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from models.planning.problem import Plan, Problem, Stop
from pipelines.plan_check import inputs_hash
from pipelines.plan_inputs import PlanInputs
from pipelines.plan_made import Made


@dataclass(frozen=True)
class Asked:
    """`what` is 'plan' or the id of a what-if; `title` is for people."""

    what: str
    title: str
    cutoff: date
    run_id: str
    seed: int
    stop: Stop


@dataclass(frozen=True)
class Solved:
    """One solve; `plan` None where no plan keeps all rules, and `detail` says why.

    `profit_yuan`, `bound_yuan`: at mean demand, the profit as the checker counts it; `seconds`: from inputs to checked and
    valued plan.
    """

    asked: Asked
    inputs_hash: str
    problem: Problem
    seconds: float
    plan: Plan | None = None
    profit_yuan: float = 0.0
    bound_yuan: float = 0.0
    rules_broken: int = 0
    expected_yuan: float | None = None
    made_for: str = ""
    detail: str = ""

    @property
    def status(self) -> str:
        """optimal, feasible or infeasible."""
        return "infeasible" if self.plan is None else self.plan.status

    @property
    def gap(self) -> float:
        """(bound − profit) / |bound|, never negative."""
        return max(self.bound_yuan - self.profit_yuan, 0.0) / max(abs(self.bound_yuan), 1.0)


Record = Callable[[Solved], None]


def unrecorded(_: Solved) -> None:
    """Record nothing."""


def solved(asked: Asked, inputs: PlanInputs, made: Made, seconds: float) -> Solved:
    """What is told of a plan that was made."""
    profit = made.report.profit_yuan
    return Solved(
        asked,
        inputs_hash(inputs),
        inputs.problem,
        seconds,
        made.plan,
        profit,
        max(made.plan.bound_yuan, profit),
        made.report.broken.height,
        float(made.value["expected_yuan"][0]),
        made.weighed.made_for,
    )


def unsolved(asked: Asked, inputs: PlanInputs, why: str, seconds: float) -> Solved:
    """What is told where no plan keeps all rules."""
    return Solved(asked, inputs_hash(inputs), inputs.problem, seconds, detail=why)
