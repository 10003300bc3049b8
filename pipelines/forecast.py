"""Forecast days and seasons with what was known at a cutoff, and write them in place of the former ones."""

from datetime import date

import polars as pl

from features.assemble import future_frame
from features.calendar import SERIES
from features.panel import DemandTables, Panel, build_panel
from features.products import product_families
from models.forecasting.baselines import seasonal_naive
from models.forecasting.intermittent import take_plain
from models.forecasting.season import season_forecast
from models.forecasting.unsold import forecast_unsold
from pipelines.demand_inputs import demand_tables
from pipelines.overrides import standing_overrides
from pipelines.progress import report
from pipelines.registry import load_champion
from pipelines.standing import KEY, NAIVE_VERSION, before_rows, take_baseline, write_status
from pipelines.whatif_files import keep_book
from settings import Settings
from warehouse import Warehouse

SEASON_VERSION = "season-blend-1"
OVERRIDDEN = "+override"
KILOGRAMS = ("demand_kg", "expected_kg", "in_stock_kg", "in_stock_expected_kg")


def forecast_demand(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str, only: pl.DataFrame | None = None
) -> int:
    """Publish the daily forecast of every series that has sold; returns its number of rows.

    Args:
        settings: Horizon, levels, threads, and where the champion is.
        warehouse: Read as known at the cutoff; `demand_forecast` of the cutoff is replaced.
        cutoff: Last known day.
        run_id: Of the writing run.
        only: `product_id`, `channel_id`, `region_id` of the series to forecast; None: all.

    Without a champion every row is seasonal naive with `fallback_reason` 'no_model'; a node that lost to it too often takes
    it with 'lost_to_naive_4'. What people override is multiplied in: such rows carry `model_version` with '+override', and
    the factor is in `demand_override`. What a row was before either of the two is kept in `demand_before`.
    """
    tables = demand_tables(settings, warehouse, cutoff=cutoff)
    if tables.sales.is_empty():
        warehouse.replace("demand_before", _no_rows(warehouse, "demand_before"), cutoff=cutoff)
        return warehouse.replace("demand_forecast", _no_rows(warehouse, "demand_forecast"), cutoff=cutoff)
    panel = build_panel(tables, cutoff=cutoff, horizon_days=settings.horizon_days)
    report("forecast", 1, 4, "days")
    forecast = _daily(settings, tables, panel)
    if only is not None:
        forecast = forecast.join(only.select(SERIES).unique(), on=SERIES, how="semi", maintain_order="left")
    status = write_status(warehouse, cutoff=cutoff, run_id=run_id)
    forecast, model = take_baseline(settings, panel, forecast, status)
    overrides = standing_overrides(settings, warehouse, cutoff=cutoff)
    final = apply_overrides(forecast, overrides, cutoff=cutoff).with_columns(run_id=pl.lit(run_id))
    changed = forecast.join(holding_overrides(forecast, overrides, cutoff=cutoff), on=KEY[:-1], how="inner")
    before = before_rows(model, changed).with_columns(run_id=pl.lit(run_id))
    warehouse.replace("demand_before", before, cutoff=cutoff)
    return warehouse.replace("demand_forecast", final, cutoff=cutoff)


def forecast_season(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Publish 52 weeks per product family, channel and region; returns the number of rows.

    With less than one whole week of sales nothing is forecast, and the former rows of the cutoff are taken away.
    """
    sales = warehouse.sold_by_day(known_by=settings.known_by(cutoff))
    family = product_families(warehouse.read("product"), sales["product_id"]).select("product_id", "family")
    named = sales.join(family, on="product_id", how="left")
    report("forecast", 3, 4, "seasons")
    if named.filter(pl.col("sale_date") < _this_week(cutoff)).is_empty():
        return warehouse.replace("season_forecast", _no_rows(warehouse, "season_forecast"), cutoff=cutoff)
    forecast = season_forecast(
        named, cutoff=cutoff, levels=settings.levels, seed=settings.seed, threads=settings.threads
    )
    final = forecast.with_columns(run_id=pl.lit(run_id), model_version=pl.lit(SEASON_VERSION))
    return warehouse.replace("season_forecast", final, cutoff=cutoff)


def apply_overrides(forecast: pl.DataFrame, overrides: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Multiply forecasts by what people wrote.

    Args:
        forecast: SERIES, `forecast_date`, `level`, `demand_kg`, `expected_kg`, `model_version`; further columns are kept.
        overrides: As the table demand_override; those that expired before the cutoff are passed over.
        cutoff: Last known day.

    Returns:
        `forecast` in order; where an override holds all kg × `factor` and `model_version` + '+override'. Of several for one day
        the last written counts, alone.
    """
    last = holding_overrides(forecast, overrides, cutoff=cutoff).drop("override_id")
    if last.is_empty():
        return forecast
    kilograms = [c for c in KILOGRAMS if c in forecast.columns]
    marked = pl.when(pl.col("factor").is_not_null()).then(pl.col("model_version") + OVERRIDDEN)
    return (
        forecast.join(last, on=[*SERIES, "forecast_date"], how="left", maintain_order="left")
        .with_columns(
            pl.col(kilograms) * pl.col("factor").fill_null(1.0),
            model_version=marked.otherwise("model_version"),
        )
        .drop("factor")
    )


def holding_overrides(forecast: pl.DataFrame, overrides: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """The override that holds for each series and day, where one does: SERIES, `forecast_date`, `factor`, `override_id`."""
    valid = overrides.filter(pl.col("expires_on") >= cutoff).select(
        "product_id",
        "starts_on",
        "ends_on",
        "factor",
        "written_at",
        "override_id",
        channel="channel_id",
        region="region_id",
    )
    holds = (
        pl.col("forecast_date").is_between("starts_on", "ends_on")
        & (pl.col("channel").is_null() | (pl.col("channel") == pl.col("channel_id")))
        & (pl.col("region").is_null() | (pl.col("region") == pl.col("region_id")))
    )
    of_products = forecast.join(valid, on="product_id", how="semi", maintain_order="left")
    return (
        of_products.select(*SERIES, "forecast_date")
        .unique(maintain_order=True)
        .join(valid, on="product_id", how="inner")
        .filter(holds)
        .sort("written_at", "override_id")
        .group_by(*SERIES, "forecast_date", maintain_order=True)
        .agg(pl.col("factor", "override_id").last())
    )


def _daily(settings: Settings, tables: DemandTables, panel: Panel) -> pl.DataFrame:
    loaded = load_champion(settings, cutoff=panel.cutoff)
    if loaded is None:
        naive = seasonal_naive(
            panel, origin=panel.cutoff, horizon_days=settings.horizon_days, levels=settings.levels
        )
        expected = pl.col("demand_kg").mean().over(*SERIES, "forecast_date")
        return naive.with_columns(
            expected_kg=expected,
            in_stock_kg="demand_kg",
            in_stock_expected_kg=expected,
            has_stock_record=False,
            fallback_reason=pl.lit("no_model"),
            model_version=pl.lit(NAIVE_VERSION),
        )
    version, model = loaded
    future = future_frame(panel, origin=panel.cutoff, horizon_days=settings.horizon_days)
    keep_book(settings, tables, panel, future)
    listed = forecast_unsold(
        panel, tables.product, model, origin=panel.cutoff, horizon_days=settings.horizon_days
    )
    forecast = model.predict(future, threads=settings.threads)
    plain = model.spreads.plain if model.spreads else {}
    both = pl.concat([take_plain(panel, forecast, plain, origin=panel.cutoff), listed])
    return both.with_columns(model_version=pl.lit(version.name))


def _this_week(cutoff: date) -> pl.Expr:
    return pl.lit(cutoff).dt.offset_by("1d").dt.truncate("1w")


def _no_rows(warehouse: Warehouse, table: str) -> pl.DataFrame:
    return warehouse.sql(f"select * from {table} limit 0")
