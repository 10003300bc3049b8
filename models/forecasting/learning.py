"""From a panel to a fitted demand model: which days teach the mean, which teach the spread."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from features.assemble import scored_frame, training_frame
from features.panel import Panel
from models.forecasting.demand import DemandModel, DemandParams, Spreads, fit, fit_mean


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
    rows = held_out(panel, first=border, last=last, params=params, horizon_days=horizon_days, seed=seed)
    spreads = fit(early, rows, params=params, levels=levels, seed=seed, threads=threads).spreads
    return relearn(
        panel,
        last=last,
        params=params,
        spreads=spreads,
        horizon_days=horizon_days,
        seed=seed,
        threads=threads,
    )


def held_out(
    panel: Panel, *, first: date, last: date, params: DemandParams, horizon_days: int, seed: int
) -> pl.DataFrame:
    """Days after `first` until `last` as seen from origins a week apart, at most `held_out_rows` of them, drawn evenly."""
    origins = [first + timedelta(days=week) for week in range(0, (last - first).days, 7)]
    most = -(-params.held_out_rows // len(origins))
    return pl.concat(
        scored_frame(panel, origin=origin, horizon_days=horizon_days, last=last, max_rows=most, seed=seed + i)
        for i, origin in enumerate(origins)
    )


def relearn(
    panel: Panel,
    *,
    last: date,
    params: DemandParams,
    spreads: Spreads | None,
    horizon_days: int,
    seed: int,
    threads: int,
) -> DemandModel:
    """Learn the mean from all days until `last`; the spread was learnt before."""
    rows = training(panel, last=last, params=params, horizon_days=horizon_days, seed=seed)
    return fit_mean(rows, params=params, spreads=spreads, seed=seed, threads=threads)


def training(panel: Panel, *, last: date, params: DemandParams, horizon_days: int, seed: int) -> pl.DataFrame:
    """The rows the mean learns from, as the parameters ask."""
    return training_frame(
        panel,
        last=last,
        days=params.train_days,
        horizon_days=horizon_days,
        max_rows=params.max_rows,
        least_history_days=params.least_history_days,
        seed=seed,
    )
