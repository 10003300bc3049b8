"""Hourly weather of stations from CSV, by declared layout (profiles/weather_*.toml)."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import polars as pl
from pydantic import ConfigDict, TypeAdapter

from pipelines.sources.cells import clean_text
from pipelines.sources.kinds import REJECTED_SCHEMA, Batch, Context, FileRefused, Peek
from pipelines.sources.layout import Layout, head_text, layouts
from pipelines.sources.profile import PROFILES
from pipelines.sources.readings import UNDECLARED, known_at
from pipelines.sources.records import FAULT, LINE, read_records
from pipelines.sources.text import blocks, encoding_of, read_head

ENCODINGS = ("utf-8-sig", "gb18030")


@dataclass(frozen=True)
class WeatherProfile:
    """One layout; header names in lower case."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    title: str
    station: str
    date_columns: tuple[str, str, str, str]
    """Columns of year, month, day and hour, local time."""
    values: Mapping[str, str]
    """Header name → column of weather_observed, in its unit."""
    no_value: tuple[str, ...]
    known: tuple[str, ...] = ()
    """Further header names, for recognition only."""

    def score(self, header: tuple[str, ...]) -> float:
        """How well a header fits (0–1): time, station and temperature have to be there."""
        names = set(header)
        if not {self.station, *self.date_columns, next(iter(self.values))} <= names:
            return 0.0
        layout = {self.station, *self.date_columns, *self.values, *self.known}
        return 0.6 + 0.4 * len(names & layout) / len(names)


@cache
def weather_profiles() -> dict[str, WeatherProfile]:
    """All declared layouts by name."""
    adapter = TypeAdapter(WeatherProfile)
    return {
        path.stem.removeprefix("weather_"): adapter.validate_python(tomllib.loads(path.read_text("utf-8")))
        for path in sorted(PROFILES.glob("weather_*.toml"))
    }


@dataclass(frozen=True)
class WeatherCsv:
    """All layouts declared in profiles/weather_*.toml."""

    kind: str = "weather"

    def score(self, peek: Peek) -> tuple[float, str]:
        """The layout that fits the header best."""
        text = head_text(peek.head)
        scores = {name: _place(text, profile)[0] for name, profile in weather_profiles().items()}
        best = max(scores, key=lambda name: scores[name])
        return scores[best], best

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """Each station when it first appears, then its hours.

        Raises:
            FileRefused: The header is missing, or the bytes cannot be read.
        """
        declared = weather_profiles()[profile]
        head = read_head(path)
        _, layout = _place(head_text(head), declared)
        if layout is None:
            raise FileRefused("header_missing", f"'{path.name}' has no header of the {declared.title}")
        above, seen = 1, set[str]()
        for block in blocks(path, encoding_of(path, head, ENCODINGS)):
            records = read_records(block, layout.names, layout.names, layout.delimiter)
            numbered = records.with_columns(pl.col(LINE) + above)
            above += records.height
            hours = _hours(clean_text(numbered.filter(pl.col(LINE) > layout.header_row)), declared, context)
            good = hours.filter(pl.col("rule").is_null())
            yield from _stations(good, seen, layout.header_row)
            yield _batch(hours, good, context)


def _place(text: str, profile: WeatherProfile) -> tuple[float, Layout | None]:
    scored = [(profile.score(layout.names), -layout.header_row, layout) for layout in layouts(text)]
    best = max(scored, key=lambda s: s[:2], default=(0.0, 0, None))
    return (best[0], best[2]) if best[0] > 0 else (0.0, None)


def _hours(cells: pl.DataFrame, profile: WeatherProfile, context: Context) -> pl.DataFrame:
    """One row per line: station, time, values, and the rule it broke (null: none)."""
    year, month, day, hour = (pl.col(c).cast(pl.Int32, strict=False) for c in profile.date_columns)
    date = pl.concat_str(
        [year.cast(pl.String), *(p.cast(pl.String).str.zfill(2) for p in (month, day, hour))], separator="-"
    )
    date = (date + ":00").str.to_datetime("%Y-%m-%d-%H:%M", strict=False, time_unit="us")
    local = date.dt.replace_time_zone(context.timezone, ambiguous="earliest", non_existent="null")
    present = {name: column for name, column in profile.values.items() if name in cells.columns}
    texts = [pl.when(~pl.col(n).is_in(profile.no_value)).then(pl.col(n)).alias(n) for n in present]
    numbers = [pl.col(n).cast(pl.Float64, strict=False).alias(column) for n, column in present.items()]
    odd = [pl.col(n).is_not_null() & pl.col(column).is_null() for n, column in present.items()]
    fault = (
        pl.when(pl.col(FAULT).is_not_null())
        .then(FAULT)
        .when(pl.col("observed_at").is_null())
        .then(pl.lit("observed_at_type"))
        .when(pl.col("station_id").is_null())
        .then(pl.lit("station_id_missing"))
        .when(pl.any_horizontal(odd))
        .then(pl.lit("value_type"))
    )
    return (
        cells.with_columns(texts)
        .with_columns(
            *numbers, observed_at=local.dt.convert_time_zone("UTC"), station_id=pl.col(profile.station)
        )
        .with_columns(rule=fault)
        .select(
            LINE,
            "station_id",
            "observed_at",
            *present.values(),
            "rule",
            row_text=pl.struct(profile.station, *profile.date_columns, *present).struct.json_encode(),
        )
    )


def _stations(hours: pl.DataFrame, seen: set[str], header_row: int) -> Iterator[Batch]:
    """Stations not seen before; their line is the header, which is no line of facts."""
    fresh = [s for s in hours["station_id"].unique(maintain_order=True).to_list() if s not in seen]
    if not fresh:
        return
    seen.update(fresh)
    rows = pl.DataFrame({"station_id": fresh, "name": fresh}).with_columns(
        known_at=pl.lit(UNDECLARED).dt.cast_time_unit("us"),
        line_number=pl.lit(header_row, pl.Int64),
    )
    yield Batch("weather_station", rows)


def _batch(hours: pl.DataFrame, good: pl.DataFrame, context: Context) -> Batch:
    rows = good.drop("rule", "row_text").with_columns(known_at=known_at(pl.col("observed_at"), context))
    detail = pl.lit("year, month, day and hour must be numbers, values numbers or NA; correct the line")
    rejected = hours.filter(pl.col("rule").is_not_null()).select(
        "rule", "row_text", line_number=LINE, detail=detail
    )
    return Batch(
        "weather_observed",
        rows,
        rejected.select(REJECTED_SCHEMA.names()).cast(REJECTED_SCHEMA),
        {},
        hours.height,
    )
