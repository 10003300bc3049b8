"""When forecasts have got worse: bias that adds up, error out of its own band, intervals that hold too little or too much.

Each monitor looks at one segment's scores of origins a week apart, oldest first, and returns alerts only. Inputs that moved
are a companion of an alert, never one: most of them move with the season and do no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

RECENT = 4
"""Newest origins that are looked at together."""
LEAST_BEFORE = 6
"""Fewer earlier origins than this give no band."""
CUSUM_SLACK, CUSUM_LIMIT = 0.5, 4.0
"""In standard deviations of a week's bias."""
LEAST_SCATTER = 0.02
NOTABLE_BIAS = 0.05
BAND_WIDTH = 3.0
LEAST_RISE = 1.2
COVERAGE, COVERAGE_OFF, COVERAGE_ROWS = 0.8, 0.08, 500
SEASON = timedelta(days=28)
YEAR = timedelta(days=364)
LEAST_SEASON = 4
DRIFT_BINS = 10
NOTABLE_DRIFT = 0.25
"""Population stability index above which a feature counts as moved."""


@dataclass(frozen=True)
class Alert:
    """One figure beyond its limit."""

    kind: str
    """bias_builds_up, error_rises, coverage_off."""
    value: float
    allowed: float
    detail: float
    """What a reader wants beside it: the recent bias, the usual error, the coverage."""


def bias_builds_up(bias: Sequence[float]) -> Alert | None:
    """Tabular CUSUM of a segment's weekly bias around 0, both sides; `detail` is the mean bias of the last four.

    Silent with fewer than 6 origins, and while the recent bias is below 5 %. The scatter is taken from week-to-week
    differences, so a bias that stays does not widen it.

    Source: Page, Continuous inspection schemes, 1954; Montgomery, Statistical Quality Control, 9.1 (slack ½, limit 4 to 5).
    """
    if len(bias) < LEAST_BEFORE:
        return None
    values = np.asarray(bias)
    scatter = max(float(np.median(np.abs(np.diff(values)))) * 1.4826 / np.sqrt(2), LEAST_SCATTER)
    above = below = 0.0
    for z in values / scatter:
        above, below = max(0.0, above + z - CUSUM_SLACK), max(0.0, below - z - CUSUM_SLACK)
    recent = float(values[-RECENT:].mean())
    reached = above if recent > 0 else below
    if reached <= CUSUM_LIMIT or abs(recent) < NOTABLE_BIAS:
        return None
    return Alert("bias_builds_up", reached, CUSUM_LIMIT, recent)


def error_rises(wape: Sequence[float], origins: Sequence[date]) -> Alert | None:
    """The mean WAPE of the last four origins against the segment's own band; `detail` is the band's middle.

    The band is median + 3 robust standard deviations, at least 1.2 × the median, of the same season a year before where four
    origins of it are known (four weeks around), else of all earlier origins; silent with fewer than 6 of them.
    """
    values = np.asarray(wape)
    recent, earlier = values[-RECENT:], values[:-RECENT]
    last_year = origins[-1] - YEAR
    season = np.array([abs(day - last_year) <= SEASON for day in origins[:-RECENT]], dtype=bool)
    if season.sum() >= LEAST_SEASON:
        earlier = earlier[season]
    elif earlier.size < LEAST_BEFORE:
        return None
    middle = float(np.median(earlier))
    spread = 1.4826 * float(np.median(np.abs(earlier - middle)))
    allowed = max(middle + BAND_WIDTH * spread, LEAST_RISE * middle)
    value = float(recent.mean())
    return Alert("error_rises", value, allowed, middle) if value > allowed else None


def coverage_off(coverage: Sequence[float], rows: Sequence[int]) -> Alert | None:
    """Coverage of the 80 % interval over the last four origins outside 72–88 %; `detail` is the coverage.

    Silent with fewer than 500 days. Take the coverage of days whose lower end is above 0: elsewhere it is higher by nature.
    """
    count = np.asarray(rows[-RECENT:], dtype=float)
    if count.sum() < COVERAGE_ROWS:
        return None
    share = float((np.asarray(coverage[-RECENT:]) * count).sum() / count.sum())
    off = abs(share - COVERAGE)
    return Alert("coverage_off", off, COVERAGE_OFF, share) if off > COVERAGE_OFF else None


def fallbacks_rise(shares: Sequence[float]) -> Alert | None:
    """The newest share of series on a baseline against the earlier ones' median (`detail`): above 1.5 × it and 5 points more.

    Silent with fewer than four earlier shares.
    """
    if len(shares) <= RECENT:
        return None
    usual = float(np.median(shares[:-1]))
    allowed = max(1.5 * usual, usual + 0.05)
    return Alert("fallbacks_rise", shares[-1], allowed, usual) if shares[-1] > allowed else None


def feature_drift(now: pl.DataFrame, then: pl.DataFrame, features: Sequence[str]) -> pl.DataFrame:
    """How far each input moved: `feature`, `psi` (0: not at all), largest first.

    Population stability index over ten bins of equal share of `then`, a missing value being a bin of its own; features
    that neither frame varies have 0. Rows of both frames: one per series and day.
    """
    rows = [(name, _psi(_numbers(now, name), _numbers(then, name))) for name in features]
    return pl.DataFrame(rows, schema={"feature": pl.String, "psi": pl.Float64}, orient="row").sort(
        "psi", "feature", descending=[True, False]
    )


def _numbers(frame: pl.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _psi(now: npt.NDArray[np.float64], then: npt.NDArray[np.float64]) -> float:
    if not now.size or not then.size:
        return 0.0
    known = then[~np.isnan(then)]
    edges = (
        np.unique(np.quantile(known, np.linspace(0, 1, DRIFT_BINS + 1)[1:-1])) if known.size else np.empty(0)
    )

    def shares(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        place = np.searchsorted(edges, values, side="right")
        place[np.isnan(values)] = edges.size + 1
        found = np.bincount(place, minlength=edges.size + 2) / values.size
        return np.asarray(np.maximum(found, 1e-4))

    a, b = shares(now), shares(then)
    return float(((a - b) * np.log(a / b)).sum())
