"""The panel: everything known at a cutoff, laid out by day, from which any row of features is looked up."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from features.calendar import SERIES, calendar_days, day_grid
from features.events import campaign_days, live_days
from features.prices import price_days
from features.products import product_families
from features.promotions import mark_promoted, promotion_days, promotion_state
from features.sales import add_stock_outs, pool_state, series_state

POOLS: dict[str, tuple[str, ...]] = {
    "product": ("product_id",),
    "product_channel": ("product_id", "channel_id"),
    "family_channel": ("family", "channel_id"),
    "channel": ("channel_id",),
    "product_region": ("product_id", "region_id"),
    "family_region": ("family", "region_id"),
}
"""Series that are looked at together, and the columns that name such a pool."""


@dataclass(frozen=True)
class DemandTables:
    """What a demand forecast is made of; every table but `sales` may be empty.

    Plans carry `known_on`, the first cutoff whose forecast may use the row.
    """

    sales: pl.DataFrame
    """`product_id`, `channel_id`, `region_id`, `sale_date`, `sold_kg` (kg), `orders` (count or null)."""
    stock_day: pl.DataFrame
    """SERIES, `stock_date`, `hours_out_of_stock` (h)."""
    price_day: pl.DataFrame
    """`product_id`, `channel_id`, `price_date`, `price_yuan_per_kg`, `list_price_yuan_per_kg`, `known_on`."""
    campaign: pl.DataFrame
    """`channel_id`, `presale_from`, `starts_on`, `ends_on`, `discount_share`, `known_on`."""
    live_slot: pl.DataFrame
    """`product_id`, `channel_id`, `slot_date`, `allotment_kg`, `known_on`."""
    product: pl.DataFrame
    """`product_id`, `family`, `launched_on`."""
    promotion: pl.DataFrame | None = None
    """`product_id`, `channel_id`, `promotion_date`, `known_on`; None: nothing is known of promotions by product."""
    latent: pl.DataFrame | None = None
    """SERIES, `date`, `demand_kg` of days whose hidden demand was recovered, made of nothing after the cutoff; None: none was."""


@dataclass(frozen=True)
class Panel:
    """Days laid out up to a cutoff; each day's row is made of that day and earlier ones."""

    cutoff: date
    records_begin: date
    """First day any series sold."""
    series: pl.DataFrame
    """`series`, SERIES, `family`, `first_sale`, `launched_on`."""
    days: pl.DataFrame
    """`series`, `date`, `sold_kg`, `out_hours`, `demand_kg`, `is_whole`: as features.sales.add_stock_outs."""
    state: pl.DataFrame
    """As features.sales.series_state."""
    pools: dict[str, pl.DataFrame]
    """As features.sales.pool_state, for each of POOLS."""
    calendar: pl.DataFrame
    prices: pl.DataFrame
    campaigns: pl.DataFrame
    live: pl.DataFrame
    promotions: pl.DataFrame
    promoted: dict[str, pl.DataFrame]
    """As features.promotions.promotion_state."""


def build_panel(tables: DemandTables, *, cutoff: date, horizon_days: int) -> Panel:
    """Lay out what is known at `cutoff`, with calendar and plans for `horizon_days` more.

    Raises:
        ValueError: Nothing was sold until the cutoff.
    """
    sales = tables.sales.filter(pl.col("sale_date") <= cutoff)
    if sales.is_empty():
        raise ValueError(f"no sale until {cutoff}; load orders or daily sales, or take a later cutoff")
    begin: date = sales["sale_date"].to_list()[sales["sale_date"].arg_min() or 0]
    families = product_families(tables.product, sales["product_id"])
    grid = add_stock_outs(day_grid(sales, cutoff=cutoff), tables.stock_day, tables.latent).join(
        families.select("product_id", "family"), on="product_id", how="left", maintain_order="left"
    )
    last = cutoff + timedelta(days=horizon_days)
    promotions = promotion_days(tables.promotion)
    grid = mark_promoted(grid, promotions)
    state = series_state(grid)
    first_of_series = grid.group_by("series", maintain_order=True).first()
    return Panel(
        cutoff=cutoff,
        records_begin=begin,
        series=first_of_series.select("series", *SERIES, "family", "first_sale").join(
            families.select("product_id", "launched_on"), on="product_id", how="left", maintain_order="left"
        ),
        days=grid.select("series", "date", "sold_kg", "out_hours", "demand_kg", "is_whole"),
        state=state,
        pools={name: pool_state(grid, by) for name, by in POOLS.items()},
        calendar=calendar_days(begin, last),
        prices=price_days(tables.price_day, families, last=last),
        campaigns=campaign_days(tables.campaign, sales["channel_id"]),
        live=live_days(tables.live_slot),
        promotions=promotions,
        promoted=promotion_state(grid, state["level_kg"]),
    )
