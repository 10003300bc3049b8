"""Plans of a sample county to be played against each other: ours, on average demand, as last year, and knowing all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from models.planning.demand_paths import demand_by_path
from models.planning.problem import Params, Problem
from models.planning.seasons import selling_days
from models.planning.village import solve
from models.simulation.actions import as_last_year
from models.simulation.land import practices_for
from models.simulation.play import NAMES, draw_demand, draw_yields
from models.simulation.sizes import ENDS_ON
from models.simulation.stage import Truth
from pipelines.plan import NIGHTLY
from pipelines.plan_inputs import PlanInputs, plan_inputs
from pipelines.plan_made import Made, make_plan
from settings import Settings
from warehouse import Warehouse

OURS, MEAN, USUAL, SCALED, ORACLE = "anxu", "average demand", "as last year", "as last year, scaled", "oracle"
LINE = ["plot_id", "practice_id", "year", "season", "area_mu"]


@dataclass(frozen=True)
class Planned:
    """The night's inputs and plan, what stands in the seasons planned, and last year's sales by crop (kg of crop)."""

    settings: Settings
    inputs: PlanInputs
    made: Made
    standing: pl.DataFrame
    sold_kg: Mapping[str, float]

    @property
    def params(self) -> Params:
        """Rules and seasons of the plan."""
        return self.inputs.params


def planned(home: Path, cutoff: date = ENDS_ON) -> Planned:
    """Plan a county that had its night, with the settings it has, from what was known then.

    Raises:
        ValueError: There is nothing to plan in `home`.
    """
    settings = Settings(home=home)
    with Warehouse.open(settings.warehouse_path) as warehouse:
        inputs = plan_inputs(settings, warehouse, cutoff=cutoff)
        if inputs is None:
            raise ValueError(f"'{home}' holds no plots and practices; make it with `anxu demo --home {home}`")
        made = make_plan(settings, warehouse, inputs, cutoff=cutoff, run_id="play", stop=NIGHTLY)
        return Planned(settings, inputs, made, _standing(inputs), _sold(settings, warehouse, cutoff))


def plans(truth: Truth, found: Planned) -> dict[str, pl.DataFrame]:
    """Method → plantings to play, what stands already among them, for all but the oracle."""
    usual = _as_last_year(truth, found)
    made = {
        OURS: found.made.plan.assignments,
        MEAN: found.made.weighed.mean.assignments,
        USUAL: usual,
        SCALED: _to_sales(usual, found),
    }
    return {name: with_standing(lines, found) for name, lines in made.items()}


def with_standing(lines: pl.DataFrame, found: Planned) -> pl.DataFrame:
    """Lines of a plan and what stands already."""
    kinds = pl.Schema({"year": pl.Int64, "season": pl.Int64, "area_mu": pl.Float64})
    return pl.concat([frame.select(LINE).cast(kinds) for frame in (lines, found.standing)])


def oracle(truth: Truth, found: Planned, seed: int) -> pl.DataFrame:
    """The plan of one who knows the seed's demand of every season and what each practice yields on the county's mean.

    Solved by the same village planner with the same stop; demand within the season and the luck of single plots are as unknown to it.
    """
    problem = found.made.problem
    knowing = replace(problem, demand=_asked(truth, found, seed), yields=_borne(truth, found, seed))
    return with_standing(solve(knowing, found.params, found.settings.seed, NIGHTLY).assignments, found)


def _standing(inputs: PlanInputs) -> pl.DataFrame:
    first = inputs.params.first_year * 10 + inputs.params.first_season
    open_seasons = pl.col("year") * 10 + pl.col("season") >= first
    return inputs.problem.history.filter(open_seasons, pl.col("area_mu") > 0).drop_nulls("practice_id")


def _sold(settings: Settings, warehouse: Warehouse, cutoff: date) -> dict[str, float]:
    daily = warehouse.sold_by_day(known_by=settings.known_by(cutoff))
    year = daily.filter(pl.col("sale_date") > cutoff - timedelta(days=365))
    crops = year.join(warehouse.read("product_crop"), on="product_id")
    kg = pl.col("sold_kg") * pl.col("crop_kg_per_product_kg")
    return dict(crops.group_by("crop_id").agg(kg.sum()).iter_rows())


def _as_last_year(truth: Truth, found: Planned) -> pl.DataFrame:
    """Every plot and season from the first open one on as it last bore; where something stands already, that."""
    first_year, first_season = found.params.first_year, found.params.first_season
    years = [
        as_last_year(truth, min(year, ENDS_ON.year + 1)).with_columns(year=pl.lit(year, pl.Int64))
        for year in range(first_year, found.params.last_year + 1)
    ]
    lines = pl.concat([y.select(LINE).cast({"season": pl.Int64}) for y in years])
    ahead = (pl.col("year") > first_year) | (pl.col("season") >= first_season)
    return lines.filter(ahead).join(found.standing, on=["plot_id", "year", "season"], how="anti")


def _to_sales(usual: pl.DataFrame, found: Planned) -> pl.DataFrame:
    """As last year with each main crop's area brought down to what last year's sales take at usual yields, never up."""
    problem = found.made.problem
    main = problem.practices.select("practice_id", "crop_id").join(
        problem.yields.select("practice_id", "crop_id", "yield_kg_per_mu"), on=["practice_id", "crop_id"]
    )
    rows = usual.join(main, on="practice_id", how="left", maintain_order="left")
    sold = pl.DataFrame(
        {"crop_id": list(found.sold_kg), "sold_kg": list(found.sold_kg.values())},
        schema={"crop_id": pl.String, "sold_kg": pl.Float64},
    )
    grown = (pl.col("area_mu") * pl.col("yield_kg_per_mu")).sum().over("crop_id")
    years = pl.col("year").n_unique().over("crop_id")
    return (
        rows.with_columns(year_kg=grown / years)
        .join(sold, on="crop_id", how="left", maintain_order="left")
        .with_columns(
            area_mu=pl.col("area_mu")
            * (pl.col("sold_kg").fill_null(0.0) / pl.col("year_kg")).clip(upper_bound=1.0)
        )
        .filter(pl.col("area_mu") > 0)
    )


def _asked(truth: Truth, found: Planned, seed: int) -> pl.DataFrame:
    """Problem.demand with what the seed's customers want of each crop, planned year and season."""
    problem, params = found.made.problem, found.params
    first = ENDS_ON + timedelta(days=1)
    days = (date(params.last_year + 1, 9, 30) - first).days + 1
    kg = draw_demand(truth, first, days, seed).sum(axis=1)  # [crop, day]
    wanted = pl.DataFrame(
        {
            "crop_id": np.repeat(NAMES, days),
            "day": [first + timedelta(days=t) for t in range(days)] * len(NAMES),
            "kg": kg.reshape(-1),
        }
    ).with_columns(
        doy=pl.col("day").dt.ordinal_day().cast(pl.Int64), on=pl.col("day").dt.year().cast(pl.Int64)
    )
    windows = selling_days(problem.practices, problem.yields)
    sums = (
        wanted.join(windows, on=["crop_id", "doy"])
        .group_by("crop_id", "season", year=pl.col("on") - pl.col("years_back"))
        .agg(kg=(pl.col("kg") * pl.col("part")).sum())
    )
    parts = []
    for (year,), rows in problem.demand.group_by("year", maintain_order=True):
        keys = sums.filter(pl.col("year") == year).sort("crop_id", "season")
        found_kg = demand_by_path(
            rows, found.inputs.parts, keys.select("crop_id", "season"), keys["kg"].to_numpy()[:, None]
        )
        parts.append(rows.with_columns(demand_kg=pl.Series(found_kg[:, 0]).round(3)))
    least = pl.max_horizontal("demand_kg", "committed_kg")
    return pl.concat(parts).with_columns(demand_kg=least)


def _borne(truth: Truth, found: Planned, seed: int) -> pl.DataFrame:
    """Problem.yields with what the seed's weather and luck let each practice bear, mean of plots and planned years."""
    problem: Problem = found.made.problem
    classes = truth.plots.select("plot_id", "land_class")
    fits = pl.DataFrame(
        [
            (x.practice_id, land, s)
            for land in classes["land_class"].unique()
            for s in (1, 2)
            for x in practices_for(land, s)
        ],
        schema=["practice_id", "land_class", "season"],
        orient="row",
    )
    years = pl.DataFrame({"year": range(ENDS_ON.year + 1, found.params.last_year + 1)})
    trial = classes.join(fits, on="land_class").join(years, how="cross").with_columns(area_mu=pl.lit(1.0))
    borne = (
        draw_yields(truth, trial.select(LINE), seed)
        .group_by("practice_id", "crop_id")
        .agg(borne=pl.col("yield_kg").mean())
    )
    joined = problem.yields.join(borne, on=["practice_id", "crop_id"], how="left", maintain_order="left")
    return joined.with_columns(yield_kg_per_mu=pl.coalesce("borne", "yield_kg_per_mu")).drop("borne")
