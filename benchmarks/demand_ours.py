"""Our forecast of one origin, through the calls the nightly run makes: recover, lay out, learn, predict."""

from datetime import date

import polars as pl

from benchmarks.demand_case import known_tables
from benchmarks.demand_names import DECILES, DEMAND, OURS
from benchmarks.fresh_data import FreshData, series_keys
from benchmarks.latent_days import recovered_days
from features.assemble import future_frame
from features.calendar import SERIES
from features.panel import build_panel
from models.evaluation.metrics import quantile_column
from models.forecasting.demand import DemandParams
from models.forecasting.learning import learn

PARAMS = DemandParams(
    max_rows=330_000,
    trees=180,
    leaves=31,
    learning_rate=0.08,
    tweedie_power=1.3,
    level_weight=0.8,
    recovered_weight=0.5,
    least_leaf_rows=60,
    feature_share=0.3,
    category_smoothing=200.0,
    least_history_days=14,
    held_out_days=14,
    held_out_rows=130_000,
    usual_share=0.7,
)
"""Chosen on origins before those that are scored (docs/methods-forecasting.md, "Real days")."""


def forecast(
    data: FreshData,
    *,
    origin: date,
    horizon: int,
    seed: int,
    threads: int,
    params: DemandParams = PARAMS,
) -> pl.DataFrame:
    """Forecast the days after `origin`.

    Returns:
        `unique_id`, `ds`, 'anxu' (mean of what sells in stock) and its deciles 'anxu_0.1' …, 'anxu_demand' (mean of demand).
    """
    latent = recovered_days(data.until(origin), seed=seed, threads=threads)
    tables = known_tables(data, latent, origin=origin, horizon=horizon)
    panel = build_panel(tables, cutoff=origin, horizon_days=horizon)
    model = learn(
        panel, last=origin, params=params, horizon_days=horizon, levels=DECILES, seed=seed, threads=threads
    )
    rows = future_frame(panel, origin=origin, horizon_days=horizon)
    long = model.predict(rows, threads=threads)
    wide = long.group_by(*SERIES, "forecast_date", maintain_order=True).agg(
        pl.col("in_stock_expected_kg").first().alias(OURS),
        pl.col("expected_kg").first().alias(DEMAND),
        *(
            pl.col("in_stock_kg").filter(pl.col("level") == q).first().alias(quantile_column(OURS, q))
            for q in DECILES
        ),
    )
    keys = series_keys(data.series).select("series_id", *SERIES)
    return wide.join(keys, on=SERIES, how="inner").select(
        pl.col("series_id").alias("unique_id"),
        pl.col("forecast_date").alias("ds"),
        pl.exclude("series_id", "forecast_date", *SERIES),
    )
