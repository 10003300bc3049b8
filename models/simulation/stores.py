"""Shops' stock: a base-stock rule that runs out, so part of the demand is never seen as a sale."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.demand import Market
from models.simulation.sizes import Size, stream

Ints = NDArray[np.int32]
Float32s = NDArray[np.float32]


@dataclass(frozen=True)
class Trade:
    """What was wanted, what was sold. Axes [series, day]; series = product × channel × region, in that order.

    `out_share` is the share of the day's orders after which the shelf was empty (1: never empty).
    """

    demand: Ints
    sold: Ints
    stock: Ints
    out_share: Float32s


def draw_demand(market: Market, rng: np.random.Generator) -> Ints:
    """Packs wanted [series, day]: negative binomial (gamma-Poisson) about the rate."""
    p_, c, r, days = market.rate.shape
    rate = market.rate.reshape(p_ * c * r, days)
    size = np.repeat(market.dispersion, c * r).astype(np.float32)[:, None]
    mixed = rng.standard_gamma(np.broadcast_to(size, rate.shape), dtype=np.float32) * (rate / size)
    return rng.poisson(mixed).astype(np.int32)


def shortfalls(size: Size, market: Market, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Days on which the farm delivers too little of a product [product, day]."""
    short = np.zeros(market.on_sale.shape, dtype=bool)
    starts = rng.random(short.shape) < p.STOCK["shortfalls_per_year"] / 365
    for i, t in np.argwhere(starts):
        short[i, t : t + int(rng.poisson(p.STOCK["shortfall_days"])) + 1] = True
    return short & market.on_sale


def run_stores(size: Size, market: Market, seed: int) -> Trade:
    """Let every shop refill each morning to a multiple of its recent sales, and see what the day leaves."""
    rng = stream(seed, "stores")
    demand = draw_demand(market, stream(seed, "counts"))
    n, days = demand.shape
    p_, c, r, _ = market.rate.shape
    boost = np.exp(0.8 * np.clip(market.event, -1.0, 2.5)).astype(np.float32)
    boost = np.repeat(boost.reshape(p_ * c, days), r, axis=0)
    left = np.where(shortfalls(size, market, rng), np.float32(p.STOCK["shortfall_left"]), np.float32(1))
    left = np.repeat(left, c * r, axis=0)
    on_sale = np.repeat(market.on_sale, c * r, axis=0)
    window = int(p.STOCK["mean_days"])
    sold, stock = np.zeros((n, days), np.int32), np.zeros((n, days), np.int32)
    recent = market.rate.reshape(n, days)[:, :window].mean(axis=1)
    base = recent / np.maximum(boost[:, :window].mean(axis=1), 0.2)
    for t in range(days):
        target = np.ceil(p.STOCK["cover"] * base * boost[:, t])
        target = np.maximum(target, p.STOCK["floor_packs"]) * left[:, t]
        stock[:, t] = np.where(on_sale[:, t], np.floor(target + rng.random(n) * (left[:, t] < 1)), 0)
        sold[:, t] = np.minimum(demand[:, t], stock[:, t])
        usual = sold[:, t] / boost[:, t]
        base = np.where(on_sale[:, t], base + (usual - base) / window, base)
    return Trade(demand, sold, stock, _out_share(rng, demand, stock))


def _out_share(rng: np.random.Generator, demand: Ints, stock: Ints) -> Float32s:
    """When the shelf went empty, as a share of the day's orders: the stock-th of `demand` uniform arrivals."""
    share = np.ones(demand.shape, np.float32)
    empty = (demand >= stock) & (stock > 0) & (demand > 0)
    share[empty] = rng.beta(stock[empty], demand[empty] - stock[empty] + 1).astype(np.float32)
    share[(stock == 0) & (demand > 0)] = 0
    return share


def clock_of(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds after midnight by which that share of a day's orders has come."""
    profile = np.concatenate([[0.0], np.cumsum(p.HOUR_PROFILE)])
    seconds: NDArray[np.float64] = np.interp(share, profile / profile[-1], np.arange(25) * 3600.0)
    return seconds
