"""Which plots are too cold for what ripens elsewhere, by their own sensors; read from the warehouse as known by a cutoff."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

import polars as pl
import polars.selectors as cs

from features.weather import climate_by_day, daily_weather
from models.harvest.field_days import sensor_days
from models.planning.cold_plots import barred, plot_offsets
from settings import Settings
from warehouse import Warehouse

SINCE_DAYS = 365
"""Readings of so many days before the cutoff count."""


def cold_plots(
    settings: Settings,
    warehouse: Warehouse,
    frames: Mapping[str, pl.DataFrame],
    *,
    cutoff: date,
    sheltered: Collection[str],
    warmer_c: float,
) -> tuple[Mapping[tuple[str, str], float], list[str]]:
    """As models.planning.cold_plots.barred, and a note per plot.

    Args:
        frames: plot, practice and crop, as planned with.
        cutoff: Last day whose readings and weather are known.
        sheltered: Land classes that the open air says nothing about.
        warmer_c: Added to every day of stations and plots (°C): a what-if.
    """
    known_by = settings.known_by(cutoff)
    own = _own_days(settings, warehouse, cutoff)
    if own.is_empty():
        return {}, []
    hours = warehouse.read("weather_observed", known_by=known_by)
    stations = daily_weather(hours, timezone=settings.timezone)
    offsets = plot_offsets(own, stations)
    if offsets.filter(pl.col("offset_c") < 0).is_empty():
        return {}, []
    climate = climate_by_day(stations).with_columns(cs.starts_with("air_temp_") + warmer_c)
    found = barred(frames["plot"], frames["practice"], frames["crop"], climate, offsets, sheltered=sheltered)
    return found, _notes(found)


def _own_days(settings: Settings, warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    """Days of plots with air temperature of their own."""
    known_by = settings.known_by(cutoff)
    readings = warehouse.sql(
        "select sensor_id, quantity, measured_at, value, flag from reading where quantity = 'air_temp_c' and flag is null "
        "and measured_at > $since and measured_at <= $known_by and known_at <= $known_by order by all",
        since=known_by - timedelta(days=SINCE_DAYS),
        known_by=known_by,
    )
    return sensor_days(readings, warehouse.read("sensor"), timezone=settings.timezone)


def _notes(found: Mapping[tuple[str, str], float]) -> list[str]:
    by_plot: dict[str, list[str]] = {}
    offset: dict[str, float] = {}
    for (plot_id, practice_id), value in found.items():
        by_plot.setdefault(plot_id, []).append(practice_id)
        offset[plot_id] = value
    return [
        f"plot '{plot_id}': its own sensors read {-offset[plot_id]:g} °C below the stations; too little heat for "
        f"{', '.join(practices)}, which are not planned there"
        for plot_id, practices in by_plot.items()
    ]
