"""The whole county of one size and seed: built once, then delivered, measured or played."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.simulation import parameters as p
from models.simulation.demand import Market, build_market
from models.simulation.devices import Field, build_sensors, field
from models.simulation.growth import grow
from models.simulation.land import FIRST_YEAR, Land, build_land, build_plantings
from models.simulation.orders import order_lines
from models.simulation.sizes import BEYOND_DAYS, ENDS_ON, Size, size_of, stream
from models.simulation.stores import Trade, run_stores
from models.simulation.weather import Weather, generate


@dataclass(frozen=True)
class World:
    """Everything that happened, and what will. `lines` is null at sizes whose shops report days, not orders."""

    size: Size
    seed: int
    market: Market
    trade: Trade
    lines: pl.DataFrame | None
    weather: Weather
    land: Land
    plantings: pl.DataFrame
    grown: pl.DataFrame
    field: Field


def region_id(name: str) -> str:
    """The short name of a province or city, as order files are read: 上海市 → 上海."""
    for ending in ("壮族自治区", "回族自治区", "维吾尔自治区", "特别行政区", "自治区", "省", "市"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def build_world(size_name: str, seed: int) -> World:
    """The county of that size and seed; the same two give the same county, to the last bit.

    Raises:
        ValueError: No such size.
    """
    size = size_of(size_name)
    market = build_market(size, seed)
    trade = run_stores(size, market, seed)
    lines = None if size.plain_sales else order_lines(market, trade, size, seed)
    first = date(FIRST_YEAR, 1, 1)
    weather = generate(first, (ENDS_ON - first).days + 1 + BEYOND_DAYS, seed)
    land = build_land(size, tuple(region_id(r) for r in market.regions), seed)
    plantings = build_plantings(land, seed)
    rng = stream(seed, "growth")
    noise, quality = rng.normal(size=(2, plantings.height))
    grown = grow(plantings, weather, noise, quality)
    sensors = build_sensors(size, land, plantings, seed)
    return World(
        size, seed, market, trade, lines, weather, land, plantings, grown, field(size, sensors, weather, seed)
    )


def series_frame(world: World) -> pl.DataFrame:
    """One row per leaf series in the order of the trade's arrays: product_id, channel_id, region_id, pack_kg."""
    m = world.market
    rows = [
        (x.product_id, c.channel_id, region_id(r), float(x.pack_kg))
        for x in m.products
        for c in m.channels
        for r in m.regions
    ]
    return pl.DataFrame(rows, schema=["product_id", "channel_id", "region_id", "pack_kg"], orient="row")


def year_demand_kg(world: World) -> dict[str, float]:
    """Mean demand of a year per crop, in kilograms of crop; from the true rate of the last 365 days."""
    days = slice(max(world.size.days - 365, 0), world.size.days)
    scale = 365 / (days.stop - days.start)
    packs = world.market.rate[..., days].sum(axis=(1, 2, 3), dtype=np.float64) * scale
    total: dict[str, float] = {}
    for x, n in zip(world.market.products, packs, strict=True):
        kg = float(n) * x.pack_kg * p.CROP_KG_PER_PRODUCT_KG.get(x.crop_id, 1.0)
        total[x.crop_id] = total.get(x.crop_id, 0.0) + kg
    return total
