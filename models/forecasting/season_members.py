"""Forecasts of a course by its own past: last year, the mean of years, this year's level. Axes [series, period ahead]."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.forecasting.season_course import Course

Array = npt.NDArray[np.float64]
TINY = 1e-9
RATIO_LIMITS = (0.3, 3.0)
YEARLY_LIMITS = (0.5, 2.0)
RANK = 3
MOST_YEARS, OLDER_YEAR = 6, 0.85
"""Years in the mean course, and the weight of each against the one after it."""
LEANS = 0.3
"""Least share of a period's sources that must be known."""


@dataclass(frozen=True)
class Years:
    """A course read year by year, backwards from its last known period."""

    ahead: Array
    """[year back, series, period ahead]: what was sold in the periods that stand for those ahead; 0 before the start."""
    recent: Array
    """[year back, series, period of the last year]: the same for the last `season` known periods; year 0 is themselves."""
    level: Array
    """[year back, series]: mean sold a period in that year."""
    there: npt.NDArray[np.bool_]
    """[year back, series]: the series had begun by that year."""


def years_of(course: Course, most: int) -> Years:
    """Read a course year by year; there is one year at least, which may be partly before the start."""
    length, season = course.length, course.season
    count = max(1, min(most, length // season))
    back, step = sparse.csr_array(course.back), sparse.eye_array(course.back.shape[0], format="csr")
    recent, ahead = step[max(length - season, 0) : length], step[length:]
    aheads: list[Array] = []
    recents: list[Array] = []
    levels, there = [], []
    for k in range(1, count + 1):
        recents.append(_read(course, recent, recents[-1] if recents else course.sold[:, -season:]))
        recent, ahead = recent @ back, ahead @ back
        aheads.append(_read(course, ahead, aheads[-1] if aheads else _by_place(course)))
        window = course.sold[:, max(length - k * season, 0) : length - (k - 1) * season]
        levels.append(window.mean(axis=1))
        there.append(course.started <= length - k * season)
    return Years(np.stack(aheads), np.stack(recents), np.stack(levels), np.stack(there))


def profile(course: Course, years: Years, *, decay: float, recent: int, damping: float) -> Array:
    """The mean course of the years × this year's level.

    Args:
        course: At least a season long.
        years: The years looked at.
        decay: Weight of a year against the one after it.
        recent: Last periods whose ratio to the mean course tells where the level is now.
        damping: What is left of that ratio's distance from 1 after each further period.
    """
    weight = np.where(years.there, decay ** np.arange(len(years.level))[:, None], 0.0)
    weight[0] = np.maximum(weight[0], TINY)
    level = np.maximum((weight * years.level).sum(axis=0), TINY)[:, None]
    ahead = (weight[:, :, None] * years.ahead).sum(axis=0) / level
    usual = (weight[:, :, None] * years.recent).sum(axis=0) / level
    sold, expected = (x[:, -recent:].sum(axis=1) for x in (years.recent[0], usual * years.level[0][:, None]))
    ratio = np.divide(sold, expected, out=np.ones_like(sold), where=expected > TINY).clip(*RATIO_LIMITS)
    fading = damping ** np.arange(1, course.ahead + 1)
    path = 1 + (ratio - 1)[:, None] * fading
    return np.asarray(ahead * years.level[0][:, None] * path).clip(0)


def pooled(course: Course, values: Array, pool: int) -> Array:
    """Each series' share of its group's `values` [series, period ahead], by what it sold of the group in the last year."""
    group = course.pools[pool]
    own = course.sold[:, -course.season :].clip(0).sum(axis=1)
    total = np.bincount(group, own)
    share = own / np.maximum(total[group], TINY)
    sums = np.zeros((total.size, values.shape[1]))
    np.add.at(sums, group, values)
    return np.asarray(share[:, None] * sums[group])


def this_year(course: Course, years: Years, *, damping: float) -> Array:
    """Last year × how the last quarter compares with that of a year ago, drawn to the finest group's comparison.

    Where a quarter a year ago is not known in full, as much of it as is known.
    """
    season, length = course.season, course.length
    quarter = max(1, min(season // 4, length - season))
    now = course.sold[:, length - quarter :].sum(axis=1).clip(0)
    shares = sparse.csr_array(course.back[length - quarter : length])
    before = _read(course, shares, np.zeros((len(now), quarter))).sum(axis=1).clip(0)
    group = course.pools[0]
    pool_now, pool_before = np.bincount(group, now), np.bincount(group, before)
    shared = np.divide(pool_now, pool_before, out=np.ones_like(pool_now), where=pool_before > TINY)
    drawn = (pool_before / np.bincount(group) / 2)[group]
    ratio = np.divide(
        now + drawn * shared[group], before + drawn, out=np.ones_like(now), where=before + drawn > TINY
    )
    fading = damping ** np.arange(1, course.ahead + 1)
    path = 1 + (ratio.clip(*YEARLY_LIMITS) - 1)[:, None] * fading
    return np.asarray(years.ahead[0] * path).clip(0)


def low_rank(course: Course, *, rank: int, share: float) -> Course:
    """The course with each series drawn towards what it has in common with its finest group.

    In a group, series ÷ their means are replaced by their nearest matrix of that rank (singular values), and `share` of it
    is mixed with the series itself. Groups of `rank` series or fewer stay. Source: what won the store sales contest of
    2014 (singular values before decomposition), here with a mixture.
    """
    level = np.maximum(course.sold.clip(0).mean(axis=1, keepdims=True), TINY)
    common = course.sold.copy()
    for group in range(int(course.pools[0].max()) + 1):
        chosen = course.pools[0] == group
        if chosen.sum() > rank:
            u, s, v = np.linalg.svd(course.sold[chosen] / level[chosen], full_matrices=False)
            common[chosen] = (u[:, :rank] * s[:rank]) @ v[:rank] * level[chosen]
    return replace(course, sold=share * common + (1 - share) * course.sold)


def own_past(course: Course) -> dict[str, Array]:
    """Members that need no library: [series, period ahead] each, at least 0."""
    month = max(1, round(course.season / 12))
    smooth = low_rank(course, rank=RANK, share=0.5)
    years, common = years_of(course, MOST_YEARS), years_of(smooth, MOST_YEARS)
    slowly = _fade(0.92, month)
    near = profile(course, years, decay=OLDER_YEAR, recent=month, damping=_fade(0.7, month))
    found = {
        "last_year": years.ahead[0].clip(0),
        "this_year": this_year(course, years, damping=slowly),
        "profile": profile(course, years, decay=OLDER_YEAR, recent=course.season, damping=1.0),
        "profile_near": near,
        "profile_slow": profile(
            course, years, decay=OLDER_YEAR, recent=3 * month, damping=_fade(0.85, month)
        ),
        "common_this_year": this_year(smooth, common, damping=slowly),
        "common_profile": profile(smooth, common, decay=OLDER_YEAR, recent=month, damping=_fade(0.7, month)),
    }
    return found | {f"pool_{k}": pooled(course, near, k) for k in range(len(course.pools))}


def _fade(a_month: float, periods: int) -> float:
    return float(a_month ** (1 / periods))


def _by_place(course: Course) -> Array:
    """The last known period at the same place in the season, for each period ahead."""
    places = course.length - course.season + np.arange(course.ahead) % course.season
    return np.asarray(course.sold[:, np.maximum(places, 0)])


def _read(course: Course, shares: sparse.csr_array, otherwise: Array) -> Array:
    """Known sales through shares [period, earlier period]; `otherwise` where a period leans on what is not known."""
    known = shares[:, : course.length]
    total = np.asarray(known.sum(axis=1))
    usable = total > LEANS
    value = np.asarray((known @ course.sold.T).T) / np.where(usable, total, 1.0)
    return np.where(usable, value, otherwise)
