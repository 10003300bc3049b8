"""What must hold for the county to measure anything: the figures, each beside its limit. Pure; benchmarks print it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation.sizes import ENDS_ON
from models.simulation.truth import HORIZON_DAYS, LEVELS, origins, quantiles
from models.simulation.world import World, series_frame

Floats = NDArray[np.float64]
ERROR_DAYS = 56


@dataclass(frozen=True)
class Check:
    """One figure and the range it must lie in."""

    what: str
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether it lies within."""
        return self.low <= self.value <= self.high


def checks(world: World) -> list[Check]:
    """All figures the sample county promises; the ratio of losses is over the truth's origins together."""
    losses = np.array([quantile_losses(world, cutoff) for cutoff in origins()])
    naive, oracle = losses.sum(axis=0)
    cv = yield_variation(world)
    found = [
        Check("quantile loss: seasonal naive / oracle", float(naive / oracle), 1.5, float("inf")),
        Check("product-days with a stock-out, share", stock_out_share(world), 0.10, 0.25),
        Check("yield variation (CV), least of all practices", float(cv["cv"].min()), 0.10, 0.25),  # type: ignore[arg-type]
        Check("yield variation (CV), most of all practices", float(cv["cv"].max()), 0.10, 0.25),  # type: ignore[arg-type]
    ]
    if world.lines is not None:
        least = 300_000 if world.size.name == "demo" else 1
        found.append(Check("order lines", world.lines.height, least, float("inf")))
        found.append(
            Check("money of articles no listing maps, share", unmapped_share(world.lines), 0.005, 0.03)
        )
    return found


def _shelf(world: World, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    m = world.market
    shelf = np.repeat(m.on_sale[:, first:last], len(m.channels) * len(m.regions), axis=0)
    series, day = np.nonzero(shelf)
    return series, day + first


def stock_out_share(world: World) -> float:
    """Share of leaf product-days on sale (product, channel, region, day) on which the shelf went empty."""
    s, t = _shelf(world, 0, world.size.days)
    return float((world.trade.demand[s, t] >= world.trade.stock[s, t]).mean())


def unmapped_share(lines: pl.DataFrame) -> float:
    """Share of the money of paid lines whose article no listing knows."""
    paid = lines.filter(pl.col("paid_at").is_not_null())
    unmapped = paid.select(
        pl.col("goods_yuan").filter(pl.col("product_id").is_null()).sum() / pl.col("goods_yuan").sum()
    )
    return float(unmapped.item())


def yield_variation(world: World, at_least: int = 40) -> pl.DataFrame:
    """practice_id, crop_id, plantings, cv of kg/mu; practices with fewer plantings are left out unless all have fewer."""
    per_mu = pl.col("yield_kg") / pl.col("area_mu")
    table = world.grown.group_by("practice_id", "crop_id", maintain_order=True).agg(
        plantings=pl.len(), cv=per_mu.std() / per_mu.mean()
    )
    often = table.filter(pl.col("plantings") >= at_least)
    if often.is_empty():  # too few of each: all together, each against its own practice's mean
        relative = world.grown.select(
            pl.col("yield_kg") / pl.col("area_mu") / per_mu.mean().over("practice_id", "crop_id")
        )
        return pl.DataFrame(
            {
                "practice_id": ["all"],
                "crop_id": ["all"],
                "plantings": [relative.height],
                "cv": [relative.to_series().std()],
            }
        )
    return often


def quantile_losses(world: World, cutoff: date) -> tuple[float, float]:
    """Summed pinball loss (kg) over 28 days, series and levels against true demand: seasonal naive, and the oracle.

    Seasonal naive repeats the last known same weekday of what was SOLD (all anyone sees); its quantiles add those of
    the method's own errors of both signs in the last 56 days at the same lag of weeks. Source: Hyndman &
    Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.2 and 5.5.
    """
    m, trade = world.market, world.trade
    cut = world.size.days - (ENDS_ON - cutoff).days
    s, day = _shelf(world, cut, cut + HORIZON_DAYS)
    weeks = (day - cut) // 7 + 1
    repeated = trade.sold[s, day - 7 * weeks].astype(np.float64)
    spread = np.zeros((len(s), len(LEVELS)))
    for week in range(1, HORIZON_DAYS // 7 + 1):
        lag = 7 * week
        error = np.abs(
            trade.sold[:, cut - ERROR_DAYS : cut] - trade.sold[:, cut - ERROR_DAYS - lag : cut - lag]
        )
        sides = np.quantile(error, [abs(2 * q - 1) for q in LEVELS], axis=1).T * np.sign(
            np.array(LEVELS) - 0.5
        )
        spread[weeks == week] = sides[s[weeks == week]]
    rate = m.rate.reshape(-1, m.rate.shape[3])[s, day].astype(np.float64)
    size = np.repeat(m.dispersion, len(m.channels) * len(m.regions))[s]
    wanted, kg = trade.demand[s, day].astype(np.float64), series_frame(world)["pack_kg"].to_numpy()[s]
    naive = pinball(np.maximum(repeated[:, None] + spread, 0), wanted)
    oracle = pinball(quantiles(rate, size, LEVELS), wanted)
    return float((naive.sum(axis=1) * kg).sum()), float((oracle.sum(axis=1) * kg).sum())


def pinball(forecast: Floats, actual: Floats) -> Floats:
    """Pinball loss of each row and level; Koenker & Bassett 1978."""
    error, level = actual[:, None] - forecast, np.array(LEVELS)[None, :]
    loss: Floats = np.maximum(level * error, (level - 1) * error)
    return loss
