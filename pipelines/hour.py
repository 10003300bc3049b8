"""Within the day: orders so far against the forecast's p95, fields against last night's; where either leaves its band the cutting
plan is solved again and the changes are published as a release of their own."""

from datetime import date, datetime, time, timedelta
from uuid import uuid4

import polars as pl
import polars.selectors as cs

from models.harvest.cutting_told import changes
from models.harvest.hour_bands import fields_out, orders_out, says_more
from pipelines.clean import clean_readings
from pipelines.cutting import DECIMALS, Hour, plan_cutting
from pipelines.handed_in import hand_over
from pipelines.harvest import field_states
from pipelines.harvest_inputs import harvest_inputs
from pipelines.ingest import watch_once
from pipelines.publish import publish
from settings import Settings
from warehouse import Warehouse
from warehouse.inbox import Inbox, take_in_inbox

P95 = 0.95


def run_hour(settings: Settings, *, now: datetime) -> str:
    """Take in what arrived, compare, and plan anew if need be; one line for people.

    Raises:
        WarehouseBusyError: A night or another hour has the warehouse open.
    """
    today = now.astimezone(settings.zone).date()
    cutoff = today - timedelta(days=1)
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        plan = warehouse.sql("select first_day from cutting_plan where cutoff = $cutoff", cutoff=cutoff)
        if plan.is_empty():
            return (
                f"no cutting plan of the night of {cutoff}: nothing to compare with; run anxu nightly first"
            )
        _ingest(settings, warehouse, now)
        return compare(settings, warehouse, cutoff=cutoff, now=now)


def compare(settings: Settings, warehouse: Warehouse, *, cutoff: date, now: datetime) -> str:
    """Compare what is known now with the night of `cutoff`, and publish a new plan where a band was left since the last one."""
    today = cutoff + timedelta(days=1)
    fields = field_states(harvest_inputs(settings, warehouse, today), today)
    names = warehouse.read("crop").select("crop_id", "name_zh", "name_en")
    left = pl.concat([
        orders_out(_ordered_kg(settings, warehouse, today, now), _band(warehouse, cutoff, today), names),
        fields_out(fields.filter(pl.col("day") == today), _night_fields(warehouse, cutoff)),
    ])  # fmt: skip
    known = warehouse.sql(
        "select kind, subject_id, value from harvest_trigger where cutoff = $cutoff", cutoff=cutoff
    )
    if not says_more(left, known):
        return (
            f"{left.height} out of band, as at the last plan: it stands"
            if left.height
            else "within band: the plan stands"
        )
    run_id = f"{cutoff:%Y%m%d}-{uuid4().hex[:8]}"
    with warehouse.transaction():
        said, moved = _again(settings, warehouse, fields, left, cutoff=cutoff, run_id=run_id, now=now)
    release = publish(settings, warehouse, cutoff=cutoff, run_id=run_id, now=now)
    return f"{left.height} out of band, {moved} changes; {said}; published {release}"  # fmt: skip


def _ingest(settings: Settings, warehouse: Warehouse, now: datetime) -> None:
    watch_once(settings, warehouse, now=now)
    take_in_inbox(warehouse, Inbox.open(settings.inbox_path), run_id=f"hour-{now:%Y%m%d%H%M}", now=now)
    hand_over(warehouse, zone=settings.timezone)
    clean_readings(warehouse, known_by=now)


def _again(
    settings: Settings, warehouse: Warehouse, fields: pl.DataFrame, left: pl.DataFrame, *, cutoff: date, run_id: str,
    now: datetime,
) -> tuple[str, int]:  # fmt: skip
    """Solve with what is known now and write plan, triggers and changes; what was cut today already is no change."""
    today = cutoff + timedelta(days=1)
    before = _cuts(warehouse, cutoff)
    cut = _cut_today(settings, warehouse, today, now)
    hour = Hour(_orders_today(settings, warehouse, today, now), cut)
    said = plan_cutting(
        settings, warehouse, cutoff=cutoff, run_id=run_id, now=now, fields=fields, known_by=now, hour=hour
    )
    done = cut.select("plot_id", "crop_id", day=pl.lit(today))
    keys = ["plot_id", "crop_id", "day"]
    moved = changes(
        before.join(done, on=keys, how="anti"), _cuts(warehouse, cutoff).join(done, on=keys, how="anti")
    )
    for table, rows in (("harvest_trigger", left), ("harvest_change", moved)):
        written = rows.with_columns(cs.float().round(DECIMALS), run_id=pl.lit(run_id))
        warehouse.replace(table, written, cutoff=cutoff)
    return said, moved.height


def _cuts(warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    return warehouse.sql(
        "select day, plot_id, crop_id, crew_id, cut_kg from harvest_recommendation where cutoff = $cutoff order by all",
        cutoff=cutoff,
    )


def _midnight(settings: Settings, today: date) -> datetime:
    return datetime.combine(today, time(), settings.zone)


def _ordered_kg(settings: Settings, warehouse: Warehouse, today: date, now: datetime) -> pl.DataFrame:
    """crop_id, kg ordered today so far."""
    rows = warehouse.query("sold_crop", known_by=now, since=_midnight(settings, today))
    return rows.filter(pl.col("sale_date") == today).select("crop_id", "kg")


def _orders_today(settings: Settings, warehouse: Warehouse, today: date, now: datetime) -> pl.DataFrame:
    rows = warehouse.query("open_orders", known_by=now, since=_midnight(settings, today))
    return rows.filter(pl.col("paid_on") == today)


def _band(warehouse: Warehouse, cutoff: date, today: date) -> pl.DataFrame:
    """crop_id, kg: the forecast's p95 of the day, products of a crop added up; from the series where no sums are forecast."""
    for source in (
        "demand_forecast_node where node_level = 'product' and",
        "demand_forecast where",
    ):
        rows = warehouse.sql(
            "select crop_id, sum(demand_kg * crop_kg_per_product_kg) as kg from "
            f"(from {source} cutoff = $cutoff and level = $level and forecast_date = $today) "
            "join product_crop using (product_id) group by all order by all",
            cutoff=cutoff, level=P95, today=today,
        )  # fmt: skip
        if rows.height:
            return rows
    return rows


def _night_fields(warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    return warehouse.sql(
        "select plot_id, level from field_state where cutoff = $cutoff and day = $cutoff", cutoff=cutoff
    )


def _cut_today(settings: Settings, warehouse: Warehouse, today: date, now: datetime) -> pl.DataFrame:
    """plot_id, crop_id, cut_kg."""
    local = pl.col("harvested_at").dt.convert_time_zone(settings.timezone).dt.date()
    return (
        warehouse.read("harvest_event", known_by=now)
        .filter(local == today)
        .group_by("plot_id", "crop_id")
        .agg(cut_kg=pl.col("harvested_kg").sum())
        .sort("plot_id", "crop_id")
    )
