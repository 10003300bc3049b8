"""The sample county's sensors as a case for scoring: its readings, and the truth of the faults it put in."""

from datetime import timedelta

import polars as pl

from benchmarks.sensor_faults import Faulty
from models.simulation.devices import Field
from models.simulation.world import build_world

ZONE = "Asia/Shanghai"


def county_case(seed: int, size: str = "demo") -> Faulty:
    """All sensors of a sample county of that size and seed, as its feeds deliver them."""
    field = build_world(size, seed).field
    rows = _long(field)
    row_faults = field.faults.filter(pl.col("fault").is_in(["spike", "sentinel", "stuck"]))
    inside = (
        rows.select("row", "sensor_id", "quantity", "true_at")
        .join(row_faults, on=["sensor_id", "quantity"], how="inner")
        .filter(pl.col("true_at").is_between("from_at", "to_at"))
        .select("row", "fault")
    )
    repeated = pl.struct("sensor_id", "quantity", "seq").is_first_distinct().not_()
    truth = (
        pl.when(repeated)
        .then(pl.lit("duplicate"))
        .when(pl.col("measured_at") != pl.col("true_at"))
        .then(pl.lit("clock"))
        .otherwise("fault")
    )
    marked = rows.join(inside, on="row", how="left", maintain_order="left").with_columns(truth=truth)
    gaps = field.faults.filter(pl.col("fault") == "gap").select(
        "sensor_id", from_at=_utc("from_at"), to_at=_utc("to_at")
    )
    return Faulty(_as_raw(marked), gaps)


def _utc(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")


def _long(field: Field) -> pl.DataFrame:
    """One row per message and quantity; `true_at` counts hours from the device's first message."""
    names = [c for c in field.readings.columns if c not in ("sensor_id", "model", "measured_at", "seq")]
    first = pl.col("measured_at").filter(pl.col("seq") == 0).first().over("sensor_id")
    return (
        field.readings.with_row_index("line_number")
        .with_columns(pl.col("line_number").cast(pl.Int64), start=first)
        .with_columns(true_at=pl.col("start") + pl.duration(hours=pl.col("seq")))
        .unpivot(
            names,
            index=["line_number", "sensor_id", "seq", "measured_at", "true_at"],
            variable_name="quantity",
        )
        .filter(pl.col("value").is_not_null())
        .sort("line_number", "quantity")
        .with_row_index("row")
    )


def _as_raw(rows: pl.DataFrame) -> pl.DataFrame:
    arrived = _utc("true_at").max() + timedelta(days=1)
    return rows.select(
        "sensor_id",
        "quantity",
        "value",
        "line_number",
        "truth",
        measured_at=_utc("measured_at"),
        status=pl.lit(None, pl.String),
        profile=pl.lit("sample"),
        is_history=pl.lit(value=True),
        span_from=pl.lit(None, pl.Date),
        span_to=pl.lit(None, pl.Date),
        file_order=pl.lit(0),
        arrived_at=arrived,
        known_at=arrived,
    )
