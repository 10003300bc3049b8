"""A made-up county of any number of series and days, drawn slab by slab so that drawing needs little memory."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.calendar import SERIES
from features.festivals import lunar_day
from features.panel import DemandTables

CUTOFF = date(2026, 3, 31)
CHANNELS, REGIONS, LEAVES_A_PRODUCT, PRODUCTS_A_FAMILY = 5, 20, 100, 10
SLAB = 1_000
HOURS = np.arange(24)
CLOCK = np.exp(-((HOURS - 10) ** 2) / 18.0) + 0.8 * np.exp(-((HOURS - 19) ** 2) / 8.0)
"""When people buy: in the morning and in the evening."""
CAMPAIGNS = ((1, 5, 12, 0.1), (6, 12, 18, 0.15), (11, 1, 11, 0.2), (12, 10, 12, 0.1))
"""Month, first and last day, and share off, of every year."""
Floats = npt.NDArray[np.float64]


def draw(folder: Path, *, leaves: int, days: int, seed: int) -> None:
    """Write the tables of DemandTables, and orders by hour, as parquet into `folder`.

    A product is sold in up to 100 pairs of 5 channels and 20 regions. Sales are gamma-Poisson: level (lognormal, a third of the
    series sells on less than half of the days) × weekday × season × Spring Festival × promotion; one series in five began
    within the days. Three channels in five record their stock every day; there 8 % of days run out, with hours and mask.

    Raises:
        ValueError: Fewer than 1 series or 400 days are asked for.
    """
    if leaves < 1 or days < 400:
        raise ValueError(f"{leaves} series of {days} days: ask for at least 1 and 400")
    folder.mkdir(parents=True, exist_ok=True)
    all_days = [CUTOFF - timedelta(days=days - 1 - i) for i in range(days)]
    products = max(2, -(-leaves // LEAVES_A_PRODUCT))
    prices = _prices(products, days, seed)
    plans = _plans(products, all_days, prices, seed)
    for name, rows in plans.items():
        rows.write_parquet(folder / f"{name}.parquet")
    for slab, first in enumerate(range(0, leaves, SLAB)):
        numbers = np.arange(first, min(first + SLAB, leaves))
        rng = np.random.default_rng([seed, 1, slab])
        for name, rows in _slab(rng, numbers, products, all_days, prices).items():
            rows.write_parquet(folder / f"{name}-{slab:04}.parquet")


def read(folder: Path) -> tuple[DemandTables, pl.DataFrame]:
    """What `draw` wrote, `latent` not yet recovered; and orders by hour as the recovery takes them."""
    known = ("price_day", "campaign", "live_slot", "product")
    tables = DemandTables(
        sales=pl.read_parquet(folder / "sales-*.parquet"),
        stock_day=pl.read_parquet(folder / "stock_day-*.parquet"),
        **{name: pl.read_parquet(folder / f"{name}.parquet") for name in known},
    )
    return tables, pl.read_parquet(folder / "hourly-*.parquet")


def _slab(
    rng: np.random.Generator, numbers: npt.NDArray[np.int64], products: int, days: list[date], prices: Floats
) -> dict[str, pl.DataFrame]:
    product, pair = numbers % products, numbers // products
    channel, region = pair % CHANNELS, pair // CHANNELS % REGIONS
    shape = (len(numbers), len(days))
    level = rng.lognormal(0.6, 1.3, len(numbers))[:, None]
    rate = level * _course(rng, days, len(numbers)) * _promoted(prices, days)[product, channel]
    begins = np.where(rng.random(len(numbers)) < 0.2, rng.integers(0, len(days) - 1, len(numbers)), 0)
    is_on = np.arange(len(days)) >= begins[:, None]
    wanted = rng.poisson(rate * rng.gamma(4.0, 0.25, shape)) * is_on
    has_record = (channel < 3)[:, None] & is_on
    out_from = np.where(has_record & (rng.random(shape) < 0.08), rng.integers(8, 24, shape), 24)
    share = np.concatenate([[0.0], np.cumsum(CLOCK / CLOCK.sum())])[out_from]
    orders = rng.binomial(wanted, np.minimum(share, 1.0))
    size = rng.lognormal(0.3, 0.3, len(numbers))[:, None]
    names = _names(product, channel, region)
    day = pl.Series(days)

    def rows(chosen: npt.NDArray[np.bool_], **values: npt.NDArray[np.generic]) -> pl.DataFrame:
        leaf, at = np.nonzero(chosen)
        told = {name: pl.Series(value[leaf, at]) for name, value in values.items()}
        return names[leaf].with_columns(day[at].alias("date"), **told)

    mask = ((1 << 24) - 1) & ~((1 << out_from) - 1)
    stock = rows(has_record, hours_out_of_stock=(24.0 - out_from), out_mask=mask)
    return {
        "sales": rows(orders > 0, sold_kg=orders * size, orders=orders).rename({"date": "sale_date"}),
        "stock_day": stock.rename({"date": "stock_date"}),
        "hourly": _hourly(rng, names, orders.sum(axis=1)),
    }


def _names(*numbers: npt.NDArray[np.int64]) -> pl.DataFrame:
    letters = ("p", "c", "r")
    return pl.DataFrame(
        {
            key: [f"{letter}{n:04}" for n in number]
            for key, letter, number in zip(SERIES, letters, numbers, strict=True)
        }
    )


def _course(rng: np.random.Generator, days: list[date], series: int) -> Floats:
    """Weekday × season × Spring Festival as [series, day], about 1."""
    weekday = np.array([d.weekday() for d in days])
    angle = np.array([d.timetuple().tm_yday for d in days]) * 2 * np.pi / 365.25
    to_festival = np.array(
        [min(((d - lunar_day(d.year + k, 1, 1)).days for k in (0, 1)), key=abs) for d in days]
    )
    festival = np.where(
        (to_festival >= -15) & (to_festival < 0), 1.0, np.where(to_festival // 5 == 0, -0.7, 0)
    )
    week = rng.normal(0, 0.2, (series, 7))[:, weekday]
    season = rng.uniform(0, 0.8, (series, 1)) * np.sin(angle + rng.uniform(0, 2 * np.pi, (series, 1)))
    return np.asarray(np.exp(week + season) * (1 + rng.uniform(0, 0.8, (series, 1)) * festival))


def _prices(products: int, days: int, seed: int) -> Floats:
    """Share of the list price that is asked, as [product, channel, day]: now and then a week of less."""
    rng = np.random.default_rng([seed, 0])
    weeks = rng.random((products, CHANNELS, -(-days // 7))) < 0.1
    off = np.where(weeks, rng.uniform(0.1, 0.3, weeks.shape), 0.0)
    return np.asarray(1 - np.repeat(off, 7, axis=2)[:, :, :days])


def _promoted(prices: Floats, days: list[date]) -> Floats:
    """What price and campaigns make of a day's rate, as [product, channel, day]."""
    share = np.array([sum(s for m, a, b, s in CAMPAIGNS if d.month == m and a <= d.day <= b) for d in days])
    return np.asarray(prices**-2.0 * (1 + 3 * share))


def _hourly(rng: np.random.Generator, names: pl.DataFrame, orders: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Orders by type of day and hour of each series."""
    share = np.concatenate([CLOCK * 5, CLOCK * 2]) / (CLOCK.sum() * 7)
    drawn = rng.multinomial(orders, share)
    leaf, at = np.nonzero(drawn)
    return names[leaf].with_columns(
        is_weekend=pl.Series(at >= 24), hour=pl.Series(at % 24), orders=pl.Series(drawn[leaf, at])
    )


def _plans(products: int, days: list[date], prices: Floats, seed: int) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng([seed, 2])
    product, channel, at = (x.ravel() for x in np.indices(prices.shape))
    listed = rng.uniform(4, 30, products)[product]
    keys = (
        _names(product, channel, channel)
        .drop("region_id")
        .with_columns(pl.Series(days)[at].alias("price_date"))
    )
    asked = keys.with_columns(
        price_yuan_per_kg=pl.Series(listed * prices.ravel()), list_price_yuan_per_kg=pl.Series(listed)
    )
    years = range(days[0].year, days[-1].year + 1)
    spans = [(date(y, m, a), date(y, m, b), share) for y in years for m, a, b, share in CAMPAIGNS]
    campaign = pl.DataFrame(
        [("*", None, first, last, share, first - timedelta(days=30)) for first, last, share in spans],
        schema={"channel_id": pl.String, "presale_from": pl.Date, "starts_on": pl.Date, "ends_on": pl.Date,
                "discount_share": pl.Float64, "known_on": pl.Date},
        orient="row",
    )  # fmt: skip
    slots = keys[rng.permutation(keys.height)[: keys.height // 100]].rename({"price_date": "slot_date"})
    ids = [f"p{n:04}" for n in range(products)]
    return {
        "price_day": asked.with_columns(known_on="price_date"),
        "campaign": campaign,
        "live_slot": slots.sort("slot_date", "product_id").with_columns(
            allotment_kg=pl.lit(200.0), known_on=pl.col("slot_date").dt.offset_by("-3d")
        ),
        "product": pl.DataFrame(
            {"product_id": ids, "family": [f"f{n // PRODUCTS_A_FAMILY:03}" for n in range(products)]}
        ).with_columns(launched_on=pl.lit(None, pl.Date)),
    }


if __name__ == "__main__":
    asked = json.loads(sys.argv[3])
    draw(Path(sys.argv[2]), leaves=asked["leaves"], days=asked["days"], seed=asked["seed"])
    sys.stdout.write(json.dumps({"seconds": {}, "counts": {}}) + "\n")
