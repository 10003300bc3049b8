"""Members of the season forecast made by statsforecast: [series, period ahead], each series by itself."""

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoCES, DynamicOptimizedTheta, SeasonalNaive

from models.forecasting.season_course import Course

Array = npt.NDArray[np.float64]

LONGEST_SEASON = 24
"""Complex smoothing takes seconds a series and gains nothing over longer seasons: see docs/methods-forecasting.md."""


def library_members(course: Course, *, costly: bool) -> dict[str, Array]:
    """Forecast each series from its own start: `theta`, and for `costly` and seasons up to 24 `complex_smoothing`.

    Series younger than two seasons are repeated from last year. Values may be negative, huge or not finite: the caller
    drops such members.
    """
    season = course.season
    models = {"theta": DynamicOptimizedTheta(season_length=season, alias="theta")}
    if costly and season <= LONGEST_SEASON:
        models["complex_smoothing"] = AutoCES(season_length=season, alias="complex_smoothing")
    starts = np.minimum(course.started, course.length - 2)
    old = course.length - starts >= 2 * season
    found = {name: np.full((len(starts), course.ahead), np.nan) for name in models}
    if not old.any():
        return {}
    sizes = course.length - starts[old]
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.flatnonzero(old), sizes),
            "ds": np.concatenate([np.arange(size) for size in sizes]),
            "y": np.concatenate([course.sold[i, starts[i] :] for i in np.flatnonzero(old)]),
        }
    )
    for name, model in models.items():
        forecaster = StatsForecast(
            models=[model], freq=1, n_jobs=1, fallback_model=SeasonalNaive(season_length=season, alias=name)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = forecaster.forecast(df=frame, h=course.ahead)
        values = made.sort_values(["unique_id", "ds"], kind="stable")[name].to_numpy(np.float64)
        found[name][old] = values.reshape(int(old.sum()), course.ahead)
    return found
