"""Thermal time, growth stages, and how an observed stage puts the sum right."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.harvest.crop_stages import STAGES, Stages

Floats = NDArray[np.float64]
SUM_ERROR_SHARE = 0.06
"""Standard deviation of the sum at a stage, as a share of it, before any harvest is known; assumed, near the spread
of the sums of one crop's varieties in the WOFOST tables (rice 0.04–0.13)."""
OBSERVED_ERROR_SHARE = 0.02
"""The same right after a stage was seen to begin; assumed: looked at about every third day of some sixty."""


class TooColdError(ValueError):
    """A temperature at which a crop never ripens; the message says which."""


def daily_rate(mean_c: Floats, rate: tuple[float, ...]) -> Floats:
    """Thermal time a day adds (°C·d) at its mean temperature; NaN stays NaN. `rate`: [T, dT, …], T ascending."""
    points = np.asarray(rate, dtype=np.float64).reshape(-1, 2)
    result: Floats = np.where(np.isnan(mean_c), np.nan, np.interp(mean_c, points[:, 0], points[:, 1]))
    return result


def days_at(constant_c: float, sum_c_d: float, rate: tuple[float, ...]) -> int:
    """Days until a sum is reached at a constant temperature: the smallest whole number of days that add up to it.

    Raises:
        TooColdError: Nothing is added at that temperature.
    """
    per_day = float(daily_rate(np.array([constant_c]), rate)[0])
    if per_day <= 0:
        raise TooColdError(
            f"at {constant_c:g} °C no thermal time is added: {sum_c_d:g} °C·d are never reached"
        )
    return math.ceil(sum_c_d / per_day - 1e-9)


def day_reached(daily_c_d: Floats, sum_c_d: float) -> float:
    """Days from the start until a sum is reached, with the part of the last day; NaN where it is not.

    `daily_c_d`: thermal time of each day from the first on; a sum that ends at a day's end gives a whole number.
    """
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(daily_c_d))])
    if sum_c_d <= 0:
        return 0.0
    at = int(np.searchsorted(total, sum_c_d - 1e-9))
    if at >= len(total):
        return math.nan
    return float(at - 1 + (sum_c_d - total[at - 1]) / (total[at] - total[at - 1]))


@dataclass(frozen=True)
class Progress:
    """How far a planting is.

    `heat_c_d`: thermal time reached, on the scale of the crop's sums; `error_c_d`: standard deviation of it;
    `stage`: of STAGES; `from_observed`: a stage seen in the field put the sum right; `unknown_days`: days without a
    temperature, which added nothing.
    """

    heat_c_d: float
    error_c_d: float
    stage: str
    from_observed: bool
    unknown_days: int


def progress(
    daily_c_d: Floats, stages: Stages, observed: list[tuple[int, str]] | tuple[()] = (), scale: float = 1.0
) -> Progress:
    """Where a planting stands after the days given.

    Args:
        daily_c_d: Thermal time of each day from sowing on; NaN: not known.
        stages: The crop's sums.
        observed: (days since sowing, stage that had begun by then and not before the look before); the latest counts:
            the sum is set to that stage's threshold on that day and its error starts anew.
        scale: The county's own sums ÷ those of `stages`.

    Raises:
        ValueError: An observed stage that is none of STAGES.
    """
    gained, since, error = 0.0, 0, 0.0
    share, seen = SUM_ERROR_SHARE, False
    for day, name in sorted(observed):
        if name not in STAGES:
            raise ValueError(f"stage '{name}' is none of {', '.join(STAGES)}")
        if 0 <= day <= len(daily_c_d):
            gained = 0.0 if name == STAGES[0] else stages.sums[STAGES.index(name) - 1] * scale
            since, seen, share = day, True, SUM_ERROR_SHARE
            error = OBSERVED_ERROR_SHARE * gained
    later = daily_c_d[since:]
    added = float(np.nansum(later)) if later.size else 0.0
    heat = gained + added
    spread = math.hypot(error, share * added)
    stage = (
        STAGES[int(np.searchsorted(np.asarray(stages.sums) * scale, heat + 1e-9, side="right"))]
        if heat
        else STAGES[0]
    )
    return Progress(heat, spread, stage, seen, int(np.isnan(later).sum()))
