"""Selling regions named by order lines, as rows of the table region."""

from datetime import UTC, datetime

import polars as pl

from pipelines.sources.kinds import Batch
from pipelines.sources.provinces import region_name

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""A province was there before any file: its row is the same whichever file names it first."""


def region_batch(rows: pl.DataFrame) -> Batch | None:
    """The regions of these order lines; None where they name none."""
    regions = rows["region_id"].drop_nulls().unique().sort()
    if regions.is_empty():
        return None
    table = pl.DataFrame(
        {
            "region_id": regions,
            "name": [region_name(region) for region in regions],
            "known_at": pl.repeat(ALWAYS, len(regions), dtype=pl.Datetime("us", "UTC"), eager=True),
            "line_number": pl.repeat(0, len(regions), dtype=pl.Int64, eager=True),
        }
    )
    return Batch("region", table)
