"""Folders of monthly and weekly sales as [series, period], recognised by their columns."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LEAST_MONTHS = 120
MONTHS_AHEAD, MONTHS_APART, MONTH_ORIGINS = 12, 6, 4
WEEKS_AHEAD = 39


@dataclass(frozen=True)
class SeasonCase:
    """One folder, ready to be forecast."""

    layout: str
    """'months' or 'weeks'."""
    names: tuple[str, ...]
    pools: tuple[tuple[str, ...], ...]
    """Per pooling (commodity's category; department, store) the label of every series."""
    sold: Array
    """[series, period]; NaN where the whole folder lacks the period."""
    started: Places
    """Per series the place of its first sale."""
    season: int
    horizon: int
    origins: tuple[int, ...]
    """Numbers of known periods."""
    weeks_end: tuple[date, ...]
    """Last day of each week, those of the layout's calendar after the data too; empty for months."""
    flagged: npt.NDArray[np.bool_]
    """[period]: a holiday announced ahead; all false for months."""

    def sample(self, count: int, seed: int) -> "SeasonCase":
        """`count` series drawn without replacement; all of them when 0 or not fewer are asked for."""
        if not 0 < count < len(self.names):
            return self
        drawn = np.sort(np.random.default_rng(seed).choice(len(self.names), count, replace=False))
        return replace(
            self,
            names=tuple(self.names[i] for i in drawn),
            pools=tuple(tuple(pool[i] for i in drawn) for pool in self.pools),
            sold=self.sold[drawn],
            started=self.started[drawn],
        )


def read_season(folder: Path) -> SeasonCase:
    """Read a folder laid out as kalimati-monthly or as walmart-weekly.

    Raises:
        ValueError: No file of the folder has the columns of either layout; the message names both.
    """
    for path in sorted(p for p in folder.iterdir() if ".csv" in p.suffixes):
        head = set(pl.read_csv(path, n_rows=0).columns)
        for columns, read in LAYOUTS.items():
            if set(columns) <= head:
                return read(pl.read_csv(path, try_parse_dates=True, null_values=["NA", ""]))
    said = " or ".join(", ".join(columns) for columns in LAYOUTS)
    raise ValueError(f"no csv file in {folder} has the columns {said}")


def _months(table: pl.DataFrame) -> SeasonCase:
    """Commodities with at least 120 months, the last year among them.

    A month that the folder lacks for every commodity (a year never delivered) is missing; one it lacks for a commodity
    that it has for others is 0: out of season the source writes 0 in some years and no row in others.
    """
    first, last = (
        int(f)
        for f in table.select(a="year_bs", b="year_bs").select(pl.col("a").min(), pl.col("b").max()).row(0)
    )
    kept = (
        table.drop_nulls("volume_kg")
        .group_by("commodity")
        .agg(pl.len(), last=pl.col("year_bs").max(), category=pl.col("category").drop_nulls().first())
        .filter((pl.col("len") >= LEAST_MONTHS) & (pl.col("last") == last))
        .sort("commodity")
        .with_row_index("series")
    )
    placed = table.join(kept.select("commodity", "series"), on="commodity").drop_nulls("volume_kg")
    placed = placed.with_columns(at=(pl.col("year_bs") - first) * 12 + pl.col("month") - 1)
    delivered = np.zeros((last - first + 1) * 12, np.bool_)
    delivered[((table["year_bs"] - first) * 12 + table["month"] - 1).to_numpy()] = True
    periods = int(np.flatnonzero(delivered)[-1]) + 1
    sold = np.zeros((kept.height, periods))
    np.add.at(sold, (placed["series"].to_numpy(), placed["at"].to_numpy()), placed["volume_kg"].to_numpy())
    sold[:, ~delivered[:periods]] = np.nan
    ends = [periods - MONTHS_AHEAD - MONTHS_APART * k for k in range(MONTH_ORIGINS)]
    return SeasonCase(
        "months",
        tuple(kept["commodity"].to_list()),
        (tuple(kept["category"].fill_null("").to_list()),),
        sold,
        _starts(sold),
        12,
        MONTHS_AHEAD,
        tuple(o for o in reversed(ends) if o >= LEAST_MONTHS - MONTHS_AHEAD),
        (),
        np.zeros(periods, np.bool_),
    )


def _weeks(table: pl.DataFrame) -> SeasonCase:
    """Store-departments with a row in every week of the folder; the last 39 weeks are ahead."""
    dates = table["Date"].unique().sort()
    whole = table.filter(pl.len().over("Store", "Dept") == dates.len()).sort("Store", "Dept", "Date")
    keys = whole.select("Store", "Dept").unique(maintain_order=True)
    sold = whole["Weekly_Sales"].cast(pl.Float64).to_numpy().reshape(keys.height, dates.len())
    flags = table.group_by("Date").agg(
        pl.col("IsHoliday").cast(pl.String).str.to_lowercase().eq("true").any()
    )
    ends = dates.to_list()
    return SeasonCase(
        "weeks",
        tuple(f"{store}-{dept}" for store, dept in keys.iter_rows()),
        (tuple(map(str, keys["Dept"])), tuple(map(str, keys["Store"]))),
        sold,
        _starts(sold),
        52,
        WEEKS_AHEAD,
        (dates.len() - WEEKS_AHEAD,),
        tuple(ends[0] + timedelta(weeks=k) for k in range(dates.len())),
        flags.sort("Date")["IsHoliday"].to_numpy(),
    )


def _starts(sold: Array) -> Places:
    """The first period with a sale; the last period's place where there is none."""
    positive = np.nan_to_num(sold) > 0
    return np.asarray(np.where(positive.any(axis=1), positive.argmax(axis=1), sold.shape[1] - 1))


LAYOUTS: dict[tuple[str, ...], Callable[[pl.DataFrame], SeasonCase]] = {
    ("commodity", "year_bs", "month", "volume_kg"): _months,
    ("Store", "Dept", "Date", "Weekly_Sales", "IsHoliday"): _weeks,
}
