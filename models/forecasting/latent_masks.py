"""Make-believe stock-outs: whole days of sales with hours hidden as on real stock-out days, so that the truth is known."""

from dataclasses import dataclass

import numpy as np

from features.latent_hours import HOURS, Bools, Floats, Ints, out_in_hour
from features.latent_level import ShelfDays, around_sum


@dataclass(frozen=True)
class Hiding:
    """Days to hide hours of. Arrays run over the drawn days."""

    rows: Ints
    """Their rows, ascending; a row may come twice when drawn with replacement."""
    hidden: Bools
    """[drawn day, hour]: hidden hours, a span from the first to the last one out as a rule."""


def likely_days(days: ShelfDays, *, around: int = 7) -> Floats:
    """Chance of each row to be drawn: sales ÷ the mean of whole days within a week, as stock runs out when much is sold.

    0 for days that were not whole, and where nothing was sold.
    """
    whole = days.complete.astype(np.float64)
    kg = days.seen * whole
    level = around_sum(kg, days.series, around) / np.maximum(around_sum(whole, days.series, around), 1.0)
    chance = np.divide(kg, level, out=np.zeros_like(level), where=level > 0)
    return np.asarray(chance / max(chance.sum(), 1e-12))


def draw_hiding(
    days: ShelfDays, out_mask: Ints, count: int, *, seed: int, replace: bool, hours: range = range(HOURS)
) -> Hiding:
    """Draw days in proportion to sales ÷ local level, and for each the mask of a randomly drawn real stock-out day.

    Args:
        days: Rows.
        out_mask: Bit mask of each row (≤ 0: no stock-out known by hour).
        count: How many days; without replacement at most those that can be drawn.
        seed: Of both draws.
        replace: Whether a day may be drawn twice.
        hours: Only these are hidden, and a real day has a stock-out when one of these was out.
    """
    rng = np.random.default_rng(seed)
    bits = sum(1 << hour for hour in hours)
    real = np.flatnonzero((out_mask > 0) & (out_mask & bits > 0))
    chance = likely_days(days)
    count = count if replace else min(count, int((chance > 0).sum()))
    if not len(real) or not chance.any() or not count:
        return Hiding(np.empty(0, np.int64), np.empty((0, HOURS), bool))
    rows = np.sort(rng.choice(len(chance), count, replace=replace, p=chance))
    return Hiding(rows, out_in_hour(out_mask[rng.choice(real, count)] & bits))


def right_after_a_sale(hiding: Hiding, sold_in_hour: Bools, *, hours: range = range(HOURS)) -> Hiding:
    """Move the start of each stock-out to the hour after the nearest one with a sale (the earlier of two as near).

    Args:
        hiding: What is hidden.
        sold_in_hour: [drawn day, hour] whether there was a sale.
        hours: Only these are hidden.

    Returns:
        The same days; where the stock was out from the first of `hours` on, it ran out on an earlier day and stays so.
        Moved later, the hours between are in stock; moved earlier, they are hidden too.
    """
    hour = np.arange(HOURS)
    start = np.where(hiding.hidden.any(axis=1), hiding.hidden.argmax(axis=1), HOURS)
    may_start = np.zeros_like(sold_in_hour)
    may_start[:, hours.start + 1 : hours.stop] = sold_in_hour[:, hours.start : hours.stop - 1]
    distance = np.where(may_start, np.abs(hour - start[:, None]) * 2 + (hour > start[:, None]), HOURS * 3)
    nearest = np.where(may_start.any(axis=1) & (start > hours.start), distance.argmin(axis=1), start)
    earlier = (hour >= nearest[:, None]) & (hour <= start[:, None]) & (nearest < start)[:, None]
    later = np.maximum(nearest, start)[:, None]
    hidden = np.where((nearest > start)[:, None], hiding.hidden & (hour >= later), hiding.hidden | earlier)
    hidden |= (nearest > start)[:, None] & (hour == nearest[:, None])
    return Hiding(hiding.rows, hidden)
