"""The clues from which hidden sales are told: level and neighbours of the day, and what the hours in stock sold."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.latent_hours import HOURS, Bools, Floats, Ints, Singles, day_type
from features.latent_level import POOLS, SHORTER, WHOLE_WINDOWS, WINDOWS, Usual, window_sum

HOURS_BACK = (1, 2, 4)
PRICE_DAYS = 14
CLUES = (
    "log_level",
    "log_orders",
    "hidden_share",
    "log_hidden_orders",
    "seen_orders",
    "seen_ratio",
    "start",
    "end",
    "hours_out",
    *(f"orders_{n}h" for n in HOURS_BACK),
    *(f"ratio_{n}h" for n in HOURS_BACK),
    "ratio_till_last",
    "ratio_after",
    "selling_hours",
    "largest_hour",
    "hours_since_sale",
    *(f"window_{n}" for n in (*WINDOWS, *SHORTER)),
    *(f"whole_{n}" for n in WHOLE_WINDOWS),
    "days_in_stock_28",
    "whole_days_28",
    *POOLS,
    "weekday",
    "price",
    "price_change",
    "promoted",
)
"""Columns of `clues`, all of them ratios, counts of orders or hours, so that what is learnt holds for any unit."""


@dataclass(frozen=True)
class Context:
    """Everything hidden sales are told from. Arrays run over rows; see models.forecasting.latent.context."""

    day: Usual
    profile: Singles
    """As features.latent_hours.usual_day."""
    hourly: npt.NDArray[np.number]
    """[row, hour] sales while in stock."""
    hourly_unit: float
    """kg."""
    price: Singles
    """Any measure of price; NaN: not known."""
    promoted: Singles
    """1 where a promotion was on; NaN: not known."""
    price_usual: Singles

    def usual(self, rows: Ints) -> Singles:
        """Share of a usual day in each hour [row, hour]."""
        return np.asarray(self.profile[self.day.days.series[rows], day_type(self.day.days.day[rows])])

    def hidden_share(self, rows: Ints, hidden: Bools) -> Singles:
        """Share of a usual day in the hidden hours, per row."""
        return np.asarray((self.usual(rows) * hidden).sum(axis=1), dtype=np.float32)


def clues(state: Context, rows: Ints, hidden: Bools, base: Floats) -> npt.NDArray[np.float32]:
    """What is known of `rows` when the hours `hidden` [row, hour] are not: [row, clue], as CLUES names them.

    Args:
        state: Of all days.
        rows: Which days.
        hidden: Hours out of stock.
        base: Closed-form hidden kg of each row.
    """
    level, unit = state.day.level[rows], state.day.unit[rows]
    known = {"log_level": np.log(level), "log_orders": np.log(level / unit)}
    known |= {"log_hidden_orders": np.log(np.maximum(base / unit, 1e-4))}
    known |= _of_hours(state, rows, hidden) | _of_days(state, rows)
    return np.column_stack([known[name] for name in CLUES]).astype(np.float32)


def _of_hours(state: Context, rows: Ints, hidden: Bools) -> dict[str, npt.NDArray[np.number]]:
    """The day's own hours in stock: how much, when, and how it went just before the shelf was empty."""
    usual, in_stock = state.usual(rows), ~hidden
    orders = state.hourly[rows] * in_stock * np.float32(state.hourly_unit) / state.day.unit[rows, None]
    daily = state.day.level[rows] / state.day.unit[rows]
    at, start = np.arange(len(rows)), hidden.argmax(axis=1)
    sold, due = (_ends(x) for x in (orders, usual * in_stock * daily[:, None]))

    def between(first: Ints, last: Ints | int) -> tuple[Floats, Floats]:
        kg, expected = (ends[at, last] - ends[at, first] for ends in (sold, due))
        return kg, (kg + 1) / (expected + 1)

    known: dict[str, npt.NDArray[np.number]] = {
        "hidden_share": (usual * hidden).sum(axis=1),
        "start": start,
        "end": HOURS - 1 - hidden[:, ::-1].argmax(axis=1),
        "hours_out": hidden.sum(axis=1),
        "selling_hours": (orders > 0).sum(axis=1),
        "largest_hour": orders.max(axis=1),
    }
    for n in HOURS_BACK:
        known[f"orders_{n}h"], known[f"ratio_{n}h"] = between(np.maximum(start - n, 0), start)
    known["seen_orders"], known["seen_ratio"] = between(np.zeros_like(start), HOURS)
    known["ratio_till_last"] = between(np.zeros_like(start), np.maximum(start - 1, 0))[1]
    known["ratio_after"] = between(start, HOURS)[1]
    hour = np.arange(HOURS)
    before = np.where((orders > 0) & (hour < start[:, None]), hour, -HOURS)
    known["hours_since_sale"] = np.minimum(start - before.max(axis=1), HOURS)
    return known


def _ends(values: npt.NDArray[np.number]) -> Floats:
    """Running sums [row, hour 0–24]."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _of_days(state: Context, rows: Ints) -> dict[str, npt.NDArray[np.number]]:
    """The days before, the neighbours of the day, and what the seller did."""
    level, nothing = state.day.level[rows], np.full(len(rows), np.nan)
    known: dict[str, npt.NDArray[np.number]] = {
        name: state.day.neighbours.ratio(name, rows) for name in POOLS
    }
    for n in (*WINDOWS, *SHORTER):
        kg, whole = state.day.windows[f"kg_{n}"][rows], state.day.windows[f"days_{n}"][rows]
        known[f"window_{n}"] = np.where(whole > 0, kg / np.maximum(whole, 0.05) / level, np.nan)
    for n in WHOLE_WINDOWS:
        kg, whole = state.day.windows[f"whole_kg_{n}"][rows], state.day.windows[f"whole_days_{n}"][rows]
        known[f"whole_{n}"] = np.where(whole > 0, kg / np.maximum(whole, 1) / level, np.nan)
    known["whole_days_28"] = state.day.windows["whole_days_28"][rows]
    known["days_in_stock_28"] = state.day.windows["days_28"][rows]
    known["weekday"] = (state.day.days.day[rows] + 3) % 7
    known["price"] = state.price[rows]
    usual = state.price_usual[rows]
    known["price_change"] = np.divide(known["price"], usual, out=nothing, where=usual > 0)
    known["promoted"] = state.promoted[rows]
    return known


def usual_price(price: Singles, series: Ints) -> Singles:
    """Mean price of the 14 days before, over days with one; NaN where there is none."""
    there = np.isfinite(price)
    total = window_sum(np.where(there, price, 0).astype(np.float64), series, PRICE_DAYS)
    count = window_sum(there.astype(np.float64), series, PRICE_DAYS)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
