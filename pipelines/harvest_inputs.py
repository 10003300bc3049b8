"""What the harvest is told from: plantings and their cuts, daily weather, sensors by day, stages that people saw."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.crop_stages import limits_of
from models.harvest.field_days import sensor_days, station_days
from models.harvest.paths import Temperatures
from models.harvest.seasons import cuts_of, plantings_of
from pipelines.handed_in import MARK
from settings import Settings
from warehouse import Warehouse

FORECAST_DAYS = 16
"""Days ahead for which a weather forecast may tell the temperature."""
LEAST_HOURS = 20
"""Fewer hours of a day in a forecast and the day counts as not forecast."""
SENSOR_DAYS = 400
"""How far back a silent sensor's last word is looked for."""
USUAL_LAT_DEG = 31.0
"""Where no station says where it stands."""


@dataclass(frozen=True)
class HarvestInputs:
    """As known by the cutoff.

    `plantings`: rows of seasons.plantings_of sown by the cutoff; `cuts`: of seasons.cuts_of; `reported`: those of growers'
    reports alone; `temperatures`: daily means to the cutoff (empty records: one unknown day); `forecast_c`: of the days
    after it; `stations`, `sensors`: rows of field_days; `seen`: (plot, crop) → (day, stage).
    """

    plantings: pl.DataFrame
    cuts: pl.DataFrame
    reported: pl.DataFrame
    crops: pl.DataFrame
    plots: pl.DataFrame
    temperatures: Temperatures
    forecast_c: NDArray[np.float64]
    stations: pl.DataFrame
    sensors: pl.DataFrame
    seen: dict[tuple[str, str], list[tuple[date, str]]]


def harvest_inputs(settings: Settings, warehouse: Warehouse, cutoff: date) -> HarvestInputs:
    """Read everything as it was known by the cutoff."""
    known_by, zone = settings.known_by(cutoff), settings.timezone
    plots, crops = warehouse.read("plot"), warehouse.read("crop")
    plantings = plantings_of(
        warehouse.read("planting", known_by=known_by),
        warehouse.read("practice"),
        warehouse.read("practice_yield"),
        plots,
    ).filter(pl.col("sown_on") <= cutoff)
    events = warehouse.read("harvest_event", known_by=known_by).select(
        "plot_id", "crop_id", day=pl.col("harvested_at").dt.convert_time_zone(zone).dt.date(), kg="harvested_kg",
        is_reported=pl.col("harvest_id").str.starts_with(MARK),
    ).filter(pl.col("day") <= cutoff)  # fmt: skip
    stations = _stations(warehouse, known_by, zone, cutoff)
    return HarvestInputs(
        plantings,
        cuts_of(plantings, events.drop("is_reported")),
        cuts_of(plantings, events.filter("is_reported").drop("is_reported")),
        crops,
        plots,
        temperatures_of(stations, cutoff),
        _forecast(warehouse, known_by, zone, cutoff),
        stations,
        _sensors(warehouse, known_by, zone),
        _seen(warehouse, known_by),
    )


def temperatures_of(stations: pl.DataFrame, cutoff: date) -> Temperatures:
    """Daily means of the stations from their first day to the cutoff, NaN where none is known."""
    first = stations["day"].min() if stations.height else cutoff
    assert isinstance(first, date)
    days = pl.DataFrame({"day": pl.date_range(first, cutoff, eager=True)})
    mean = days.join(stations.select("day", "mean_c"), on="day", how="left", maintain_order="left")["mean_c"]
    return Temperatures(first, mean.cast(pl.Float64).fill_null(float("nan")).to_numpy())


def guarded_plots(plots: pl.DataFrame, plantings: pl.DataFrame, crops: pl.DataFrame) -> pl.DataFrame:
    """What field flags ask of a plot: plot_id, place_id, frost_c, heat_c (of the tenderest crop that stands), is_flooded."""
    limits = [
        (crop, *((found := limits_of(crop, name)).frost_c, found.heat_c))
        for crop, name in crops.select("crop_id", "name_en").iter_rows()
    ]
    table = pl.DataFrame(
        limits, schema=["crop_id", "frost_c", "heat_c"], orient="row", infer_schema_length=None
    )
    standing = (
        plantings.join(table.cast({"frost_c": pl.Float64, "heat_c": pl.Float64}), on="crop_id")
        .group_by("plot_id")
        .agg(pl.col("frost_c").max(), pl.col("heat_c").min())
    )
    usual = limits_of("", "")
    return plots.join(standing, on="plot_id", how="left").select(
        "plot_id", pl.col("place_id").fill_null(""), pl.col("frost_c").fill_null(usual.frost_c),
        pl.col("heat_c").fill_null(usual.heat_c), is_flooded=pl.col("land_class") == "paddy",
    ).sort("plot_id")  # fmt: skip


def _stations(warehouse: Warehouse, known_by: datetime, zone: str, cutoff: date) -> pl.DataFrame:
    hours = warehouse.read("weather_observed", known_by=known_by)
    lat = warehouse.read("weather_station")["lat_deg"].drop_nulls().mean()
    found = station_days(
        hours, timezone=zone, lat_deg=float(lat) if isinstance(lat, float) else USUAL_LAT_DEG
    )
    return found.filter(pl.col("day") <= cutoff)


def _sensors(warehouse: Warehouse, known_by: datetime, zone: str) -> pl.DataFrame:
    readings = warehouse.sql(
        "select sensor_id, quantity, measured_at, value, flag from reading where flag is null and known_at <= $known_by "
        "and measured_at > $since and measured_at <= $known_by "
        "and quantity in ('air_temp_c', 'rel_humidity_pct', 'soil_vwc')",
        known_by=known_by,
        since=known_by - timedelta(days=SENSOR_DAYS),
    )
    return sensor_days(readings, warehouse.read("sensor"), timezone=zone)


def _forecast(warehouse: Warehouse, known_by: datetime, zone: str, cutoff: date) -> NDArray[np.float64]:
    """Daily mean of the newest forecast of each hour after the cutoff, stations together, up to the first day without one."""
    hours = warehouse.sql(
        "select station_id, valid_at, arg_max(air_temp_c, issued_at) as air_temp_c from weather_forecast "
        "where known_at <= $known_by and issued_at <= $known_by and air_temp_c is not null group by all",
        known_by=known_by,
    )
    local = pl.col("valid_at").dt.convert_time_zone(zone).dt.date()
    days = (
        hours.with_columns(day=local)
        .group_by("day")
        .agg(mean_c=pl.col("air_temp_c").mean(), hours=pl.col("valid_at").n_unique())
        .filter(pl.col("hours") >= LEAST_HOURS)
    )
    known = dict(days.select("day", "mean_c").iter_rows())
    found: list[float] = []
    for n in range(1, FORECAST_DAYS + 1):
        if (mean := known.get(cutoff + timedelta(days=n))) is None:
            break
        found.append(float(mean))
    return np.array(found)


def _seen(warehouse: Warehouse, known_by: datetime) -> dict[tuple[str, str], list[tuple[date, str]]]:
    rows = warehouse.read("stage_seen", known_by=known_by).sort("plot_id", "crop_id", "seen_on")
    found: dict[tuple[str, str], list[tuple[date, str]]] = {}
    for plot, crop, day, stage in rows.select("plot_id", "crop_id", "seen_on", "stage").iter_rows():
        found.setdefault((plot, crop), []).append((day, stage))
    return found
