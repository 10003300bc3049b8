"""Answers of Open-Meteo, archive or forecast: hourly values of one place or a list of places."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from pipelines.sources.kinds import Batch, Context, FileRefused, Peek
from pipelines.sources.readings import UNDECLARED, Measure, in_unit, known_at
from pipelines.sources.text import unpacked

VARIABLES = {
    "temperature_2m": "air_temp_c",
    "dew_point_2m": "dew_point_c",
    "relative_humidity_2m": "rel_humidity_pct",
    "precipitation": "rain_mm",
    "wind_speed_10m": "wind_m_s",
    "surface_pressure": "pressure_hpa",
    "pressure_msl": "pressure_hpa",
    "shortwave_radiation": "radiation_w_m2",
}
"""Their variable → our column; of two for one column the first counts."""
NOT_FORECAST = ("dew_point_c", "pressure_hpa")
LIMIT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class OpenMeteo:
    """One station per place: `openmeteo-LAT-LON` of the grid cell, or the shop's name when one was given.

    Hours up to the issue are observations, later ones a forecast. The issue is the answer's `issued_at` where a
    collector has added it, else the arrival.
    """

    kind: str = "weather"

    def score(self, peek: Peek) -> tuple[float, str]:
        """By the names of an answer, or of an error answer."""
        head = peek.head.removeprefix(b"\xef\xbb\xbf").lstrip()
        is_answer = b'"hourly"' in head and b'"utc_offset_seconds"' in head
        is_error = head[:1] == b"{" and b'"error"' in head[:200] and b'"reason"' in head
        return (0.95 if is_answer or is_error else 0.0), "open_meteo"

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """The station, then its hours; line_number is the place of the hour among all of the file.

        Raises:
            FileRefused: An error answer, no JSON, no hourly values, or a unit that is not known.
        """
        line = 0
        for place in _places(path):
            station = _station(place, context)
            yield Batch("weather_station", station.with_columns(line_number=pl.lit(line + 1)))
            hours = _hours(path, place, station["station_id"][0], line)
            line += hours.height
            yield from _split(hours, _issued(place, context), context)


def _places(path: Path) -> list[dict[str, Any]]:
    with unpacked(path) as stream:
        data = stream.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        raise FileRefused(
            "too_large", f"'{path.name}' is over {LIMIT_BYTES >> 20} MB: ask for fewer years at a time"
        )
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise FileRefused(
            "unreadable", f"'{path.name}' is no whole JSON document: {error}; fetch it again"
        ) from error
    places = answer if isinstance(answer, list) else [answer]
    for place in places:
        if not isinstance(place, dict) or place.get("error"):
            reason = place.get("reason") if isinstance(place, dict) else "it is no set of named values"
            raise FileRefused("error_answer", f"'{path.name}' is an error answer of the service: {reason}")
        if "time" not in place.get("hourly", {}):
            raise FileRefused(
                "no_hours", f"'{path.name}' has no hourly values: ask with hourly=temperature_2m,…"
            )
    return places


def _station(place: dict[str, Any], context: Context) -> pl.DataFrame:
    lat, lon = float(place["latitude"]), float(place["longitude"])
    name = context.shop or str(place.get("station_id") or f"openmeteo-{lat:.3f}-{lon:.3f}")
    return pl.DataFrame(
        {
            "station_id": [name],
            "name": [name],
            "lat_deg": [lat],
            "lon_deg": [lon],
            "elevation_m": [place.get("elevation")],
            "known_at": [UNDECLARED],
        },
        schema_overrides={"elevation_m": pl.Float64, "known_at": pl.Datetime("us", "UTC")},
    )


def _hours(path: Path, place: dict[str, Any], station_id: str, after_line: int) -> pl.DataFrame:
    """One row per hour: station_id, valid_at (UTC), our columns in our units, line_number."""
    hourly, units = place["hourly"], place.get("hourly_units", {})
    offset = timezone(timedelta(seconds=int(place.get("utc_offset_seconds", 0))))
    columns: dict[str, list[float | None]] = {}
    for variable, column in VARIABLES.items():
        if variable in hourly and column not in columns:
            measure = _measure(path, variable, column, str(units.get(variable, "")))
            columns[column] = [measure.value(v) for v in hourly[variable]]
    times = [_time(text, offset) for text in hourly["time"]]
    lengths = {len(values) for values in columns.values()} | {len(times)}
    if len(lengths) > 1:
        raise FileRefused(
            "unreadable", f"'{path.name}': hourly lists differ in length ({sorted(lengths)}); fetch again"
        )
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))
    return frame.with_columns(
        pl.Series("valid_at", times, dtype=pl.Datetime("us", "UTC")),
        station_id=pl.lit(station_id),
        line_number=pl.int_range(after_line + 1, after_line + 1 + pl.len(), dtype=pl.Int64),
    )


def _time(text: object, offset: timezone) -> datetime:
    """A local time without offset, or Unix seconds."""
    if isinstance(text, int):
        return datetime.fromtimestamp(text, UTC)
    return datetime.fromisoformat(str(text)).replace(tzinfo=offset).astimezone(UTC)


def _measure(path: Path, variable: str, column: str, unit: str) -> Measure:
    if (measure := in_unit(Measure(column), unit)) is None:
        raise FileRefused(
            "unknown_unit", f"'{path.name}': {variable} comes in '{unit}', which is not declared for {column}"
        )
    return measure


def _issued(place: dict[str, Any], context: Context) -> datetime:
    if text := place.get("issued_at"):
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    return context.arrived_at.astimezone(UTC)


def _split(hours: pl.DataFrame, issued: datetime, context: Context) -> Iterator[Batch]:
    past = hours.filter(pl.col("valid_at") <= issued).rename({"valid_at": "observed_at"})
    if past.height:
        known = past.with_columns(known_at=known_at(pl.col("observed_at"), context))
        yield Batch("weather_observed", known, read=past.height)
    ahead = hours.filter(pl.col("valid_at") > issued).drop(NOT_FORECAST, strict=False)
    if ahead.height:
        at = pl.lit(issued).dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        arrived = pl.lit(context.arrived_at).dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        known = ahead.with_columns(issued_at=at, known_at=at if context.is_history else arrived)
        yield Batch("weather_forecast", known, read=ahead.height)
