"""What pages show beside forecasts and plans: what was planted and cut, what is promised, marked days, stock-outs."""

from datetime import date, datetime, timedelta

import polars as pl

from features.festivals import FESTIVALS, SOLAR_TERMS, term_days
from warehouse import Warehouse

PAST_DAYS = 400
AHEAD_DAYS = 372
READING_DAYS = 30
FAULT_DAYS = 60
EVENTS = {"day": pl.Date, "until": pl.Date, "kind": pl.String, "key": pl.String, "channel_id": pl.String}


def page_tables(
    warehouse: Warehouse, *, cutoff: date, known_by: datetime, zone: str
) -> dict[str, pl.DataFrame]:
    """Tables of a release, each in a fixed row order: planting, harvest_event, commitment, practice_yield, decision,
    calendar_event, crew, stock_out_daily, reading_daily, sensor_fault."""
    first = cutoff - timedelta(days=PAST_DAYS)
    return {
        "planting": warehouse.read("planting", known_by=known_by)
        .filter(pl.col("year") >= first.year)
        .sort("plot_id", "year", "season", "crop_id"),
        "harvest_event": warehouse.read("harvest_event", known_by=known_by)
        .filter(pl.col("harvested_at").dt.date() >= first)
        .sort("harvest_id"),
        "commitment": warehouse.read("commitment", known_by=known_by)
        .filter((pl.col("due_to") > cutoff) & (pl.col("quantity_kg") > 0))
        .sort("due_from", "commitment_id"),
        "practice_yield": warehouse.read("practice_yield").sort("practice_id", "crop_id"),
        "decision": warehouse.read("decision")
        .filter(pl.col("written_at").dt.date() >= first)
        .sort("written_at", "decision_id"),
        "calendar_event": marked_days(
            warehouse.read("campaign", known_by=known_by), first, cutoff + timedelta(days=AHEAD_DAYS)
        ),
        "crew": warehouse.read("crew").sort("crew_id"),
        "stock_out_daily": warehouse.read("stock_day", known_by=known_by)
        .filter((pl.col("hours_out_of_stock") > 0) & (pl.col("stock_date") >= first))
        .select("product_id", "channel_id", "region_id", "stock_date", "hours_out_of_stock")
        .sort("product_id", "channel_id", "region_id", "stock_date"),
        **_sensors(warehouse, known_by, zone),
    }


def _sensors(warehouse: Warehouse, known_by: datetime, zone: str) -> dict[str, pl.DataFrame]:
    """Good readings by sensor, quantity and local day, and what cleaning found wrong lately."""
    return {
        "reading_daily": warehouse.sql(
            "select sensor_id, quantity, cast(measured_at at time zone $zone as date) as day, avg(value) as mean_value, "
            "min(value) as low_value, max(value) as high_value, count(*) as readings from reading "
            "where flag is null and measured_at > $since and measured_at <= $known_by "
            "group by all order by all",
            since=known_by - timedelta(days=READING_DAYS),
            known_by=known_by,
            zone=zone,
        ),
        "sensor_fault": warehouse.sql(
            "select sensor_id, quantity, fault, from_at, to_at, readings, detail from sensor_fault "
            "where readings > 0 and coalesce(to_at, from_at) > $since and known_at <= $known_by order by all",
            since=known_by - timedelta(days=FAULT_DAYS),
            known_by=known_by,
        ),
    }


def marked_days(campaigns: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """One row per festival, solar term and campaign between two days, by day.

    Returns:
        `day`, `until` (the last day, null for one day), `kind` (festival, solar_term, campaign), `key` (name of the festival
        in features.festivals, of the term in Chinese, of the campaign as delivered), `channel_id` (of a campaign; '*' is all).
    """
    years = range(first.year, last.year + 1)
    rows = [(day(year), None, "festival", name, None) for year in years for name, day in FESTIVALS.items()]
    rows += [
        (day, None, "solar_term", name, None)
        for year in years
        for name, day in zip(SOLAR_TERMS, term_days(year), strict=True)
    ]
    fixed = pl.DataFrame(rows, schema=EVENTS, orient="row")
    held = campaigns.select(
        day=pl.col("starts_on"),
        until=pl.col("ends_on"),
        kind=pl.lit("campaign"),
        key=pl.col("name"),
        channel_id=pl.col("channel_id"),
    )
    return (
        pl.concat([fixed, held])
        .filter(pl.col("day").is_between(first, last))
        .unique()
        .sort("day", "kind", "key", "channel_id")
    )
