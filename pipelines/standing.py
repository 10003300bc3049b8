"""Which nodes take the baseline tonight, what the model would have said for them, and what every step changed."""

from datetime import date

import polars as pl

from features.calendar import SERIES
from features.panel import Panel
from models.evaluation.backtest import NAIVE, OURS, Backtest
from models.evaluation.standing import JUDGED_DAYS, LOST, apart, node_losses, standings, stands_in
from models.forecasting.baselines import seasonal_naive
from settings import Settings
from warehouse import Warehouse

KEY = (*SERIES, "forecast_date", "level")
NAIVE_VERSION = "seasonal-naive"
KILOGRAMS = ("demand_kg", "in_stock_kg", "expected_kg", "in_stock_expected_kg")
BEFORE = (*KEY, "step", *KILOGRAMS, "model_version", "override_id")


def write_status(warehouse: Warehouse, *, cutoff: date, run_id: str) -> pl.DataFrame:
    """Reckon and write where every node stands for the forecast of `cutoff`; returns those rows of `node_status`.

    Counted are forecasts scored on earlier nights, so a rerun finds the same. Before the first of them the origins of the
    first training's backtest stand in; the model then was fitted before them all.
    """
    known = warehouse.sql(
        "select * from node_score where (source = 'matured' and cutoff < $cutoff) or (source = 'backtest' and cutoff <= $cutoff)",
        cutoff=cutoff,
    )
    matured = known.filter(pl.col("source") == "matured")
    tested = known.filter((pl.col("source") == "backtest") & (pl.col("cutoff") == pl.col("cutoff").min()))
    if matured.height:
        tested = tested.filter(pl.col("scored_cutoff") < matured["scored_cutoff"].min())
    origins = apart(pl.concat([tested, matured])["scored_cutoff"])
    counted = pl.concat([tested, matured]).filter(pl.col("scored_cutoff").is_in(origins))
    status = standings(counted.rename({"scored_cutoff": "origin"})).with_columns(run_id=pl.lit(run_id))
    warehouse.replace("node_status", status, cutoff=cutoff)
    return status


def take_baseline(
    settings: Settings, panel: Panel, forecast: pl.DataFrame, status: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let seasonal naive speak for series of a node at the baseline.

    Args:
        settings: Horizon and levels.
        panel: What is known at the cutoff.
        forecast: As the table demand_forecast, of the model.
        status: As write_status.

    Returns:
        `forecast` in order, such rows with `fallback_reason` 'lost_to_naive_4' and the baseline's kg, mean and version;
        and these rows as the model had them. Rows that are a baseline for another reason are left alone.
    """
    model = stands_in(forecast, status)
    if model.is_empty():
        return forecast, model
    naive = seasonal_naive(
        panel, origin=panel.cutoff, horizon_days=settings.horizon_days, levels=settings.levels
    )
    mean = pl.col("demand_kg").mean().over(*SERIES, "forecast_date")
    beside = naive.with_columns(mean_kg=mean).rename({"demand_kg": "naive_kg"})
    joined = forecast.join(
        model.select(KEY).with_columns(fell=True), on=KEY, how="left", maintain_order="left"
    ).join(beside, on=KEY, how="left", maintain_order="left")
    fell = pl.col("fell") & pl.col("naive_kg").is_not_null()

    def instead(value: pl.Expr, *columns: str) -> list[pl.Expr]:
        there = [c for c in columns if c in forecast.columns]
        return [pl.when(fell).then(value).otherwise(pl.col(c)).alias(c) for c in there]

    return joined.with_columns(
        *instead(pl.col("naive_kg"), "demand_kg", "in_stock_kg"),
        *instead(pl.col("mean_kg"), "expected_kg", "in_stock_expected_kg"),
        *instead(pl.lit(NAIVE_VERSION), "model_version"),
        *instead(pl.lit(LOST), "fallback_reason"),
    ).select(forecast.columns), model


def before_rows(model: pl.DataFrame, overridden: pl.DataFrame) -> pl.DataFrame:
    """Rows of `demand_before` without run and cutoff: `model` as take_baseline gives them, `overridden` as they were, with `override_id`."""
    parts = [
        model.with_columns(step=pl.lit("model"), override_id=pl.lit(None, pl.String)),
        overridden.with_columns(step=pl.lit("before_override")),
    ]
    filled = [p.with_columns(pl.lit(None).alias(c) for c in KILOGRAMS if c not in p.columns) for p in parts]
    typed = [p.with_columns(pl.col(KILOGRAMS).cast(pl.Float64)) for p in filled]
    return pl.concat(p.select(BEFORE) for p in typed)


def put_node_scores(
    warehouse: Warehouse, rows: pl.DataFrame, *, cutoff: date, source: str, run_id: str
) -> int:
    """Write one cutoff's node scores of one source, those of the other source stay; returns their number."""
    others = warehouse.sql(
        "select * from node_score where cutoff = $cutoff and source <> $source", cutoff=cutoff, source=source
    )
    named = rows.with_columns(run_id=pl.lit(run_id), cutoff=pl.lit(cutoff), source=pl.lit(source))
    warehouse.replace("node_score", pl.concat([others, named], how="diagonal_relaxed"), cutoff=cutoff)
    return rows.height


def backtest_nodes(tested: Backtest) -> pl.DataFrame:
    """Node scores of a backtest's origins (`scored_cutoff`): days with stock of the judged days on which the model spoke."""
    judged = tested.scored.filter(
        pl.col("had_stock") & pl.col("fallback_reason").is_null() & (pl.col("lead_days") <= JUDGED_DAYS)
    )
    return pl.concat(
        node_losses(rows, model=OURS, naive=NAIVE, levels=tested.levels).with_columns(
            scored_cutoff=pl.lit(origin, pl.Date)
        )
        for (origin,), rows in judged.group_by("origin", maintain_order=True)
    )
