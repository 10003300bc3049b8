"""From a panel to a fitted demand model: which days teach the mean, which teach the spread."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from features.assemble import scored_frame, training_frame
from features.panel import Panel
from models.forecasting.demand import DemandModel, DemandParams, fit, fit_mean
from models.forecasting.intervals import RatioTable


def learn(
    panel: Panel,
    *,
    last: date,
    params: DemandParams,
    horizon_days: int,
    levels: Sequence[float],
    seed: int,
    threads: int,
) -> DemandModel:
    """Learn from the days until `last`: the spread from the newest ones, held out; then the mean once more from all.

    Raises:
        TooLittleHistoryError: Too little history: no row before or in the held-out days.
    """
    border = last - timedelta(days=params.held_out_days)
    early = training(panel, last=border, params=params, horizon_days=horizon_days, seed=seed)
    weeks = range(0, params.held_out_days, 7)
    held_out = pl.concat(
        scored_frame(panel, origin=border + timedelta(days=w), horizon_days=horizon_days) for w in weeks
    ).filter(pl.col("date") <= last)
    spread = fit(early, held_out, params=params, levels=levels, seed=seed, threads=threads).ratios
    return relearn(
        panel, last=last, params=params, ratios=spread, horizon_days=horizon_days, seed=seed, threads=threads
    )


def relearn(
    panel: Panel,
    *,
    last: date,
    params: DemandParams,
    ratios: RatioTable,
    horizon_days: int,
    seed: int,
    threads: int,
) -> DemandModel:
    """Learn the mean from all days until `last`; the spread was learnt before."""
    rows = training(panel, last=last, params=params, horizon_days=horizon_days, seed=seed)
    return fit_mean(rows, params=params, ratios=ratios, seed=seed, threads=threads)


def training(panel: Panel, *, last: date, params: DemandParams, horizon_days: int, seed: int) -> pl.DataFrame:
    """The rows the mean learns from, as the parameters ask."""
    return training_frame(
        panel,
        last=last,
        days=params.train_days,
        horizon_days=horizon_days,
        max_rows=params.max_rows,
        seed=seed,
    )
