"""Daily and hourly sales with stock-outs, laid out as freshretailnet-cities: read whole, or a sample of series."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from features.calendar import SERIES

HOURS = tuple(f"h{hour:02}" for hour in range(24))
CENT = 0.01
"""Hourly sales are counted in hundredths of the daily unit."""
OPEN_HOURS = range(6, 22)
"""Hours in which stock is counted (`stock_hour6_22_cnt`)."""
STATICS = (
    "city_id", "store_id", "management_group_id", "first_category_id", "second_category_id",
    "third_category_id", "product_id",
)  # fmt: skip


@dataclass(frozen=True)
class FreshData:
    """A folder's series, or a sample of them, until a day."""

    folder: Path
    series: pl.DataFrame
    """`series_id` and STATICS, sorted by `series_id`."""
    daily: pl.DataFrame
    """`series_id`, `dt`, `sale_amount`, `stock_hour6_22_cnt`, `stockout_hours_24`, `stockout_mask`, `discount`,
    `activity_flag`, sorted by `series_id`, `dt`."""
    holidays: pl.DataFrame
    """`dt`, `holiday_flag`; also of days that are not in `daily`."""
    whole: bool
    """Whether these are all series of the folder."""

    @property
    def first(self) -> date:
        """First day of sales."""
        return self.daily["dt"].min()  # type: ignore[return-value]

    @property
    def last(self) -> date:
        """Last day of sales."""
        return self.daily["dt"].max()  # type: ignore[return-value]

    def hourly(self, *, first: date | None = None, last: date | None = None) -> pl.LazyFrame:
        """`series_id`, `dt`, `h00` … `h23` (hundredths of sale_amount's unit) of these series, by days; not yet read."""
        rows = pl.scan_parquet(self.folder / "hourly*.parquet")
        if not self.whole:
            rows = rows.join(self.series.lazy().select("series_id"), on="series_id", how="semi")
        if first is not None:
            rows = rows.filter(pl.col("dt") >= first)
        return rows if last is None else rows.filter(pl.col("dt") <= last)

    def weather(self) -> pl.LazyFrame:
        """`store_id`, `dt`, `precpt` (mm), `avg_temperature` (°C), `avg_humidity` (%), `avg_wind_level`: as it came."""
        return pl.scan_parquet(self.folder / "store_day_weather.parquet")

    def until(self, last: date) -> "FreshData":
        """The same without the days after `last`."""
        return FreshData(
            self.folder, self.series, self.daily.filter(pl.col("dt") <= last), self.holidays, self.whole
        )


def read_fresh(folder: Path, *, series: int = 0, seed: int = 1) -> FreshData:
    """Read a folder laid out as freshretailnet-cities.

    Args:
        folder: Has series.parquet, daily*.parquet, hourly*.parquet, store_day_weather.parquet and holidays.csv.
        series: So many whole series, drawn evenly; 0, or as many as there are: all.
        seed: Of the draw.
    """
    named = pl.read_parquet(folder / "series.parquet").select("series_id", *STATICS).sort("series_id")
    whole = not 0 < series < named.height
    if not whole:
        named = named[np.sort(np.random.default_rng(seed).permutation(named.height)[:series])]
    daily = pl.scan_parquet(folder / "daily*.parquet")
    if not whole:
        daily = daily.join(named.lazy().select("series_id"), on="series_id", how="semi")
    return FreshData(
        folder,
        named,
        daily.collect().sort("series_id", "dt"),
        pl.read_csv(folder / "holidays.csv", try_parse_dates=True).select(
            "dt", pl.col("holiday_flag").cast(pl.Boolean)
        ),
        whole,
    )


def series_keys(series: pl.DataFrame) -> pl.DataFrame:
    """`series_id` with the product's own keys: SERIES (product, store as channel, city as region) and `family`, as text."""
    return series.select(
        "series_id",
        product_id=pl.col("product_id").cast(pl.String),
        channel_id=pl.col("store_id").cast(pl.String),
        region_id=pl.col("city_id").cast(pl.String),
        family=pl.col("third_category_id").cast(pl.String),
    ).select("series_id", *SERIES, "family")
