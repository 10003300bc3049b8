"""Demand that a planting plan draws on, read from the warehouse: joint paths, else the season forecast, else last year's sales."""

from datetime import date, timedelta

import polars as pl

from models.evaluation.metrics import expected_kg, quantile_column
from models.planning.demand import FORECAST, LAST_YEAR, crop_days, scenario_days
from settings import Settings
from warehouse import Warehouse

SHARE_DAYS = 364
"""A family's forecast is split over its products by what each sold in so many days before the cutoff."""


def daily_demand(
    warehouse: Warehouse, settings: Settings, cutoff: date
) -> tuple[pl.DataFrame, str, list[str]]:
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
