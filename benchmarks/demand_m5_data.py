"""Daily unit sales laid out as m5-foods-ca-tx: one row per item and store, one column per day; and what days are known ahead."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from features.calendar import SERIES
from features.panel import DemandTables

IDS = ("item_id", "dept_id", "store_id", "state_id")
NODE = ("store_id", "dept_id")
"""The upper level: all items of a department in a store."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
SNAP_MARK = 0.5
"""`discount_share` that tells days of food stamps from other events: a mark, not a discount."""
ALL_ALONG = date(1, 1, 1)


@dataclass(frozen=True)
class M5Data:
    """A folder's series, or whole store-departments of them."""

    sales: pl.DataFrame
    """IDS, `date`, `sold` (units): every day from the first one given, sorted by item, store and day."""
    calendar: pl.DataFrame
    """`date`, `has_event`, `snap_STATE` for each state: also of days that are not in `sales`."""

    @property
    def last(self) -> date:
        """Last day of sales."""
        return self.sales["date"].max()  # type: ignore[return-value]

    def until(self, day: date) -> "M5Data":
        """The same without the sales after `day`."""
        return M5Data(self.sales.filter(pl.col("date") <= day), self.calendar)

    def nodes(self) -> "M5Data":
        """Sales summed to store-departments: `item_id` is the department, `dept_id` 'all'."""
        summed = self.sales.group_by(*NODE, "state_id", "date").agg(pl.col("sold").sum())
        named = summed.select(
            item_id="dept_id",
            dept_id=pl.lit("all"),
            store_id="store_id",
            state_id="state_id",
            date="date",
            sold="sold",
        )
        return M5Data(named.sort("item_id", "store_id", "date"), self.calendar)


def is_m5(folder: Path) -> bool:
    """Whether a folder is laid out so: a calendar with `has_event`, and files of items by day."""
    calendar = folder / "calendar.csv"
    return (
        calendar.exists() and "has_event" in pl.read_csv(calendar, n_rows=0).columns and bool(_files(folder))
    )


def read_m5(folder: Path, *, series: int = 0, seed: int = 1) -> M5Data:
    """Read a folder laid out as m5-foods-ca-tx.

    Args:
        folder: Has calendar.csv and files whose columns are IDS and one per day; an empty cell is a day the series does not have.
        series: Whole store-departments are drawn until they hold so many series; 0: all.
        seed: Of the draw.

    Raises:
        ValueError: No file of the folder has such columns.
    """
    files = _files(folder)
    if not files:
        raise ValueError(f"no file in '{folder}' has the columns {', '.join(IDS)} and days")
    wide = pl.concat([pl.read_csv(path, infer_schema=False) for path in files], how="diagonal")
    kept = _drawn(wide, series, seed)
    sales = (
        kept.unpivot(index=list(IDS), variable_name="date", value_name="sold")
        .with_columns(pl.col("date").str.to_date(), pl.col("sold").cast(pl.Float64, strict=False))
        .drop_nulls("sold")
        .sort("item_id", "store_id", "date")
    )
    calendar = pl.read_csv(folder / "calendar.csv", try_parse_dates=True)
    flags = [c for c in calendar.columns if c == "has_event" or c.startswith("snap_")]
    said = (pl.col(c).cast(pl.String).str.to_lowercase().is_in(["true", "1"]) for c in flags)
    return M5Data(sales, calendar.select("date", *said))


def _files(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.glob("*.csv*")):
        columns = pl.read_csv(path, n_rows=0).columns
        if set(IDS) <= set(columns) and any(DAY.fullmatch(c) for c in columns):
            found.append(path)
    return found


def _drawn(wide: pl.DataFrame, series: int, seed: int) -> pl.DataFrame:
    groups = wide.group_by(NODE).len().sort(NODE)
    if not 0 < series < wide.height:
        return wide
    mixed = groups[np.random.default_rng(seed).permutation(groups.height)]
    enough = int((mixed["len"].cum_sum() < series).sum()) + 1
    return wide.join(mixed.head(enough), on=NODE, how="semi", maintain_order="left")


def demand_tables(data: M5Data) -> DemandTables:
    """As the product takes them: item, store and state are product, channel and region; the department is the family.

    Events are campaigns of a day in every store, days of food stamps campaigns in the stores of their state; both known
    all along. There are no prices, no stock record and no launch dates.
    """
    sales = data.sales.filter(pl.col("sold") > 0).select(
        product_id="item_id",
        channel_id="store_id",
        region_id="state_id",
        sale_date="date",
        sold_kg="sold",
        orders=pl.col("sold").cast(pl.Int64),
    )
    product = (
        data.sales.select(product_id="item_id", family="dept_id").unique("product_id").sort("product_id")
    )
    return DemandTables(
        sales=sales,
        stock_day=_empty(*SERIES, stock_date=pl.Date, hours_out_of_stock=pl.Float64),
        price_day=_empty(
            *SERIES[:2],
            price_date=pl.Date,
            price_yuan_per_kg=pl.Float64,
            list_price_yuan_per_kg=pl.Float64,
            known_on=pl.Date,
        ),
        campaign=_campaigns(data),
        live_slot=_empty(*SERIES[:2], slot_date=pl.Date, allotment_kg=pl.Float64, known_on=pl.Date),
        product=product.with_columns(launched_on=pl.lit(None, pl.Date)),
    )


def _campaigns(data: M5Data) -> pl.DataFrame:
    stores = data.sales.select("store_id", "state_id").unique().sort("store_id")
    everywhere = data.calendar.filter("has_event").select("date", store_id=pl.lit("*"), share=pl.lit(0.0))
    parts = [everywhere]
    for state in stores["state_id"].unique().sort():
        if (flag := f"snap_{state}") in data.calendar.columns:
            days = data.calendar.filter(flag).select("date", share=pl.lit(SNAP_MARK))
            here = stores.filter(pl.col("state_id") == state).select("store_id")
            parts.append(days.join(here, how="cross").select("date", "store_id", "share"))
    return pl.concat(parts).select(
        channel_id="store_id",
        presale_from=pl.lit(None, pl.Date),
        starts_on="date",
        ends_on="date",
        discount_share="share",
        known_on=pl.lit(ALL_ALONG),
    )


def _empty(*text: str, **columns: type[pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema={**dict.fromkeys(text, pl.String), **columns})


def matrix(data: M5Data, keys: pl.DataFrame, days: Sequence[date]) -> np.ndarray:
    """Units as [series, days] in the order of `keys` (`item_id`, `store_id`); NaN where a series does not have the day."""
    place = keys.select("item_id", "store_id").with_row_index("row")
    column = pl.DataFrame({"date": days}).with_row_index("column")
    cells = data.sales.join(place, on=["item_id", "store_id"]).join(column, on="date")
    laid = np.full((keys.height, len(days)), np.nan)
    laid[cells["row"].to_numpy(), cells["column"].to_numpy()] = cells["sold"].to_numpy()
    return laid
