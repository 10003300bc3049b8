"""Days of the county: festivals by the lunar calendar, campaigns, days of the year. Axis [day] from `starts_on`."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import polars as pl
from lunar_python import Lunar
from numpy.typing import NDArray

from models.simulation import parameters as p

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Campaign:
    """One campaign window; days are inclusive."""

    name: str
    starts_on: date
    ends_on: date
    presale_from: date | None
    uplift: float
    discount_share: float


@lru_cache(maxsize=256)
def lunar_day(year: int, month: int, day: int) -> date:
    """The Gregorian date of a day of the lunar year `year`."""
    solar = Lunar.fromYmd(year, month, day).getSolar()
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def dates(starts_on: date, days: NDArray[np.int64]) -> pl.Series:
    """The dates of days counted from `starts_on`."""
    return pl.Series(np.datetime64(starts_on, "D") + days.astype("timedelta64[D]"))


def day_of_year(starts_on: date, days: int) -> NDArray[np.int64]:
    """Day of the year (1-366) of each day."""
    return np.array([(starts_on + timedelta(days=i)).timetuple().tm_yday for i in range(days)])


def in_window(doy: NDArray[np.int64], window: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether each day of the year lies in a window that may wrap the year end."""
    first, last = window
    if first <= last:
        return (doy >= first) & (doy <= last)
    return (doy >= first) | (doy <= last)


def festival_effect(family: str, starts_on: date, days: int) -> Floats:
    """Log change of a family's demand by lunar festivals: a rise before, a dip after, couriers' rest at new year."""
    effect = np.zeros(days)
    at = np.arange(days)
    years = range(starts_on.year - 1, (starts_on + timedelta(days=days)).year + 1)
    for (month, day), families in p.FESTIVALS.values():
        peak, lead = families.get(family, (0.0, 1))
        for year in years:
            left = (lunar_day(year, month, day) - starts_on).days - at  # days until the festival
            effect += np.where(
                (left >= 1) & (left <= lead), peak * np.clip(1 - (left - 1) / lead, 0, 1) ** 0.7, 0.0
            )
            effect += np.where((left <= 0) & (left > -6), p.FESTIVAL_DIP * (peak > 0), 0.0)
    first, last, drop = p.SPRING_CLOSED
    for year in years:
        since = at - (lunar_day(year, 1, 1) - starts_on).days
        effect += np.where((since >= first) & (since <= last), drop, 0.0)
    return effect


def campaigns(starts_on: date, days: int) -> list[Campaign]:
    """All campaign windows that touch the days, in order of their start."""
    ends_on = starts_on + timedelta(days=days - 1)
    found = []
    for year in range(starts_on.year, ends_on.year + 1):
        for name, (first, last, uplift, discount, presale) in p.CAMPAIGNS.items():
            start = date(year, *first)
            before = start - timedelta(days=presale) if presale else None
            found.append(Campaign(name, start, date(year, *last), before, uplift, discount))
        name, a, b, uplift, discount = p.NEW_YEAR_GOODS
        new_year = lunar_day(year, 1, 1)
        found.append(Campaign(name, new_year + timedelta(a), new_year + timedelta(b), None, uplift, discount))
    return sorted(
        (c for c in found if c.starts_on <= ends_on and c.ends_on >= starts_on), key=lambda c: c.starts_on
    )


def campaign_effect(starts_on: date, days: int) -> tuple[Floats, Floats]:
    """Log uplift and discount share of each day, all campaigns together."""
    uplift, discount = np.zeros(days), np.zeros(days)
    last_days, extra = p.CAMPAIGN_LAST_DAYS
    for c in campaigns(starts_on, days):
        a, b = (c.starts_on - starts_on).days, (c.ends_on - starts_on).days + 1
        span = slice(max(a, 0), max(b, 0))
        uplift[span] += c.uplift * 0.6
        discount[span] = np.maximum(discount[span], c.discount_share)
        uplift[max(b - last_days, 0) : max(b, 0)] += extra * c.uplift
        uplift[max(b, 0) : max(b + 4, 0)] -= 0.3 * c.uplift
    return uplift, discount
