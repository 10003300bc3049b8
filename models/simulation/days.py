"""What shops record and plan by day, as the warehouse's tables: prices, stock, sales, campaigns, live-stream slots."""

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import almanac
from models.simulation import parameters as p
from models.simulation.sizes import ENDS_ON
from models.simulation.stores import clock_of
from models.simulation.tables import as_frame
from models.simulation.world import World, series_frame

Ints = NDArray[np.int64]


def campaign(world: World) -> pl.DataFrame:
    """Campaigns of all shops, those already planned beyond the end too."""
    known = [
        c
        for c in almanac.campaigns(world.size.starts_on, world.size.total_days)
        if (c.presale_from or c.starts_on) <= ENDS_ON + timedelta(days=p.PLAN_DAYS)
    ]
    rows: list[tuple[object, ...]] = [
        (f"{c.name}-{c.starts_on:%Y}", "*", c.name, c.presale_from, c.starts_on, c.ends_on, c.discount_share)
        for c in known
    ]
    names = {"campaign_id": pl.String, "channel_id": pl.String, "name": pl.String, "presale_from": pl.Date}
    return as_frame({**names, "starts_on": pl.Date, "ends_on": pl.Date, "discount_share": pl.Float64}, rows)


def live_slot(world: World) -> pl.DataFrame:
    """Live-stream slots with the day they were decided (`decided_on`), in the order of their day."""
    m, rows = world.market, list[tuple[object, ...]]()
    for i, s in enumerate(m.slots):
        x, c = m.products[s.product], m.channels[s.channel]
        usual = float(m.rate[s.product, s.channel, :, s.day].sum()) * x.pack_kg
        cap = round(usual * 1.3, 1) if i % 3 else None
        day = world.size.starts_on + timedelta(days=s.day)
        decided = world.size.starts_on + timedelta(days=s.announced)
        rows.append(
            (
                f"live-{c.channel_id}-{day:%Y%m%d}-{x.product_id}",
                c.channel_id,
                x.product_id,
                day,
                float(m.price[s.product, s.channel, s.day]),
                cap,
                decided,
            )
        )
    names = {
        "live_slot_id": pl.String,
        "channel_id": pl.String,
        "product_id": pl.String,
        "slot_date": pl.Date,
    }
    frame = as_frame(
        {**names, "price_yuan_per_kg": pl.Float64, "allotment_kg": pl.Float64, "decided_on": pl.Date}, rows
    )
    return frame.unique("live_slot_id", maintain_order=True).sort("slot_date", "live_slot_id")


def price_day(world: World, first: int, last: int) -> pl.DataFrame:
    """Asked prices of the days first..last-1 on which a product is on sale, and the day each was decided."""
    m = world.market
    i, c, t = np.nonzero(np.broadcast_to(m.on_sale[:, None, first:last], m.price[:, :, first:last].shape))
    return pl.DataFrame({
        "product_id": np.array([x.product_id for x in m.products])[i],
        "channel_id": np.array([x.channel_id for x in m.channels])[c],
        "price_date": pl.Series(t + first), "price_yuan_per_kg": m.price[i, c, t + first],
        "list_price_yuan_per_kg": m.list_price[i, c],
    }).with_columns(_date(world, "price_date")).with_columns(
        decided_on=pl.col("price_date") - pl.duration(days=p.PLAN_DAYS)
    ).sort("price_date", "product_id", "channel_id")  # fmt: skip


def _date(world: World, name: str) -> pl.Expr:
    return (pl.lit(world.size.starts_on) + pl.duration(days=pl.col(name))).alias(name)


def _on_shelf(world: World, first: int, last: int) -> tuple[Ints, Ints, pl.DataFrame]:
    """Positions of the series and days on sale, and their keys."""
    m = world.market
    shelf = np.repeat(m.on_sale[:, first:last], len(m.channels) * len(m.regions), axis=0)
    t, s = np.nonzero(shelf.T)
    keys = series_frame(world)[s]
    return s, t + first, keys


def stock_day(world: World, first: int, last: int) -> pl.DataFrame:
    """Hours out of stock and what was left at closing, on the days first..last-1 on which a product is on sale."""
    s, t, keys = _on_shelf(world, first, last)
    trade = world.trade
    stock, sold = trade.stock[s, t], trade.sold[s, t]
    hours = np.where(stock == 0, 24.0, 24 - clock_of(trade.out_share[s, t].astype(np.float64)) / 3600)
    return keys.select(
        "product_id", "channel_id", "region_id", stock_date=pl.Series(t),
        hours_out_of_stock=pl.Series(hours.round(2)),
        closing_kg=(pl.Series(stock - sold) * pl.col("pack_kg")).round(2),
    ).with_columns(_date(world, "stock_date"))  # fmt: skip


def daily_sale(world: World, first: int, last: int) -> pl.DataFrame:
    """Sales by day instead of order lines, for sizes whose lines would be too many."""
    s, t, keys = _on_shelf(world, first, last)
    m = world.market
    packs = world.trade.sold[s, t]
    pc = s // len(m.regions)
    price = m.price.reshape(-1, m.price.shape[2])[pc, t]
    return keys.select(
        "product_id", "channel_id", "region_id", sale_date=pl.Series(t),
        sold_kg=(pl.Series(packs) * pl.col("pack_kg")).round(3),
        revenue_yuan=(pl.Series(packs * price) * pl.col("pack_kg")).round(2), receipts=pl.Series(packs),
    ).with_columns(_date(world, "sale_date"))  # fmt: skip
