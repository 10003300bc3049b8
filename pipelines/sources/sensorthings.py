"""Observations of an OGC SensorThings 1.1 service, as a JSON list (`value`) or its CSV result format."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipelines.sources.json_feed import ARRAY_LIMIT_BYTES, Json
from pipelines.sources.kinds import Batch, Context, FileRefused, Peek
from pipelines.sources.readings import (
    Gatherer,
    Measure,
    NoFact,
    Refused,
    in_unit,
    instant,
    measure_of,
    number,
)
from pipelines.sources.text import unpacked

TIME_NAMES = ("phenomenonTime", "phenonmenonTime")
"""The second spelling stands in a published engineering report and in feeds built after it."""


@dataclass(frozen=True)
class SensorThings:
    """Observations with their Datastream expanded, so that each says what it measures and where.

    sensor_id is the Thing's name, else what stands before the last `/`, `:` or `|` of the Datastream's name,
    else `datastream-ID`. The quantity is that of the ObservedProperty's name, else of the Datastream's name.
    """

    kind: str = "readings"

    def score(self, peek: Peek) -> tuple[float, str]:
        """By the names of an observation."""
        if b'"uplink_message"' in peek.head or b'"deviceInfo"' in peek.head:
            return 0.0, "sensorthings"
        is_json = peek.head.lstrip()[:1] in (b"{", b"[")
        has_time = any(name.encode() in peek.head for name in TIME_NAMES)
        has_result = b'"result"' in peek.head if is_json else b"result" in peek.head.split(b"\n", 1)[0]
        score = 0.95 if has_time and has_result else 0.0
        return score, "sensorthings" if is_json else "sensorthings_csv"

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """One place in the list, or one line, per observation."""
        gatherer = Gatherer(context)
        for line, observation in _csv_rows(path) if profile.endswith("csv") else _listed(path):
            gatherer.lines += 1
            try:
                gatherer.readings.append(_reading(observation, line))
            except NoFact as reason:
                gatherer.dropped[str(reason)] += 1
            except Refused as fault:
                gatherer.refused.append((line, fault.rule, str(fault), str(observation)))
            if gatherer.full():
                yield gatherer.batch()
        yield gatherer.batch()


def _listed(path: Path) -> Iterator[tuple[int, Json]]:
    with unpacked(path) as stream:
        data = stream.read(ARRAY_LIMIT_BYTES + 1)
    if len(data) > ARRAY_LIMIT_BYTES:
        raise FileRefused(
            "too_large", f"'{path.name}' is over {ARRAY_LIMIT_BYTES >> 20} MB: fetch it in pages ($top)"
        )
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise FileRefused(
            "unreadable", f"'{path.name}' is no whole JSON document: {error}; fetch it again"
        ) from error
    items = found.get("value", [found]) if isinstance(found, dict) else found
    yield from ((place, item if isinstance(item, dict) else {}) for place, item in enumerate(items, start=1))


def _csv_rows(path: Path) -> Iterator[tuple[int, Json]]:
    """CSV rows as nested observations: `Datastream/ObservedProperty/name` becomes three levels."""
    with unpacked(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
        rows = csv.DictReader(text)
        for row in rows:
            nested: Json = {}
            for name, value in row.items():
                level, parts = nested, str(name).strip().split("/")
                for part in parts[:-1]:
                    level = level.setdefault(part, {})
                level[parts[-1]] = value
            yield rows.line_num, nested


def _reading(observation: Json, line: int) -> tuple[str, str, Any, float | None, str | None, int]:
    if (text := next((observation[n] for n in TIME_NAMES if observation.get(n)), None)) is None:
        raise Refused("unreadable", "phenomenonTime is missing; export it with the observations")
    time = instant(str(text).split("/")[0])
    sensor_id, measure = _what(observation.get("Datastream") or {})
    try:
        value = measure.value(number(observation.get("result")))
    except ValueError as error:
        raise Refused("unreadable", f"result: {error}") from error
    quality = observation.get("resultQuality")
    return sensor_id, measure.quantity, time, value, None if quality is None else str(quality), line


def _what(stream: Json) -> tuple[str, Measure]:
    """Sensor and measure of a Datastream.

    Raises:
        Refused: The Datastream is not expanded, or its unit is not known.
        NoFact: No quantity is declared for its name.
    """
    name = str(stream.get("name") or "")
    observed = str((stream.get("ObservedProperty") or {}).get("name") or "")
    if not name and not observed:
        raise Refused(
            "unnamed_datastream",
            "the Datastream is not in the file; fetch with $expand=Datastream($expand=Thing,ObservedProperty)",
        )
    before, _, last = (
        name.rpartition(separator[0]) if (separator := re.findall(r"[/:|]", name)[-1:]) else ("", "", name)
    )
    measure = measure_of(observed) or measure_of(last)
    if measure is None:
        raise NoFact(f"no declared quantity (name: {observed or name})")
    unit = str((stream.get("unitOfMeasurement") or {}).get("symbol") or "")
    converted = in_unit(measure, unit) if unit else measure
    if converted is None:
        raise Refused(
            "unknown_unit", f"unit '{unit}' is not declared for {measure.quantity} (loggers_keys.toml)"
        )
    thing = str((stream.get("Thing") or {}).get("name") or "")
    identity = stream.get("@iot.id", stream.get("id", "?"))
    return thing or before.strip() or f"datastream-{identity}", converted
