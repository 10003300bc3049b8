"""Hourly weather of one station: yearly and daily cycle, passing fronts, wet spells. A generator, no forecast model."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.almanac import day_of_year
from models.simulation.sizes import stream

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weather:
    """Hours of one station from local midnight of `starts_on`; arrays [hour]."""

    starts_on: date
    air_temp_c: Floats
    rel_humidity_pct: Floats
    rain_mm: Floats
    wind_m_s: Floats
    pressure_hpa: Floats
    radiation_w_m2: Floats

    @property
    def days(self) -> int:
        """Whole days covered."""
        return len(self.air_temp_c) // 24

    def daily(self) -> pl.DataFrame:
        """One row per day: day, mean, lowest and highest temperature (°C), rain (mm)."""
        t = self.air_temp_c.reshape(-1, 24)
        return pl.DataFrame({
            "day": pl.date_range(self.starts_on, self.starts_on + timedelta(days=self.days - 1), eager=True),
            "mean_c": t.mean(axis=1), "low_c": t.min(axis=1), "high_c": t.max(axis=1),
            "rain_mm": self.rain_mm.reshape(-1, 24).sum(axis=1),
        })  # fmt: skip

    def frame(self) -> pl.DataFrame:
        """One row per hour: `time` (naive local) and the station's columns by their warehouse names, dew point too."""
        start = datetime.combine(self.starts_on, datetime.min.time())
        times = pl.datetime_range(start, start + timedelta(hours=len(self.air_temp_c) - 1), "1h", eager=True)
        gamma = np.log(self.rel_humidity_pct / 100) + 17.625 * self.air_temp_c / (243.04 + self.air_temp_c)
        return pl.DataFrame({
            "time": times, "air_temp_c": self.air_temp_c.round(1), "rel_humidity_pct": self.rel_humidity_pct.round(0),
            "dew_point_c": (243.04 * gamma / (17.625 - gamma)).round(1), "rain_mm": self.rain_mm.round(1),
            "wind_m_s": self.wind_m_s.round(2), "pressure_hpa": self.pressure_hpa.round(1),
            "radiation_w_m2": self.radiation_w_m2.round(0),
        })  # fmt: skip


def _ar1(rng: np.random.Generator, n: int, sd: float, memory: float) -> Floats:
    """A stationary AR(1) of that standard deviation; `memory` is its time constant in steps."""
    keep = np.exp(-1 / memory)
    shock = rng.normal(0, sd * np.sqrt(1 - keep**2), n)
    values = np.empty(n)
    state = rng.normal(0, sd)
    for i in range(n):
        state = keep * state + shock[i]
        values[i] = state
    return values


def _wet_days(rng: np.random.Generator, summer: Floats) -> NDArray[np.bool_]:
    """Wet and dry days in spells; `summer` runs from 0 in January to 1 in July."""
    chance = p.WEATHER["wet_share"] - p.WEATHER["wet_summer"] / 2 + p.WEATHER["wet_summer"] * summer
    starts = chance * (1 - p.WEATHER["wet_stays"]) / (1 - chance)
    draw = rng.random(len(summer))
    wet = np.zeros(len(summer), dtype=bool)
    for i in range(len(summer)):
        before = bool(wet[i - 1]) if i else False
        wet[i] = draw[i] < (p.WEATHER["wet_stays"] if before else starts[i])
    return wet


def generate(starts_on: date, days: int, seed: int, *, name: str = "station") -> Weather:
    """The weather of `days` whole days; the same seed and name give the same weather."""
    w, rng = p.WEATHER, stream(seed, "weather", name)
    doy = day_of_year(starts_on, days)
    year = np.array([(starts_on + timedelta(days=i)).year for i in range(days)])
    season = -np.cos(2 * np.pi * (doy - w["coldest_doy"]) / 365.25)
    summer = (season + 1) / 2
    wet = _wet_days(rng, summer)
    yearly = {int(y): rng.normal(0, w["year_sd_c"]) for y in np.unique(year)}
    daily = w["mean_c"] + w["season_c"] * season + _ar1(rng, days, w["front_sd_c"], w["front_days"])
    daily += np.array([yearly[int(y)] for y in year]) - 1.2 * wet * summer
    hour = np.arange(days * 24)
    clock, day = hour % 24, hour // 24
    swing = w["diurnal_c"] * (0.8 + 0.3 * summer) * np.where(wet, 0.55, 1.0)
    smooth = np.interp(hour, np.arange(days) * 24 + 12, daily)
    air = smooth + swing[day] * np.sin(2 * np.pi * (clock - 9) / 24) + _ar1(rng, days * 24, 0.6, 8)
    rain = _rain(rng, wet, summer, day)
    humid = 62 + 22 * wet[day] + 8 * summer[day] - 2.6 * (air - smooth) + _ar1(rng, days * 24, 5.0, 20)
    light = np.clip(np.sin(np.pi * (clock - 5.5 + summer[day]) / (13 + 2 * summer[day])), 0, 1)
    radiation = (
        light * (420 + 480 * summer[day]) * np.where(wet[day], 0.35, 0.85) * rng.uniform(0.7, 1.0, days)[day]
    )
    return Weather(
        starts_on, air, np.clip(humid, 12, 100), rain,
        np.abs(w["wind_m_s"] + _ar1(rng, days * 24, 1.3, 9)),
        w["pressure_hpa"] - w["pressure_season_hpa"] * season[day] + _ar1(rng, days * 24, 4.5, 60),
        radiation,
    )  # fmt: skip


def _rain(rng: np.random.Generator, wet: NDArray[np.bool_], summer: Floats, day: NDArray[np.int64]) -> Floats:
    """Rain per hour: a wet day's amount falls in a few hours."""
    amount = rng.gamma(0.8, p.WEATHER["rain_mm"] * (0.7 + p.WEATHER["rain_summer"] * summer) / 0.8) * wet
    share = rng.gamma(0.25, 1.0, len(day)).reshape(-1, 24)
    share /= share.sum(axis=1, keepdims=True)
    rain: Floats = np.clip((share * amount[:, None]).ravel(), 0, 90).round(1)
    return rain


def forecast_of(truth: Weather, issued_on: date, seed: int) -> pl.DataFrame:
    """What a forecast issued at local midnight of `issued_on` says of the next days, as `Weather.frame` rows.

    Errors grow with the square root of the lead and are smooth in time.
    """
    rng = stream(seed, "forecast", issued_on)
    first = (issued_on - truth.starts_on).days * 24
    hours = truth.frame()[first : first + 24 * p.FORECAST_DAYS]
    lead = np.sqrt(np.arange(1, hours.height + 1) / 24)
    error = _ar1(rng, hours.height, 1.0, 18) * lead
    return hours.with_columns(
        air_temp_c=(pl.col("air_temp_c") + pl.Series(error * p.FORECAST_ERROR_C_PER_DAY * 2)).round(1),
        rel_humidity_pct=(pl.col("rel_humidity_pct") - pl.Series(error * 3)).clip(12, 100).round(0),
        rain_mm=(pl.col("rain_mm") * pl.Series(np.exp(0.3 * error - 0.1))).round(1),
    )
