"""How good forecasts were beside the seasonal naive baseline: the last matured ones, else the model's backtest."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from serving.published import Release

BASELINE = "seasonal_naive"


@dataclass(frozen=True)
class Score:
    """Weighted absolute percentage error over everything (share)."""

    scored_cutoff: date | None
    """Cutoff of the forecast that was scored; None where it is the model's backtest."""
    ours: float
    naive: float | None


def newest(release: Release) -> Score | None:
    """The newest overall score; before any forecast has matured, the backtest of the model in use, if there is one."""
    rows = release.frame("forecast_score").filter(
        pl.col("segment") == "all", pl.col("lead_days") == "all", pl.col("metric") == "wape"
    )
    ours = rows.filter(pl.col("method") == "anxu").sort("scored_cutoff", "cutoff")
    if ours.is_empty():
        return _backtest(release)
    last = ours.row(-1, named=True)
    beside = rows.filter(
        pl.col("method") == BASELINE,
        pl.col("scored_cutoff") == last["scored_cutoff"],
        pl.col("cutoff") == last["cutoff"],
    )["value"]
    return Score(last["scored_cutoff"], last["value"], beside[0] if len(beside) else None)


def _backtest(release: Release) -> Score | None:
    rows = release.frame("model_error").filter(pl.col("metric") == "wape").drop_nulls("anxu")
    return Score(None, rows["anxu"][0], rows[BASELINE][0]) if rows.height else None
