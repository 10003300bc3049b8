"""The nightly flow on real input: a supermarket's sales, a village's land, field loggers, a weather station."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from features.weather import climate_by_day, daily_weather
from pipelines.clean import CleanReport, clean_readings
from pipelines.console import console, table
from pipelines.county import init_county
from pipelines.ingest import load
from pipelines.load_report import LoadReport, show
from pipelines.progress import report
from pipelines.real_inputs import MissingData, RealReport, real_deliveries
from pipelines.real_profile import real_profile
from settings import FILE_NAME, Settings
from warehouse import Warehouse

__all__ = ["MissingData", "RealCounty", "prepare_real", "show_real"]


class RealCounty:
    """What was taken in, before the night runs on it."""

    def __init__(
        self, settings: Settings, inputs: RealReport, loaded: list[LoadReport], cleaned: CleanReport
    ) -> None:
        self.settings = settings
        self.inputs = inputs
        self.loaded = loaded
        self.cleaned = cleaned

    @property
    def cutoff(self) -> date:
        """The last sale day."""
        return self.inputs.cutoff


def prepare_real(home: Path) -> RealCounty:
    """Take the real sets in through the ordinary doors and clean the readings.

    Sales, land and weather count as known when they happened; the weather is of years before the cutoff, so the plan sees it
    as climate. Loggers count as known now and are cleaned here; the night, which reads as of the last sale day, leaves them
    alone.

    Raises:
        MissingData: Folders or files are missing below the setting `data`.
    """
    data = Settings(home=home).data
    inputs = real_deliveries(data, home / "tables")
    init_county(home)
    market = real_profile().market
    (home / FILE_NAME).write_text(
        f"forecast_min_sale_days = {market.least_sale_days}\nforecast_within_days = {market.recent_days}\n",
        "utf-8",
    )
    settings = Settings(home=home)
    known_by, now = settings.known_by(inputs.cutoff).astimezone(UTC), datetime.now(UTC)
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        report("load", 0, 3, "sales, land, crops, prices")
        facts = load(settings, warehouse, list(inputs.files), history=True, now=known_by)
        report("load", 1, 3, "weather")
        weather = load(settings, warehouse, list(inputs.weather), history=True, now=known_by)
        report("load", 2, 3, "sensor logs")
        sensors = load(settings, warehouse, list(inputs.sensors), now=now)
        report("load", 3, 3, f"{sum(len(part.files) for part in (facts, weather, sensors))} files")
        report("clean", 0, 1)
        cleaned = clean_readings(warehouse, known_by=now)
        report("clean", 1, 1, f"{cleaned.readings} readings, {cleaned.flagged} flagged")
    lists = home / "lists"
    lists.mkdir(exist_ok=True)
    inputs.unforecast.write_csv(lists / "items_without_forecast.csv", include_bom=True)
    inputs.unmapped.write_csv(lists / "items_without_crop.csv", include_bom=True)
    return RealCounty(settings, inputs, [facts, weather, sensors], cleaned)


def show_real(county: RealCounty) -> None:
    """Print what the real input was: files, sensor faults, climate, items without a crop or a forecast."""
    for loaded in county.loaded:
        show(loaded)
    faults = pl.DataFrame(
        {"fault": list(county.cleaned.faults), "readings": list(county.cleaned.faults.values())},
        schema={"fault": pl.String, "readings": pl.Int64},
    ).sort("readings", descending=True)
    console.print(table("Found in the sensor logs", faults, {"fault": "fault", "readings": "readings"}))
    show_climate(county.settings)
    items = county.inputs
    console.print(
        f"[bold]No forecast[/] (under 60 sale days, or no sale in the last 28): {items.unforecast.height} items; "
        f"[bold]no crop of the village[/]: {items.unmapped.height} items, the largest "
        + ", ".join(items.unmapped["name_zh"].head(8))
        + f"; all are listed in {county.settings.home / 'lists'}"
    )


def show_climate(settings: Settings) -> None:
    """Print each station's usual year, which is how weather of other years enters a plan."""
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        daily = daily_weather(warehouse.read("weather_observed"), timezone=settings.timezone)
    safe = climate_by_day(daily).filter(pl.col("air_temp_min_c_p10") > 0)
    frost_free = safe.group_by("station_id", maintain_order=True).agg(
        first=pl.col("day_of_year").min(), last=pl.col("day_of_year").max(), years=pl.col("years").max()
    )
    for station, first, last, years in frost_free.iter_rows():
        console.print(
            f"[bold]Usual year at {station}[/] ({years} years): nine nights in ten free of frost from day {first} to {last}"
        )
