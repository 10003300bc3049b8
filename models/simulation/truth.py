"""What only benchmarks and tests may read: hidden demand, the generator's own quantiles, the fields as they are."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation.almanac import dates
from models.simulation.sizes import ENDS_ON
from models.simulation.stage import truth_of
from models.simulation.stores import clock_of
from models.simulation.world import World, series_frame

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
HORIZON_DAYS = 28


def origins() -> list[date]:
    """Cutoffs whose horizons have quantiles in the truth: the end, and five before it, four weeks apart."""
    return [ENDS_ON - timedelta(days=28 * i) for i in range(6)]


def latent_demand(world: World, first: int, last: int) -> pl.DataFrame:
    """One row per series and day on sale: demand_kg, sold_kg, mean_kg (the true rate), hours_out_of_stock."""
    m, trade = world.market, world.trade
    shelf = np.repeat(m.on_sale[:, first:last], len(m.channels) * len(m.regions), axis=0)
    s, t = np.nonzero(shelf)
    day = t + first
    kg = series_frame(world)[s]
    rate = m.rate.reshape(-1, m.rate.shape[3])
    out = np.where(
        trade.stock[s, day] == 0, 24.0, 24 - clock_of(trade.out_share[s, day].astype(np.float64)) / 3600
    )
    return kg.select(
        "product_id", "channel_id", "region_id",
        sale_date=dates(world.size.starts_on, day),
        demand_kg=pl.Series(trade.demand[s, day]) * pl.col("pack_kg"),
        sold_kg=pl.Series(trade.sold[s, day]) * pl.col("pack_kg"),
        mean_kg=pl.Series(rate[s, day].astype(np.float64)) * pl.col("pack_kg"),
        hours_out_of_stock=pl.Series(out.round(2)),
    )  # fmt: skip


def quantiles(
    rate: NDArray[np.float64], size: NDArray[np.float64], levels: Sequence[float]
) -> NDArray[np.float64]:
    """Quantiles of a negative binomial with that mean and size [row, level]; a rate of 0 has only 0.

    The quantile of a level is the count of numbers whose cumulated chance stays below it; chances by recursion.
    """
    want, found = np.asarray(levels)[None, :], np.zeros((len(rate), len(levels)))
    rows = np.flatnonzero(rate > 0)
    odds, r = (rate / (size + rate))[rows], size[rows]
    chance = np.exp(r * np.log1p(-odds))
    below, k = chance.copy(), 0
    while len(rows):
        found[rows] += below[:, None] < want
        open_ = below < max(levels)
        rows, odds, r, chance, below = rows[open_], odds[open_], r[open_], chance[open_], below[open_]
        k += 1
        chance = chance * odds * (r + k - 1) / k
        below = below + chance
    return found


def demand_quantiles(world: World, cutoff: date, levels: Sequence[float] = LEVELS) -> pl.DataFrame:
    """The oracle: quantiles of demand for the 28 days after `cutoff`, knowing every rate and only not the counts.

    One row per series, day on sale and level: product_id, channel_id, region_id, cutoff, forecast_date, level, demand_kg.
    No forecaster can do better on average; it also knows future level shocks, which nobody can.
    """
    m = world.market
    first = (cutoff - world.size.starts_on).days + 1
    shelf = np.repeat(m.on_sale[:, first : first + HORIZON_DAYS], len(m.channels) * len(m.regions), axis=0)
    s, t = np.nonzero(shelf)
    rate = m.rate.reshape(-1, m.rate.shape[3])[s, t + first].astype(np.float64)
    size = np.repeat(m.dispersion, len(m.channels) * len(m.regions))[s]
    packs = quantiles(rate, size, levels)
    keys = series_frame(world)[s].with_columns(cutoff=pl.lit(cutoff), forecast_date=dates(cutoff, t + 1))
    wide = keys.with_columns(pl.Series(str(q), packs[:, i]) * pl.col("pack_kg") for i, q in enumerate(levels))
    long = wide.unpivot(
        index=["product_id", "channel_id", "region_id", "cutoff", "forecast_date"],
        on=[str(q) for q in levels],
        variable_name="level",
        value_name="demand_kg",
    )
    return long.with_columns(pl.col("level").cast(pl.Float64))


def frames(world: World) -> dict[str, pl.DataFrame]:
    """Everything the truth folder holds: file stem → frame."""
    history_end = world.size.days - world.size.daily_files
    wanted = 0 if not world.size.plain_sales else history_end - 120
    return {
        "latent_demand": latent_demand(world, wanted, world.size.total_days),
        "demand_quantiles": pl.concat(
            demand_quantiles(world, day) for day in origins() if not world.size.plain_sales or day == ENDS_ON
        ),
        "sensor_faults": world.field.faults,
        "plot_effects": world.land.plots.select("plot_id", "effect"),
        "fields": world.grown,
        "weather": world.weather.frame(),
        **truth_of(world).to_frames(),
    }
