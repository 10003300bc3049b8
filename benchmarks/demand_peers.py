"""Forecasters of others run beside ours: mlforecast with LightGBM, statsforecast, and plain means.

All take a long frame `unique_id` (whole number), `ds` (date), `y` (≥ 0, one row a day without gaps), and return
`unique_id`, `ds` and a column per method for the days after the last one, never below 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm as lgb
import polars as pl

from benchmarks.demand_names import DECILES as DECILES
from benchmarks.demand_names import MEDIAN as MEDIAN
from benchmarks.demand_names import STATISTICS
from models.evaluation.metrics import quantile_column

OBJECTIVES: Mapping[str, Mapping[str, object]] = {
    "tweedie": {"objective": "tweedie", "tweedie_variance_power": 1.1},
    "mae": {"objective": "mae"},
}
LAGS = (1, 2, 3, 7, 14, 28)
STATISTICAL = STATISTICS


def lightgbm_point(
    train: pl.DataFrame,
    future: pl.DataFrame | None,
    *,
    objective: str,
    horizon: int,
    statics: Sequence[str],
    seed: int,
    threads: int,
    weight: str | None = None,
) -> pl.DataFrame:
    """One recursive LightGBM over all series, as mlforecast's users set it up.

    Args:
        train: `unique_id`, `ds`, `y`, the covariates, `statics` and, if named, `weight`.
        future: `unique_id`, `ds` and the covariates of the days ahead; None when there are none.
        objective: A key of OBJECTIVES; also the name of the returned column.
        horizon: Days ahead.
        statics: Columns of `train` that never change within a series.
        seed: As for LightGBM.
        threads: As for LightGBM.
        weight: Column of `train` by which rows are weighed.
    """
    model = _booster(seed, threads, **OBJECTIVES[objective])
    return _fit_predict({objective: model}, train, future, horizon, statics, threads, weight)


def lightgbm_deciles(
    train: pl.DataFrame,
    future: pl.DataFrame | None,
    *,
    horizon: int,
    statics: Sequence[str],
    seed: int,
    threads: int,
    levels: Sequence[float] = DECILES,
) -> pl.DataFrame:
    """One recursive quantile LightGBM per level, each fed its own forecasts, sorted within a day; columns 'decile_0.1' …."""
    models = {
        quantile_column("decile", q): _booster(seed, threads, objective="quantile", alpha=q) for q in levels
    }
    found = _fit_predict(models, train, future, horizon, statics, threads, None)
    return _uncrossed(found, list(models))


def weekly_mean(train: pl.DataFrame, *, horizon: int) -> pl.DataFrame:
    """The mean of the last 7 days, for every day ahead: column 'mean_7'."""
    last = train.filter(pl.col("ds") > pl.col("ds").max().over("unique_id") - pl.duration(days=7))
    means = last.group_by("unique_id").agg(pl.col("ds").max(), mean_7=pl.col("y").mean())
    return _ahead(means, horizon).select("unique_id", "ds", "mean_7").sort("unique_id", "ds")


def last_week(train: pl.DataFrame, *, horizon: int) -> pl.DataFrame:
    """The same weekday of the last week known: column 'naive_7'."""
    ends = train.group_by("unique_id").agg(pl.col("ds").max())
    steps = _ahead(ends, horizon).with_columns(
        twin=pl.col("ds") - pl.duration(days=7 * ((pl.col("step") - 1) // 7 + 1))
    )
    known = train.select("unique_id", twin="ds", naive_7="y")
    return (
        steps.join(known, on=["unique_id", "twin"], how="left")
        .select("unique_id", "ds", "naive_7")
        .sort("unique_id", "ds")
    )


def statistical(train: pl.DataFrame, *, horizon: int, levels: Sequence[float] = ()) -> pl.DataFrame:
    """AutoETS, AutoCES and DynamicOptimizedTheta with a week's season, and their median.

    Args:
        train: `unique_id`, `ds`, `y`; a few thousand series at most.
        horizon: Days ahead.
        levels: Quantile levels wanted beside the point forecast, besides 0.5, which is the point.

    Returns:
        A column per method of STATISTICAL and 'median', and with `levels` one per method and level ('AutoETS_0.1').
    """
    from statsforecast import StatsForecast  # compiles for seconds: only for whoever asks
    from statsforecast.models import AutoCES, AutoETS, DynamicOptimizedTheta

    models = [
        AutoETS(season_length=7, alias="AutoETS"),
        AutoCES(season_length=7, alias="AutoCES"),
        DynamicOptimizedTheta(season_length=7, alias="DOT"),
    ]
    widths = sorted({round(abs(2 * q - 1) * 100, 6) for q in levels if q != 0.5})
    wanted: dict[str, Any] = {"level": widths} if widths else {}
    found: pl.DataFrame = StatsForecast(models=models, freq="1d", n_jobs=1).forecast(
        df=train.select("unique_id", "ds", "y"), h=horizon, **wanted
    )
    points = found.select("unique_id", "ds", *STATISTICAL)
    quantiles = [_side(name, q).alias(quantile_column(name, q)) for name in STATISTICAL for q in levels]
    wide = points.hstack(found.select(quantiles)) if quantiles else points
    wide = wide.with_columns(pl.exclude("unique_id", "ds").cast(pl.Float64).fill_nan(None).clip(0))
    for name in STATISTICAL:
        wide = _uncrossed(wide, [quantile_column(name, q) for q in levels])
    return wide.with_columns(
        _median(list(STATISTICAL)).alias(MEDIAN),
        *(
            _median([quantile_column(name, q) for name in STATISTICAL]).alias(quantile_column(MEDIAN, q))
            for q in levels
        ),
    )


def _booster(seed: int, threads: int, **objective: object) -> lgb.LGBMRegressor:
    return lgb.LGBMRegressor(
        n_estimators=500, num_leaves=64, learning_rate=0.05, random_state=seed, n_jobs=threads,
        deterministic=True, force_row_wise=True, verbosity=-1, **objective,
    )  # fmt: skip


def _fit_predict(
    models: Mapping[str, lgb.LGBMRegressor],
    train: pl.DataFrame,
    future: pl.DataFrame | None,
    horizon: int,
    statics: Sequence[str],
    threads: int,
    weight: str | None,
) -> pl.DataFrame:
    from mlforecast import MLForecast  # compiles for seconds: only for whoever asks
    from mlforecast.lag_transforms import ExpandingMean, RollingMean

    forecaster = MLForecast(
        models=dict(models),
        freq="1d",
        lags=list(LAGS),
        lag_transforms={1: [RollingMean(7), RollingMean(28), ExpandingMean()]},
        date_features=["weekday"],
        num_threads=threads,
    )
    forecaster.fit(train, static_features=list(statics), weight_col=weight, cache_train_df=False)
    found: pl.DataFrame = forecaster.predict(horizon, X_df=future)
    return found.with_columns(pl.col(list(models)).cast(pl.Float64).clip(0))


def _ahead(ends: pl.DataFrame, horizon: int) -> pl.DataFrame:
    steps = pl.DataFrame({"step": range(1, horizon + 1)}, schema={"step": pl.Int64})
    return ends.join(steps, how="cross").with_columns(ds=pl.col("ds") + pl.duration(days=pl.col("step")))


def _side(name: str, level: float) -> pl.Expr:
    """The end of statsforecast's interval that is this level."""
    if level == 0.5:
        return pl.col(name)
    width = round(abs(2 * level - 1) * 100, 6)
    return pl.col(f"{name}-{'lo' if level < 0.5 else 'hi'}-{width}")


def _uncrossed(wide: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Sort each row's values over its columns, which stand for ascending levels."""
    if not columns:
        return wide
    rows = pl.concat_list(columns).list.sort()
    return wide.with_columns(rows.list.get(i).alias(column) for i, column in enumerate(columns))


def _median(columns: Sequence[str]) -> pl.Expr:
    return pl.concat_list(columns).list.median()
