"""What the demand models are made of, as known at a cutoff."""

from datetime import date, datetime, time, timedelta

import polars as pl

from features.latent import recovered_days
from features.panel import DemandTables
from features.products import product_families
from settings import Settings
from warehouse import Warehouse


def demand_tables(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> DemandTables:
    """Read what was known by the cutoff; products themselves carry no versions and are read as they are."""
    known_by = settings.known_by(cutoff)

    def planned(table: str) -> pl.DataFrame:
        rows = warehouse.read(table, known_by=known_by)
        return rows.with_columns(
            known_on=first_cutoff(pl.col("known_at"), settings.timezone, settings.day_closes)
        )

    sales = warehouse.sold_by_day(known_by=known_by)
    stock_day = warehouse.read("stock_day", known_by=known_by)
    product = warehouse.read("product")
    return DemandTables(
        sales=sales,
        stock_day=stock_day,
        price_day=planned("price_day"),
        campaign=planned("campaign"),
        live_slot=planned("live_slot"),
        product=product,
        latent=hidden_demand(warehouse, sales, stock_day, product, cutoff=cutoff, known_by=known_by),
    )


def hidden_demand(
    warehouse: Warehouse,
    sales: pl.DataFrame,
    stock_day: pl.DataFrame,
    product: pl.DataFrame,
    *,
    cutoff: date,
    known_by: datetime,
) -> pl.DataFrame | None:
    """Recover demand on days with a stock-out; None where no stock-out is on record. See features.latent.recovered_days."""
    ran_out = stock_day.filter((pl.col("hours_out_of_stock") > 0) & (pl.col("stock_date") <= cutoff))
    if ran_out.is_empty() or sales.filter(pl.col("sale_date") <= cutoff).is_empty():
        return None
    hourly = warehouse.query("orders_by_hour", known_by=known_by)
    return recovered_days(
        sales, stock_day, product_families(product, sales["product_id"]), hourly, cutoff=cutoff
    )


def first_cutoff(known_at: pl.Expr, timezone: str, day_closes: time) -> pl.Expr:
    """The first cutoff that knows a fact of that instant: the day before the morning until whose close it came."""
    shift = timedelta(hours=day_closes.hour, minutes=day_closes.minute, seconds=day_closes.second)
    local = known_at.dt.convert_time_zone(timezone).dt.replace_time_zone(None) - shift
    return (local - timedelta(microseconds=1)).dt.date()


def families(tables: DemandTables) -> pl.DataFrame:
    """`product_id` and `family` of every product that is known."""
    return tables.product.select("product_id", "family")


def eligible_series(
    sales: pl.DataFrame, *, cutoff: date, min_days: int = 60, within_days: int = 28
) -> pl.DataFrame:
    """Say which series have enough sales to be forecast on their own.

    Args:
        sales: As Warehouse.sold_by_day.
        cutoff: Last known day.
        min_days: At least so many days with a sale.
        within_days: The last sale at most so many days before the day after the cutoff.

    Returns:
        One row per series with a sale by the cutoff, sorted: `product_id`, `channel_id`, `region_id`, `sales_days`,
        `last_sale`, `is_eligible`, `reason` (null when eligible): 'N sales days, 60 are needed' or 'last sale on DAY,
        28 days allowed'.
    """
    found = (
        sales.filter((pl.col("sale_date") <= cutoff) & (pl.col("sold_kg") > 0))
        .group_by("product_id", "channel_id", "region_id")
        .agg(sales_days=pl.col("sale_date").n_unique(), last_sale=pl.col("sale_date").max())
        .sort("product_id", "channel_id", "region_id")
    )
    few = pl.format("{} sales days, {} are needed", "sales_days", pl.lit(min_days))
    old = pl.format("last sale on {}, {} days allowed", "last_sale", pl.lit(within_days))
    reason = (
        pl.when(pl.col("sales_days") < min_days)
        .then(few)
        .when(pl.col("last_sale") <= cutoff - timedelta(days=within_days))
        .then(old)
    )
    return (
        found.with_columns(reason=reason)
        .with_columns(is_eligible=pl.col("reason").is_null())
        .select("product_id", "channel_id", "region_id", "sales_days", "last_sale", "is_eligible", "reason")
    )


def forecast_series(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame | None:
    """Keys of the series that the settings let be forecast; None where they ask nothing of a series."""
    if not settings.forecast_min_sale_days:
        return None
    found = eligible_series(
        warehouse.sold_by_day(known_by=settings.known_by(cutoff)),
        cutoff=cutoff,
        min_days=settings.forecast_min_sale_days,
        within_days=settings.forecast_within_days,
    )
    return found.filter("is_eligible").select("product_id", "channel_id", "region_id")
