"""A plan made against scenarios beside the one for mean demand: which plots to take from which, and what knowing more is worth."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.planning.activities import Activities, spread
from models.planning.chances import Chances, reduced
from models.planning.demand import GRAMS
from models.planning.mixing import Aim
from models.planning.problem import Params, Problem
from models.planning.recourse import Classes, Earned, class_kg, classes_of, cost_of, earned, with_rows
from models.planning.two_stage import GroupPlan, solve_groups

AGAINST = " against scenarios"


@dataclass(frozen=True)
class Stage:
    """What every weighing of one problem needs: `many` paths and the `few` they are reduced to, over the same rows."""

    problem: Problem
    params: Params
    acts: Activities
    classes: Classes
    many: Chances
    few: Chances
    aim: Aim

    def earned(self, lines: pl.DataFrame, chances: Chances) -> Earned:
        """What lines (practice_id, year, season, area_mu) bring in scenarios over this stage's rows."""
        return earned(class_kg(lines, self.classes), cost_of(lines, self.problem), self.classes, chances)

    def reached(self, lines: pl.DataFrame, chances: Chances) -> float:
        """The aim that lines reach (yuan)."""
        return self.aim.of(self.earned(lines, chances).profit, chances.weights)

    def over_rows(self, chances: Chances) -> Chances:
        """Scenarios of the problem's demand with the rows that nobody asks for."""
        return with_rows(chances, self.few.rows)


def stage_of(
    problem: Problem, params: Params, chances: Chances, *, scenarios: int, aim: Aim, seed: int
) -> Stage:
    """Reduce the paths and list the classes. `chances`: over the problem's demand rows, equally likely."""
    classes, rows = classes_of(problem, params, chances.rows)
    many = with_rows(chances, rows)
    worth = np.zeros(rows.height)
    np.maximum.at(worth, classes.row, (classes.frame["price"] - classes.frame["rest"]).to_numpy())
    few = reduced(many, scenarios, worth=worth, seed=seed)
    return Stage(problem, params, spread(problem, params), classes, many, few, aim)


def against_scenarios(stage: Stage, *, time_limit_s: float) -> Problem:
    """The problem with demand as the land groups' plan against the scenarios fills it: what villages should aim at.

    A crop, year and season is asked for what that plan grows at usual yields, promises at least; `demand_source` says so.

    Raises:
        GroupsInfeasible: See two_stage.
    """
    plan = _groups(stage, stage.few, stage.aim, time_limit_s)
    target = np.zeros(stage.few.rows.height)
    np.add.at(target, stage.classes.row, plan.kg)
    aimed = stage.few.rows.with_columns(target_kg=pl.Series(target))
    source = stage.problem.demand.select("crop_id", "year", "season", "demand_source")
    demand = (
        aimed.join(source, on=["crop_id", "year", "season"], how="left", maintain_order="left")
        .with_columns(
            demand_kg=pl.max_horizontal("target_kg", "committed_kg").round(GRAMS),
            demand_source=pl.col("demand_source").fill_null("none") + AGAINST,
        )
        .filter((pl.col("demand_kg") > 0) | pl.int_range(pl.len()).lt(stage.problem.demand.height))
        .select(stage.problem.demand.columns)
    )
    return replace(stage.problem, demand=demand.sort("crop_id", "year", "season"))


@dataclass(frozen=True)
class Information:
    """Land groups against the scenarios, all risk-neutral (mean yuan; see county.ValueOfInformation)."""

    stochastic: float
    wait_and_see: float
    mean_plan: float

    @property
    def vss(self) -> float:
        """Value of the stochastic solution."""
        return max(self.stochastic - self.mean_plan, 0.0)

    @property
    def evpi(self) -> float:
        """Expected value of perfect information."""
        return max(self.wait_and_see - self.stochastic, 0.0)


def information(stage: Stage, *, time_limit_s: float) -> Information:
    """Plan land groups for all scenarios, for their mean, and for each alone; unserved promises weigh alike in all.

    Raises:
        GroupsInfeasible: See two_stage.
    """
    neutral, few = Aim(), stage.few
    mean = replace(
        few, demand_kg=few.mean_demand()[:, None], luck=np.zeros((len(few.rows), 1)), weights=np.ones(1)
    )
    usual = replace(stage.classes, frame=stage.classes.frame.with_columns(cv=pl.lit(0.0)))
    for_mean = _groups(replace(stage, classes=usual), mean, neutral, time_limit_s)
    best = _groups(stage, few, neutral, time_limit_s)
    each = [_groups(stage, few.only(s), neutral, time_limit_s) for s in range(few.count)]
    profits = [
        earned(p.kg, p.cost_yuan, stage.classes, few.only(s)).expected_yuan for s, p in enumerate(each)
    ]
    return Information(
        earned(best.kg, best.cost_yuan, stage.classes, few).expected_yuan,
        float(np.dot(few.weights, profits)),
        earned(for_mean.kg, for_mean.cost_yuan, stage.classes, few).expected_yuan,
    )


def _groups(stage: Stage, chances: Chances, aim: Aim, time_limit_s: float) -> GroupPlan:
    return solve_groups(
        stage.problem, stage.params, stage.acts, stage.classes, chances,
        risk_weight=aim.risk_weight, risk_level=aim.risk_level, time_limit_s=time_limit_s,
    )  # fmt: skip
