"""A second opinion on the expected value: one boosted-tree model fed its own forecasts day by day, by mlforecast."""

from datetime import date, timedelta

import lightgbm as lgb
import polars as pl
from mlforecast import MLForecast
from mlforecast.lag_transforms import ExpandingMean, RollingMean, SeasonalRollingMean
from mlforecast.target_transforms import LocalStandardScaler

from features.panel import Panel

LEAST_DAYS = 56
LAGS = (1, 2, 3, 7, 14, 21, 28)
STATICS = ("product", "channel", "family")
DRAWS = 2
"""Models of other seeds, each fed its own forecasts, for each way of measuring sales; their mean counts."""


def recursive_kg(panel: Panel, *, origin: date, horizon_days: int, seed: int, threads: int) -> pl.DataFrame:
    """Expect kg per day ahead from lags, means, weekday, days off and events known at the origin.

    Half of it measures each series in its own standard deviation, so that small and large ones weigh alike, half in kg. The
    absolute error is what is made small: days far out of line pull less than in the direct model, which is why the two are
    worth averaging.

    Args:
        panel: What is known; only days until `origin` are used, closed days as 0.
        origin: Last known day.
        horizon_days: Days ahead; the panel's calendar and events must reach so far.
        seed: Of rows and features drawn.
        threads: For LightGBM; the result does not depend on it.

    Returns:
        `series`, `date`, `recursive_kg` (≥ 0), sorted; only of series with at least 56 days until the origin whose sales were
        not the same every day. Empty when there is none.

    Source: mlforecast; recursive against direct, Taieb & Hyndman, Recursive and direct multi-step forecasting (2012).
    """
    known = _long_enough(panel.days.filter(pl.col("date") <= origin))
    if known.is_empty():
        return known.select("series", "date", recursive_kg=pl.lit(0.0))
    codes = [
        pl.col(f"{name}_id" if name != "family" else name).rank("dense").cast(pl.Int32).alias(name)
        for name in STATICS
    ]
    of_series = panel.series.with_columns(codes).select("series", "channel_id", *STATICS)
    train = _with_days(
        known.select("series", "date", y=pl.col("sold_kg").fill_null(0)), of_series, panel, origin
    )
    days = pl.DataFrame({"date": [origin + timedelta(days=h) for h in range(1, horizon_days + 1)]})
    asked = train.select(series="unique_id").unique().join(days, how="cross")
    future = _with_days(asked, of_series, panel, origin).drop(STATICS)
    found = pl.concat(_fed(train, future, scaled, horizon_days, seed, threads) for scaled in (True, False))
    return (
        found.group_by(
            pl.col("unique_id").cast(panel.days.schema["series"]).alias("series"),
            pl.col("ds").cast(pl.Date).alias("date"),
        )
        .agg(recursive_kg=pl.col("kg").mean())
        .sort("series", "date")
    )


def _fed(
    train: pl.DataFrame, future: pl.DataFrame, scaled: bool, horizon_days: int, seed: int, threads: int
) -> pl.DataFrame:
    """`unique_id`, `ds`, `kg` (≥ 0): sales in kg or in each series' own standard deviation, day fed by day."""
    forecaster = MLForecast(
        models={f"kg_{i}": _booster(seed + i, threads) for i in range(DRAWS)},
        freq="1d",
        lags=list(LAGS),
        lag_transforms={1: [RollingMean(7), RollingMean(28), SeasonalRollingMean(7, 4), ExpandingMean()]},
        date_features=["weekday"],
        target_transforms=[LocalStandardScaler()] if scaled else None,
        num_threads=threads,
    )
    forecaster.fit(train, static_features=list(STATICS))
    ahead: pl.DataFrame = forecaster.predict(horizon_days, X_df=future)
    draws = [pl.col(f"kg_{i}").cast(pl.Float64).clip(0) for i in range(DRAWS)]
    return ahead.select("unique_id", "ds", kg=pl.mean_horizontal(draws))


def _long_enough(days: pl.DataFrame) -> pl.DataFrame:
    kg = pl.col("sold_kg").fill_null(0)
    return days.filter((pl.len().over("series") >= LEAST_DAYS) & (kg.std().over("series") > 0))


def _with_days(rows: pl.DataFrame, of_series: pl.DataFrame, panel: Panel, origin: date) -> pl.DataFrame:
    """Add what is known of each day: days off, and the events of the channel that the origin knew."""
    events = (
        panel.campaigns.filter(pl.col("event_known_on") <= origin)
        .filter(pl.col("campaign_day") > 0)
        .group_by("channel_id", "date")
        .agg(events=pl.len().cast(pl.Float32), event_share=pl.col("campaign_discount").max())
    )
    off = panel.calendar.select("date", pl.col("is_day_off", "is_holiday").cast(pl.Float32))
    return (
        rows.with_columns(pl.col("series").cast(of_series.schema["series"]))
        .join(of_series, on="series", how="left")
        .join(events, on=["channel_id", "date"], how="left")
        .join(off, on="date", how="left")
        .with_columns(pl.col("events", "event_share").fill_null(0))
        .drop("channel_id")
        .rename({"series": "unique_id", "date": "ds"})
        .with_columns(pl.col("unique_id").cast(pl.Int64))
        .sort("unique_id", "ds")
    )


def _booster(seed: int, threads: int) -> lgb.LGBMRegressor:
    return lgb.LGBMRegressor(
        objective="mae", n_estimators=300, num_leaves=15, min_child_samples=30, learning_rate=0.05, subsample=0.7,
        subsample_freq=1, colsample_bytree=0.7, random_state=seed, n_jobs=threads, deterministic=True,
        force_row_wise=True, verbosity=-1,
    )  # fmt: skip
