"""The second stage of a county plan: in each scenario, what is sold, stored, graded down, delivered and missed."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.planning.county_columns import Builder, Ints
from models.planning.county_land import FirstStage
from models.planning.county_problem import CountyProblem

CELL = ["scenario", "crop_id", "grade", "period"]


@dataclass(frozen=True)
class SecondStage:
    """Columns of the scenarios and what each earns.

    `sold`: demand rows by scenario with `column`. `short`: scenario, commitment_id, `column`. `money`: scenario, column,
    yuan: what a unit of each second-stage column adds to that scenario's profit.
    """

    sold: pl.DataFrame
    short: pl.DataFrame
    money: pl.DataFrame


def second_stage(builder: Builder, problem: CountyProblem, first: FirstStage) -> SecondStage:
    """Add, per scenario: supply of each crop, grade and period ≥ what is sold, delivered, stored and graded down."""
    cells = _cells(problem)
    rows = builder.add_rows("supply", cells.height, 0.0, np.inf)
    cells = cells.with_columns(row=pl.Series(rows))
    before = len(builder.entries)
    _harvest(builder, problem, first, cells)
    sold = _sales(builder, problem, cells)
    delivered, short = _commitments(builder, problem, cells)
    kept = _storage(builder, problem, cells)
    _grade_down(builder, cells)
    money = pl.concat(
        [
            sold.select("scenario", "column", yuan="price_yuan_per_kg"),
            delivered.select("scenario", "column", yuan="price_yuan_per_kg"),
            short.select("scenario", "column", yuan=-pl.col("shortage_yuan_per_kg")),
            kept.select("scenario", "column", yuan=-pl.col("cost_yuan_per_kg")),
            _salvage(builder, problem, cells, before),
        ]
    )
    money = money.group_by("scenario", "column").agg(pl.sum("yuan")).sort("scenario", "column")
    return SecondStage(sold, short, money.filter(pl.col("yuan") != 0))


def _cells(problem: CountyProblem) -> pl.DataFrame:
    """Scenario × crop × grade × period in which something can be there: from its first harvest to its last use."""
    grown = problem.outputs.select("crop_id", "grade", "period").unique()
    grades = grown.select("crop_id", "grade").unique()
    wanted = _every_scenario(problem.demand, problem.scenarios).select("crop_id", "period").unique()
    promised = (
        problem.commitments.select("crop_id", period=pl.int_ranges("from_period", pl.col("to_period") + 1))
        .explode("period")
        .drop_nulls("period")
    )
    span = grown.group_by("crop_id").agg(first=pl.min("period"), last_grown=pl.max("period"))
    keeps = problem.storage.select("crop_id").with_columns(keeps=pl.lit(value=True))
    used = pl.concat([wanted, promised, grown.select("crop_id", "period").unique()]).unique()
    periods = (
        used.join(span, on="crop_id", how="inner")
        .join(keeps, on="crop_id", how="left")
        .filter(pl.col("period") >= pl.col("first"))
        .join(
            grown.select("crop_id", "period", grows=pl.lit(value=True)).unique(),
            on=["crop_id", "period"],
            how="left",
        )
        .filter(pl.col("keeps").fill_null(value=False) | pl.col("grows").fill_null(value=False))
    )
    lowest = grades.group_by("crop_id").agg(lowest=pl.max("grade"), best=pl.min("grade"))
    asked = (
        problem.demand.select("crop_id", "grade")
        .unique()
        .join(lowest, on="crop_id")
        .filter(pl.col("grade") >= pl.col("best"))
    )
    all_grades = pl.concat([grades, asked.select("crop_id", "grade")]).unique()
    scenarios = pl.DataFrame({"scenario": range(problem.scenarios)}, schema={"scenario": pl.Int64})
    return (
        periods.select("crop_id", "period")
        .join(all_grades, on="crop_id")
        .join(scenarios, how="cross")
        .sort(CELL)
        .select(CELL)
    )


def _every_scenario(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    """Rows with a null scenario stand in each."""
    all_ = pl.DataFrame({"scenario": range(count)}, schema={"scenario": pl.Int64})
    shared = frame.filter(pl.col("scenario").is_null()).drop("scenario").join(all_, how="cross")
    return pl.concat([frame.filter(pl.col("scenario").is_not_null()), shared.select(frame.columns)])


def _harvest(builder: Builder, problem: CountyProblem, first: FirstStage, cells: pl.DataFrame) -> None:
    factor = _every_scenario(problem.yields, problem.scenarios)
    grown = (
        problem.outputs.join(first.produced, on="activity_id")
        .join(cells, on=["crop_id", "grade", "period"])
        .join(factor, on=["scenario", "zone_id", "crop_id"], how="left")
    )
    kg = grown["kg_per_mu"].to_numpy() * grown["factor"].fill_null(1.0).to_numpy()
    builder.put(_ints(grown["row"]), _ints(grown["column"]), kg)


def _sales(builder: Builder, problem: CountyProblem, cells: pl.DataFrame) -> pl.DataFrame:
    wanted = (
        _every_scenario(problem.demand, problem.scenarios)
        .join(cells, on=CELL, how="inner")
        .sort(*CELL, "channel_id")
    )
    limit = wanted["demand_kg"].fill_null(np.inf).to_numpy()
    columns = builder.add_columns("sold", np.zeros(wanted.height), 0.0, limit)
    builder.put(_ints(wanted["row"]), columns, -1.0)
    return wanted.with_columns(column=pl.Series(columns))


def _commitments(
    builder: Builder, problem: CountyProblem, cells: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Delivered + short = promised; any grade at least as good may be delivered."""
    scenarios = pl.DataFrame({"scenario": range(problem.scenarios)}, schema={"scenario": pl.Int64})
    promised = problem.commitments.join(scenarios, how="cross").sort("commitment_id", "scenario")
    quantity = promised["quantity_kg"].to_numpy()
    rows = builder.add_rows("promise", promised.height, quantity, quantity)
    short = builder.add_columns("short", np.zeros(promised.height))
    builder.put(rows, short, 1.0)
    promised = promised.with_columns(promise=pl.Series(rows), column=pl.Series(short))
    ways = (
        promised.select(
            "commitment_id", "scenario", "crop_id", "promise", "from_period", "to_period", least="grade"
        )
        .join(cells, on=["scenario", "crop_id"])
        .filter(
            (pl.col("grade") <= pl.col("least")) & pl.col("period").is_between("from_period", "to_period")
        )
    )
    columns = builder.add_columns("delivered", np.zeros(ways.height))
    builder.put(_ints(ways["promise"]), columns, 1.0)
    builder.put(_ints(ways["row"]), columns, -1.0)
    prices = (
        problem.commitments.select("commitment_id", price=pl.col("price_yuan_per_kg").fill_null(0.0))
        if ("price_yuan_per_kg" in problem.commitments.columns)
        else problem.commitments.select("commitment_id", price=pl.lit(0.0))
    )
    paid = ways.with_columns(column=pl.Series(columns)).join(
        prices, on="commitment_id", how="left", maintain_order="left"
    )
    return paid.rename({"price": "price_yuan_per_kg"}), promised


def _storage(builder: Builder, problem: CountyProblem, cells: pl.DataFrame) -> pl.DataFrame:
    """What is kept into the crop's next period in the programme; the share lost grows with the periods between."""
    kept = (
        cells.join(problem.storage, on="crop_id", how="inner")
        .sort("scenario", "crop_id", "grade", "period")
        .with_columns(
            next_row=pl.col("row").shift(-1).over("scenario", "crop_id", "grade"),
            steps=pl.col("period").shift(-1).over("scenario", "crop_id", "grade") - pl.col("period"),
        )
        .drop_nulls("next_row")
    )
    columns = builder.add_columns("kept", np.zeros(kept.height))
    builder.put(_ints(kept["row"]), columns, -1.0)
    builder.put(_ints(kept["next_row"]), columns, kept["keep_share"].to_numpy() ** kept["steps"].to_numpy())
    return kept.with_columns(pl.col("cost_yuan_per_kg") * pl.col("steps"), column=pl.Series(columns))


def _grade_down(builder: Builder, cells: pl.DataFrame) -> None:
    """A grade may be sold as the next one below, never as a better one."""
    down = (
        cells.sort("scenario", "crop_id", "period", "grade")
        .with_columns(next_row=pl.col("row").shift(-1).over("scenario", "crop_id", "period"))
        .drop_nulls("next_row")
    )
    columns = builder.add_columns("graded_down", np.zeros(down.height))
    builder.put(_ints(down["row"]), columns, -1.0)
    builder.put(_ints(down["next_row"]), columns, 1.0)


def _salvage(builder: Builder, problem: CountyProblem, cells: pl.DataFrame, before: int) -> pl.DataFrame:
    """What is left of a supply row brings its salvage: no column of its own, but money of every column in the row.

    `before`: how many blocks of entries there were when the first was put into a supply row.
    """
    row, column, kg = (np.concatenate(parts) for parts in zip(*builder.entries[before:], strict=True))
    left = pl.DataFrame({"row": row, "column": column, "kg": kg})
    worth = cells.join(problem.salvage.filter(pl.col("salvage_yuan_per_kg") > 0), on="crop_id").select(
        "scenario", "row", "salvage_yuan_per_kg"
    )
    return left.join(worth, on="row").select(
        "scenario", "column", yuan=pl.col("kg") * pl.col("salvage_yuan_per_kg")
    )


def _ints(values: pl.Series) -> Ints:
    return values.cast(pl.Int64).to_numpy()
