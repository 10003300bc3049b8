"""What weather means to a crop: heat, dryness of the air, water need, usual years and frost dates.

Formulas are expressions over columns; summaries are frames. Days are local days of the given time zone.
"""

from collections.abc import Sequence

import polars as pl

SOLAR_CONSTANT_MJ_M2_MIN = 0.0820
"""FAO-56 (Allen et al. 1998), eq. 21."""
LATENT_HEAT_MM_PER_MJ_M2 = 0.408
"""1 / 2.45 MJ kg⁻¹: energy that evaporates 1 mm of water; FAO-56, eq. 20."""
CLIMATE_COLUMNS = ("air_temp_min_c", "air_temp_max_c", "rain_mm")


def growing_degree_days(t_min_c: pl.Expr, t_max_c: pl.Expr, *, base_c: float) -> pl.Expr:
    """Heat useful to the crop per day (°C·d), never negative; McMaster & Wilhelm 1997, method 1."""
    return ((t_min_c + t_max_c) / 2 - base_c).clip(lower_bound=0)


def saturation_vapour_pressure(air_temp_c: pl.Expr) -> pl.Expr:
    """Vapour pressure of saturated air over water (kPa); Tetens' form of FAO-56, eq. 11."""
    return 0.6108 * (17.27 * air_temp_c / (air_temp_c + 237.3)).exp()


def rel_humidity_from_dew_point(air_temp_c: pl.Expr, dew_point_c: pl.Expr) -> pl.Expr:
    """Relative humidity (%, 0–100) by the Magnus formula; Alduchov & Eskridge 1996, eq. 21 (17.625, 243.04 °C)."""

    def exponent(t: pl.Expr) -> pl.Expr:
        return 17.625 * t / (243.04 + t)

    return (100 * (exponent(dew_point_c) - exponent(air_temp_c)).exp()).clip(0, 100)


def vapour_pressure_deficit(air_temp_c: pl.Expr, rel_humidity_pct: pl.Expr) -> pl.Expr:
    """How much more vapour the air could hold (kPa, ≥ 0); FAO-56, eqs. 11 and 54."""
    return saturation_vapour_pressure(air_temp_c) * (1 - rel_humidity_pct.clip(0, 100) / 100)


def extraterrestrial_radiation(day_of_year: pl.Expr, *, lat_deg: float) -> pl.Expr:
    """Daily radiation above the atmosphere (MJ m⁻² d⁻¹); FAO-56, eqs. 21–25.

    Raises:
        ValueError: The latitude is above the polar circles, where the sunset angle is not defined all year.
    """
    if not -66.0 <= lat_deg <= 66.0:
        raise ValueError(f"lat_deg={lat_deg} is outside -66…66; use measured radiation there")
    lat = lat_deg * 3.141592653589793 / 180
    year = 2 * 3.141592653589793 * day_of_year / 365
    distance = 1 + 0.033 * year.cos()
    declination = 0.409 * (year - 1.39).sin()
    tan_lat, sin_lat, cos_lat = (pl.lit(lat).tan(), pl.lit(lat).sin(), pl.lit(lat).cos())
    sunset = (-tan_lat * declination.tan()).arccos()
    height = sunset * sin_lat * declination.sin() + cos_lat * declination.cos() * sunset.sin()
    return 24 * 60 / 3.141592653589793 * SOLAR_CONSTANT_MJ_M2_MIN * distance * height


def reference_evapotranspiration(
    t_min_c: pl.Expr, t_max_c: pl.Expr, day_of_year: pl.Expr, *, lat_deg: float
) -> pl.Expr:
    """Water a well-watered grass surface gives off (mm d⁻¹, ≥ 0) from temperature alone.

    Source: Hargreaves & Samani 1985, as FAO-56, eq. 52. Needs no wind or radiation, which farms seldom have.
    """
    mean = (t_min_c + t_max_c) / 2
    spread = (t_max_c - t_min_c).clip(lower_bound=0).sqrt()
    radiation_mm = extraterrestrial_radiation(day_of_year, lat_deg=lat_deg) * LATENT_HEAT_MM_PER_MJ_M2
    return (0.0023 * (mean + 17.8) * spread * radiation_mm).clip(lower_bound=0)


def daily_weather(hourly: pl.DataFrame, *, timezone: str, min_hours: int = 20) -> pl.DataFrame:
    """Sum up hours to local days.

    Args:
        hourly: One row per (station_id, observed_at): `air_temp_c`, and any of `rain_mm`, `rel_humidity_pct`,
            `wind_m_s`; nulls are gaps.
        timezone: Zone of the local day.
        min_hours: A day with fewer hours of temperature has null temperatures, one with fewer hours of rain a
            null sum: half a day is no day.

    Returns:
        One row per (station_id, weather_date), sorted: `air_temp_min_c`, `air_temp_max_c`, `air_temp_mean_c`,
        `rain_mm`, `rel_humidity_mean_pct`, `wind_mean_m_s`, `hours` (of temperature).
    """
    wanted = ("air_temp_c", "rain_mm", "rel_humidity_pct", "wind_m_s")
    absent = [pl.lit(None, pl.Float64).alias(c) for c in wanted if c not in hourly.columns]
    day = pl.col("observed_at").dt.convert_time_zone(timezone).dt.date().alias("weather_date")
    temp, enough = pl.col("air_temp_c"), pl.col("air_temp_c").count() >= min_hours
    rain = pl.col("rain_mm")
    return (
        hourly.with_columns(absent)
        .group_by("station_id", day)
        .agg(
            air_temp_min_c=pl.when(enough).then(temp.min()),
            air_temp_max_c=pl.when(enough).then(temp.max()),
            air_temp_mean_c=pl.when(enough).then(temp.mean()),
            rain_mm=pl.when(rain.count() >= min_hours).then(rain.sum()),
            rel_humidity_mean_pct=pl.when(enough).then(pl.col("rel_humidity_pct").mean()),
            wind_mean_m_s=pl.when(enough).then(pl.col("wind_m_s").mean()),
            hours=temp.count().cast(pl.Int64),
        )
        .sort("station_id", "weather_date")
    )


def climate_by_day(
    daily: pl.DataFrame, *, window_days: int = 15, columns: Sequence[str] = CLIMATE_COLUMNS
) -> pl.DataFrame:
    """The usual course of a year: what each day of year looked like in all years together.

    Args:
        daily: Rows of `daily_weather`, any number of years.
        window_days: Odd width of the window around a day of year whose days are pooled; it wraps the year end.
            29 February is pooled with 1 March (day 60 of a 365-day year).
        columns: What to describe.

    Returns:
        One row per (station_id, day_of_year 1–365) with `{column}_mean`, `_p10`, `_p90` and `years` (distinct
        years pooled); no row for a day whose window holds no observation.

    Raises:
        ValueError: `window_days` is even or below 1.
    """
    if window_days < 1 or window_days % 2 == 0:
        raise ValueError(f"window_days={window_days}: use an odd number of days ≥ 1")
    half = window_days // 2
    ordinal = pl.col("weather_date").dt.ordinal_day().cast(pl.Int32)
    leap = pl.col("weather_date").dt.is_leap_year() & (ordinal > 60)
    shift = pl.int_ranges(pl.lit(-half), pl.lit(half + 1), dtype=pl.Int32)
    pooled = (
        daily.with_columns(doy=pl.when(leap).then(ordinal - 1).otherwise(ordinal).clip(1, 365), shift=shift)
        .explode("shift")
        .with_columns(day_of_year=(pl.col("doy") - 1 + pl.col("shift")) % 365 + 1)
    )
    described = [
        expr
        for c in columns
        for expr in (
            pl.col(c).mean().alias(f"{c}_mean"),
            pl.col(c).quantile(0.1, "linear").alias(f"{c}_p10"),
            pl.col(c).quantile(0.9, "linear").alias(f"{c}_p90"),
        )
    ]
    years = pl.col("weather_date").dt.year().n_unique().cast(pl.Int64).alias("years")
    return (
        pooled.group_by("station_id", "day_of_year").agg(*described, years).sort("station_id", "day_of_year")
    )


def frost_dates(daily: pl.DataFrame, *, frost_c: float = 0.0) -> pl.DataFrame:
    """Last frost of spring and first of autumn per station and year.

    Args:
        daily: Rows of `daily_weather`.
        frost_c: A day whose minimum is at or below it counts as frost (°C).

    Returns:
        One row per (station_id, year): `last_spring_frost` (before 16 July), `first_autumn_frost` (from 16 July),
        both null when that half of the year had none; `days_known` tells how much of the year was observed.
    """
    day, frost = pl.col("weather_date"), pl.col("air_temp_min_c") <= frost_c
    spring = (day.dt.month().cast(pl.Int32) * 100 + day.dt.day()) < 716
    return (
        daily.group_by("station_id", day.dt.year().alias("year"))
        .agg(
            last_spring_frost=day.filter(frost & spring).max(),
            first_autumn_frost=day.filter(frost & ~spring).min(),
            days_known=pl.col("air_temp_min_c").count().cast(pl.Int64),
        )
        .sort("station_id", "year")
    )
