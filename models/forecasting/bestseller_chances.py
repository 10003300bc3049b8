"""From a score to a chance of being a bestseller and to quantiles of what will be earned, learnt on held-out launches."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]
COHORT = 400
"""A call is made against so many launches decided up to its day. Smaller cohorts push down the good ones of a strong month."""
LEAST_COHORT = 100
CLASSES = 3
LEAST_CLASS_ROWS = 40
LEAST_SLOPE = 0.05
SLOPE_ROUNDS = 3


def cohort_cut(
    score: Floats, day: Floats, past_score: Floats, past_day: Floats, *, slope: float, top_share: float
) -> Floats:
    """[rows] the score at which the chance is one half, such that a row's cohort has the top share on average.

    Args:
        score: [rows]
        day: [rows] decision day as a number.
        past_score: Scores of launches decided before the model was fitted.
        past_day: Their decision days.
        slope: Of the logistic curve, above 0.
        top_share: Share called.

    A cohort are the last COHORT launches decided no later than the row; while fewer than LEAST_COHORT are, the earliest known
    ones of the past fill up.
    """
    all_score, all_day = np.r_[past_score, score], np.r_[past_day, day]
    order = np.argsort(all_day, kind="stable")
    all_score, all_day = all_score[order], all_day[order]
    ends = np.searchsorted(all_day, day, side="right")
    known = np.maximum(ends, min(LEAST_COHORT, past_score.size))
    cuts = {e: _cut(all_score[max(0, e - COHORT) : e], slope, top_share) for e in np.unique(known)}
    return np.array([cuts[e] for e in known])


def _cut(cohort: Floats, slope: float, top_share: float) -> float:
    def surplus(cut: float) -> float:
        return float(expit(slope * (cohort - cut)).mean()) - top_share

    reach = 40 / slope
    return float(brentq(surplus, cohort.min() - reach, cohort.max() + reach, xtol=1e-4))


@dataclass(frozen=True)
class Chances:
    """What was learnt from launches held out in turn."""

    past_score: Floats
    past_day: Floats
    """Held-out scores and decision days: the cohort of the first calls to come."""
    slope: float
    """Chance = logistic(slope × (score − cohort's cut))."""
    level: float
    rise: float
    """Expected log of 1 + yuan = level + rise × score."""
    borders: tuple[float, ...]
    """Scores at which the classes of the spread meet."""
    left: tuple[tuple[float, ...], ...]
    """Per class, ascending: log of 1 + yuan less what was expected."""

    def chance(self, score: Floats, day: Floats, *, top_share: float) -> Floats:
        """[rows] chance of being among the top share of those decided around the same time."""
        past = self.past_score, self.past_day
        cut = cohort_cut(score, day, *past, slope=self.slope, top_share=top_share)
        return np.asarray(expit(self.slope * (score - cut)), dtype=np.float64)

    def quantiles(self, score: Floats, levels: Sequence[float]) -> Floats:
        """[rows, levels] yuan, not falling with the level."""
        middle = self.level + self.rise * score
        at = np.array([np.quantile(part, levels) for part in self.left])[self._class(score)]
        return np.asarray(np.expm1(np.maximum(middle[:, None] + at, 0.0)), dtype=np.float64)

    def expected(self, score: Floats) -> Floats:
        """[rows] mean yuan over the held-out misses of the row's class. Source: Duan 1983 (smearing)."""
        middle, which = self.level + self.rise * score, self._class(score)
        means = np.zeros(score.size)
        for c, part in enumerate(self.left):
            rows = which == c
            means[rows] = np.expm1(np.maximum(middle[rows, None] + np.array(part)[None, :], 0.0)).mean(axis=1)
        return means

    def _class(self, score: Floats) -> npt.NDArray[np.int64]:
        return np.searchsorted(np.array(self.borders), score, side="right").astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """As plain lists."""
        return asdict(self) | {"past_score": self.past_score.tolist(), "past_day": self.past_day.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Chances":
        """From what to_json gave."""
        return cls(
            np.array(stored["past_score"]), np.array(stored["past_day"]), stored["slope"],
            stored["level"], stored["rise"], tuple(stored["borders"]), tuple(tuple(p) for p in stored["left"]),
        )  # fmt: skip


def learn_chances(
    score: Floats, day: Floats, earned: Floats, is_best: npt.NDArray[np.bool_], *, top_share: float
) -> Chances:
    """Learn from launches scored by models that had not seen them.

    Args:
        score: [launches] held-out scores.
        day: [launches] decision day as a number.
        earned: [launches] log of 1 + yuan.
        is_best: [launches]
        top_share: Share called.

    Source: Platt 1999 (logistic curve on held-out scores); the cut keeps the mean chance of a cohort at the top share.
    """
    order = np.argsort(day, kind="stable")
    score, day, earned, is_best = score[order], day[order], earned[order], is_best[order]
    slope = _slope(score, day, is_best, top_share)
    rise, level = np.polyfit(score, earned, 1) if np.ptp(score) > 1e-9 else (0.0, float(earned.mean()))
    rise = max(float(rise), 0.0)
    left = earned - (level + rise * score)
    classes = max(1, min(CLASSES, score.size // LEAST_CLASS_ROWS))
    cuts = np.quantile(score, np.arange(1, classes) / classes, method="higher")
    borders = tuple(float(b) for b in np.unique(cuts) if b > score.min())
    which = np.searchsorted(np.array(borders), score, side="right")
    parts = tuple(tuple(np.sort(left[which == c]).round(6).tolist()) for c in range(len(borders) + 1))
    return Chances(score, day, slope, float(level), rise, borders, parts)


def _slope(score: Floats, day: Floats, is_best: npt.NDArray[np.bool_], top_share: float) -> float:
    """The slope that fits the labels best, found in turn with the cuts that depend on it."""
    if is_best.all() or not is_best.any():
        return LEAST_SLOPE
    slope = 2.0
    for _ in range(SLOPE_ROUNDS):
        above = score - cohort_cut(score, day, score, day, slope=slope, top_share=top_share)
        curve = LogisticRegression(C=10.0, fit_intercept=False).fit(above[:, None], is_best)
        slope = max(float(curve.coef_[0, 0]), LEAST_SLOPE)
    return slope
