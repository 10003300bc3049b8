"""What all sensor feeds share: names and units of quantities, when a reading became known, and batches of rows."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import orjson
import polars as pl

from pipelines.sources.kinds import REJECTED_SCHEMA, Batch, Context

PROFILES = Path(__file__).parent / "profiles"
TABLE = "raw_reading"
BATCH_LINES = 50_000
TEXT_KEPT = 500
"""At most so many characters of a refused line are kept."""
UNDECLARED = datetime(1970, 1, 1, tzinfo=UTC)
"""`known_at` of a sensor or station known only from its readings: whatever is declared of it later stands."""
READING_SCHEMA = pl.Schema(
    [
        ("sensor_id", pl.String()),
        ("quantity", pl.String()),
        ("measured_at", pl.Datetime("us", "UTC")),
        ("value", pl.Float64()),
        ("status", pl.String()),
        ("line_number", pl.Int64()),
    ]
)
Reading = tuple[str, str, datetime, float | None, str | None, int]
"""sensor_id, quantity, measured_at (aware), value, status, line_number."""


@dataclass(frozen=True)
class Measure:
    """How a delivered number becomes a quantity: number × scale + offset."""

    quantity: str
    scale: float = 1.0
    offset: float = 0.0

    def value(self, number: float | None) -> float | None:
        """The value in the quantity's unit; null stays null."""
        return None if number is None else number * self.scale + self.offset


def plain(name: str) -> str:
    """A name for comparing: lower case, every run of other characters one underscore."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@cache
def _keys() -> dict[str, Measure]:
    declared = tomllib.loads((PROFILES / "loggers_keys.toml").read_text("utf-8"))
    names = {plain(n): Measure(q) for q, all_names in declared["names"].items() for n in all_names}
    return names | {name: Measure(**how) for name, how in declared["scaled"].items()}


@cache
def _units() -> dict[str, dict[str, dict[str, float]]]:
    units: dict[str, dict[str, dict[str, float]]] = tomllib.loads(
        (PROFILES / "loggers_keys.toml").read_text("utf-8")
    )["units"]
    return units


def measure_of(name: str) -> Measure | None:
    """What a sensor's own name for a channel means; a trailing number is a depth or port and stays: `vwc_2`.

    None: no quantity is declared for the name (profiles/loggers_keys.toml).
    """
    key = plain(name)
    if key in _keys():
        return _keys()[key]
    stem, digits = re.fullmatch(r"(.*?)_?(\d+(?:cm)?)?", key).groups()  # type: ignore[union-attr]
    found = _keys().get(stem) if digits else None
    return found and Measure(f"{found.quantity}_{digits}", found.scale, found.offset)


def in_unit(measure: Measure, unit: str) -> Measure | None:
    """The measure for numbers in a stated unit; None: the unit is not known for the quantity."""
    stem = re.sub(r"_\d+(cm)?$", "", measure.quantity)
    for ending, units in _units().items():
        if stem.endswith(ending) and unit.strip().lower() in units:
            how = units[unit.strip().lower()]
            return Measure(measure.quantity, how.get("scale", 1.0), how.get("offset", 0.0))
    return None


def number(value: object) -> float | None:
    """A number as JSON or text has it; None for null, NaN and words for it.

    Raises:
        ValueError: It is something else.
    """
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    if isinstance(value, str) and value.strip().upper() in ("", "NAN", "NA", "NULL", "INF", "-INF"):
        return None
    if not isinstance(value, int | float | str):
        raise ValueError(f"'{value}' is no number")
    found = float(value)
    return found if found == found and abs(found) != float("inf") else None


def known_at(event: pl.Expr, context: Context, *, delay_hours: int = 1) -> pl.Expr:
    """When a reading became known: on arrival, or for a history load an hour after its local day's end."""
    if not context.is_history:
        return pl.lit(context.arrived_at).dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    day = event.dt.convert_time_zone(context.timezone).dt.truncate("1d").dt.offset_by("1d")
    return day.dt.offset_by(f"{delay_hours}h").dt.convert_time_zone("UTC")


def reading_batch(
    rows: pl.DataFrame, rejected: pl.DataFrame, dropped: dict[str, int], context: Context
) -> Batch:
    """A batch of raw readings; counts lines, of which one may give several readings."""
    lines = rows["line_number"].n_unique() + rejected.height + sum(dropped.values())
    known = rows.with_columns(known_at=known_at(pl.col("measured_at"), context))
    return Batch(TABLE, known.with_columns(file_id=pl.lit(context.file_id)), rejected, dropped, lines)


def rejected_frame(lines: Sequence[tuple[int, str, str, str]]) -> pl.DataFrame:
    """Refused lines as (line, rule, detail, text); the text is kept as JSON."""
    kept = [
        (n, rule, detail, orjson.dumps({"text": text[:TEXT_KEPT]}).decode())
        for n, rule, detail, text in lines
    ]
    return pl.DataFrame(kept, schema=REJECTED_SCHEMA, orient="row")


@dataclass
class Gatherer:
    """Gathers readings, refusals and drops of one file and hands them over as batches."""

    context: Context
    readings: list[Reading] = field(default_factory=list)
    refused: list[tuple[int, str, str, str]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    def full(self) -> bool:
        """Whether it is time to hand over."""
        return self.lines >= BATCH_LINES

    def batch(self) -> Batch:
        """What was gathered, and start afresh."""
        rows = pl.DataFrame(self.readings, schema=READING_SCHEMA, orient="row")
        out = reading_batch(rows, rejected_frame(self.refused), dict(self.dropped), self.context)
        self.readings, self.refused, self.dropped, self.lines = [], [], Counter(), 0
        return out


@dataclass(frozen=True)
class Message:
    """One message of a feed: who, when, and numbers by the sensor's own names."""

    sensor_id: str
    measured_at: datetime
    values: dict[str, object]
    status: str | None = None


class Refused(Exception):  # noqa: N818
    """One line cannot be read: rule and what is wrong."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule


class NoFact(Exception):  # noqa: N818
    """One line is no reading by rule: the reason it is counted under."""


def instant(text: object) -> datetime:
    """An RFC 3339 time (any number of decimals).

    Raises:
        Refused: It is none, or it has no offset.
    """
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Refused("unreadable", f"time '{text}' is not RFC 3339, such as 2026-05-01T06:00:00Z") from error
    if found.tzinfo is None:
        raise Refused("unreadable", f"time '{text}' has no offset; the feed always writes one")
    return found


def take_message(gatherer: Gatherer, message: Message, line: int) -> None:
    """Add a message's numbers; names nobody declared are counted when the message holds nothing else.

    Raises:
        NoFact: No name in it is declared.
        Refused: A declared name holds something that is no number.
    """
    found: list[Reading] = []
    for name, raw in flat(message.values):
        if (measure := measure_of(name)) is None:
            continue
        try:
            value = measure.value(number(raw))
        except ValueError as error:
            raise Refused("unreadable", f"{name}: {error}") from error
        found.append((message.sensor_id, measure.quantity, message.measured_at, value, message.status, line))
    if not found:
        names = ", ".join(sorted(name for name, _ in flat(message.values))) or "none"
        raise NoFact(f"no declared quantity (names: {names[:80]})")
    gatherer.readings.extend(found)


def flat(values: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Nested names joined by underscores; lists are left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}_")
        elif not isinstance(value, list):
            yield f"{before}{name}", value
