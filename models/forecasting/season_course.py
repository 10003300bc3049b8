"""Many series over periods of a year (weeks or months): what the season forecast learns from."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Course:
    """Sales by period, known up to an origin, and what is known of the periods ahead."""

    sold: Array
    """[series, known period], no NaN (see `filled`)."""
    started: Places
    """Per series the place of its first sale."""
    pools: tuple[Places, ...]
    """Groupings, the finest first: per series the number of its group, from 0."""
    season: int
    """Periods a year."""
    back: Array
    """[period, earlier period], known periods and those ahead: which of them stand for it a year earlier; see year_back."""
    calendar: Array
    """[period, feature], known periods and those ahead: what the calendar says, NaN where it says nothing."""

    @property
    def length(self) -> int:
        """Number of known periods."""
        return int(self.sold.shape[1])

    @property
    def ahead(self) -> int:
        """Number of periods described after the known ones."""
        return int(self.back.shape[0] - self.length)

    def until(self, origin: int) -> "Course":
        """The course as known after `origin` periods, with as many periods ahead as it has itself."""
        last = origin + self.ahead
        return replace(
            self, sold=self.sold[:, :origin], back=self.back[:last, :last], calendar=self.calendar[:last]
        )

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Course":
        """The course of some series; groups are numbered anew."""
        pools = tuple(np.unique(p[chosen], return_inverse=True)[1].astype(np.int64) for p in self.pools)
        return replace(self, sold=self.sold[chosen], started=self.started[chosen], pools=pools)


def same_place_back(periods: int, season: int) -> Array:
    """`Course.back` of a calendar in which nothing moves: exactly a year earlier."""
    return np.eye(periods, k=-season)


def filled(sold: Array, season: int) -> Array:
    """Put the mean of the same place in the nearest years before and after into periods that are missing (NaN).

    Where only one side has a value that one stands alone; where neither has, 0.
    """
    done = sold.copy()
    length = sold.shape[1]
    for t in np.flatnonzero(np.isnan(sold).any(axis=0)):
        earlier, later = (
            _nearest(sold, range(t - season, -1, -season)),
            _nearest(sold, range(t + season, length, season)),
        )
        both = np.where(np.isnan(earlier), later, np.where(np.isnan(later), earlier, (earlier + later) / 2))
        done[:, t] = np.where(np.isnan(sold[:, t]), np.nan_to_num(both), sold[:, t])
    return done


def _nearest(sold: Array, places: range) -> Array:
    found = np.full(sold.shape[0], np.nan)
    for at in places:
        found = np.where(np.isnan(found), sold[:, at], found)
    return found
