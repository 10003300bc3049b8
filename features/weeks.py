"""A year earlier, week by week: the same weeks of last year, except where a festival moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from features.festivals import FESTIVALS

Array = npt.NDArray[np.float64]

YEAR_DAYS = 364
"""52 whole weeks: the same weekday a year earlier."""
EDGE_DAYS = 14
"""Days on either side of a window that stand for the time without the festival."""
LUNAR_REACH = {"spring_festival": (30, 22), "dragon_boat": (14, 7), "mid_autumn": (14, 7)}
"""Festival → days before and after it in which sales follow the festival rather than the date (assumed)."""


@dataclass(frozen=True)
class Moving:
    """A festival that moves through the civil year, and the days around it that move with it."""

    days: tuple[date, ...]
    """Its occurrences, ascending, one a year."""
    before_days: int
    after_days: int

    def place(self, day: date) -> int | None:
        """The number of the occurrence in whose window a day lies; None outside all of them."""
        for k, festival in enumerate(self.days):
            if -self.before_days <= (day - festival).days <= self.after_days:
                return k
        return None


def lunar_festivals(first: date, last: date) -> tuple[Moving, ...]:
    """Spring Festival, Dragon Boat and Mid-Autumn of every year from two before `first` to one after `last`."""
    years = range(first.year - 2, last.year + 2)
    return tuple(
        Moving(tuple(FESTIVALS[name](year) for year in years), *reach) for name, reach in LUNAR_REACH.items()
    )


def year_back(first_week: date, weeks: int, moving: Sequence[Moving]) -> Array:
    """Which weeks stand for each week a year earlier.

    Args:
        first_week: First day of the first week.
        weeks: Weeks described, the earliest being `first_week`.
        moving: Festivals, the more important first; windows of one may overlap those of another.

    Returns:
        [week, earlier week]: shares that sum to 1, or to 0 where nothing earlier is among the weeks; some may be
        negative. A day comes from 364 days earlier; where that day lay in the festival's window, the two weeks before and
        after the window stand for it, weighted by how near they are. A day in a festival's window adds what the day at
        the same distance to the last occurrence had above such a stand-in of its own: the season follows the date, the
        festival follows the moon.
    """
    shares = np.zeros((weeks, weeks))
    for week in range(weeks):
        for d in range(7):
            for source, share in _sources(first_week + timedelta(days=week * 7 + d), moving):
                at = (source - first_week).days // 7
                if 0 <= at < week:
                    shares[week, at] += share / 7
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shares, total, out=np.zeros_like(shares), where=total >= 0.5))


def festival_distance(first_week: date, weeks: int, moving: Sequence[Moving]) -> Array:
    """Days from each festival to the middle of each week as [week, festival]; NaN outside its window."""
    found = np.full((weeks, len(moving)), np.nan)
    for week in range(weeks):
        middle = first_week + timedelta(days=week * 7 + 3)
        for k, festival in enumerate(moving):
            if (place := festival.place(middle)) is not None:
                found[week, k] = (middle - festival.days[place]).days
    return found


def _sources(day: date, moving: Sequence[Moving]) -> list[tuple[date, float]]:
    """Earlier days that stand for a day, and their shares, which sum to 1; some may be negative."""
    usual = _by_date(day - timedelta(days=YEAR_DAYS), moving)
    for festival in moving:
        place = festival.place(day)
        if place:
            source = festival.days[place - 1] + (day - festival.days[place])
            without = _beside(source, festival, festival.days[place - 1])
            return [(source, 1.0), *((d, -share) for d, share in without), *usual]
    return usual


def _by_date(earlier: date, moving: Sequence[Moving]) -> list[tuple[date, float]]:
    """A day a year earlier, or what stands for it where a festival had it."""
    for festival in moving:
        place = festival.place(earlier)
        if place is not None:
            return _beside(earlier, festival, festival.days[place])
    return [(earlier, 1.0)]


def _beside(day: date, festival: Moving, on: date) -> list[tuple[date, float]]:
    """The days before and after a festival's window, for a day within it."""
    first, last = on - timedelta(days=festival.before_days), on + timedelta(days=festival.after_days)
    middle = (EDGE_DAYS + 1) / 2  # of the days on either side
    late = ((day - first).days + middle) / ((last - first).days + 2 * middle)
    before = [(first - timedelta(days=k), (1 - late) / EDGE_DAYS) for k in range(1, EDGE_DAYS + 1)]
    after = [(last + timedelta(days=k), late / EDGE_DAYS) for k in range(1, EDGE_DAYS + 1)]
    return before + after
