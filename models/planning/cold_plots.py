"""Plots whose own sensors say that they are colder than the stations: what does not ripen there is not planned there."""

from collections.abc import Collection, Mapping

import polars as pl
import polars.selectors as cs

from models.planning.heat import heat_fit

LEAST_DAYS = 30
"""Days with a whole reading of both plot and stations, below which a plot is judged by the stations alone."""
STEP_C = 0.5
"""Offsets are rounded to this, about the error of a field sensor, so that a plan does not follow its noise."""
OFFSET_SCHEMA = pl.Schema({"plot_id": pl.String, "offset_c": pl.Float64, "days": pl.Int64})


def plot_offsets(own: pl.DataFrame, stations: pl.DataFrame) -> pl.DataFrame:
    """How much warmer each plot is than the mean of the stations.

    Args:
        own: plot_id, day, low_c, high_c (nulls: not known); one row per plot and day.
        stations: station_id, weather_date, air_temp_min_c, air_temp_max_c.

    Returns:
        OFFSET_SCHEMA, one row per plot with LEAST_DAYS common days: `offset_c` is the mean difference of the days' mid-range,
        rounded to STEP_C. Sorted by plot.
    """
    usual = stations.group_by(day="weather_date").agg(
        station_c=((pl.col("air_temp_min_c") + pl.col("air_temp_max_c")) / 2).mean()
    )
    both = own.join(usual, on="day").drop_nulls(["low_c", "high_c", "station_c"])
    more = (pl.col("low_c") + pl.col("high_c")) / 2 - pl.col("station_c")
    return (
        both.group_by("plot_id")
        .agg(offset_c=((more.mean() / STEP_C).round() * STEP_C), days=pl.len())
        .filter(pl.col("days") >= LEAST_DAYS)
        .cast(OFFSET_SCHEMA)
        .sort("plot_id")
    )


def barred(
    plots: pl.DataFrame,
    practices: pl.DataFrame,
    crops: pl.DataFrame,
    climate: pl.DataFrame,
    offsets: pl.DataFrame,
    *,
    sheltered: Collection[str] = frozenset(),
) -> Mapping[tuple[str, str], float]:
    """Practices that ripen in the usual year but not on a plot: (plot_id, practice_id) → how much colder it is (°C, below 0).

    Args:
        plots, practices, crops: In the warehouse's columns.
        climate: Rows of features.weather.climate_by_day.
        offsets: As plot_offsets; a plot that is not there, or not colder, is judged by the stations.
        sheltered: Land classes that the open air says nothing about.
    """
    fits = heat_fit(practices, crops, climate, sheltered=sheltered).filter("fits")["practice_id"]
    ripening = practices.filter(pl.col("practice_id").is_in(fits.implode()))
    found: dict[tuple[str, str], float] = {}
    colder = offsets.filter(pl.col("offset_c") < 0)
    for (offset,), group in colder.group_by("offset_c", maintain_order=True):
        local = climate.with_columns(cs.starts_with("air_temp_") + offset)
        cold = heat_fit(ripening, crops, local, sheltered=sheltered).filter(~pl.col("fits"))
        here = plots.join(group, on="plot_id", how="semi").join(cold, on="land_class")
        found |= {
            (row[0], row[1]): float(str(offset)) for row in here.select("plot_id", "practice_id").iter_rows()
        }
    return dict(sorted(found.items()))
