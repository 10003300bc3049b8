"""Series without a year of history: their share of what is older, or their own mean."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.forecasting.season_course import Course
from models.forecasting.season_misses import fit_spread

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def shares_of_family(
    kg: Array, started: Places, own: Flags, family: Places, middle: Array
) -> tuple[Array, list[str]]:
    """What the series that are not `own` are expected to sell: their sales so far ÷ the older ones' since then × theirs ahead.

    Args:
        kg: [series, week].
        started: Per series its first week with a sale.
        own: Per series whether it has a forecast of its own; one at least has.
        family: Per series its family's number.
        middle: [series, week ahead], read where `own`.

    Returns:
        [young series, week ahead], and for each 'family_share', or 'pooled_share' where no older series is of its
        family or those sold nothing since, or 'flat' where nothing older sold at all.
    """
    rows, names = [], []
    for i in np.flatnonzero(~own):
        first = int(started[i])
        sold = kg[i, first:].sum()
        row, name = np.full(middle.shape[1], kg[i, first:].mean()), "flat"
        for named, older in (("family_share", own & (family == family[i])), ("pooled_share", own)):
            since = kg[older, first:].sum()
            if since > 0:
                row, name = sold / since * middle[older].sum(axis=0), named
                break
        rows.append(row)
        names.append(name)
    return np.array(rows), names


def flat_year(kg: Array, started: Places, weeks: int, levels: Sequence[float]) -> tuple[Array, Array]:
    """Nothing is a year old: each series' mean week so far, spread as single weeks are about their neighbours.

    Returns:
        Mean [series, week ahead] and quantiles [series, week ahead, level].
    """
    mean = np.array([row[first:].mean() for row, first in zip(kg, started, strict=True)])
    middle = np.repeat(mean[:, None], weeks, axis=1)
    nothing = np.zeros((kg.shape[1], 0))
    course = Course(kg, started, (), kg.shape[1], np.zeros((kg.shape[1],) * 2), nothing)
    return fit_spread([], course, np.zeros(len(kg), np.int64), levels).of_young(middle)
