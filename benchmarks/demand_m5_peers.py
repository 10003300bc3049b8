"""Forecasters of others on series of whole units, at the leaves and summed to store-departments."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import polars as pl

from benchmarks.demand_m5_data import NODE, M5Data
from benchmarks.demand_peers import (
    DECILES,
    MEDIAN,
    STATISTICAL,
    last_week,
    lightgbm_deciles,
    lightgbm_point,
    statistical,
    weekly_mean,
)
from models.evaluation.metrics import quantile_column

POINTS = ("tweedie", "mae")
Forecasts = dict[str, pl.DataFrame]
"""Method → `item_id`, `store_id`, `date`, `mean` and 'q_LEVEL' for each of DECILES."""


def learners(
    data: M5Data, *, origin: date, horizon: int, seed: int, threads: int
) -> dict[str, Callable[[], Forecasts]]:
    """The peers that learn from all series at once, and the two plain ones, each to be run on its own.

    A method that gives one figure a day has it at every level, as users of such tools do.
    """
    train, future, named = _frames(data, origin, horizon)
    statics = ["item", "dept", "store", "state"]

    def point(objective: str) -> Forecasts:
        found = lightgbm_point(
            train, future, objective=objective, horizon=horizon, statics=statics, seed=seed, threads=threads
        )
        return {objective: _same_at_all(found, objective, named)}

    def deciles() -> Forecasts:
        found = lightgbm_deciles(
            train, future, horizon=horizon, statics=statics, seed=seed, threads=threads, levels=DECILES
        )
        return {"decile": _named(found, quantile_column("decile", 0.5), "decile", named)}

    def plain() -> Forecasts:
        short = train.select("unique_id", "ds", "y")
        return {
            "mean_7": _same_at_all(weekly_mean(short, horizon=horizon), "mean_7", named),
            "naive_7": _same_at_all(
                last_week(short, horizon=horizon).with_columns(pl.col("naive_7").fill_null(0)),
                "naive_7",
                named,
            ),
        }

    return {
        "plain": plain,
        **{name: (lambda name=name: point(name)) for name in POINTS},  # type: ignore[misc]
        "decile": deciles,
    }


def statistics(data: M5Data, *, origin: date, horizon: int) -> Forecasts:
    """AutoETS, AutoCES, DynamicOptimizedTheta and their median, series by series."""
    train, _, named = _frames(data, origin, horizon)
    found = statistical(train.select("unique_id", "ds", "y"), horizon=horizon, levels=DECILES)
    return {name: _named(found, name, name, named) for name in (*STATISTICAL, MEDIAN)}


def sums(leaves: Forecasts, data: M5Data) -> Forecasts:
    """Leaf forecasts added up to store-departments, as `METHOD (summed)`; each level the sum of the leaves' level."""
    department = data.sales.select("item_id", "store_id", "dept_id").unique()
    columns = ["mean", *(f"q_{q:g}" for q in DECILES)]
    return {
        f"{method} (summed)": found.join(department, on=["item_id", "store_id"])
        .group_by(*NODE, "date")
        .agg(pl.col(columns).sum())
        .rename({"dept_id": "item_id"})
        for method, found in leaves.items()
    }


def _frames(data: M5Data, origin: date, horizon: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Training rows with events and ids as whole numbers, the days ahead with theirs, and what the numbers stand for."""
    known = data.until(origin).sales
    codes = [
        pl.col(f"{name}_id").rank("dense").cast(pl.Int32).alias(name)
        for name in ("item", "dept", "store", "state")
    ]
    named = (
        known.select("item_id", "dept_id", "store_id", "state_id")
        .unique()
        .sort("item_id", "store_id")
        .with_columns(*codes)
        .with_row_index("unique_id")
        .with_columns(pl.col("unique_id").cast(pl.Int64))
    )
    flags = [c for c in data.calendar.columns if c != "date"]
    calendar = data.calendar.select(ds="date", **{c: pl.col(c).cast(pl.Int8) for c in flags})
    train = (
        known.select("item_id", "store_id", ds="date", y=pl.col("sold").cast(pl.Float32))
        .join(named.drop("dept_id", "state_id"), on=["item_id", "store_id"])
        .drop("item_id", "store_id")
        .join(calendar, on="ds", how="left")
        .sort("unique_id", "ds")
    )
    ahead = calendar.filter(pl.col("ds").is_between(origin, origin + timedelta(days=horizon), closed="right"))
    future = named.select("unique_id").join(ahead, how="cross").sort("unique_id", "ds")
    return train, future, named.select("unique_id", "item_id", "store_id")


def _same_at_all(found: pl.DataFrame, column: str, named: pl.DataFrame) -> pl.DataFrame:
    at = [pl.col(column).alias(quantile_column(column, q)) for q in DECILES]
    return _named(found.with_columns(at), column, column, named)


def _named(found: pl.DataFrame, mean: str, prefix: str, named: pl.DataFrame) -> pl.DataFrame:
    columns: Sequence[pl.Expr] = [pl.col(quantile_column(prefix, q)).alias(f"q_{q:g}") for q in DECILES]
    return found.join(named, on="unique_id").select(
        "item_id", "store_id", pl.col("ds").cast(pl.Date).alias("date"), pl.col(mean).alias("mean"), *columns
    )
