"""Areas of land groups planned against scenarios of demand and yields: the county step of the nightly plan.

A land group is a village's land of one class. Areas by group, practice and year are settled before demand and yields are
known; what sells follows in each scenario (Birge & Louveaux 1997, ch. 1), with CVaR (Rockafellar & Uryasev 2000). Rotation
on divisible land: two seasons' areas of a crop that may not follow itself fit into the group's land together.
"""

from dataclasses import dataclass

import highspy
import numpy as np
import polars as pl

from models.planning.activities import Activities
from models.planning.chances import Chances
from models.planning.county import load
from models.planning.county_columns import Builder, Floats, Ints
from models.planning.problem import Params, Problem
from models.planning.recourse import Classes, factors

INF = np.inf
SHORT_WEIGHT = 3.0
"""A kg of a commitment not served weighs so many times the dearest price or cost of a kg."""


@dataclass(frozen=True)
class GroupPlan:
    """`kg`: [class] of usual yield. `cost_yuan`: of the areas. `objective`: what was maximised, unserved commitments weighed in.

    `areas`: group_id, practice_id, year, season, area_mu (> 1e-9).
    """

    kg: Floats
    cost_yuan: float
    objective: float
    areas: pl.DataFrame
    size: tuple[int, int, int]


class GroupsInfeasible(Exception):  # noqa: N818
    """The land groups together cannot keep all rules; the message has the solver's status."""


def solve_groups(
    problem: Problem,
    params: Params,
    acts: Activities,
    classes: Classes,
    chances: Chances,
    *,
    risk_weight: float = 0.0,
    risk_level: float = 0.9,
    time_limit_s: float = 120.0,
) -> GroupPlan:
    """Plan areas of land groups for (1 − risk_weight) × mean profit + risk_weight × CVaR.

    Args:
        problem, params: What is planned; `acts` is activities.spread of them.
        classes: recourse.classes_of, with `chances` over the same rows.
        chances: The scenarios.
        risk_weight, risk_level: See county_problem.CountyParams.
        time_limit_s: A cap; the dual simplex ends long before it on villages.

    Raises:
        GroupsInfeasible: No areas keep the rules, or the time was too short for any.
    """
    builder = Builder()
    lines = _lines(problem, acts)
    area = builder.add_columns(
        "area", np.zeros(lines.height), lines["min_mu"].to_numpy(), lines["max_mu"].to_numpy()
    )
    lines = lines.with_columns(column=pl.Series(area))
    _land(builder, problem, acts, lines)
    _rotation(builder, problem, params, acts, lines)
    grown = _grown(builder, lines, classes)
    spent = _spent(builder, lines, risk_weight)
    _market(builder, problem, classes, chances, grown, spent, risk_weight=risk_weight, risk_level=risk_level)
    solver = _solved(builder, time_limit_s)
    x = np.asarray(solver.getSolution().col_value)
    areas = lines.select("group_id", "practice_id", "year", "season", area_mu=pl.Series(x[area]))
    return GroupPlan(
        kg=np.maximum(x[grown], 0.0),
        cost_yuan=float(x[spent]),
        objective=float(solver.getInfo().objective_function_value),
        areas=areas.filter(pl.col("area_mu") > 1e-9),
        size=(builder.height, builder.width, int(solver.getNumNz())),
    )


def group_ids(plots: pl.DataFrame) -> pl.DataFrame:
    """plot_id, group_id: its village and land class; plots without a village make up one of their own."""
    place = pl.col("place_id").fill_null("") if "place_id" in plots.columns else pl.lit("")
    return plots.select("plot_id", group_id=pl.format("{}/{}", place, "land_class"))


def _lines(problem: Problem, acts: Activities) -> pl.DataFrame:
    """Group × practice × year with the sums of what its plots may and must bear."""
    key = ["group_id", "practice_id", "crop_id", "group", "year", "season", "start", "end"]
    return (
        acts.lines.join(group_ids(problem.plots), on="plot_id", maintain_order="left")
        .group_by(key, maintain_order=True)
        .agg(
            pl.sum("min_mu", "max_mu"),
            pl.first("cost_yuan_per_mu", "is_legume", "is_perennial", "rotates"),
        )
        .sort("group_id", "year", "season", "practice_id")
    )


def _land(builder: Builder, problem: Problem, acts: Activities, lines: pl.DataFrame) -> None:
    """Free land per group and slot; perennials where they stand, never more than the year before."""
    land = (
        acts.land.join(group_ids(problem.plots), on="plot_id")
        .group_by("group_id", "slot")
        .agg(pl.sum("free_mu"))
        .sort("group_id", "slot")
    )
    rows = builder.add_rows("land", land.height, -INF, land["free_mu"].to_numpy())
    annual = lines.filter(~pl.col("is_perennial"))
    held = (
        annual.select("group_id", "column", slot=pl.int_ranges("start", pl.col("end") + 1))
        .explode("slot")
        .join(land.with_columns(row=pl.Series(rows)), on=["group_id", "slot"])
    )
    builder.put(_ints(held["row"]), _ints(held["column"]), 1.0)
    standing = (
        acts.standing.join(group_ids(problem.plots), on="plot_id")
        .group_by("group_id", "crop_id")
        .agg(pl.sum("standing_mu"))
    )
    under = lines.filter("is_perennial").join(standing, on=["group_id", "crop_id"])
    years = (
        under.select("group_id", "crop_id", "year", "standing_mu")
        .unique()
        .sort("group_id", "crop_id", "year")
    )
    rows = builder.add_rows("standing", years.height, -INF, years["standing_mu"].to_numpy())
    years = years.with_columns(row=pl.Series(rows))
    held = under.join(years.select("group_id", "crop_id", "year", "row"), on=["group_id", "crop_id", "year"])
    builder.put(_ints(held["row"]), _ints(held["column"]), 1.0)
    kept = builder.add_rows("kept", years.height, -INF, 0.0)
    years = years.with_columns(kept=pl.Series(kept))
    before = years.select("group_id", "crop_id", "kept", year=pl.col("year") - 1)
    old = under.join(before, on=["group_id", "crop_id", "year"])
    builder.put(_ints(old["kept"]), _ints(old["column"]), -1.0)
    first = pl.col("year") > pl.col("year").min().over("group_id", "crop_id")
    new = under.join(
        years.filter(first).select("group_id", "crop_id", "year", "kept"), on=["group_id", "crop_id", "year"]
    )
    builder.put(_ints(new["kept"]), _ints(new["column"]), 1.0)


def _rotation(
    builder: Builder, problem: Problem, params: Params, acts: Activities, lines: pl.DataFrame
) -> None:
    """What may not follow itself shares the group's land with its next season; legumes cover each window."""
    total = (
        problem.plots.join(group_ids(problem.plots), on="plot_id").group_by("group_id").agg(pl.sum("area_mu"))
    )
    turning = lines.filter(pl.col("rotates") & ~pl.col("is_perennial"))
    meets = (
        turning.select("group_id", "group", slot="end")
        .unique()
        .join(
            turning.select("group_id", "group", slot=pl.col("start") - 1).unique(),
            on=["group_id", "group", "slot"],
        )
        .join(total, on="group_id")
        .sort("group_id", "group", "slot")
    )
    rows = builder.add_rows("turn", meets.height, -INF, meets["area_mu"].to_numpy())
    meets = meets.with_columns(row=pl.Series(rows))
    for slot in (pl.col("end"), pl.col("start") - 1):
        held = turning.select("group_id", "group", "column", slot=slot).join(
            meets, on=["group_id", "group", "slot"]
        )
        builder.put(_ints(held["row"]), _ints(held["column"]), 1.0)
    windows = (
        acts.legume.join(group_ids(problem.plots), on="plot_id")
        .group_by("group_id", "from_year", "to_year")
        .agg(pl.sum("missing_mu"))
        .sort("group_id", "from_year")
    )
    rows = builder.add_rows("legume", windows.height, windows["missing_mu"].to_numpy() - 1e-6, INF)
    bearing = (
        lines.filter("is_legume")
        .join(windows.with_columns(row=pl.Series(rows)), on="group_id")
        .filter(pl.col("year").is_between("from_year", "to_year"))
    )
    builder.put(_ints(bearing["row"]), _ints(bearing["column"]), 1.0)


def _grown(builder: Builder, lines: pl.DataFrame, classes: Classes) -> Ints:
    """One column per class: the kg that all groups bear of it at usual yields."""
    count = classes.frame.height
    grown, rows = builder.add_columns("grown", np.zeros(count)), builder.add_rows("grown", count, 0.0, 0.0)
    builder.put(rows, grown, -1.0)
    held = lines.join(classes.outputs, on=["practice_id", "year", "season"])
    builder.put(rows[_ints(held["class"])], _ints(held["column"]), held["yield_kg_per_mu"].to_numpy())
    return grown


def _spent(builder: Builder, lines: pl.DataFrame, risk_weight: float) -> int:
    column = builder.add_columns("spent", np.array([-(1 - risk_weight)]), -INF)
    row = builder.add_rows("spent", 1, 0.0, 0.0)
    builder.put(row, column, 1.0)
    builder.put(np.full(lines.height, row[0]), _ints(lines["column"]), -lines["cost_yuan_per_mu"].to_numpy())
    return int(column[0])


def _market(
    builder: Builder,
    problem: Problem,
    classes: Classes,
    chances: Chances,
    grown: Ints,
    spent: int,
    *,
    risk_weight: float,
    risk_level: float,
) -> None:
    """Per scenario: sold of each class within what grew and what is asked for, commitments short, and the shortfall."""
    n, (price, rest) = chances.count, (classes.frame[c].to_numpy() for c in ("price", "rest"))
    factor, row_of = factors(classes, chances), classes.row
    share = (1 - risk_weight) * chances.weights
    margin = (price - rest)[:, None] * np.ones(n)
    cost_now = np.concatenate([np.zeros(0), *builder.costs])
    cost_now[grown] += rest * (factor @ share)
    builder.costs = [cost_now]
    sold = builder.add_columns("sold", (margin * share).ravel()).reshape(-1, n)
    limit = builder.add_rows("within", sold.size, -INF, 0.0).reshape(-1, n)
    builder.put(limit.ravel(), sold.ravel(), 1.0)
    builder.put(limit.ravel(), np.repeat(grown, n), -factor.ravel())
    asked = builder.add_rows("asked", chances.demand_kg.size, -INF, chances.demand_kg.ravel()).reshape(-1, n)
    builder.put(asked[row_of].ravel(), sold.ravel(), 1.0)
    committed = chances.rows["committed_kg"].to_numpy()
    promised = np.flatnonzero(committed > 0)
    weight = SHORT_WEIGHT * _dearest(problem)
    short = builder.add_columns("short", np.tile(-weight * chances.weights, promised.size)).reshape(-1, n)
    due = builder.add_rows("due", short.size, np.repeat(committed[promised], n), INF).reshape(-1, n)
    builder.put(due.ravel(), short.ravel(), 1.0)
    serving = np.flatnonzero(np.isin(row_of, promised))
    place = np.searchsorted(promised, row_of[serving])
    builder.put(due[place].ravel(), sold[serving].ravel(), 1.0)
    if risk_weight <= 0:
        return
    eta = builder.add_columns("eta", np.array([risk_weight]), -INF)
    below = builder.add_columns("below", -risk_weight / (1 - risk_level) * chances.weights)
    rows = builder.add_rows("risk", n, 0.0, INF)
    builder.put(rows, below, 1.0)
    builder.put(rows, np.repeat(eta, n), -1.0)
    builder.put(rows, np.full(n, spent), -1.0)
    every = np.broadcast_to(rows, (grown.size, n))
    builder.put(every.ravel(), sold.ravel(), margin.ravel())
    builder.put(every.ravel(), np.repeat(grown, n), (rest[:, None] * factor).ravel())


def _dearest(problem: Problem) -> float:
    cost = problem.yields.join(problem.practices.select("practice_id", "cost_yuan_per_mu"), on="practice_id")
    per_kg = cost.select((pl.col("cost_yuan_per_mu") / pl.col("yield_kg_per_mu")).max()).item() or 0.0
    return float(max(per_kg, problem.yields["price_yuan_per_kg"].max() or 0.0, 1.0))  # type: ignore[arg-type]


def _solved(builder: Builder, time_limit_s: float) -> highspy.Highs:
    solver = load(builder, time_limit_s)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise GroupsInfeasible(
            f"land groups against scenarios: {solver.modelStatusToString(solver.getModelStatus())} after at most "
            f"{time_limit_s:.0f} s; the plan is made for mean demand"
        )
    return solver


def _ints(values: pl.Series) -> Ints:
    return values.cast(pl.Int64).to_numpy()
