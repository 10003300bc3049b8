"""What the runs page shows."""

from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import runs as reads

MOST = 50


def nights(release: Release) -> dict[str, Any]:
    """Values for runs.html: each table's first rows and how many there are."""
    sensors = reads.sensors(release).sort(
        reads.has_fault(),
        pl.col("silent_hours"),
        "sensor_id",
        descending=[True, True, False],
        nulls_last=True,
    )
    tables = {
        "runs": release.made(reads.runs),
        "rejected": reads.rejected(release),
        "rejected_rows": reads.rejected_rows(release),
        "files": reads.files(release),
        "unmapped": reads.unmapped(release),
        "sensors": sensors,
    }
    return {
        name: {"rows": frame.head(MOST).to_dicts(), "total": frame.height} for name, frame in tables.items()
    }
