"""What a planting plan is made of, read from the warehouse as known by a cutoff."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from features.weather import climate_by_day, daily_weather
from models.evaluation.metrics import expected_kg, quantile_column
from models.planning.demand import (
    FORECAST,
    LAST_YEAR,
    crop_days,
    crop_demand,
    less_standing,
    scenario_days,
)
from models.planning.heat import heat_fit, usual_year
from models.planning.problem import FIXED_SCHEMA, Params, Problem
from models.planning.reasons import Freshness
from models.planning.seasons import first_open_season
from settings import Settings
from warehouse import Warehouse

SHARE_DAYS = 364
"""A family's forecast is split over its products by what each sold in so many days before the cutoff."""
FLOODED = ("paddy",)
"""Land classes under water for a season: flooding breaks soil-borne disease, so the legume rule spares them, and a crop
that grows nowhere else may follow itself (paddy rice)."""
SHELTERED = ("greenhouse", "smart_greenhouse")
"""Land classes under cover, which the open air's climate does not judge."""
LEAST_CLIMATE_DAYS = 300
"""With fewer known days of the year no practice is judged by its warmth."""


@dataclass(frozen=True)
class PlanInputs:
    """The problem, its rules, how fresh the facts are, and what could not be counted."""

    problem: Problem
    params: Params
    freshness: Freshness
    notes: tuple[str, ...]


def plan_inputs(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> PlanInputs | None:
    """Read land, practices, history, demand and decisions; None when no plot or no practice is known.

    Planned are `settings.plan_years` years from the first open season (models.planning.seasons). The legume rule holds on
    land classes that a legume practice fits, flooded ones apart, in windows from the year before the plan on. Practices
    whose crop does not ripen in the usual year (models.planning.heat) are not planned; each has a note.
    """
    known_by = settings.known_by(cutoff)
    plots, practices, yields, crops = (
        warehouse.read(name) for name in ("plot", "practice", "practice_yield", "crop")
    )
    if plots.is_empty() or practices.is_empty():
        return None
    planting = warehouse.read("planting", known_by=known_by)
    year, season = first_open_season(practices, planting, cutoff)
    unripe, heat_notes = unripe_practices(warehouse, settings, practices, crops, cutoff)
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
    daily, source, notes = _daily(warehouse, settings, cutoff)
    demand = crop_demand(
        daily,
        practices=practices,
        yields=yields,
        commitments=warehouse.read("commitment", known_by=known_by),
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
    )
    return PlanInputs(
        problem,
        params,
        _freshness(warehouse, settings, cutoff, planting),
        (*notes, *demand.notes, *settled_notes, *heat_notes),
    )


def unripe_practices(
    warehouse: Warehouse, settings: Settings, practices: pl.DataFrame, crops: pl.DataFrame, cutoff: date
) -> tuple[list[str], list[str]]:
    """Practices whose crop does not ripen in the usual year of the stations known by the cutoff, and notes."""
    known = crops.drop_nulls(["base_temp_c", "mature_gdd_c_d"])
    if practices.join(known, on="crop_id", how="semi").is_empty():
        return [], []
    hours = warehouse.read("weather_observed", known_by=settings.known_by(cutoff))
    climate = climate_by_day(daily_weather(hours, timezone=settings.timezone))
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


def _daily(warehouse: Warehouse, settings: Settings, cutoff: date) -> tuple[pl.DataFrame, str, list[str]]:
    """Kilograms of each crop asked for per day ahead, what they come from, and notes: joint paths, else the season forecast."""
    weekly = _expected_weekly(warehouse, cutoff)
    notes, source = [], FORECAST
    if weekly.is_empty():
        source = LAST_YEAR
        weekly = _sold_weekly(warehouse, settings, cutoff)
        notes.append(f"there is no season forecast of {cutoff}, so last year's sales stand for demand")
    product_crop = warehouse.read("product_crop")
    share = _product_share(warehouse, settings, cutoff)
    unmapped = _unmapped(weekly, share, product_crop)
    paths = warehouse.sql(
        "select crop_id, channel_id, week_start, sum(expected_kg) as expected_kg from demand_scenario "
        "where cutoff = $cutoff group by all order by all",
        cutoff=cutoff,
    )
    if source == FORECAST and paths.height:
        return scenario_days(paths, warehouse.read("catchment")), source, [*notes, *unmapped]
    if source == FORECAST:
        notes.append(
            f"no demand paths are drawn for {cutoff}; the season forecast's means stand for their mean"
        )
    daily = crop_days(weekly, share, product_crop, warehouse.read("catchment"))
    return daily, source, [*notes, *unmapped]


def _expected_weekly(warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    """Family × channel × week expected by the season forecast (kg): the regions' means, which add up as medians do not.

    Where a forecast carries no mean, its quantiles imply one.
    """
    rows = warehouse.sql(
        "select family, channel_id, region_id, week_start, level, demand_kg, expected_kg as mean_kg from season_forecast "
        "where cutoff = $cutoff order by all",
        cutoff=cutoff,
    )
    levels = rows["level"].unique().sort().to_list()
    if not levels:
        return rows.select("family", "channel_id", "week_start", "demand_kg")
    wide = rows.with_columns(level=pl.format("season_{}", "level")).pivot(
        on="level",
        on_columns=[quantile_column("season", q) for q in levels],
        index=["family", "channel_id", "region_id", "week_start", "mean_kg"],
        values="demand_kg",
    )
    return (
        wide.with_columns(demand_kg=pl.coalesce("mean_kg", expected_kg("season", levels)))
        .group_by("family", "channel_id", "week_start")
        .agg(pl.col("demand_kg").sum())
        .sort("family", "channel_id", "week_start")
    )


def _sold_weekly(warehouse: Warehouse, settings: Settings, cutoff: date) -> pl.DataFrame:
    """Family × channel × week sold in the SHARE_DAYS up to the cutoff, in weeks that end with it (kg)."""
    sold = warehouse.sold_by_day(known_by=settings.known_by(cutoff))
    weeks_ago = (pl.lit(cutoff) - pl.col("sale_date")).dt.total_days() // 7
    return (
        sold.filter(pl.col("sale_date").is_between(cutoff - timedelta(days=SHARE_DAYS - 1), cutoff))
        .join(warehouse.read("product").select("product_id", "family"), on="product_id")
        .group_by("family", "channel_id", week_start=pl.lit(cutoff) - pl.duration(days=weeks_ago * 7 + 6))
        .agg(demand_kg=pl.sum("sold_kg"))
        .sort("family", "channel_id", "week_start")
    )


def _product_share(warehouse: Warehouse, settings: Settings, cutoff: date) -> pl.DataFrame:
    """family, product_id, share of the family's kg sold in the SHARE_DAYS up to the cutoff."""
    sold = warehouse.sold_by_day(known_by=settings.known_by(cutoff)).filter(
        pl.col("sale_date").is_between(cutoff - timedelta(days=SHARE_DAYS - 1), cutoff)
    )
    return (
        sold.join(warehouse.read("product").select("product_id", "family"), on="product_id")
        .group_by("family", "product_id")
        .agg(kg=pl.sum("sold_kg"))
        .filter(pl.col("kg") > 0)
        .sort("family", "product_id")
        .select("family", "product_id", share=pl.col("kg") / pl.col("kg").sum().over("family"))
    )


def _unmapped(weekly: pl.DataFrame, share: pl.DataFrame, product_crop: pl.DataFrame) -> list[str]:
    """Notes on the part of the forecast that no crop of the county bears."""
    kg = weekly.group_by("family").agg(pl.sum("demand_kg")).join(share, on="family", how="left")
    lost = kg.join(product_crop, on="product_id", how="anti").filter(pl.col("demand_kg") > 0)
    lost = lost.with_columns(kg=pl.col("demand_kg") * pl.col("share").fill_null(1.0))
    total = float(lost["kg"].sum())
    if not total:
        return []
    products = lost["product_id"].drop_nulls().n_unique()
    return [f"{total:,.0f} kg of the season forecast belong to {products} products that no crop is mapped to"]


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
