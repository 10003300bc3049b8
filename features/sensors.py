"""Field readings made usable: what each sensor said, when it truly said it, and what is wrong with it.

Raw readings stay as they are; this makes cleaned ones beside them and counts every fault.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from features.sensor_clock import MESSAGE, OFFSET_QUANTITY, clock_verdicts
from features.sensor_flags import SERIES, add_flags, find_gaps
from features.sensor_limits import limits_of

MADE_UP_MESSAGES = 3
"""A device nobody declared that sent no more messages than this, each with an impossible time or value, is noise
read as an id: a corrupt packet changes its id each time."""
FLAGS = ("sentinel", "range", "spike", "stuck", "frozen")
"""Faults of single values; the others are of ids, clocks and deliveries."""
SETTLE = timedelta(days=4)
"""A new reading may change the verdict on readings up to this much older: flat lines and spikes need what follows."""
SHORT_GAP = 2
"""Gaps of at most this many missing readings are counted per month, longer ones each on its own."""
_INSTANT = pl.Datetime("us", "UTC")
FAULTS_SCHEMA = pl.Schema(
    [
        ("sensor_id", pl.String()),
        ("quantity", pl.String()),
        ("fault", pl.String()),
        ("from_at", _INSTANT),
        ("to_at", _INSTANT),
        ("readings", pl.Int64()),
        ("detail", pl.String()),
        ("known_at", _INSTANT),
    ]
)


@dataclass(frozen=True)
class Cleaned:
    """What cleaning made of raw readings."""

    marks: pl.DataFrame
    """Each raw row with a value, its `device`, `clock_shift_s`, `clock_fault`, `made_up`, `bench_test`,
    `duplicate`, and, where none of the last three hold and the clock is right or put right, its `time` and `flag`."""
    readings: pl.DataFrame
    """One row per (sensor_id, quantity, measured_at): value, flag, known_at. Rows of an uncorrected clock keep the
    device's time and the flag `clock`."""
    gaps: pl.DataFrame
    """One row per gap, as `features.sensor_flags.find_gaps`."""
    faults: pl.DataFrame
    """One row per series, fault and stretch (readings less than a day apart, within a month): FAULTS_SCHEMA."""
    start: datetime | None
    """Values before this instant were not judged again; None: all were."""


def clean(
    raw: pl.DataFrame,
    sensors: pl.DataFrame,
    sentinels: pl.DataFrame,
    *,
    timezone: str,
    since: datetime | None = None,
) -> Cleaned:
    """Clean the readings of whole devices.

    Args:
        raw: Rows of `raw_reading` with `profile`, `arrived_at`, `is_history`, `span_from`, `span_to` (dates the
            file's name declares, or null) of their file, and `file_order` (by arrival). Rows of quantity
            `clock_offset_s` are references for the clock, not readings.
        sensors: Declared sensors: `sensor_id`, `installed_on` (null: not known).
        sentinels: `profile`, `quantity`, `value`, `with_others`: error words that profiles declare.
        timezone: Zone of the day a sensor was installed on.
        since: Judge values from the month of this instant on (less SETTLE) and return only what lies in it; ids,
            clocks, repeats and gaps are always judged over all of `raw`. None: everything.

    Returns:
        See Cleaned. Two runs over the same rows give the same frames; the order of `raw` does not matter.
    """
    start = _month(since - SETTLE) if since else None
    marks = mark(raw, sensors, timezone)
    usable = marks.filter(~pl.col("made_up") & ~pl.col("bench_test") & ~pl.col("duplicate"))
    is_believed = pl.col("clock_fault").is_null() | pl.col("clock_shift_s").is_not_null()
    believed = (
        usable.filter(is_believed)
        .select(*SERIES, "value", "profile", "known_at", *MESSAGE, measured_at="time")
        .sort(*SERIES, "measured_at")
    )
    gaps = find_gaps(believed)
    flagged = add_flags(_from(believed, start and _month(start - timedelta(days=1))), sentinels)
    flagged = _from(flagged, start)
    doubted = usable.filter(~is_believed).with_columns(flag=pl.lit("clock"), measured_at="time")
    columns = [*SERIES, "measured_at", "value", "flag", "known_at"]
    both = pl.concat([flagged.select(columns), doubted.select(columns)])
    readings = both.unique([*SERIES, "measured_at"], keep="first", maintain_order=True).sort(
        *SERIES, "measured_at"
    )
    verdicts = flagged.select(*MESSAGE, *SERIES, "flag")
    marks = marks.join(verdicts, on=[*MESSAGE, *SERIES], how="left", maintain_order="left")
    return Cleaned(marks, readings, gaps, _faults(marks, gaps), start)


def _from(rows: pl.DataFrame, start: datetime | None) -> pl.DataFrame:
    return rows.filter(pl.col("measured_at") >= start) if start else rows


def _month(instant: datetime) -> datetime:
    """The first instant of its calendar month (UTC)."""
    return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def mark(raw: pl.DataFrame, sensors: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Judge ids, clocks and repeats of raw rows; `time` is the corrected time, `known_at` never before it."""
    device = pl.col("sensor_id").str.split("/").list.first().alias("device")
    rows = raw.with_columns(device).sort("file_order", "line_number", *SERIES)
    is_reference = pl.col("quantity") == OFFSET_QUANTITY
    references = rows.filter(is_reference).select("device", "measured_at", offset_s="value")
    rows = rows.filter(~is_reference, pl.col("value").is_not_null())
    installed = sensors.select("sensor_id", "installed_on", declared=pl.lit(True))
    rows = rows.join(installed, on="sensor_id", how="left", maintain_order="left").with_columns(
        pl.col("declared").fill_null(value=False)
    )
    verdicts = clock_verdicts(_messages(rows), references)
    judged = rows.join(verdicts, on=MESSAGE, how="left", maintain_order="left")
    shift = pl.duration(milliseconds=pl.col("clock_shift_s").fill_null(0) * 1000)
    judged = judged.with_columns(time=pl.col("measured_at") + shift)
    moved = pl.when(pl.col("clock_shift_s").is_not_null()).then("time")
    return (
        judged.with_columns(known_at=pl.max_horizontal("known_at", moved), made_up=_made_up())
        .with_columns(bench_test=_bench_test(timezone))
        .with_columns(duplicate=_repeats())
    )


def _messages(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(MESSAGE).agg(
        pl.col("measured_at", "arrived_at", "is_history", "span_from", "span_to").first(),
        pl.col("installed_on").max(),
    )


def _made_up() -> pl.Expr:
    """Undeclared devices of few messages of which every one has an impossible time or value."""
    outside = pl.any_horizontal(
        (pl.col("quantity") == q) & ~pl.col("value").is_between(limits.low, limits.high)
        for q, limits in ((q, limits_of(q)) for q in ("battery_v", "air_temp_c", "soil_temp_c", "soil_vwc"))
    )
    impossible = pl.col("clock_fault").is_in(["arrival", "span"]) | outside
    message = pl.struct("file_order", "line_number")
    few = message.n_unique().over("device") <= MADE_UP_MESSAGES
    each = impossible.any().over(MESSAGE).all().over("device")
    return few & each & ~pl.col("declared").any().over("device")


def _bench_test(timezone: str) -> pl.Expr:
    """Readings before the local day the sensor was put in place."""
    return (pl.col("time").dt.convert_time_zone(timezone).dt.date() < pl.col("installed_on")).fill_null(
        value=False
    )


def _repeats() -> pl.Expr:
    """All but the first delivered row of a series and (corrected) time, among rows otherwise usable."""
    usable = ~pl.col("made_up") & ~pl.col("bench_test")
    return usable & (pl.cum_count("time").over([*SERIES, "time", "made_up", "bench_test"]) > 1)


def _faults(marks: pl.DataFrame, gaps: pl.DataFrame) -> pl.DataFrame:
    """Count every fault per series and stretch."""
    kinds = {
        "made_up_id": (pl.col("made_up"), pl.lit("an id nobody declared, with impossible times or values")),
        "bench_test": (pl.col("bench_test"), pl.format("before {}", "installed_on")),
        "duplicate": (pl.col("duplicate"), pl.lit("time already delivered; the first is kept")),
        "clock": (pl.col("clock_fault").is_not_null() & ~pl.col("made_up"), _clock_detail()),
    }
    parts = [_stretches(marks.filter(when), kind, detail) for kind, (when, detail) in kinds.items()]
    parts += [_stretches(marks.filter(pl.col("flag") == f), f, _value_detail()) for f in FLAGS]
    return pl.concat([*parts, *_gap_faults(gaps)]).sort(*SERIES, "fault", "from_at")


def _clock_detail() -> pl.Expr:
    """How the fault was found, and by how much the time was moved."""
    moved = pl.format(
        "found by {}; moved by {} s (to {})",
        "clock_fault",
        pl.col("clock_shift_s").round(0).cast(pl.Int64),
        pl.col("time").dt.date(),
    )
    way_out = pl.format(
        "found by {}; not moved: declare installed_on in the sensor table, or load a file with both clocks",
        "clock_fault",
    )
    return pl.when(pl.col("clock_shift_s").is_not_null()).then(moved).otherwise(way_out)


def _value_detail() -> pl.Expr:
    return pl.format("value {}", pl.col("value").round(4))


def _stretches(rows: pl.DataFrame, fault: str, detail: pl.Expr) -> pl.DataFrame:
    """One row per series and stretch: rows less than a day apart, in one month, moved alike; the first row's detail."""
    time = pl.col("time")
    apart = (time.diff().dt.total_hours() >= 24) | (time.dt.month() != time.dt.month().shift(1))
    moved = pl.col("clock_shift_s")
    apart = (apart | moved.ne_missing(moved.shift(1))).fill_null(value=False).cast(pl.Int32)
    return (
        rows.sort(*SERIES, "time")
        .with_columns(
            detail=detail, stretch=apart.fill_null(value=False).cast(pl.Int32).cum_sum().over(SERIES)
        )
        .group_by(*SERIES, "stretch")
        .agg(
            from_at=pl.col("time").min(),
            to_at=pl.col("time").max(),
            readings=pl.len().cast(pl.Int64),
            detail=pl.col("detail").first(),
            known_at=pl.col("known_at").max(),
        )
        .with_columns(fault=pl.lit(fault))
        .select(*FAULTS_SCHEMA)
        .cast(FAULTS_SCHEMA)
    )


def _gap_faults(gaps: pl.DataFrame) -> list[pl.DataFrame]:
    """Long gaps each, short ones summed up per month."""
    long = gaps.filter(pl.col("missing") > SHORT_GAP).select(
        *SERIES,
        "from_at",
        "to_at",
        fault=pl.lit("gap"),
        readings="missing",
        detail=pl.format("{} readings missing in a row", "missing"),
        known_at="known_at",
    )
    short = (
        gaps.filter(pl.col("missing") <= SHORT_GAP)
        .group_by(*SERIES, pl.col("from_at").dt.truncate("1mo").alias("month"))
        .agg(
            pl.col("from_at").min(),
            pl.col("to_at").max(),
            pl.col("known_at").max(),
            readings=pl.col("missing").sum(),
            detail=pl.format("{} short gaps in a month", pl.len()),
        )
        .with_columns(fault=pl.lit("gap"))
    )
    return [frame.select(*FAULTS_SCHEMA).cast(FAULTS_SCHEMA) for frame in (long, short)]
