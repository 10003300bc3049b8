"""Which features carry over to another platform: those that help groups of products which were not learnt from."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.evaluation.ranking import area_under_roc
from models.forecasting.bestseller_members import Floats, fit_linear

LEAST_GAIN = 0.01


def choose_features(
    x: Floats, y: Floats, is_best: npt.NDArray[np.bool_], group: npt.NDArray[np.int64], *, names: Sequence[str],
    penalty: float, least_gain: float = LEAST_GAIN,
) -> tuple[tuple[str, ...], list[tuple[str, float]]]:  # fmt: skip
    """Add features one by one to a linear model while each adds `least_gain` to the area under the curve.

    Args:
        x: [rows, features], NaN where not known.
        y: [rows] log of 1 + worth.
        is_best: [rows]
        group: [rows] each group is called by a model learnt from the others.
        names: Of the columns of x.
        penalty: Ridge penalty.
        least_gain: Smaller gains hold within a platform, not beyond it.

    Returns:
        The chosen names in the order taken, and after each the mean area over the groups left out.
    """
    chosen: list[int] = []
    path: list[tuple[str, float]] = []
    best = 0.5
    while len(chosen) < len(names):
        found = {
            i: _left_out(x, y, is_best, group, [*chosen, i], penalty)
            for i in range(len(names))
            if i not in chosen
        }
        i = max(found, key=lambda n: found[n])
        if found[i] < best + least_gain:
            break
        chosen, best = [*chosen, i], found[i]
        path.append((names[i], best))
    return tuple(names[i] for i in chosen), path


def _left_out(
    x: Floats, y: Floats, is_best: npt.NDArray[np.bool_], group: npt.NDArray[np.int64], used: list[int], penalty: float
) -> float:  # fmt: skip
    areas = []
    for g in np.unique(group):
        rest, part = group != g, group == g
        model = fit_linear(
            x[rest][:, used], y[rest], np.ones(rest.sum()), used=range(len(used)), penalty=penalty
        )
        areas.append(area_under_roc(is_best[part], model.predict(x[part][:, used])))
    return float(np.nanmean(areas))
