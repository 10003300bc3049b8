"""Recall and precision of cleaning per kind of fault, against truth that was put in."""

from collections.abc import Iterable

import polars as pl

from benchmarks.sensor_faults import CLASSES, Faulty
from features.sensors import Cleaned, clean
from pipelines.sources.logger_profile import SENTINEL_SCHEMA

NO_SENSORS = pl.DataFrame(schema={"sensor_id": pl.String, "installed_on": pl.Date})
NO_WORDS = pl.DataFrame(schema=SENTINEL_SCHEMA)
Counts = dict[str, tuple[int, int, int]]
"""Kind → put in, found, found of those put in."""


def score(cases: Iterable[Faulty]) -> Counts:
    """Clean each case and count, rows for all kinds but gaps, which are counted each."""
    total = dict.fromkeys(CLASSES, (0, 0, 0))
    for case in cases:
        cleaned = clean(case.raw, NO_SENSORS, NO_WORDS, timezone="Asia/Shanghai")
        counted = _rows(cleaned) | {"gap": _gaps(cleaned, case.gaps)}
        total = {k: tuple(a + b for a, b in zip(total[k], counted[k], strict=True)) for k in total}  # type: ignore[misc]
    return total


def _rows(cleaned: Cleaned) -> Counts:
    """An impossible value (range) is a spike that was noticed by its size."""
    said = (
        pl.when("duplicate")
        .then(pl.lit("duplicate"))
        .when(pl.col("clock_fault").is_not_null())
        .then(pl.lit("clock"))
        .when(pl.col("flag") == "range")
        .then(pl.lit("spike"))
        .otherwise("flag")
    )
    marks = cleaned.marks.select("truth", said=said)
    return {
        kind: (
            marks.filter(pl.col("truth") == kind).height,
            marks.filter(pl.col("said") == kind).height,
            marks.filter(pl.col("truth") == kind, pl.col("said") == kind).height,
        )
        for kind in CLASSES
        if kind != "gap"
    }


def _gaps(cleaned: Cleaned, put_in: pl.DataFrame) -> tuple[int, int, int]:
    """A gap counts once per device, whatever quantities show it; found ones that overlap count for each other."""
    found = cleaned.gaps.select("sensor_id", "from_at", "to_at").unique()
    pairs = found.join(put_in, on="sensor_id", suffix="_true").filter(
        pl.col("from_at") <= pl.col("to_at_true"), pl.col("to_at") >= pl.col("from_at_true")
    )
    hits = pairs.select("sensor_id", "from_at_true").unique().height
    wrong = found.height - pairs.select("sensor_id", "from_at").unique().height
    return put_in.height, hits + wrong, hits


def recall_and_precision(counts: tuple[int, int, int]) -> tuple[float, float]:
    """Found of those put in ÷ put in, and ÷ found; 1 where there is nothing to divide by."""
    put_in, found, hits = counts
    return (hits / put_in if put_in else 1.0), (hits / found if found else 1.0)
