"""When a planting is ready: thermal time still needed, met on paths of the weather to come."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ready_after(rate_ahead: Floats, need: Floats) -> Floats:
    """Days until each planting's need is met [planting, path], with the part of the last day; NaN: not in these days.

    Args:
        rate_ahead: Thermal time of each day ahead [path, day].
        need: Thermal time still needed [planting, path]; ≤ 0 is ready now (0).
    """
    paths, days = rate_ahead.shape
    found = np.empty_like(need)
    for p in range(paths):
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(rate_ahead[p]))])
        at = np.searchsorted(total, need[:, p] - 1e-9)
        inside = np.clip(at, 1, days)
        step = np.maximum(total[inside] - total[inside - 1], 1e-12)
        part = inside - 1 + np.clip((need[:, p] - total[inside - 1]) / step, 0.0, 1.0)
        found[:, p] = np.where(at > days, np.nan, np.where(at == 0, 0.0, part))
    return found


def day_quantiles(after: Floats, levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Floats:
    """Quantiles of ready times [planting, level]; a path on which it never ripens counts as later than all; NaN where the
    quantile falls on such paths."""
    late = np.where(np.isnan(after), np.inf, after)
    found = np.quantile(late, levels, axis=1, method="higher").T
    result: Floats = np.where(np.isinf(found), np.nan, found)
    return result
