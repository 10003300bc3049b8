"""Campbell Scientific TOA5 tables: four quoted heading lines, then one record a line."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.sources.kinds import Batch, Context, FileRefused, Peek
from pipelines.sources.readings import Gatherer, Measure, in_unit, measure_of, number
from pipelines.sources.text import unpacked

HEADINGS = 4
SKIPPED_PROCESSING = {"max", "min", "std", "smm", "tmx", "tmn"}
"""Columns that are no value of the moment or mean of the interval; the battery's minimum is kept."""
NOT_MEASURED = {"timestamp", "record"}


@dataclass(frozen=True)
class _Column:
    place: int
    sensor_id: str
    measure: Measure


@dataclass(frozen=True)
class Toa5:
    """One table of one station; sensor_id is the station's name, times are the logger's local ones."""

    kind: str = "readings"

    def score(self, peek: Peek) -> tuple[float, str]:
        """By the first word."""
        word = peek.head.removeprefix(b"\xef\xbb\xbf").lstrip(b'" ')[:5]
        return (0.98 if word[:4] in (b"TOA5", b"TOB1", b"TOB3") else 0.0), "toa5"

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """One record per line.

        Raises:
            FileRefused: A binary table, cut-off headings, no TIMESTAMP, or no column that measures something known.
        """
        with unpacked(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
            rows = csv.reader(text)
            columns, time_place = _columns(path, list(islice(rows, HEADINGS)))
            zone = ZoneInfo(context.timezone)
            gatherer = Gatherer(context)
            for row in rows:
                gatherer.lines += 1
                _take(gatherer, row, (time_place, zone), columns, rows.line_num)
                if gatherer.full():
                    yield gatherer.batch()
            yield gatherer.batch()


def _columns(path: Path, headings: list[list[str]]) -> tuple[list[_Column], int]:
    """The columns that measure something, and the place of the time."""
    if headings and headings[0] and headings[0][0].strip() in ("TOB1", "TOB3"):
        raise FileRefused(
            "binary_table",
            f"'{path.name}' is a binary {headings[0][0]} table: convert it to TOA5 in LoggerNet",
        )
    if len(headings) < HEADINGS or len(headings[0]) < 2:
        raise FileRefused(
            "no_heading", f"'{path.name}' has not the four TOA5 heading lines; switch them on and export"
        )
    environment, names, units, processing = headings
    if "TIMESTAMP" not in [n.strip().upper() for n in names]:
        raise FileRefused(
            "no_time", f"'{path.name}' has no TIMESTAMP column; export the table with timestamps"
        )
    station, found = environment[1].strip(), []
    for place, name in enumerate(names):
        how = processing[place].strip().lower() if place < len(processing) else ""
        unit = units[place].strip() if place < len(units) else ""
        if (measure := _measure(name, unit, how)) is not None:
            port = re.search(r"_(\d+)$", measure.quantity)
            sensor_id = f"{station}/{port[1]}" if port else station
            stem = Measure(re.sub(r"_\d+$", "", measure.quantity), measure.scale, measure.offset)
            found.append(_Column(place, sensor_id, stem))
    if not found:
        raise FileRefused(
            "no_quantity",
            f"'{path.name}': no column is a declared quantity ({', '.join(names)[:200]}); see loggers_keys.toml",
        )
    return found, [n.strip().upper() for n in names].index("TIMESTAMP")


def _measure(name: str, unit: str, how: str) -> Measure | None:
    """What a column measures; None: nothing declared, a processed extreme, or a unit that is not known."""
    stem = re.sub(r"_(Avg|Smp|Tot|Min|Max|Std)(?=$|\()", "", name.strip(), flags=re.IGNORECASE)
    stem = re.sub(r"\((\d+)\)$", r"_\1", stem)
    measure = None if name.strip().lower() in NOT_MEASURED else measure_of(stem)
    if measure is None or (how in SKIPPED_PROCESSING and measure.quantity != "battery_v"):
        return None
    return in_unit(measure, unit) if unit else measure


def _take(
    gatherer: Gatherer, row: list[str], clock: tuple[int, ZoneInfo], columns: list[_Column], line: int
) -> None:
    """Add one record, or refuse it whole."""
    if not any(cell.strip() for cell in row):
        gatherer.dropped["blank line"] += 1
        return
    try:
        time = datetime.fromisoformat(row[clock[0]].strip()).replace(tzinfo=clock[1])
        values = [(c, c.measure.value(number(row[c.place]))) for c in columns]
    except (ValueError, IndexError) as error:
        gatherer.refused.append(
            (line, "unreadable", f"{error}; the record is cut off or damaged", ",".join(row))
        )
        return
    gatherer.readings.extend(
        (c.sensor_id, c.measure.quantity, time, value, None, line) for c, value in values
    )
