"""A plan's lines with what each brings at one demand, adding up to what the checker counts."""

from dataclasses import replace

import numpy as np
import polars as pl

from models.planning.chances import Chances
from models.planning.problem import Params, Problem
from models.planning.recourse import class_kg, classes_of, sold_kg, with_rows

LINE_COLUMNS = [
    "plot_id", "practice_id", "crop_id", "year", "season", "last_season", "area_mu", "expected_kg", "expected_profit_yuan",
]  # fmt: skip


def priced_lines(lines: pl.DataFrame, problem: Problem, params: Params) -> pl.DataFrame:
    """Lines as Plan.assignments: what each bears and earns at the problem's demand and usual yields.

    Args:
        lines: plot_id, practice_id, year, season, area_mu.
        problem, params: Yields, prices, costs, demand.

    Returns:
        LINE_COLUMNS by plot, year, season and practice. A kg of a crop earns the mean of what its class earns: what sells at
        the price, the rest at salvage.
    """
    usual = replace(problem, yields=problem.yields.drop("yield_cv", strict=False))
    certain = _certain(usual)
    classes, rows = classes_of(usual, params, certain.rows)
    kg = class_kg(lines, classes)
    sold, _ = sold_kg(kg, classes, with_rows(certain, rows))
    per_kg = classes.frame.select(
        "class",
        yuan=pl.col("rest") + pl.Series(sold[:, 0] / kg.clip(1e-12)) * (pl.col("price") - pl.col("rest")),
    )
    revenue = (
        classes.outputs.join(per_kg, on="class")
        .group_by("practice_id", "year", "season")
        .agg(per_mu=(pl.col("yield_kg_per_mu") * pl.col("yuan")).sum())
    )
    main = (
        problem.yields.select("practice_id", "crop_id", "yield_kg_per_mu")
        .group_by("practice_id", "crop_id")
        .sum()
    )
    return (
        lines.select("plot_id", "practice_id", pl.col("year", "season").cast(pl.Int64), "area_mu")
        .join(
            problem.practices.select("practice_id", "crop_id", "last_season", "cost_yuan_per_mu"),
            on="practice_id", how="left", maintain_order="left",
        )
        .join(revenue, on=["practice_id", "year", "season"], how="left", maintain_order="left")
        .join(main, on=["practice_id", "crop_id"], how="left", maintain_order="left")
        .with_columns(
            expected_kg=(pl.col("area_mu") * pl.col("yield_kg_per_mu")).fill_null(0.0),
            expected_profit_yuan=pl.col("area_mu") * (pl.col("per_mu").fill_null(0.0) - pl.col("cost_yuan_per_mu")),
        )
        .sort("plot_id", "year", "season", "practice_id")
        .select(LINE_COLUMNS)
    )  # fmt: skip


def _certain(problem: Problem) -> Chances:
    """The problem's demand as the one scenario."""
    rows = problem.demand.select("crop_id", "year", "season", "committed_kg")
    kg = problem.demand["demand_kg"].to_numpy().astype(np.float64)[:, None]
    return Chances(rows, kg, np.zeros_like(kg), np.ones(1))
