"""From the day grid to what was seen and what was hidden: the rows hidden demand is told from."""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from features.calendar import SERIES, by_series, day_grid
from features.latent_hours import (
    DAY_TYPES,
    HOURS,
    Bools,
    Floats,
    Ints,
    Singles,
    hidden_share,
    hourly_sums,
    usual_day,
)
from features.latent_level import ShelfDays, pool_numbers, usual_days

OPEN_HOURS = range(6, 22)
"""Hours on which it depends whether a day was whole; at night shops are short of much that nobody asks for."""
PART_OUT_HOURS = 1.0
EPOCH = date(1970, 1, 1)


def out_of_stock(grid: pl.DataFrame) -> tuple[Ints, Singles]:
    """Bit mask (−1: not known by hour) and hours out of stock (NaN: no record) of each row of `out_mask`, `out_hours`."""
    mask = grid["out_mask"].cast(pl.Int64).fill_null(-1).to_numpy()
    return mask, grid["out_hours"].cast(pl.Float32).fill_null(np.nan).to_numpy()


def whole_days(grid: pl.DataFrame) -> Bools:
    """Open days that did not run out in OPEN_HOURS, or for an hour where only hours are counted; no record: whole."""
    mask, hours = out_of_stock(grid)
    bits = sum(1 << hour for hour in OPEN_HOURS)
    ran_out = np.where(mask >= 0, (mask & bits) > 0, hours >= PART_OUT_HOURS)
    return np.asarray(~ran_out & grid["sold_kg"].is_not_null().to_numpy())


def profile_of(
    grid: pl.DataFrame, hourly: npt.NDArray[np.number], of_series: pl.DataFrame, *, rows: Bools
) -> Singles:
    """The usual day of each series, from the marked rows' sales by hour.

    Args:
        grid: `series`, `date`, in order.
        hourly: [row, hour] sales, in any unit.
        of_series: One row per series in order: SERIES, `family`.
        rows: Which days tell it: those that did not run out.
    """
    series, day = numbers_of(grid)
    sums = hourly_sums(hourly, series, day, rows)
    selling_hours = float((hourly[rows] > 0).sum())
    return profile_from_sums(sums * (selling_hours / max(sums.sum(), 1e-9)), of_series)


def profile_from_sums(orders: Floats, of_series: pl.DataFrame) -> Singles:
    """The usual day of each series from orders by [series, day type, hour]; see features.latent_hours.usual_day."""
    product, family = (_codes(of_series[key]) for key in ("product_id", "family"))
    return usual_day(orders, product, family)


def shelf_days(grid: pl.DataFrame, of_series: pl.DataFrame, profile: Singles) -> tuple[ShelfDays, Singles]:
    """Lay out what was seen, and the share of a usual day that was hidden.

    Args:
        grid: Every day of every series, sorted by `series`, `date`: `sold_kg` (kg, null on closed days), `orders` (count; null:
            a selling day counts as one), `out_hours` (h, null: no record), `out_mask` (bits, null: not known by hour).
        of_series: One row per series in order: SERIES, `family`.
        profile: As features.latent_hours.usual_day.
    """
    series, day = numbers_of(grid)
    mask, hours = out_of_stock(grid)
    hidden = hidden_share(profile, series, day, out_mask=mask, out_hours=hours)
    is_open = grid["sold_kg"].is_not_null().to_numpy()
    sold = grid["sold_kg"].fill_null(0).cast(pl.Float32)
    orders = pl.coalesce("orders", (pl.col("sold_kg") > 0).cast(pl.Float32), pl.lit(0.0))
    days = ShelfDays(
        series=series,
        day=day,
        seen=sold.to_numpy(),
        share=np.where(is_open, 1 - hidden, 0).astype(np.float32),
        orders=grid.select(orders.cast(pl.Float32)).to_series().to_numpy(),
        complete=whole_days(grid),
        pools=pool_numbers({key: of_series[key].to_list() for key in (*SERIES, "family")}),
    )
    return days, np.where(is_open, hidden, 0).astype(np.float32)


def numbers_of(grid: pl.DataFrame) -> tuple[Ints, Ints]:
    """Series number and days since 1 January 1970 of each row."""
    day = (grid["date"] - EPOCH).dt.total_days()
    return grid["series"].cast(pl.Int64).to_numpy(), day.cast(pl.Int64).to_numpy()


def _codes(names: pl.Series) -> Ints:
    return np.unique(names.fill_null("").to_numpy(), return_inverse=True)[1].astype(np.int64)


def recovered_days(
    sales: pl.DataFrame,
    stock_day: pl.DataFrame,
    families: pl.DataFrame,
    hourly: pl.DataFrame,
    *,
    cutoff: date,
) -> pl.DataFrame:
    """Recover what days with a stock-out would have sold, from hours out and the usual day of each series.

    Args:
        sales: SERIES, `sale_date`, `sold_kg`, `orders`; rows after the cutoff are not looked at.
        stock_day: SERIES, `stock_date`, `hours_out_of_stock` and, where it is known by hour, `out_mask`.
        families: `product_id`, `family`.
        hourly: SERIES, `is_weekend`, `hour` (0–23), `orders` on days that did not run out; empty: all hours alike.
        cutoff: Last known day.

    Returns:
        SERIES, `date`, `demand_kg` (kg, never below what was sold), `hidden_share` (share of a usual day's sales in the
        hours out, 0–1) of each open day out of stock for some of the time; in the order of SERIES and day.
    """
    grid = with_stock(day_grid(sales, cutoff=cutoff), stock_day).sort("series", "date")
    of_series = (
        grid.group_by("series", maintain_order=True)
        .first()
        .join(families.select("product_id", "family"), on="product_id", how="left", maintain_order="left")
    )
    profile = profile_from_sums(_sums_by_hour(hourly, of_series), of_series)
    days, hidden = shelf_days(grid, of_series, profile)
    rows = np.flatnonzero(hidden > 0)
    kg = days.seen[rows] + usual_days(days).hidden_kg(rows, hidden[rows])
    return grid[rows].select(
        *SERIES,
        "date",
        demand_kg=pl.Series(kg.astype(np.float32)),
        hidden_share=pl.Series(hidden[rows]),
    )


def with_stock(grid: pl.DataFrame, stock_day: pl.DataFrame) -> pl.DataFrame:
    """Add `out_hours` (h, null: no record) and `out_mask` (bits, null: not known by hour) to the day grid, in order."""
    mask = pl.col("out_mask").max() if "out_mask" in stock_day.columns else pl.lit(None, pl.Int64)
    hours = (
        by_series(stock_day, grid)
        .group_by("series", date="stock_date")
        .agg(out_hours=pl.col("hours_out_of_stock").max().cast(pl.Float32), out_mask=mask.cast(pl.Int64))
    )
    return grid.join(hours, on=["series", "date"], how="left", maintain_order="left")


def _sums_by_hour(hourly: pl.DataFrame, of_series: pl.DataFrame) -> Floats:
    """Orders as [series, day type, hour]; those of other series are left out."""
    sums = np.zeros((of_series.height, DAY_TYPES, HOURS))
    known = hourly.join(of_series.select("series", *SERIES), on=SERIES, how="inner")
    at = (known[name].cast(pl.Int64).to_numpy() for name in ("series", "is_weekend", "hour"))
    np.add.at(sums, tuple(at), known["orders"].cast(pl.Float64).to_numpy())
    return sums
