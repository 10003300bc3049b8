"""The hours of a day on sale: which were out of stock, and which share of a usual day's sales falls into them."""

import numpy as np
import numpy.typing as npt

HOURS = 24
DAY_TYPES = 2
"""Monday to Friday, and the weekend."""
PRODUCT_PRIOR, CATEGORY_PRIOR = 20.0, 50.0
"""Orders at which the hours of a product (a category) count as much as those of its category (of all goods)."""
SERIES_PRIOR = 200.0
"""Orders at which a series' own hours count as much as its product's (chosen on other series, docs/methods-forecasting.md)."""

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def out_in_hour(out_mask: npt.NDArray[np.integer]) -> Bools:
    """Bit masks as [row, hour]: true where bit h says that the hour from h to h + 1 was out of stock."""
    return np.asarray((out_mask.astype(np.int64)[:, None] >> np.arange(HOURS)) & 1, dtype=bool)


def day_type(day: Ints) -> Ints:
    """0 Monday to Friday, 1 weekend, of days counted from 1 January 1970, a Thursday."""
    return np.asarray(((day + 3) % 7) >= 5, dtype=np.int64)


def hourly_sums(hourly: npt.NDArray[np.number], series: Ints, day: Ints, rows: Bools) -> Floats:
    """Sum [row, hour] over the marked rows to [series, day type, hour]; series are numbered from 0."""
    place = (series * DAY_TYPES + day_type(day))[rows]
    count = int(series[-1] + 1) * DAY_TYPES if len(series) else 0
    sums = np.empty((count, HOURS))
    for hour in range(HOURS):
        sums[:, hour] = np.bincount(place, hourly[rows, hour], count)
    return sums.reshape(-1, DAY_TYPES, HOURS)


def usual_day(sums: Floats, product: Ints, category: Ints) -> Singles:
    """The share of a usual day's sales that falls into each hour.

    Args:
        sums: Orders (or anything of like size) by [series, day type, hour] on days that did not run out.
        product: Number of the product, from 0, of each series.
        category: Likewise of its category.

    Returns:
        [series, day type, hour], each day summing to 1: a series' own hours are drawn towards those of its product on
        such days, these to its category's, these to all goods' on days of that type, the more so the fewer orders
        there are; a flat day where nothing was sold at all.
    """
    share = np.full((DAY_TYPES, HOURS), 1.0 / HOURS)
    share = _towards(sums.sum(axis=0), share, 1.0)
    by_category = _towards(_by(sums, category), share[None], CATEGORY_PRIOR)
    first_of_product = np.unique(product, return_index=True)[1]
    by_product = _towards(_by(sums, product), by_category[category[first_of_product]], PRODUCT_PRIOR)
    return _towards(sums, by_product[product], SERIES_PRIOR).astype(np.float32)


def _by(sums: Floats, group: Ints) -> Floats:
    total = np.zeros((int(group.max()) + 1, *sums.shape[1:]))
    np.add.at(total, group, sums)
    return total


def _towards(sums: Floats, share: Floats, prior: float) -> Floats:
    return np.asarray((sums + prior * share) / (sums.sum(axis=-1, keepdims=True) + prior))


def hidden_share(profile: Singles, series: Ints, day: Ints, *, out_mask: Ints, out_hours: Singles) -> Singles:
    """The share of a usual day's sales that falls into the hours out of stock, per row.

    Args:
        profile: As usual_day.
        series: Number of each row's series.
        day: Days since 1 January 1970.
        out_mask: Bit h: out of stock in hour h; negative: only the hours are known.
        out_hours: Hours out, read where there is no mask: the stock is then taken to have run out so many hours before the
            day's end and to have stayed out, as no record says when in the day it was. NaN: no record, nothing hidden.
    """
    place = series * DAY_TYPES + day_type(day)
    usual = profile.reshape(-1, HOURS)
    hidden = np.zeros(len(series), np.float32)
    masked = np.flatnonzero(out_mask > 0)
    bits, at = out_mask[masked], place[masked]
    for hour in range(HOURS):
        hidden[masked] += ((bits >> hour) & 1) * usual[at, hour]
    counted = np.flatnonzero((out_mask < 0) & (out_hours > 0))
    hidden[counted] = _last_hours(usual, place[counted], out_hours[counted])
    return hidden.clip(0, 1)


def _last_hours(usual: Singles, place: Ints, hours: Singles) -> Singles:
    ends = np.concatenate([np.zeros((len(usual), 1), np.float32), np.cumsum(usual, axis=1)], axis=1)
    clock = HOURS - np.clip(hours, 0, HOURS)
    hour = np.minimum(clock.astype(np.int64), HOURS - 1)
    before = ends[place, hour] + (clock - hour) * usual[place, hour]
    return np.asarray(1 - before, dtype=np.float32)
