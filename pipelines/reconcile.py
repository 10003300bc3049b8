"""Make days and weeks agree, add leaves up to every node above them, and learn from backtests how to do both."""

from datetime import date, timedelta

import polars as pl

from features.calendar import SERIES
from models.evaluation.backtest import OURS, Backtest
from models.evaluation.metrics import quantile_column
from models.forecasting.node_spread import (
    NODE_KEYS,
    NOTHING_SEEN,
    NodeSpread,
    fit_node_spread,
    leaf_deviation,
    node_sums,
)
from models.forecasting.reconcile import (
    DAYS_ALONE,
    NODE,
    HorizonWeights,
    agree,
    leaf_quantiles,
    learn_weights,
    season_means,
    week_pairs,
)
from models.forecasting.season import season_forecast
from pipelines.scenarios import family_sales
from settings import Settings
from warehouse import Warehouse

RECENT_DAYS = 364
"""Sales of so many days say which part of a node the daily forecast covers."""


def agree_horizons(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Move `demand_forecast` and `season_forecast` of the cutoff to one figure per node and week, and write the sums of the days.

    Run once after both were forecast anew. `demand_forecast_node` takes every node above the leaves, its mean the sum of
    its leaves' means. What people overrode stays as they wrote it and moves what lies above it. Returns the nodes' rows.
    """
    days = warehouse.sql("select * from demand_forecast where cutoff = $cutoff order by all", cutoff=cutoff)
    weeks = warehouse.sql("select * from season_forecast where cutoff = $cutoff order by all", cutoff=cutoff)
    if days.is_empty():
        return warehouse.replace(
            "demand_forecast_node", pl.DataFrame(schema={"run_id": pl.String}), cutoff=cutoff
        )
    sold = family_sales(settings, warehouse, cutoff)
    family = sold.select("product_id", "family").unique()
    named = days.join(family, on="product_id", how="left", maintain_order="left")
    moved, agreed = agree(
        named,
        weeks,
        cutoff=cutoff,
        horizon_days=settings.horizon_days,
        weights=weights_known(warehouse, cutoff),
        sold=_sold_this_week(sold, cutoff),
        covered=_covered(sold, days, cutoff),
    )
    nodes = _nodes(moved, spread_known(warehouse, cutoff)).with_columns(run_id=pl.lit(run_id))
    with warehouse.transaction():
        warehouse.replace("demand_forecast", moved.drop("family"), cutoff=cutoff)
        warehouse.replace("season_forecast", agreed, cutoff=cutoff)
        return warehouse.replace("demand_forecast_node", nodes, cutoff=cutoff)


def learn_reconciliation(
    settings: Settings, warehouse: Warehouse, tested: Backtest, *, cutoff: date, run_id: str
) -> None:
    """Learn from a backtest of the days what leaves share and how days and season weigh; write `node_spread`, `horizon_weight`."""
    rows = tested.scored.with_columns(
        expected_kg=pl.col("mean_kg").cast(pl.Float64), actual_kg=pl.coalesce("demand_kg", "sold_kg").cast(pl.Float64)
    )  # fmt: skip
    quantiles = rows.select(quantile_column(OURS, q) for q in tested.levels).to_numpy()
    spread = leaf_deviation(quantiles, tested.levels, rows["expected_kg"].to_numpy())
    leaves = rows.select(*NODE_KEYS, "origin", "date", "expected_kg", "actual_kg", leaf_sd=pl.Series(spread))
    sums = node_sums(leaves, by=("origin", "date"), also=("actual_kg",))
    found = fit_node_spread(sums, levels=tested.levels, actual="actual_kg")
    pairs = _pairs(settings, warehouse, leaves, cutoff)
    weights = learn_weights(pl.concat(pairs)) if pairs else DAYS_ALONE
    shared = pl.DataFrame(
        [(name, *part) for name, part in found.parts.items()],
        schema=["node_level", "scale", "shared"],
        orient="row",
    )
    weeks = pl.DataFrame(
        {"week": list(weights.days), "days_weight": list(weights.days.values())},
        schema={"week": pl.Int64, "days_weight": pl.Float64},
    )
    for table, frame, origins in (
        ("node_spread", shared, found.origins),
        ("horizon_weight", weeks, weights.origins),
    ):
        warehouse.replace(
            table, frame.with_columns(run_id=pl.lit(run_id), origins=pl.lit(origins)), cutoff=cutoff
        )


def spread_known(warehouse: Warehouse, cutoff: date) -> NodeSpread:
    """What was learnt last by the cutoff; assumed before the first training."""
    rows = _newest(warehouse, "node_spread", cutoff)
    if rows.is_empty():
        return NOTHING_SEEN
    parts = {r["node_level"]: (r["scale"], r["shared"]) for r in rows.iter_rows(named=True)}
    return NodeSpread(parts, rows["origins"][0])


def weights_known(warehouse: Warehouse, cutoff: date) -> HorizonWeights:
    """What was learnt last by the cutoff; the days alone before the first training."""
    rows = _newest(warehouse, "horizon_weight", cutoff)
    if rows.is_empty():
        return DAYS_ALONE
    return HorizonWeights(dict(rows.select("week", "days_weight").iter_rows()), rows["origins"][0])


def _newest(warehouse: Warehouse, table: str, cutoff: date) -> pl.DataFrame:
    return warehouse.sql(
        f"select * from {table} where cutoff <= $cutoff qualify cutoff = max(cutoff) over () order by all",
        cutoff=cutoff,
    )


def _pairs(
    settings: Settings, warehouse: Warehouse, leaves: pl.DataFrame, cutoff: date
) -> list[pl.DataFrame]:
    """week_pairs of every origin with what came true: the season forecast as it would have been there."""
    sold = family_sales(settings, warehouse, cutoff)
    parts = []
    for (origin,), days in leaves.sort("origin").group_by("origin", maintain_order=True):
        assert isinstance(origin, date)
        if sold.filter(pl.col("sale_date") < origin - timedelta(days=6)).is_empty():
            continue
        season = season_forecast(
            sold,
            cutoff=origin,
            levels=settings.levels,
            weeks=settings.horizon_days // 7 + 1,
            seed=settings.seed,
            threads=settings.threads,
        )
        if "expected_kg" not in season.columns:
            season = season.with_columns(expected_kg=pl.lit(None, pl.Float64))
        named = days.rename({"date": "forecast_date"}).with_columns(is_overridden=pl.lit(False))
        pairs = week_pairs(named, season_means(season), cutoff=origin, horizon_days=settings.horizon_days)
        actual = named.group_by(*NODE, week_start=pl.col("forecast_date").dt.truncate("1w")).agg(
            pl.col("actual_kg").sum()
        )
        parts.append(pairs.join(actual, on=[*NODE, "week_start"]).with_columns(origin=pl.lit(origin)))
    return parts


def _nodes(days: pl.DataFrame, spread: NodeSpread) -> pl.DataFrame:
    """Every node above the leaves by day and level, as the table demand_forecast_node."""
    leaves, quantiles, levels = leaf_quantiles(days)
    mean = leaves["expected_kg"].fill_null(0.0).to_numpy()
    named = leaves.with_columns(
        expected_kg=pl.Series(mean), leaf_sd=pl.Series(leaf_deviation(quantiles, levels, mean))
    )
    sums = node_sums(named, by=("forecast_date",))
    kg = spread.quantiles(sums, levels)
    keys = sums.drop("variance", "deviation").with_columns(pl.col("leaves").cast(pl.Int64))
    return pl.concat(
        keys.with_columns(level=pl.lit(q), demand_kg=pl.Series(kg[:, i])) for i, q in enumerate(levels)
    )


def _sold_this_week(sold: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """NODE, `sold_kg` from the Monday of the first forecast day's week to the cutoff."""
    first = cutoff + timedelta(days=1)
    monday = first - timedelta(days=first.weekday())
    return (
        sold.filter(pl.col("sale_date").is_between(monday, cutoff))
        .group_by(NODE)
        .agg(pl.col("sold_kg").sum())
    )


def _covered(sold: pl.DataFrame, days: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """NODE, `share` of its recent sales whose series have a daily forecast."""
    recent = sold.filter(pl.col("sale_date").is_between(cutoff - timedelta(days=RECENT_DAYS - 1), cutoff))
    there = days.select(SERIES).unique().with_columns(is_there=pl.lit(True))
    kg = pl.col("sold_kg")
    return (
        recent.join(there, on=SERIES, how="left")
        .group_by(NODE)
        .agg(share=kg.filter(pl.col("is_there")).sum() / kg.sum())
        .filter(pl.col("share").is_finite())
    )
