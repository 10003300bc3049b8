"""Gather what the service reads and write it as one release."""

from datetime import date, datetime, timedelta

import polars as pl

from pipelines.accuracy import accuracy_tables
from pipelines.overrides import published_overrides
from pipelines.page_tables import page_tables
from pipelines.registry import champion_error, champion_files
from pipelines.whatif_files import book_files
from pipelines.whatif_tables import whatif_tables
from settings import Settings
from warehouse import Warehouse
from warehouse.release import current, prune, write_release

OF_THE_CUTOFF = (
    "demand_forecast",
    "demand_forecast_node",
    "season_forecast",
    "demand_scenario",
    "demand_scenario_total",
    "planting_plan",
    "planting_recommendation",
    "planting_balance",
    "planting_value",
    "planting_change",
    "planting_decision_score",
    "supply_need",
    "recommendation_reason",
    "bestseller_forecast",
    "bestseller_reason",
    "bestseller_score",
    "selection_recommendation",
    "field_state",
    "harvest_outlook",
    "harvest_day",
    "harvest_value",
    "harvest_actual",
    "cutting_plan",
    "harvest_recommendation",
    "harvest_reason",
    "harvest_serve",
    "harvest_shortfall",
    "harvest_load",
    "harvest_trigger",
    "harvest_change",
    "published_standard",
    "grade_price",
    "grading_recommendation",
    "grade_cut",
    "grade_curve",
    "grading_reason",
    "lot_grade",
    "lot_allocation",
    "grade_mix",
    "finding",
)
"""Tables of which a release holds this cutoff's rows."""
AS_KNOWN = ("product", "product_crop", "crop", "plot", "place", "channel", "region", "practice")
HISTORY_DAYS = 400


def publish(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str, now: datetime) -> str:
    """Write the release of `cutoff`, point to it unless a later one is current, prune old ones; return its name."""
    path = write_release(
        settings.releases_dir,
        run_id=run_id,
        cutoff=cutoff,
        created_at=now,
        tables=release_tables(settings, warehouse, cutoff),
        model_files=champion_files(settings, cutoff=cutoff) + book_files(settings, warehouse, cutoff=cutoff),
    )
    prune(settings.releases_dir, keep=settings.keep_releases)
    served = current(settings.releases_dir)
    return path.name if served == path.name else f"{path.name}; served is still {served} (anxu release use)"


def release_tables(settings: Settings, warehouse: Warehouse, cutoff: date) -> dict[str, pl.DataFrame]:
    """Every table of a release, by name, in a fixed row order."""
    known_by = settings.known_by(cutoff)
    tables = {
        name: warehouse.sql(f"select * from {name} where cutoff = $cutoff order by all", cutoff=cutoff)
        for name in OF_THE_CUTOFF
    }
    tables |= {name: warehouse.read(name).sort(pl.first()) for name in AS_KNOWN}
    tables |= {
        "run": warehouse.query("recent_runs"),
        "run_step": warehouse.query("recent_steps"),
        "forecast_score": warehouse.query("recent_scores", cutoff=cutoff),
        "demand_expected": expected_days(tables["demand_forecast"]),
        "model_error": champion_error(settings, cutoff=cutoff),
        "demand_override": published_overrides(settings, warehouse, cutoff=cutoff),
        "history_daily": history_daily(warehouse, known_by, cutoff),
        "load_summary": warehouse.query("load_summary"),
        "rejected_summary": warehouse.query("rejected_summary"),
        "rejected_row": warehouse.query("rejected_rows"),
        "unmapped_sales": unmapped_with_share(warehouse, known_by),
        "sensor_state": warehouse.query("sensor_state", known_by=known_by),
        **whatif_tables(settings, warehouse, cutoff=cutoff),
        **accuracy_tables(warehouse, cutoff=cutoff),
        **page_tables(warehouse, cutoff=cutoff, known_by=known_by, zone=settings.timezone),
    }
    return tables


def expected_days(forecast: pl.DataFrame) -> pl.DataFrame:
    """Mean of each series and day (`expected_kg`), one row each: means add up over series, medians do not."""
    keys = ["product_id", "channel_id", "region_id", "forecast_date"]
    return forecast.select(*keys, "expected_kg").unique(maintain_order=True)


def unmapped_with_share(warehouse: Warehouse, known_by: datetime) -> pl.DataFrame:
    """Articles no listing maps, most money first, each with its `share` (0–1) of all money."""
    articles = warehouse.unmapped_sales(known_by=known_by)
    share = warehouse.unmapped_share(known_by=known_by)
    return articles.with_columns(share=pl.col("goods_yuan") / pl.col("goods_yuan").sum() * share)


def history_daily(warehouse: Warehouse, known_by: datetime, cutoff: date) -> pl.DataFrame:
    """What was sold per series and day in the last HISTORY_DAYS before the cutoff (kg)."""
    first = cutoff - timedelta(days=HISTORY_DAYS)
    return (
        warehouse.sold_by_day(known_by=known_by)
        .filter(pl.col("sale_date").is_between(first, cutoff))
        .sort("product_id", "channel_id", "region_id", "sale_date")
    )
