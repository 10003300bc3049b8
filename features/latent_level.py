"""What a series sells on a usual day, told from the days before and from its neighbours on the same day.

Arrays run over rows: the days of a series without a gap, series after series. Every figure of a row is made of earlier
rows of its series and of other series up to that day, so a later row never changes an earlier one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.latent_hours import Bools, Floats, Ints, Singles

WINDOWS = (182, 28, 7)
"""Days looked back on, the longest first."""
SHORTER = (14, 3, 1)
"""Further windows that are told but not part of the level."""
WHOLE_WINDOWS = (28, 7)
ORDERS_PRIOR = 20.0
"""Orders in a window at which it counts as much as the longer one."""
NEIGHBOUR_DAYS = 3.0
"""Usual days of other series at which what they say of a day counts half."""
LEAST_SHARE = 0.02
"""A day in stock for less of its usual sales tells nothing of the level."""
POOLS: dict[str, tuple[str, ...]] = {
    "region": ("region_id",),
    "channel": ("channel_id",),
    "product": ("product_id",),
    "family_region": ("family", "region_id"),
    "family_channel": ("family", "channel_id"),
    "product_region": ("product_id", "region_id"),
    "product_channel": ("product_id", "channel_id"),
}
"""Series whose day is read as a hint on one another's, and the columns that name such a pool."""

CHAIN = ("channel", "family_channel", "product_channel")
"""Pools whose day shifts the level, the widest first."""
SHAPE = 8.0
"""Of the gamma distribution of a day's rate about its expectation: the size of a negative binomial."""


@dataclass(frozen=True)
class ShelfDays:
    """What was sold and what was hidden."""

    series: Ints
    """Number of the series, from 0, ascending."""
    day: Ints
    """Days since 1 January 1970, in steps of one within a series."""
    seen: Singles
    """kg sold while in stock; 0 where closed."""
    share: Singles
    """Share of a usual day's sales in the hours in stock, 0–1; 0 where closed."""
    orders: Singles
    """Orders counted, to weigh what a window tells."""
    complete: Bools
    """Open, and in stock all day as far as is known."""
    pools: Mapping[str, Ints]
    """Per pool the number of each *series'* pool."""


def window_sum(values: Floats, series: Ints, days: int) -> Floats:
    """Sum over the `days` rows before each row, as far as they are of its series."""
    first = np.searchsorted(series, series, side="left") if len(series) else series
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    at = np.arange(len(values))
    return np.asarray(total[at] - total[np.maximum(at - days, first)])


def around_sum(values: Floats, series: Ints, days: int) -> Floats:
    """Sum over each row and the `days` rows before and after it, as far as they are of its series."""
    behind = window_sum(values, series, days)
    ahead = window_sum(values[::-1], series.max(initial=0) - series[::-1], days)[::-1]
    return np.asarray(behind + values + ahead)


def so_far(values: Floats, day: Ints) -> Floats:
    """Sum over all rows of that day and of earlier ones, per row."""
    if not len(values):
        return values
    place = day - int(day.min())
    return np.asarray(np.cumsum(np.bincount(place, values))[place])


def kg_per_order(days: ShelfDays) -> Floats:
    """kg of one order so far, per row (> 0); that of all series where this one has none yet."""
    seen, orders = days.seen.astype(np.float64), days.orders.astype(np.float64)
    usual = np.maximum(so_far(seen, days.day), 1e-6) / np.maximum(so_far(orders, days.day), 1.0)
    longest = len(seen)
    return np.asarray(
        (window_sum(seen, days.series, longest) + usual) / (window_sum(orders, days.series, longest) + 1.0)
    )


def _level(days: ShelfDays, unit: Floats) -> tuple[Floats, Floats, Floats]:
    """kg of a usual whole day (> 0), and what it is made of: kg seen and usual days in stock, per row."""
    told = np.where(days.share >= LEAST_SHARE, days.share, 0).astype(np.float64)
    seen = np.where(told > 0, days.seen, 0).astype(np.float64)
    level = np.maximum(so_far(seen, days.day), 1e-6) / np.maximum(so_far(told, days.day), 1.0)
    for n in WINDOWS:
        kg, whole = window_sum(seen, days.series, n), window_sum(told, days.series, n)
        prior = ORDERS_PRIOR * unit if n != max(WINDOWS) else unit
        level = (kg + prior) / (whole + prior / level)
    return level, seen, told


def _windows(days: ShelfDays, seen: Floats, told: Floats) -> dict[str, Singles]:
    whole = days.complete.astype(np.float64)
    sums = {("", n): (seen, told) for n in (*WINDOWS, *SHORTER)} | {
        ("whole_", n): (seen * whole, whole) for n in WHOLE_WINDOWS
    }
    return {
        f"{kind}{name}_{n}": window_sum(values, days.series, n).astype(np.float32)
        for (kind, n), both in sums.items()
        for name, values in zip(("kg", "days"), both, strict=True)
    }


@dataclass(frozen=True)
class Neighbours:
    """What the other series of each pool sold on the row's day, and what was usual for the hours they were in stock."""

    kg: Mapping[str, Singles]
    usual_kg: Mapping[str, Singles]
    prior_kg: Singles
    """Three usual days of that day's mean series: what the others must be usual for, to count half."""

    def ratio(self, pool: str, rows: Ints, *, around: Floats | float = 1.0) -> Floats:
        """The pool's day against its usual one, drawn towards `around`; that itself where there are no others."""
        prior = self.prior_kg[rows].astype(np.float64)
        return np.asarray((self.kg[pool][rows] + prior * around) / (self.usual_kg[pool][rows] + prior))


def neighbours(days: ShelfDays, level: Floats, pools: Iterable[str] = POOLS) -> Neighbours:
    """Look at the other series of each of the pools on the same day."""
    usual = level * days.share
    if not len(usual):
        none = {name: np.empty(0, np.float32) for name in pools}
        return Neighbours(none, none, np.empty(0, np.float32))
    date = days.day - int(days.day.min())
    length = int(date.max()) + 1
    prior = NEIGHBOUR_DAYS * np.maximum(np.bincount(date, usual) / np.maximum(np.bincount(date), 1), 1e-9)
    kg: dict[str, Singles] = {}
    expected: dict[str, Singles] = {}
    for name in pools:
        place = days.pools[name][days.series] * length + date
        for x, told in ((days.seen, kg), (usual, expected)):
            others = np.bincount(place, x)[place] - x
            told[name] = others.clip(min=0).astype(np.float32)
    return Neighbours(kg, expected, prior[date].astype(np.float32))


@dataclass(frozen=True)
class Usual:
    """What each row's day would usually sell, and what its neighbours say of it. Arrays run over rows."""

    days: ShelfDays
    unit: Floats
    """kg of an order."""
    level: Floats
    """kg of a usual whole day: kg seen ÷ share in stock, summed over 7 days and drawn towards that of 28 and of 182, the more
    so the fewer orders there are."""
    neighbours: Neighbours
    windows: Mapping[str, Singles]
    """`kg_N`, `days_N` (usual days in stock) of the last N days, `whole_kg_N`, `whole_days_N` of those that did not run out;
    empty unless asked for."""

    def hidden_kg(self, rows: Ints, hidden_share: Singles, *, seen: Singles | None = None) -> Floats:
        """Expected kg hidden on `rows`, ≥ 0.

        Args:
            rows: Which.
            hidden_share: Share of a usual day's sales in the hours out of stock, of each of them.
            seen: kg seen on each; None: as recorded.

        Returns:
            Level × what the neighbours say of the day × hidden share, updated by the orders seen while in stock
            (gamma-Poisson). An order that emptied the shelf needs no care here: when counting stops at an order, the
            likelihood of the rate is the same as when it stops at a time.
        """
        around: Floats | float = 1.0
        for name in CHAIN:
            around = self.neighbours.ratio(name, rows, around=around)
        level = self.level[rows] * around
        due = level * (1 - hidden_share) / self.unit[rows]
        seen = self.days.seen[rows] if seen is None else seen
        update = (SHAPE + seen / self.unit[rows]) / (SHAPE + due)
        return np.asarray(level * hidden_share * update)


def usual_days(days: ShelfDays, *, in_detail: bool = False) -> Usual:
    """Tell the usual day of every row; `in_detail` with all windows and pools, else with what hidden_kg needs."""
    unit = kg_per_order(days)
    level, seen, told = _level(days, unit)
    windows = _windows(days, seen, told) if in_detail else {}
    return Usual(days, unit, level, neighbours(days, level, POOLS if in_detail else CHAIN), windows)


def pool_numbers(names: Mapping[str, Sequence[object]]) -> dict[str, Ints]:
    """Number the pools of each series from columns of equal length, one entry per series: SERIES and `family`."""
    codes = {key: np.unique(np.asarray(column), return_inverse=True)[1] for key, column in names.items()}
    numbers = {}
    for pool, keys in POOLS.items():
        both = codes[keys[0]].astype(np.int64)
        for key in keys[1:]:
            both = both * (int(codes[key].max(initial=0)) + 1) + codes[key]
        numbers[pool] = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return numbers
