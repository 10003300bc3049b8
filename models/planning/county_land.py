"""The first stage of a county plan: land, labour, floors, moves, and what stands where, per zone."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.planning.county_columns import Builder, Ints
from models.planning.county_problem import CountyInfeasible, CountyParams, CountyProblem


@dataclass(frozen=True)
class FirstStage:
    """Where the first stage's columns and rows are.

    `options`: the problem's options with `column`, `zone_id`, `labour_pool`. `produced`: activity_id, zone_id, `column` (mu
    that count as of mean yield). `land`: group_id, period, `row`. `spent`: the column of all first-stage money; `costs`: what
    it is made of: column, yuan a unit.
    """

    options: pl.DataFrame
    produced: pl.DataFrame
    land: pl.DataFrame
    hire: pl.DataFrame
    spent: int
    costs: pl.DataFrame


def first_stage(builder: Builder, problem: CountyProblem, params: CountyParams) -> FirstStage:
    """Add mu of each option, hired hours, land and labour limits, floors, moves and the sum of what all of it costs.

    Raises:
        CountyInfeasible: A frozen area is more than its group has.
    """
    options = _options(problem)
    lower, upper = _frozen(options, params)
    columns = builder.add_columns("area", np.zeros(options.height), lower, upper)
    options = options.with_columns(column=pl.Series(columns))
    land = _land(builder, problem, options)
    hire = _labour(builder, problem, options)
    produced = _produced(builder, options)
    _floors(builder, problem, options)
    _moves(builder, options, params)
    return FirstStage(options, produced, land, hire, *_spent(builder, options, hire))


def _options(problem: CountyProblem) -> pl.DataFrame:
    joined = (
        problem.options.join(problem.groups, on="group_id", how="inner", maintain_order="left")
        .join(problem.activities, on="activity_id", how="inner", maintain_order="left")
        .join(
            problem.previous.select("group_id", "activity_id", previous_mu="area_mu"),
            on=["group_id", "activity_id"], how="left", maintain_order="left",
        )
        .with_columns(pl.col("previous_mu").fill_null(0.0))
    )  # fmt: skip
    if joined.height != problem.options.height:
        raise ValueError(
            f"{problem.options.height - joined.height} options name a group or an activity that is not there"
        )
    return joined


def _frozen(options: pl.DataFrame, params: CountyParams) -> tuple[np.ndarray, np.ndarray]:
    frozen = (options["sow_period"] < params.frozen_until).to_numpy()
    previous = options["previous_mu"].to_numpy()
    over = options.filter(pl.Series(frozen), pl.col("previous_mu") > pl.col("area_mu") * (1 + 1e-9))
    for row in over.iter_rows(named=True):
        raise CountyInfeasible(
            f"group '{row['group_id']}' has {row['area_mu']} mu, and {row['previous_mu']} of '{row['activity_id']}' frozen; "
            "give the last plan's area as it was, or freeze less"
        )
    most = options["max_mu"].fill_null(np.inf).to_numpy() if "max_mu" in options.columns else np.inf
    return np.where(frozen, previous, 0.0), np.where(frozen, previous, most)


def _land(builder: Builder, problem: CountyProblem, options: pl.DataFrame) -> pl.DataFrame:
    """One row per group and period in which something may begin: what stands then bounds every period until the next."""
    held = options.select("group_id", "activity_id", "column").join(problem.occupation, on="activity_id")
    begins = _binding_periods(options, problem.occupation)
    rows = begins.join(problem.groups.select("group_id", "area_mu"), on="group_id", maintain_order="left")
    places = builder.add_rows("land", rows.height, -np.inf, rows["area_mu"].to_numpy())
    rows = rows.with_columns(row=pl.Series(places))
    used = held.join(rows.select("group_id", "period", "row"), on=["group_id", "period"], how="inner")
    builder.put(_ints(used["row"]), _ints(used["column"]), used["share"].to_numpy())
    return rows.select("group_id", "period", "row", "area_mu")


def _binding_periods(options: pl.DataFrame, occupation: pl.DataFrame) -> pl.DataFrame:
    """group_id, period: where an activity of the group takes up more land than the period before; the rest is implied."""
    change = occupation.sort("activity_id", "period").with_columns(
        before=pl.when(pl.col("period").shift(1).over("activity_id") == pl.col("period") - 1)
        .then(pl.col("share").shift(1).over("activity_id"))
        .otherwise(0.0)
    )
    grows = change.filter(pl.col("share") > pl.col("before") + 1e-12).select("activity_id", "period")
    return (
        options.select("group_id", "activity_id")
        .join(grows, on="activity_id")
        .select("group_id", "period")
        .unique()
        .sort("group_id", "period")
    )


def _labour(builder: Builder, problem: CountyProblem, options: pl.DataFrame) -> pl.DataFrame:
    """Hours needed + idle = hours there are + hired; returns labour_pool, period, hours hired's `column` and price."""
    pools = problem.labour.sort("labour_pool", "period")
    if pools.is_empty():
        return pools.with_columns(column=pl.lit(0, pl.Int64))
    hire_price = pools["hire_yuan_per_hour"]
    hired = builder.add_columns(
        "hired", np.zeros(pools.height), 0.0, np.where(hire_price.is_null().to_numpy(), 0.0, np.inf)
    )
    idle = builder.add_columns("idle", np.zeros(pools.height))
    hours = pools["hours"].to_numpy()
    rows = builder.add_rows("labour", pools.height, hours, hours)
    builder.put(rows, idle, 1.0)
    builder.put(rows, hired, -1.0)
    places = pools.select("labour_pool", "period").with_columns(row=pl.Series(rows))
    needed = (
        options.select("activity_id", "labour_pool", "column")
        .join(problem.labour_need, on="activity_id")
        .join(places, on=["labour_pool", "period"], how="inner")
    )
    builder.put(_ints(needed["row"]), _ints(needed["column"]), needed["hours_per_mu"].to_numpy())
    return pools.with_columns(column=pl.Series(hired), idle_column=pl.Series(idle))


def _produced(builder: Builder, options: pl.DataFrame) -> pl.DataFrame:
    """Mu per activity and zone, weighed by the yield index: scenarios see these few columns and not every group's."""
    cells = options.select("activity_id", "zone_id").unique().sort("activity_id", "zone_id")
    columns = builder.add_columns("produced", np.zeros(cells.height))
    rows = builder.add_rows("produced", cells.height, 0.0, 0.0)
    builder.put(rows, columns, 1.0)
    placed = options.select("activity_id", "zone_id", "column", "yield_index").join(
        cells.with_columns(row=pl.Series(rows)), on=["activity_id", "zone_id"]
    )
    builder.put(_ints(placed["row"]), _ints(placed["column"]), -placed["yield_index"].to_numpy())
    return cells.with_columns(column=pl.Series(columns))


def _floors(builder: Builder, problem: CountyProblem, options: pl.DataFrame) -> None:
    floors = problem.floors.group_by("floor_id").agg(pl.first("min_mu")).sort("floor_id")
    if floors.is_empty():
        return
    rows = builder.add_rows("floor", floors.height, floors["min_mu"].to_numpy(), np.inf)
    held = options.select("crop_id", "column").join(
        problem.floors.select("floor_id", "crop_id").join(
            floors.select("floor_id").with_columns(row=pl.Series(rows)), on="floor_id"
        ),
        on="crop_id",
    )
    builder.put(_ints(held["row"]), _ints(held["column"]), 1.0)


def _moves(builder: Builder, options: pl.DataFrame, params: CountyParams) -> None:
    """Mu more and mu less than in the previous plan, each at half the price: land moved counts on both sides."""
    if params.move_yuan_per_mu <= 0 or options["previous_mu"].sum() == 0:
        return
    cost = np.full(options.height, -params.move_yuan_per_mu / 2)
    more, less = builder.add_columns("more", cost), builder.add_columns("less", cost)
    previous = options["previous_mu"].to_numpy()
    rows = builder.add_rows("moved", options.height, previous, previous)
    builder.put(rows, _ints(options["column"]), 1.0)
    builder.put(rows, more, -1.0)
    builder.put(rows, less, 1.0)


def _spent(builder: Builder, options: pl.DataFrame, hire: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """One column that is all first-stage cost, so that every scenario's profit reads one number; and what it is made of."""
    costs = [options.select("column", yuan="cost_yuan_per_mu")]
    if hire.height:
        costs.append(hire.select("column", yuan=pl.col("hire_yuan_per_hour").fill_null(0.0)))
        costs.append(hire.select(column="idle_column", yuan=-pl.col("idle_yuan_per_hour")))
    told = pl.concat(costs).filter(pl.col("yuan") != 0)
    spent = builder.add_columns("spent", np.zeros(1), -np.inf)
    row = builder.add_rows("spent", 1, 0.0, 0.0)
    builder.put(row, spent, 1.0)
    builder.put(np.full(told.height, row[0]), _ints(told["column"]), -told["yuan"].to_numpy())
    return int(spent[0]), told


def _ints(values: pl.Series) -> Ints:
    return values.cast(pl.Int64).to_numpy()
