"""Joint paths of the weather to come: the usual course, the year's own departure, and fronts that fade."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SMOOTH_DAYS = 31
YEAR_SD_C, FRONT_SD_C, FRONT_KEEP = 0.6, 3.0, 0.75
"""Spread of a year's mean about the usual one, of a day's about its year, and what a day keeps of the one before: what is
taken before records tell; assumed, after stations of the temperate east."""
SPELL = (1 + FRONT_KEEP) / (1 - FRONT_KEEP)
"""Days that hang together as one, for the mean of many."""
PRIOR_YEARS, PRIOR_DAYS = 3.0, 60.0
"""What those count as."""
FORECAST_ERROR_C = 0.9
"""Standard deviation of a forecast's daily mean a day ahead (°C); grows with the square root of the days. Assumed."""


@dataclass(frozen=True)
class Temperatures:
    """Daily means (°C) of consecutive days from `first`; NaN: not known."""

    first: date
    mean_c: Floats

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=len(self.mean_c) - 1)

    def index(self, day: date) -> int:
        """Place of a day; may lie outside."""
        return (day - self.first).days

    @property
    def days(self) -> list[date]:
        """Every day."""
        return [self.first + timedelta(days=i) for i in range(len(self.mean_c))]


@dataclass(frozen=True)
class Climate:
    """The usual mean of each day of the year [0–365] (NaN: not known), and how days depart from it.

    `year_c`, `year_sd`: what this year is above it so far, and how sure that is; `next_sd`: of another year; `front_sd`,
    `keep`: of a day about its year and of what it keeps from the day before; `front_c`: the last day's; `course_sd`: how
    well the course is known, an error that changes over SMOOTH_DAYS.
    """

    course: Floats
    year_c: float
    year_sd: float
    next_sd: float
    front_sd: float
    keep: float
    front_c: float
    course_sd: float


def usual(past: Temperatures) -> Floats:
    """The usual mean of each day of the year [0–365], smoothed over SMOOTH_DAYS; NaN where nothing within is known."""
    doy = _doy(past.days)
    known = ~np.isnan(past.mean_c)
    total = np.bincount(doy[known], past.mean_c[known], 366)
    count = np.bincount(doy[known], minlength=366).astype(float)
    window, half = np.ones(SMOOTH_DAYS), SMOOTH_DAYS // 2
    wide = [np.convolve(np.concatenate([x[-half:], x, x[:half]]), window, "valid") for x in (total, count)]
    result: Floats = np.where(wide[1] > 0, wide[0] / np.maximum(wide[1], 1), np.nan)
    return result


def fit_climate(past: Temperatures) -> Climate:
    """Learn the course and the departures from it.

    With n years of records the course is known only so well: its own error is kept beside the departures.
    """
    course, days = usual(past), past.days
    departed = past.mean_c - course[_doy(days)]
    years = max(len(departed) / 365.25, 1.0)
    year = np.array([d.year for d in days])
    counted = [(year == y) & ~np.isnan(departed) for y in np.unique(year)]
    means = np.array([departed[c].mean() for c in counted if c.sum() >= 200])
    seen = max(len(means) - 1, 0)
    between = (float(np.sum((means - means.mean()) ** 2)) if seen else 0.0) + PRIOR_YEARS * YEAR_SD_C**2
    year_var = between / (seen + PRIOR_YEARS)
    about = departed.copy()
    for mine in (c for c in counted if c.any()):
        about[mine] -= (
            departed[mine].mean() * year_var / (year_var + FRONT_SD_C**2 * SPELL / max(int(mine.sum()), 1))
        )
    pairs = ~np.isnan(about[1:]) & ~np.isnan(about[:-1])
    a, b = about[:-1][pairs], about[1:][pairs]
    square, cross = float(a @ a), float(a @ b)
    front_var = (square + PRIOR_DAYS * FRONT_SD_C**2) / (len(a) + PRIOR_DAYS)
    keep = (cross + PRIOR_DAYS * FRONT_KEEP * FRONT_SD_C**2) / (square + PRIOR_DAYS * FRONT_SD_C**2)
    keep = float(np.clip(keep, 0.0, 0.97))
    spell = (1 + keep) / (1 - keep)
    this = departed[(year == past.last.year) & ~np.isnan(departed)]
    sure = year_var / (year_var + front_var * spell / max(len(this), 1))
    last = departed[-1] if len(departed) and not np.isnan(departed[-1]) else 0.0
    year_c = sure * float(this.mean()) if len(this) else 0.0
    return Climate(
        course, year_c,
        year_sd=float(np.sqrt(year_var * (1 - sure + 1 / years))),
        next_sd=float(np.sqrt(year_var * (1 + 1 / years))),
        front_sd=float(np.sqrt(front_var)), keep=keep, front_c=float(last - year_c),
        course_sd=float(np.sqrt(front_var * spell / SMOOTH_DAYS / years)),
    )  # fmt: skip


def weather_paths(past: Temperatures, forecast_c: Floats, *, days: int, paths: int, seed: int) -> Floats:
    """Daily mean temperatures of the days after `past` on joint paths [path, day].

    The first days follow the forecast (`forecast_c`, may be empty) with errors that grow; then the usual course, the
    year's departure (another one from New Year on) and fronts that fade. Days of the year that no record covers are NaN.
    """
    rng, climate = np.random.default_rng(seed), fit_climate(past)
    ahead = [past.last + timedelta(days=i + 1) for i in range(days)]
    this = climate.year_c + climate.year_sd * rng.normal(size=paths)
    another = climate.next_sd * rng.normal(size=paths)
    offset = np.where(
        np.array([d.year == past.last.year for d in ahead])[None, :], this[:, None], another[:, None]
    )
    usual_c = climate.course[_doy(ahead)][None, :] + offset
    shock = rng.normal(size=(paths, days)) * climate.front_sd * np.sqrt(1 - climate.keep**2)
    error = rng.normal(size=paths) * FORECAST_ERROR_C
    slow_keep = 1 - 2 / SMOOTH_DAYS
    slow = rng.normal(size=paths) * climate.course_sd
    drift = rng.normal(size=(paths, days)) * climate.course_sd * np.sqrt(1 - slow_keep**2)
    found, front = np.empty((paths, days)), np.full(paths, climate.front_c)
    for t in range(days):
        front = climate.keep * front + shock[:, t]
        slow = slow_keep * slow + drift[:, t]
        usual_c[:, t] += slow
        found[:, t] = usual_c[:, t] + front
        if t < len(forecast_c) and not np.isnan(forecast_c[t]):
            found[:, t] = forecast_c[t] + error * np.sqrt(t + 1) * 0.5
            front = found[:, t] - usual_c[:, t]
    return found


def _doy(days: list[date]) -> NDArray[np.int64]:
    return np.array([d.timetuple().tm_yday - 1 for d in days], dtype=np.int64)
