"""What a day was like on a plot and at the stations: the extremes, wet hours and soil water that flags are judged by."""

from datetime import date

import numpy as np
import polars as pl

from features.weather import reference_evapotranspiration

WET_RH_PCT, WET_LOW_C = 90.0, 10.0
"""An hour counts as wet at or above this humidity, at or above this temperature; Smith 1956 (potato blight periods)."""
LEAST_HOURS = 12
"""Fewer good readings in a day and the sensor counts as silent on it."""
FIELD_CAPACITY, WILTING = 0.29, 0.12
"""Soil water (m³/m³) of medium textures; FAO-56, table 19, middle of the ranges."""
ROOT_MM = 600.0
"""Rooted depth for the water balance where no probe is; FAO-56, table 22, vegetables."""
DAY_SCHEMA = pl.Schema({
    "low_c": pl.Float64, "high_c": pl.Float64, "wet_hours": pl.Float64, "depleted_share": pl.Float64,
})  # fmt: skip


def sensor_days(readings: pl.DataFrame, sensors: pl.DataFrame, *, timezone: str) -> pl.DataFrame:
    """One row per plot and local day with good readings.

    Args:
        readings: sensor_id, quantity, measured_at, value, flag (null: good); flagged ones are not used.
        sensors: sensor_id, plot_id.

    Returns:
        plot_id, day, low_c, high_c, wet_hours (null: under LEAST_HOURS hours of air), depleted_share (0 field capacity, 1
        wilting point, the driest hour; null: under LEAST_HOURS hours of soil). Sorted.
    """
    placed = readings.filter(pl.col("flag").is_null()).join(
        sensors.filter(pl.col("plot_id").is_not_null()).select("sensor_id", "plot_id"), on="sensor_id"
    )
    hour = pl.col("measured_at").dt.convert_time_zone(timezone).dt.truncate("1h")
    wide = (
        placed.filter(pl.col("quantity").is_in(["air_temp_c", "rel_humidity_pct", "soil_vwc"]))
        .group_by("plot_id", hour.alias("hour"), "quantity")
        .agg(low=pl.col("value").min(), high=pl.col("value").max())
        .with_columns(day=pl.col("hour").dt.date())
    )

    def of(quantity: str) -> pl.Expr:
        return pl.col("quantity") == quantity

    wet = wide.filter(of("rel_humidity_pct"), pl.col("low") >= WET_RH_PCT).join(
        wide.filter(of("air_temp_c"), pl.col("low") >= WET_LOW_C).select("plot_id", "hour"), on=["plot_id", "hour"]
    ).group_by("plot_id", "day").agg(wet=pl.len().cast(pl.Float64))  # fmt: skip
    air, soil = of("air_temp_c").sum() >= LEAST_HOURS, of("soil_vwc").sum() >= LEAST_HOURS
    humid = of("rel_humidity_pct").sum() >= LEAST_HOURS
    driest = pl.col("low").filter(of("soil_vwc")).min()
    return (
        wide.group_by("plot_id", "day")
        .agg(
            low_c=pl.when(air).then(pl.col("low").filter(of("air_temp_c")).min()),
            high_c=pl.when(air).then(pl.col("high").filter(of("air_temp_c")).max()),
            is_humid=air & humid,
            depleted_share=pl.when(soil).then(((FIELD_CAPACITY - driest) / (FIELD_CAPACITY - WILTING)).clip(0, 1)),
        )
        .join(wet, on=["plot_id", "day"], how="left")
        .select(
            "plot_id", "day", "low_c", "high_c",
            wet_hours=pl.when("is_humid").then(pl.col("wet").fill_null(0.0)), depleted_share="depleted_share",
        )
        .sort("plot_id", "day")
    )  # fmt: skip


def station_days(hours: pl.DataFrame, *, timezone: str, lat_deg: float, min_hours: int = 20) -> pl.DataFrame:
    """One row per local day, the stations together: the lowest minimum, the highest maximum, the wettest, and a water balance.

    Args:
        hours: station_id, observed_at, air_temp_c, rel_humidity_pct, rain_mm; nulls are gaps.
        lat_deg: For the water need.

    Returns:
        day, low_c, high_c, mean_c, rain_mm, wet_hours, depleted_share (from a balance that starts half empty: rain in,
        reference evapotranspiration out, over ROOT_MM of soil). Days without `min_hours` of temperature at any station
        are left out; a day without rain records counts as dry in the balance and has null rain.

    Source: FAO-56 (Allen et al. 1998), ch. 8, with a crop coefficient of 1.
    """
    warm, wet = pl.col("air_temp_c"), pl.col("rel_humidity_pct") >= WET_RH_PCT
    per = (
        hours.with_columns(day=pl.col("observed_at").dt.convert_time_zone(timezone).dt.date())
        .group_by("station_id", "day")
        .agg(
            hours=warm.count(), low_c=warm.min(), high_c=warm.max(), mean_c=warm.mean(),
            rain_mm=pl.when(pl.col("rain_mm").count() >= min_hours).then(pl.col("rain_mm").sum()),
            wet_hours=(wet & (warm >= WET_LOW_C)).sum().cast(pl.Float64),
        )
        .filter(pl.col("hours") >= min_hours)
    )  # fmt: skip
    days = (
        per.group_by("day")
        .agg(
            pl.col("low_c").min(), pl.col("high_c").max(), pl.col("mean_c").mean(), pl.col("rain_mm").mean(),
            pl.col("wet_hours").max(),
        )
        .sort("day")
    )  # fmt: skip
    need = reference_evapotranspiration(
        pl.col("low_c"), pl.col("high_c"), pl.col("day").dt.ordinal_day(), lat_deg=lat_deg
    )
    flows = days.select(need=need.fill_null(0.0), rain=pl.col("rain_mm").fill_null(0.0)).to_numpy()
    return days.with_columns(depleted_share=pl.Series(_balance(flows), dtype=pl.Float64))


def _balance(flows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[float]:
    """Share of the available water gone after each day; rows are (need, rain) in mm."""
    room = (FIELD_CAPACITY - WILTING) * ROOT_MM
    gone, found = room / 2, []
    for need, rain in flows:
        gone = min(max(gone + need * min(1.0, 2 * (1 - gone / room)) - rain, 0.0), room)
        found.append(gone / room)
    return found


def calendar(first: date, last: date) -> pl.DataFrame:
    """The days from first to last, one row each."""
    return pl.DataFrame({"day": pl.date_range(first, last, eager=True)})
