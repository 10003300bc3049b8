"""How good the last matured forecasts were beside the seasonal naive baseline."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from serving.published import Release

BASELINE = "seasonal_naive"


@dataclass(frozen=True)
class Score:
    """Weighted absolute percentage error over everything (share), of the newest forecast that was scored."""

    scored_cutoff: date
    ours: float
    naive: float | None


def newest(release: Release) -> Score | None:
    """The newest overall score, or None before any forecast has matured."""
    rows = release.frame("forecast_score").filter(
        pl.col("segment") == "all", pl.col("lead_days") == "all", pl.col("metric") == "wape"
    )
    ours = rows.filter(pl.col("method") == "anxu").sort("scored_cutoff", "cutoff")
    if ours.is_empty():
        return None
    last = ours.row(-1, named=True)
    beside = rows.filter(
        pl.col("method") == BASELINE,
        pl.col("scored_cutoff") == last["scored_cutoff"],
        pl.col("cutoff") == last["cutoff"],
    )["value"]
    return Score(last["scored_cutoff"], last["value"], beside[0] if len(beside) else None)
