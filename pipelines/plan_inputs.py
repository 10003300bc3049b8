"""What a planting plan is made of, read from the warehouse as known by a cutoff."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import polars.selectors as cs

from features.weather import climate_by_day, daily_weather
from models.grading.mix import price_factors, with_factors
from models.planning.demand import crop_demand, less_standing, standing_kg
from models.planning.heat import heat_fit, usual_year
from models.planning.imagine import Imagined
from models.planning.problem import FIXED_SCHEMA, Params, Problem
from models.planning.reasons import Freshness
from models.planning.seasons import first_open_season
from pipelines.plan_demand import daily_demand
from pipelines.plan_warmth import cold_plots
from settings import Settings
from warehouse import Warehouse

FLOODED = ("paddy",)
"""Land classes under water for a season: flooding breaks soil-borne disease, so the legume rule spares them, and a crop
that grows nowhere else may follow itself (paddy rice)."""
SHELTERED = ("greenhouse", "smart_greenhouse")
"""Land classes under cover, which the open air's climate does not judge."""
LEAST_CLIMATE_DAYS = 300
"""With fewer known days of the year no practice is judged by its warmth."""


AS_IT_IS = Imagined()


@dataclass(frozen=True)
class PlanInputs:
    """The problem, its rules, how fresh the facts are, and what could not be counted."""

    problem: Problem
    params: Params
    freshness: Freshness
    notes: tuple[str, ...]
    parts: pl.DataFrame
    """What a row of demand is made of beside the forecast: crop_id, year, season, preorder_kg, other_kg, borne_kg."""
    imagined: Imagined = AS_IT_IS


def plan_inputs(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, imagined: Imagined = AS_IT_IS
) -> PlanInputs | None:
    """Read land, practices, history, demand and decisions; None when no plot or no practice is known.

    Planned are `settings.plan_years` years from the first open season (models.planning.seasons). The legume rule holds on
    land classes that a legume practice fits, flooded ones apart, in windows from the year before the plan on. Practices
    whose crop does not ripen in the usual year (models.planning.heat) are not planned, nor those that do not ripen on a plot
    colder than the stations by its own sensors (models.planning.cold_plots), and prices follow the mix of grades that a land
    class brings (models.grading.mix); each has a note. `imagined` changes
    what is read, for a what-if.
    """
    known_by = settings.known_by(cutoff)
    plots, practices, yields, crops = (
        imagined.table(name, warehouse.read(name)) for name in ("plot", "practice", "practice_yield", "crop")
    )
    if plots.is_empty() or practices.is_empty():
        return None
    yields, grade_notes = with_factors(yields, practices, _grade_factors(warehouse, cutoff))
    planting = warehouse.read("planting", known_by=known_by)
    year, season = first_open_season(practices, planting, cutoff)
    unripe, heat_notes = unripe_practices(
        warehouse, settings, practices, crops, cutoff, warmer_c=imagined.warmer_c
    )
    cold, cold_notes = cold_plots(
        settings, warehouse, {"plot": plots, "practice": practices, "crop": crops}, cutoff=cutoff, sheltered=SHELTERED,
        warmer_c=imagined.warmer_c,
    )  # fmt: skip
    dry = practices.filter(~pl.col("land_class").is_in(FLOODED), ~pl.col("practice_id").is_in(unripe))
    legumes = dry.join(crops.filter("is_legume"), on="crop_id", how="semi")
    params = Params(
        first_year=year,
        first_season=season,
        years=settings.plan_years,
        legume_classes=frozenset(legumes["land_class"]),
        may_repeat=frozenset(practices["crop_id"]) - frozenset(dry["crop_id"]),
        one_crop=frozenset(warehouse.read("single_crop_land").select("land_class", "season").iter_rows()),
    )
    daily, source, notes = daily_demand(warehouse, settings, cutoff)
    demand = crop_demand(
        imagined.demand(daily, "kg"),
        practices=practices,
        yields=yields,
        commitments=imagined.table("commitment", warehouse.read("commitment", known_by=known_by)),
        expected=warehouse.read("expected_sale"),
        years=range(year, params.last_year + 1),
        first_season=season,
        source=source,
    )
    fixed, settled_notes = _settled(warehouse, settings, cutoff, params)
    problem = Problem.from_frames(
        plots=plots,
        practices=practices,
        practice_yield=yields,
        crops=crops,
        planting=planting,
        demand=less_standing(
            demand.demand, planting=planting, plots=plots, practices=practices, yields=yields
        ),
        fixed=fixed,
        unripe=unripe,
        barred={line: by for line, by in cold.items() if line[1] not in unripe},
    )
    return PlanInputs(
        problem,
        params,
        _freshness(warehouse, settings, cutoff, planting),
        (*notes, *demand.notes, *settled_notes, *heat_notes, *cold_notes, *grade_notes),
        demand.promised.join(
            standing_kg(planting=planting, plots=plots, practices=practices, yields=yields),
            on=["crop_id", "year", "season"], how="full", coalesce=True,
        ),
        imagined,
    )  # fmt: skip


def _grade_factors(warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    """What a land class's grades are worth beside the crop's mean, by tonight's mix and prices (step `grade`); no row: as the mean."""
    mix, prices = (
        warehouse.sql(f"select * from {table} where cutoff = $cutoff order by all", cutoff=cutoff)
        for table in ("grade_mix", "grade_price")
    )
    return price_factors(mix, prices)


def unripe_practices(
    warehouse: Warehouse,
    settings: Settings,
    practices: pl.DataFrame,
    crops: pl.DataFrame,
    cutoff: date,
    *,
    warmer_c: float = 0.0,
) -> tuple[list[str], list[str]]:
    """Practices whose crop does not ripen in the usual year of the stations known by the cutoff, and notes."""
    known = crops.drop_nulls(["base_temp_c", "mature_gdd_c_d"])
    if practices.join(known, on="crop_id", how="semi").is_empty():
        return [], []
    hours = warehouse.read("weather_observed", known_by=settings.known_by(cutoff))
    climate = climate_by_day(daily_weather(hours, timezone=settings.timezone))
    climate = climate.with_columns(cs.starts_with("air_temp_") + warmer_c)
    days = usual_year(climate).drop_nulls().height
    if days < LEAST_CLIMATE_DAYS:
        return [], [
            f"weather known by {cutoff} covers {days} days of the year; no practice is judged by its warmth below "
            f"{LEAST_CLIMATE_DAYS}"
        ]
    fit = heat_fit(practices, crops, climate, sheltered=SHELTERED).filter(~pl.col("fits"))
    named = fit.join(crops.select("crop_id", "name_en"), on="crop_id", maintain_order="left")
    return fit["practice_id"].to_list(), [_too_cold(r) for r in named.iter_rows(named=True)]


def _too_cold(fit: dict[str, Any]) -> str:
    """A row of heat_fit in words."""
    end = {
        "frost": f"the first frost on day {fit['in_by_doy'] % 365 + 1}",
        "sale": f"the last day of sale, {fit['in_by_doy']}",
        "year": "a year later",
    }[fit["ended_by"]]
    return (
        f"{fit['name_en']} on {fit['land_class']} (practice '{fit['practice_id']}'): {fit['needed_c_d']:,.0f} °C·d needed, "
        f"{fit['heat_c_d']:,.0f} in the usual year between day {fit['sow_from_doy']} and {end}; it is not planned"
    )


def _settled(
    warehouse: Warehouse, settings: Settings, cutoff: date, params: Params
) -> tuple[pl.DataFrame, list[str]]:
    """Areas that people settled: refuse → none of it, change → the area named, accept → the area recommended then."""
    decisions = (
        warehouse.read("decision", known_by=settings.known_by(cutoff))
        .sort("written_at", "decision_id")
        .unique("recommendation_id", keep="last", maintain_order=True)
    )
    proposed = warehouse.sql(
        "select recommendation_id, area_mu as proposed_mu, cutoff as proposed_on from planting_recommendation "
        "where cutoff < $cutoff",
        cutoff=cutoff,
    )
    latest = (
        decisions.select("recommendation_id", written=pl.col("written_at").dt.date())
        .join(proposed, on="recommendation_id")
        .filter(pl.col("proposed_on") <= pl.col("written"))
        .sort("proposed_on")
        .unique("recommendation_id", keep="last")
    )
    rows: list[tuple[str, str, int, int, float, float]] = []
    notes: list[str] = []
    for d in decisions.join(latest, on="recommendation_id", how="left").iter_rows(named=True):
        parts = d["recommendation_id"].split("/")
        area = {"refuse": 0.0, "change": d["area_mu"], "accept": d["proposed_mu"]}[d["answer"]]
        if len(parts) != 4 or not (parts[1].isdigit() and parts[2].isdigit()) or area is None:
            notes.append(
                f"decision on '{d['recommendation_id']}' ({d['answer']}) names no line or area; it is not used"
            )
            continue
        plot_id, year, season, practice_id = parts[0], int(parts[1]), int(parts[2]), parts[3]
        if (params.first_year, params.first_season) <= (year, season) and year <= params.last_year:
            rows.append((plot_id, practice_id, year, season, area, area))
    return pl.DataFrame(rows, schema=FIXED_SCHEMA, orient="row"), notes


def _freshness(warehouse: Warehouse, settings: Settings, cutoff: date, planting: pl.DataFrame) -> Freshness:
    newest = warehouse.sql(
        "select max(week_start) as week from season_forecast where cutoff = $cutoff", cutoff=cutoff
    )
    sold = str(warehouse.sold_by_day(known_by=settings.known_by(cutoff))["sale_date"].max())
    last = (
        planting.filter(pl.col("area_mu") > 0).select("year", "season").sort("year", "season").tail(1).rows()
    )
    grown = last[0] if last else ("–", "–")
    return Freshness(
        f"销量至 {sold}，预测至 {newest['week'][0]} 周，种植记录至 {grown[0]} 年第 {grown[1]} 季",
        f"sales to {sold}, forecast to the week of {newest['week'][0]}, plantings to {grown[0]} season {grown[1]}",
    )
