"""Sales with stock-outs laid out for the recovery of hidden demand, and the recovery of a whole folder."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.fresh_data import CENT, HOURS, FreshData, series_keys
from features.calendar import SERIES
from features.latent import out_of_stock, profile_of, shelf_days, whole_days
from features.latent_hours import Singles
from models.forecasting.latent import LatentParams, context, fit, recover
from models.forecasting.latent_clues import Context


@dataclass(frozen=True)
class Sales:
    """A folder's days as a grid, and their sales by hour."""

    grid: pl.DataFrame
    """`series`, `date`, `sold_kg`, `orders` (hours with a sale), `out_hours`, `out_mask`, `discount`, `promoted`; sorted."""
    of_series: pl.DataFrame
    """SERIES and `family`, one row per series."""
    hourly: npt.NDArray[np.uint16]
    """[row, hour] in hundredths of the unit."""

    def state(self, hourly: npt.NDArray[np.uint16] | None = None) -> tuple[Context, Singles]:
        """Context of all days, and the hidden share of each."""
        hourly = self.hourly if hourly is None else hourly
        profile = profile_of(self.grid, hourly, self.of_series, rows=whole_days(self.grid))
        days, hidden = shelf_days(self.grid, self.of_series, profile)
        return context(
            days,
            profile=profile,
            hourly=hourly,
            hourly_unit=CENT,
            price=self.grid["discount"].to_numpy(),
            promoted=self.grid["promoted"].to_numpy(),
        ), hidden


def recovered_days(
    data: FreshData, *, params: LatentParams | None = None, seed: int = 1, threads: int = 1
) -> pl.DataFrame:
    """Recover every day of `data` with a stock-out from all its days, so `data.until(origin)` before an origin is asked.

    Returns:
        SERIES, `date`, `demand_kg` (unit of sale_amount, never below what was sold), `hidden_share` (share of a usual day's
        sales in the hours out, 0–1); one row per day out of stock in some hour.
    """
    sales = read_sales(data)
    state, hidden = sales.state()
    mask, _ = out_of_stock(sales.grid)
    model = fit(state, mask, params=params, seed=seed, threads=threads)
    kg = recover(model, state, out_mask=mask, hidden_share=hidden, threads=threads)
    rows = np.flatnonzero(hidden > 0)
    keys = sales.of_series[sales.grid["series"].gather(rows)].select(SERIES)
    return keys.with_columns(
        date=sales.grid["date"].gather(rows),
        demand_kg=pl.Series(kg[rows]),
        hidden_share=pl.Series(hidden[rows]),
    )


def read_sales(data: FreshData) -> Sales:
    """Daily and hourly sales side by side, sorted by series and day."""
    keys = series_keys(data.series)
    place = keys.select("series_id").with_row_index("series")
    hourly = data.hourly(last=data.last).collect()
    both = (
        data.daily.join(hourly, on=["series_id", "dt"], how="inner")
        .join(place, on="series_id", how="inner")
        .sort("series", "dt")
    )
    sold = both.select(HOURS).to_numpy().astype(np.uint16)
    grid = both.select(
        "series",
        "discount",
        date="dt",
        out_mask=pl.col("stockout_mask").cast(pl.Int64),
        out_hours=pl.col("stockout_hours_24").cast(pl.Float32),
        promoted="activity_flag",
    ).with_columns(**sold_columns(sold))
    return Sales(grid, keys.drop("series_id"), sold)


def sold_columns(hourly: npt.NDArray[np.uint16]) -> dict[str, pl.Series]:
    kg = hourly.sum(axis=1, dtype=np.uint32) * np.float32(CENT)
    return {"sold_kg": pl.Series(kg), "orders": pl.Series((hourly > 0).sum(axis=1).astype(np.float32))}
