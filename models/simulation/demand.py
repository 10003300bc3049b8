"""Demand of the county: the rate of every series and day, and what is planned ahead. Truth, never seen by models."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from models.simulation import almanac
from models.simulation import parameters as p
from models.simulation.shapes import Channel, Product
from models.simulation.sizes import Size, stream

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]


@dataclass(frozen=True)
class Slot:
    """One live-stream slot: product and channel by position, day counted from the start."""

    product: int
    channel: int
    day: int
    uplift: float
    announced: int  # day on which it was decided


@dataclass(frozen=True)
class Market:
    """What shops plan and customers want.

    Axes: price [product, channel, day] yuan/kg, list_price [product, channel], on_sale [product, day],
    event [product, channel, day] log uplift that planners know of, rate [product, channel, region, day] packs.
    """

    products: tuple[Product, ...]
    channels: tuple[Channel, ...]
    regions: tuple[str, ...]
    launched: tuple[int | None, ...]  # day of launch; None: before the records
    price: Floats
    list_price: Floats
    on_sale: NDArray[np.bool_]
    event: Floats
    slots: tuple[Slot, ...]
    rate: Float32s
    dispersion: Floats  # [product], negative binomial size


def products_of(size: Size) -> tuple[Product, ...]:
    """The size's products; beyond the table's 40, the same goods in further packs (for speed at county size)."""
    if size.products < len(p.PRODUCTS):
        return tuple(x for x in p.PRODUCTS if x.product_id in p.TINY_PRODUCTS)[: size.products]
    more = []
    for n in range(size.products):
        x, turn = p.PRODUCTS[n % len(p.PRODUCTS)], n // len(p.PRODUCTS)
        if turn:
            name = f"{x.name_zh} 规格{turn}"
            x = x._replace(product_id=f"{x.product_id}-v{turn}", name_zh=name, weight=x.weight / (1 + turn))
        more.append(x)
    return tuple(more)


def regions_of(size: Size) -> tuple[str, ...]:
    """The size's regions, the largest first."""
    ranked = sorted(p.REGIONS, key=lambda name: -p.REGIONS[name])
    return (*ranked, *p.CITIES)[: size.regions]


def _prices(
    size: Size, seed: int, products: tuple[Product, ...], channels: tuple[Channel, ...]
) -> tuple[Floats, Floats]:
    rng = stream(seed, "price")
    days = size.total_days
    _, discount = almanac.campaign_effect(size.starts_on, days)
    shape = (len(products), len(channels), days)
    list_price = np.array([[x.price * c.price_factor for c in channels] for x in products])
    drift = np.repeat(rng.normal(0, 0.02, (len(products), days // 28 + 1)).cumsum(axis=1), 28, axis=1)[
        :, :days
    ]
    off = np.zeros(shape)
    starts = rng.random(shape) < p.PROMOTION["per_year"] / 365
    for i, c, t in np.argwhere(starts):
        off[i, c, t : t + int(p.PROMOTION["days"])] = rng.uniform(*p.PROMOTION_DISCOUNT)
    strength = np.array([c.campaign for c in channels])
    off = np.maximum(off, strength[None, :, None] * discount)
    asked = list_price[:, :, None] * np.exp(np.clip(drift, -0.25, 0.25))[:, None, :] * (1 - off)
    return np.maximum(np.round(asked, 1), 0.5), np.round(list_price * 1.05, 1)


def _slots(
    size: Size,
    seed: int,
    products: tuple[Product, ...],
    channels: tuple[Channel, ...],
    on_sale: NDArray[np.bool_],
) -> tuple[Slot, ...]:
    rng = stream(seed, "live")
    weight = np.array([x.weight for x in products])
    slots = []
    for c, channel in enumerate(channels):
        for t in np.flatnonzero(rng.random(size.total_days) < channel.live_per_week / 7):
            chance = weight * on_sale[:, t]
            product = int(rng.choice(len(products), p=chance / chance.sum()))
            uplift = float(rng.normal(p.LIVE["uplift"], p.LIVE["uplift_sd"]))
            slots.append(Slot(product, c, int(t), uplift, int(t) - int(rng.integers(7, p.PLAN_DAYS + 1))))
    return tuple(slots)


def _on_sale(
    size: Size, products: tuple[Product, ...], launched: tuple[int | None, ...]
) -> NDArray[np.bool_]:
    doy = almanac.day_of_year(size.starts_on, size.total_days)
    at = np.arange(size.total_days)
    rows = [
        almanac.in_window(doy, p.ON_SALE.get(x.crop_id, (1, 366))) & (at >= (day or 0))
        for x, day in zip(products, launched, strict=True)
    ]
    return np.array(rows)


def _launches(size: Size, seed: int, products: tuple[Product, ...]) -> tuple[int | None, ...]:
    rng = stream(seed, "launch")
    crops = [x.crop_id for x in products]
    late = (rng.random(len(products)) < p.LAUNCH_SHARE) & np.array([crops.count(c) > 2 for c in crops])
    days = rng.integers(60, size.days - 10, len(products))
    for n, i in enumerate(
        i for i, c in enumerate(crops) if c in ("tomato", "grape") and crops.count(c) > 2 and i % 2
    ):
        if n < 2:  # two are quite new at the end, so cold starts are seen
            late[i], days[i] = True, size.days - 25 - 20 * n
    return tuple(int(d) if is_late else None for d, is_late in zip(days, late, strict=True))


def _level(rng: np.random.Generator, rows: int, days: int) -> Floats:
    """A slow AR(1) per row, weekly steps joined by straight lines, plus a trend."""
    weeks = days // 7 + 2
    keep, sd = p.LEVEL["stays"], p.LEVEL["weekly_sd"]
    level = np.zeros((rows, weeks))
    shock = rng.normal(0, sd, (rows, weeks))
    for w in range(1, weeks):
        level[:, w] = keep * level[:, w - 1] + shock[:, w] * np.sqrt(1 - keep**2) * 2.2
    level += rng.normal(0, p.LEVEL["trend_sd"], (rows, 1)) * np.linspace(-1, 1, weeks)
    at = np.arange(days) / 7
    low = at.astype(int)
    joined: Floats = level[:, low] + (level[:, low + 1] - level[:, low]) * (at - low)
    return joined


def _wave(crop_id: str, doy: NDArray[np.int64]) -> Floats:
    height, peak = p.SEASON_WAVE[crop_id]
    wave: Floats = height * np.cos(2 * np.pi * (doy - peak) / 365.25)
    return wave


def _launch_curve(launched: tuple[int | None, ...], days: int) -> Floats:
    at = np.arange(days)
    curve = np.zeros((len(launched), days))
    for i, day in enumerate(launched):
        if day is not None:
            age = np.maximum(at - day, 0)
            ramp = np.log(0.15 + 0.85 * (1 - np.exp(-age / p.LAUNCH_RAMP_DAYS)))
            curve[i] = ramp + p.LAUNCH_BUMP * np.exp(-(((age - 30) / 20) ** 2))
    return curve


def _live_effect(slots: tuple[Slot, ...], shape: tuple[int, int, int]) -> Floats:
    effect = np.zeros(shape)
    for s in slots:
        effect[s.product, s.channel, s.day] += s.uplift
        effect[s.product, s.channel, s.day + 1 : s.day + 1 + int(p.LIVE["dip_days"])] += p.LIVE["dip"]
    return effect


def build_market(size: Size, seed: int) -> Market:
    """Prices, plans and the true rate of demand for every series and day; a pure function of size and seed."""
    products, regions = products_of(size), regions_of(size)
    channels = tuple(c for c in p.CHANNELS if c.channel_id in size.channels)
    rng = stream(seed, "demand")
    launched = _launches(size, seed, products)
    on_sale = _on_sale(size, products, launched)
    slots = _slots(size, seed, products, channels, on_sale)
    price, list_price = _prices(size, seed, products, channels)
    for s in slots:
        price[s.product, s.channel, s.day] = round(
            price[s.product, s.channel, s.day] * (1 - p.LIVE["discount"]), 1
        )
    event = _events(size, products, channels) + _live_effect(slots, price.shape)
    log_rate = _log_rate(size, rng, products, channels, launched) + event
    own = np.array([c.elasticity for c in channels]) + rng.normal(0, p.ELASTICITY_SPREAD, (len(products), 1))
    log_rate += own[:, :, None] * np.log(price / list_price[:, :, None] * 1.05)
    rate = _by_region(rng, log_rate, products, regions, on_sale)
    rate *= size.mean_packs / max(float(rate.sum() / (on_sale.sum() * len(channels) * len(regions))), 1e-9)
    dispersion = rng.uniform(*p.DISPERSION, len(products))
    return Market(
        products, channels, regions, launched, price, list_price, on_sale, event, slots, rate, dispersion
    )


def _events(size: Size, products: tuple[Product, ...], channels: tuple[Channel, ...]) -> Floats:
    """Log uplift by campaigns and festivals [product, channel, day]."""
    uplift, _ = almanac.campaign_effect(size.starts_on, size.total_days)
    crops = {x.crop_id for x in products}
    by_crop = {c: almanac.festival_effect(c, size.starts_on, size.total_days) for c in crops}
    festival = np.array([by_crop[x.crop_id] for x in products])
    strength = np.array([c.campaign for c in channels])
    result: Floats = festival[:, None, :] + strength[None, :, None] * uplift
    return result


def _log_rate(
    size: Size,
    rng: np.random.Generator,
    products: tuple[Product, ...],
    channels: tuple[Channel, ...],
    launched: tuple[int | None, ...],
) -> Floats:
    """Level, taste, weekday, season and launch [product, channel, day], before events and price."""
    days = size.total_days
    doy = almanac.day_of_year(size.starts_on, days)
    weekday = np.array([(size.starts_on + timedelta(days=i)).weekday() for i in range(days)])
    by_channel = np.array([np.log(np.array(c.weekday) * c.size)[weekday] for c in channels])
    wave = np.array([_wave(x.crop_id, doy) for x in products])
    base = np.log([x.weight for x in products])[:, None] + wave + _launch_curve(launched, days)
    taste = rng.normal(0, p.SERIES_SPREAD, (len(products), len(channels), 1))
    level = _level(rng, len(products) * len(channels), days).reshape(len(products), len(channels), days)
    result: Floats = base[:, None, :] + by_channel[None] + taste + level
    return result


def _by_region(
    rng: np.random.Generator,
    log_rate: Floats,
    products: tuple[Product, ...],
    regions: tuple[str, ...],
    on_sale: NDArray[np.bool_],
) -> Float32s:
    """Spread over regions: size, taste and a slow regional level; off sale the rate is 0."""
    weight = np.array([p.REGIONS.get(r, 0.3) for r in regions])
    taste = rng.normal(0, p.SERIES_SPREAD, (len(products), len(regions)))
    slow = _level(rng, len(regions), log_rate.shape[2]) * 0.7
    spread = np.exp(np.log(weight) + taste)[:, None, :, None] * np.exp(slow)[None, None]
    rate = (np.exp(log_rate) * on_sale[:, None, :])[:, :, None, :].astype(np.float32) * spread.astype(
        np.float32
    )
    result: Float32s = rate.astype(np.float32)
    return result
