"""Declared layouts of CSV loggers (profiles/loggers_*.toml; docs/formats-fields.md explains each key)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Literal

import polars as pl
from pydantic import ConfigDict, TypeAdapter

from pipelines.sources.readings import PROFILES

NOT_LAYOUTS = {"loggers_keys"}
SENTINEL_SCHEMA = pl.Schema(
    [
        ("profile", pl.String()),
        ("quantity", pl.String()),
        ("value", pl.Float64()),
        ("with_others", pl.Boolean()),
    ]
)


@dataclass(frozen=True)
class Channel:
    """One column: delivered number × scale = value of the quantity."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    quantity: str
    scale: float = 1.0
    sentinels: tuple[float, ...] = ()
    """Error words, as delivered (before scaling)."""
    sentinels_with_others: tuple[float, ...] = ()
    """Error words only where another channel of the same message carries one."""


@dataclass(frozen=True)
class LoggerProfile:
    """One layout."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    title: str
    layout: Literal["packets", "ports"]
    measures: Mapping[str, Channel]
    encoding: str = "utf-8"
    comment: str = ""
    log_start: str = ""
    columns: tuple[str, ...] = ()
    sensor: str = ""
    sensor_prefix: str = ""
    time: str = ""
    status: str = ""
    status_pattern: str = ""
    time_heading: str = ""
    device_time_heading: str = ""
    time_formats: tuple[str, ...] = field(default=())


@cache
def logger_profiles() -> dict[str, LoggerProfile]:
    """All declared layouts by name (the file's name without `loggers_`)."""
    adapter = TypeAdapter(LoggerProfile)
    return {
        path.stem.removeprefix("loggers_"): adapter.validate_python(tomllib.loads(path.read_text("utf-8")))
        for path in sorted(PROFILES.glob("loggers_*.toml"))
        if path.stem not in NOT_LAYOUTS
    }


def declared_sentinels() -> pl.DataFrame:
    """Error words of all layouts in the quantity's unit: profile, quantity, value, with_others."""
    rows = [
        (name, channel.quantity, word * channel.scale, with_others)
        for name, profile in logger_profiles().items()
        for channel in profile.measures.values()
        for words, with_others in ((channel.sentinels, False), (channel.sentinels_with_others, True))
        for word in words
    ]
    return pl.DataFrame(rows, schema=SENTINEL_SCHEMA, orient="row")
