"""A season ahead on public months and weeks, beside statsforecast's models on the same rows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from dateutil.easter import easter  # type: ignore[import-untyped]

from benchmarks.season_data import SeasonCase, read_season
from benchmarks.season_peers import DECILES, peer_quantiles
from features.weeks import Moving, festival_distance, year_back
from models.forecasting.season_blend import Rolled, SeasonParams, forecast_course
from models.forecasting.season_course import Course, filled, same_place_back

Array = npt.NDArray[np.float64]

OURS = "anxu"
LIMIT = 0.97
PARAMS = {
    "months": SeasonParams(origins=8, apart=0.5, costly=True),
    "weeks": SeasonParams(origins=4, apart=0.25),
}
"""Chosen on origins before the scored ones; see docs/methods-forecasting.md."""


def run(
    *,
    data: Path,
    series: int = 0,
    seed: int = 1,
    threads: int = 1,
    cache: Path = Path("bench-cache"),
) -> dict[str, Any]:
    """Forecast the last origins of a folder and score WAPE (level 0.5) and WQL (nine deciles) over all series.

    Args:
        data: Laid out as kalimati-monthly or walmart-weekly, told apart by columns.
        series: So many drawn at random; 0: all.
        seed: Of the draw and of the boosted model.
        threads: Of the boosted model.
        cache: Where peers' forecasts are kept, by data, settings and versions.
    """
    case = read_season(data).sample(series, seed)
    made: dict[str, list[Array]] = {}
    memo: dict[int, Rolled] = {}
    for origin in case.origins:
        sold, started = filled(case.sold[:, :origin], case.season), np.minimum(case.started, origin - 2)
        said = peer_quantiles(sold, started, season=case.season, horizon=case.horizon, cache=cache)
        course = course_of(case, origin)
        params = PARAMS[case.layout]
        ours = forecast_course(course, levels=DECILES, params=params, seed=seed, threads=threads, memo=memo)
        for name, values in {OURS: ours.quantiles, **said}.items():
            made.setdefault(name, []).append(values)
    rows, must = _scored(case, made)
    return {"bench": "season", "data": str(data), "seed": seed, "rows": rows, "must": must}


def course_of(case: SeasonCase, origin: int) -> Course:
    """The case as known after `origin` periods; in weeks, what is ahead is told the announced holidays and Easter."""
    periods = origin + case.horizon
    pools = tuple(np.unique(pool, return_inverse=True)[1].astype(np.int64) for pool in case.pools)
    back, calendar = same_place_back(periods, case.season), np.zeros((periods, 0))
    if case.weeks_end:
        first = case.weeks_end[0] - timedelta(days=6)
        years = range(first.year - 2, first.year + periods // 52 + 3)
        moving = (Moving(tuple(easter(year) for year in years), 21, 7),)
        flag = case.flagged[:periods].astype(float)
        back = year_back(first, periods, moving)
        calendar = np.column_stack(
            [festival_distance(first, periods, moving), flag, np.roll(flag, 1), np.roll(flag, -1)]
        )
    started = np.minimum(case.started, origin - 2)
    return Course(filled(case.sold[:, :origin], case.season), started, pools, case.season, back, calendar)


def _scored(
    case: SeasonCase, made: dict[str, list[Array]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Figures by origin and over all, and the limits; periods that the folder lacks are not scored."""
    sold = [case.sold[:, o : o + case.horizon] for o in case.origins]
    rows: list[dict[str, Any]] = []
    total: dict[tuple[str, str], float] = {}
    for name, forecasts in made.items():
        parts = [_sums(f, s) for f, s in zip(forecasts, sold, strict=True)]
        labels = [f"origin {o}" for o in case.origins] + ["all"]
        for label, sums in zip(labels, [*parts, np.sum(parts, axis=0)], strict=True):
            for metric, value in _figures(sums).items():
                rows.append({"segment": label, "metric": metric, "method": name, "value": value})
                total[name, metric] = value  # the last label is 'all'
    must = []
    for metric in ("wape", "wql"):
        best = min(value for (name, m), value in total.items() if m == metric and name != OURS)
        ratio = total[OURS, metric] / best
        what = f"{metric} ÷ the best peer's, at most"
        must.append({"what": what, "value": ratio, "limit": LIMIT, "holds": ratio <= LIMIT})
    return rows, must


def _sums(quantiles: Array, sold: Array) -> Array:
    """Sums over what was sold: |error| of the median, pinball, sold, error of the median, rows inside 10–90 %, rows."""
    there = np.isfinite(sold)
    made, true = quantiles[there], sold[there][:, None]
    levels = np.array(DECILES)
    pinball = np.maximum(levels * (true - made), (levels - 1) * (true - made)).sum()
    middle = made[:, 4] - true[:, 0]
    inside = ((true[:, 0] >= made[:, 0]) & (true[:, 0] <= made[:, -1])).sum()
    return np.array([np.abs(middle).sum(), pinball, true.sum(), middle.sum(), inside, true.size])


def _figures(sums: Array) -> dict[str, float]:
    off, pinball, sold, signed, inside, count = (float(x) for x in sums)
    return {
        "wape": off / sold,
        "wql": 2 * pinball / len(DECILES) / sold,
        "bias of the median": signed / sold,
        "coverage of 10–90 %": inside / count,
    }
