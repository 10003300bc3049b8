"""The county plan: how much of what on which village's land, sown when, against many demands and yields at once.

A linear programme in two stages: areas are settled before demand and yields are known; sales, storage and grading down
follow in each scenario. Source of the form: Birge & Louveaux, Introduction to Stochastic Programming, 1997, ch. 1.
"""

import time
from dataclasses import dataclass, replace

import highspy
import numpy as np
import polars as pl

from models.planning.county_columns import Builder, Floats
from models.planning.county_land import FirstStage, first_stage
from models.planning.county_market import SecondStage, second_stage
from models.planning.county_problem import CountyInfeasible, CountyParams, CountyPlan, CountyProblem
from models.planning.highs import loaded

TOLERANCE = 1e-4
"""Relative gap at which HiGHS may end where it does not end at a vertex."""


def solve_county(problem: CountyProblem, params: CountyParams) -> CountyPlan:
    """Plan areas for all scenarios at once.

    Maximises (1 − risk_weight) × mean profit + risk_weight × CVaR − what moves count for.

    Raises:
        CountyInfeasible: No areas keep all limits.
    """
    began = time.monotonic()
    builder = Builder()
    first = first_stage(builder, problem, params)
    second = second_stage(builder, problem, first)
    _objective(builder, problem, params, first, second)
    solver = load(builder, params.time_limit_s)
    solver.run()
    status = solver.getModelStatus()
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit):
        raise CountyInfeasible(_conflict(problem, params, solver.modelStatusToString(status)))
    return _plan(builder, problem, first, second, solver, time.monotonic() - began)


def hold(problem: CountyProblem, plan: CountyPlan) -> CountyProblem:
    """The problem with its areas settled as planned: what remains is selling."""
    held = plan.areas.join(problem.groups.select("group_id"), on="group_id", how="semi")
    options = problem.options.join(
        held.select("group_id", "activity_id"), on=["group_id", "activity_id"], how="semi"
    )
    return replace(problem, options=options, previous=held.select("group_id", "activity_id", "area_mu"))


def evaluate(problem: CountyProblem, plan: CountyPlan, params: CountyParams | None = None) -> CountyPlan:
    """What a plan's areas earn in the problem's scenarios, which may be others than it was made for."""
    params = replace(params or CountyParams(), frozen_until=10**9, move_yuan_per_mu=0.0, risk_weight=0.0)
    return solve_county(replace(hold(problem, plan), floors=problem.floors.clear()), params)


@dataclass(frozen=True)
class ValueOfInformation:
    """Worth of planning against scenarios (yuan), by the same problem's own scenarios.

    `stochastic`: mean profit of the plan for all scenarios. `wait_and_see`: mean of the best plan of each scenario.
    `mean_plan`: mean profit of the plan made for the mean scenario.
    """

    stochastic: float
    wait_and_see: float
    mean_plan: float

    @property
    def evpi(self) -> float:
        """Expected value of perfect information."""
        return self.wait_and_see - self.stochastic

    @property
    def vss(self) -> float:
        """Value of the stochastic solution."""
        return self.stochastic - self.mean_plan


def value_of_information(problem: CountyProblem, params: CountyParams | None = None) -> ValueOfInformation:
    """Solve the problem, its mean and each scenario alone, all without a weight on risk."""
    params = replace(params or CountyParams(), risk_weight=0.0)
    plan = solve_county(problem, params)
    mean_plan = evaluate(problem, solve_county(mean_problem(problem), params), params)
    each = [solve_county(one_scenario(problem, s), params).expected_yuan for s in range(problem.scenarios)]
    return ValueOfInformation(
        plan.expected_yuan, float(np.dot(problem.probabilities, each)), mean_plan.expected_yuan
    )


def one_scenario(problem: CountyProblem, scenario: int) -> CountyProblem:
    """The problem as if that scenario were certain."""

    def only(frame: pl.DataFrame) -> pl.DataFrame:
        kept = frame.filter(pl.col("scenario").is_null() | (pl.col("scenario") == scenario))
        return kept.with_columns(scenario=pl.when(pl.col("scenario").is_not_null()).then(pl.lit(0, pl.Int64)))

    return replace(problem, demand=only(problem.demand), yields=only(problem.yields), probabilities=(1.0,))


def mean_problem(problem: CountyProblem) -> CountyProblem:
    """The problem with the mean of demand and of yields for certain; a scenario that says nothing has no demand, and factor 1."""
    weight = pl.col("scenario").replace_strict(
        list(range(problem.scenarios)), list(problem.probabilities), default=1.0, return_dtype=pl.Float64
    )
    key = ["crop_id", "grade", "channel_id", "period", "price_yuan_per_kg"]
    demand = problem.demand.group_by(key, maintain_order=True).agg(
        demand_kg=pl.when(pl.col("demand_kg").null_count() == 0).then((pl.col("demand_kg") * weight).sum())
    )
    yields = problem.yields.group_by("zone_id", "crop_id", maintain_order=True).agg(
        factor=(pl.col("factor") * weight).sum() + 1 - weight.sum()
    )
    none = pl.lit(None, pl.Int64).alias("scenario")
    return replace(
        problem,
        demand=demand.with_columns(none).select(problem.demand.columns),
        yields=yields.with_columns(none).select(problem.yields.columns),
        probabilities=(1.0,),
    )


def _objective(
    builder: Builder, problem: CountyProblem, params: CountyParams, first: FirstStage, second: SecondStage
) -> None:
    """Mean money of all scenarios, and with a weight on risk each scenario's shortfall below the threshold eta."""
    share = np.asarray(problem.probabilities)
    cost = np.concatenate(builder.costs)
    cost[first.costs["column"].to_numpy()] -= (1 - params.risk_weight) * first.costs["yuan"].to_numpy()
    money = second.money
    at, yuan = money["column"].cast(pl.Int64).to_numpy(), money["yuan"].to_numpy()
    scenario = money["scenario"].to_numpy()
    np.add.at(cost, at, (1 - params.risk_weight) * share[scenario] * yuan)
    builder.costs = [cost]
    if params.risk_weight <= 0:
        return
    eta = builder.add_columns("eta", np.array([params.risk_weight]), -np.inf)
    below = builder.add_columns("below", -params.risk_weight / (1 - params.risk_level) * share)
    rows = builder.add_rows("risk", share.size, 0.0, np.inf)
    builder.put(rows, below, 1.0)
    builder.put(rows, np.repeat(eta, share.size), -1.0)
    builder.put(rows, np.full(share.size, first.spent), -1.0)
    builder.put(rows[scenario], at, yuan)


def load(builder: Builder, time_limit_s: float) -> highspy.Highs:
    """HiGHS with the programme to maximise: one thread, dual simplex."""
    return loaded(
        builder.matrix(), builder.vectors(), is_gain=True, time_limit=time_limit_s, solver="simplex"
    )


def _plan(
    builder: Builder,
    problem: CountyProblem,
    first: FirstStage,
    second: SecondStage,
    solver: highspy.Highs,
    seconds: float,
) -> CountyPlan:
    solution = solver.getSolution()
    x, prices = np.asarray(solution.col_value), np.asarray(solution.row_dual)
    areas = first.options.select("group_id", "activity_id", area_mu=_at(x, first.options))
    land = first.land.select("group_id", "period", price_yuan_per_mu=_at(prices, first.land, "row"))
    sold = second.sold.select(
        "scenario", "crop_id", "grade", "channel_id", "period", sold_kg=_at(x, second.sold)
    )
    short = second.short.select("scenario", "commitment_id", short_kg=_at(x, second.short))
    hired = first.hire.select("labour_pool", "period", hours=_at(x, first.hire))
    is_optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return CountyPlan(
        status="optimal" if is_optimal else "stopped",
        objective=float(solver.getInfo().objective_function_value),
        areas=areas.filter(pl.col("area_mu") > 1e-9),
        profits=_profits(x, problem, first, second),
        probabilities=problem.probabilities,
        land_prices=land.filter(pl.col("price_yuan_per_mu") > 1e-9),
        sold=sold.filter(pl.col("sold_kg") > 1e-9),
        short=short.filter(pl.col("short_kg") > 1e-9),
        hired=hired.filter(pl.col("hours") > 1e-9),
        size=(builder.height, builder.width, int(solver.getNumNz())),
        seconds=seconds,
    )


def _profits(x: Floats, problem: CountyProblem, first: FirstStage, second: SecondStage) -> Floats:
    money = second.money.with_columns(earned=_at(x, second.money) * pl.col("yuan"))
    earned = money.group_by("scenario").agg(pl.sum("earned"))
    profits = np.full(problem.scenarios, -x[first.spent])
    profits[earned["scenario"].to_numpy()] += earned["earned"].to_numpy()
    return profits


def _at(values: Floats, frame: pl.DataFrame, column: str = "column") -> pl.Series:
    return pl.Series(
        values[frame[column].cast(pl.Int64).to_numpy()] if frame.height else np.zeros(0), dtype=pl.Float64
    )


def _conflict(problem: CountyProblem, params: CountyParams, status: str) -> str:
    """Leave out one kind of limit at a time; those whose absence makes a plan possible are named."""
    tries = {
        "floors": replace(problem, floors=problem.floors.clear()),
        "labour": replace(problem, labour=problem.labour.clear()),
    }
    named = []
    for name, eased in tries.items():
        builder = Builder()
        first = first_stage(builder, eased, params)
        _objective(builder, eased, params, first, second_stage(builder, eased, first))
        solver = load(builder, params.time_limit_s)
        solver.run()
        if solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            named.append(name)
    frozen = f"areas frozen before period {params.frozen_until}" if params.frozen_until else ""
    what = ", ".join([*named, frozen]).strip(", ") or "land"
    return f"no county plan keeps all limits ({status}); in conflict: {what}; lower a floor, let hours be hired or thaw areas"
