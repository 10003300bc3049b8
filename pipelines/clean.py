"""The edge of sensor cleaning: raw readings out of the warehouse, cleaned ones and counted faults into it."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from features.sensors import FAULTS_SCHEMA, FLAGS, Cleaned, clean
from pipelines.sources.logger_profile import declared_sentinels
from pipelines.sources.readings import UNDECLARED
from warehouse import Warehouse

SPAN_IN_NAME = re.compile(r"(\d{4})-(\d{2})_(\d{4})-(\d{2})")
"""File names that say which months they hold: station_2020-11_2021-03.csv."""


@dataclass(frozen=True)
class CleanReport:
    """What one cleaning did."""

    devices: int
    readings: int
    """Cleaned readings looked at (new and re-judged)."""
    flagged: int
    """Of them, not good (frozen soil counts as good)."""
    written: int
    """New versions in the warehouse."""
    faults: dict[str, int]
    """Fault → readings, of the stretches looked at."""
    new_sensors: tuple[str, ...]


def clean_readings(warehouse: Warehouse, *, known_by: datetime, since: datetime | None = None) -> CleanReport:
    """Clean what came since the last time; twice gives the same warehouse.

    Args:
        known_by: Raw readings known by then are used.
        since: Clean all devices again from this instant on, not only what is new.
    """
    with warehouse.transaction():
        due = _due(warehouse, known_by, since)
        _write(warehouse, "sensor_fault", warehouse.query("reading_file_faults", known_by=known_by))
        if due.is_empty():
            return CleanReport(0, 0, 0, 0, {}, ())
        cleaned = _clean(warehouse, due, known_by)
        added = _add_sensors(warehouse, cleaned)
        written = _write(warehouse, "reading", cleaned.readings)
        _write_faults(warehouse, cleaned, due, known_by)
    bad = cleaned.readings.filter(pl.col("flag").is_not_null(), pl.col("flag") != "frozen").height
    counts = dict(
        cleaned.faults.group_by("fault", maintain_order=True).agg(pl.col("readings").sum()).iter_rows()
    )
    return CleanReport(due.height, cleaned.readings.height, bad, written, counts, added)


def _due(warehouse: Warehouse, known_by: datetime, since: datetime | None) -> pl.DataFrame:
    """Devices to clean and from when: `device`, `since`."""
    if since is None:
        return warehouse.query("readings_due", known_by=known_by)
    every = "select distinct split_part(sensor_id, '/', 1) as device, $since::timestamptz as since from raw_reading"
    return warehouse.sql(f"{every} where known_at <= $known_by", known_by=known_by, since=since)


def _clean(warehouse: Warehouse, due: pl.DataFrame, known_by: datetime) -> Cleaned:
    raw = warehouse.query("readings_raw", known_by=known_by, devices=due["device"].to_list())
    names = raw["file_name"].unique().sort().to_list()
    spans = pl.DataFrame(
        [(name, *declared_span(name)) for name in names],
        schema={"file_name": pl.String, "span_from": pl.Date, "span_to": pl.Date},
        orient="row",
    )
    order = (
        raw.select("arrived_at", "file_name", "file_id").unique().sort(pl.all()).with_row_index("file_order")
    )
    rows = raw.join(spans, on="file_name").join(order.select("file_id", "file_order"), on="file_id")
    sensors = warehouse.read("sensor").select("sensor_id", "installed_on")
    first = due["since"].min()
    return clean(
        rows,
        sensors,
        declared_sentinels(),
        timezone=warehouse.zone,
        since=first if isinstance(first, datetime) else None,
    )


def declared_span(name: str) -> tuple[date | None, date | None]:
    """First and last day of the months a file's name declares; nulls when it declares none."""
    if (found := SPAN_IN_NAME.search(name)) is None:
        return None, None
    first_year, first_month, last_year, last_month = (int(part) for part in found.groups())
    if not (
        1 <= first_month <= 12
        and 1 <= last_month <= 12
        and (first_year, first_month) <= (last_year, last_month)
    ):
        return None, None
    after = date(last_year + last_month // 12, last_month % 12 + 1, 1)
    return date(first_year, first_month, 1), after - timedelta(days=1)


def _add_sensors(warehouse: Warehouse, cleaned: Cleaned) -> tuple[str, ...]:
    """A sensor row for each believed id that nobody has declared."""
    known = warehouse.read("sensor")["sensor_id"].to_list()
    profile = cleaned.marks.select("sensor_id", model="profile").unique(
        "sensor_id", keep="first", maintain_order=True
    )
    fresh = (
        cleaned.readings.filter(~pl.col("sensor_id").is_in(known))
        .select(pl.col("sensor_id").unique().sort())
        .join(profile, on="sensor_id", how="left", maintain_order="left")
        .with_columns(known_at=pl.lit(UNDECLARED).dt.cast_time_unit("us"))
    )
    _write(warehouse, "sensor", fresh)
    return tuple(fresh["sensor_id"])


def _write(warehouse: Warehouse, table: str, rows: pl.DataFrame) -> int:
    """Take rows in; rows that the schema refuses are a mistake of cleaning, so they are an error.

    Raises:
        ValueError: The table refuses a row.
    """
    if rows.is_empty():
        return 0
    numbered = rows.with_row_index("line_number", 1).with_columns(pl.col("line_number").cast(pl.Int64))
    taken = warehouse.take_in(table, numbered, "clean")
    if taken.rejected_frame.height:
        first = taken.rejected_frame.row(0, named=True)
        raise ValueError(f"cleaning made rows that {table} refuses: {first['rule']}, {first['detail']}")
    return taken.taken


def _write_faults(warehouse: Warehouse, cleaned: Cleaned, due: pl.DataFrame, known_by: datetime) -> None:
    """Write the faults found; one found before in the same stretch of time and not now gets 0 readings."""
    judged = pl.lit(value=True)
    if cleaned.start:
        judged = ~pl.col("fault").is_in(FLAGS) | (pl.col("from_at") >= cleaned.start)
    before = warehouse.read("sensor_fault", known_by=known_by).filter(
        pl.col("sensor_id").str.split("/").list.first().is_in(due["device"].to_list()),
        pl.col("readings") > 0,
        judged,
    )
    gone = before.join(
        cleaned.faults, on=["sensor_id", "quantity", "fault", "from_at"], how="anti"
    ).with_columns(
        readings=pl.lit(0, pl.Int64),
        detail=pl.lit("no longer found"),
        known_at=pl.lit(known_by).dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
    )
    _write(
        warehouse,
        "sensor_fault",
        pl.concat([cleaned.faults, gone.select(FAULTS_SCHEMA.names()).cast(FAULTS_SCHEMA)]),
    )
