"""How well a ranking finds the few that matter: against their share, in money, and how sure the chances are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
DRAWS = 1000
BINS = 5
"""Of calibration. With ten, chances that are exactly right miss an error of 0.03 on 500 products more often than not."""


def average_precision(is_best: Flags, score: Floats) -> float:
    """Mean of the precision at each place that holds a bestseller; equal scores share a place. NaN without a bestseller.

    The base rate is what a ranking without knowledge gets. Source: Buckley & Voorhees 2000; Manning et al. 2008, ch. 8.4.
    """
    if not is_best.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])  # last place of each run of equal scores
    hits = np.cumsum(is_best[order])[ends]
    return float(np.sum(np.diff(np.r_[0, hits]) * hits / (ends + 1)) / hits[-1])


def area_under_roc(is_best: Flags, score: Floats) -> float:
    """Chance that a bestseller scores above another product, ties half; NaN when one of the two is missing."""
    best, rest = np.sort(score[is_best]), np.sort(score[~is_best])
    if not best.size or not rest.size:
        return float("nan")
    below = np.searchsorted(rest, best, side="left") + np.searchsorted(rest, best, side="right")
    return float(below.sum() / (2 * best.size * rest.size))


def called(score: Floats, k: int) -> Flags:
    """The k highest scores, ties in the order of the rows."""
    chosen = np.zeros(score.size, dtype=np.bool_)
    chosen[np.argsort(-score, kind="stable")[:k]] = True
    return chosen


def precision_at(is_best: Flags, score: Floats, k: int) -> float:
    """Share of the k called that are bestsellers."""
    return float(is_best[called(score, k)].mean())


def accuracy_at(is_best: Flags, score: Floats, k: int) -> float:
    """Share of products called rightly, bestseller or not, when k are called."""
    return float((called(score, k) == is_best).mean())


def worth_share(worth: Floats, score: Floats, k: int) -> float:
    """What the k called earn ÷ what the best k earn."""
    best = np.sort(worth)[::-1][:k].sum()
    return float(worth[called(score, k)].sum() / best) if best > 0 else float("nan")


def value_curve(worth: Floats, score: Floats) -> Floats:
    """[products] share of all worth that the first 1, 2, … of the ranking earn."""
    ranked = worth[np.argsort(-score, kind="stable")].cumsum()
    return np.asarray(ranked / max(float(ranked[-1]), 1e-12), dtype=np.float64)


def precision_recall(is_best: Flags, score: Floats) -> tuple[Floats, Floats]:
    """Precision and recall when 1, 2, … are called."""
    hits = np.cumsum(is_best[np.argsort(-score, kind="stable")])
    return hits / np.arange(1, hits.size + 1), hits / max(int(hits[-1]), 1)


def brier(is_best: Flags, chance: Floats) -> float:
    """Mean squared distance of chance and outcome; base × (1 − base) without knowledge. Source: Brier 1950."""
    return float(np.mean((chance - is_best) ** 2))


def calibration_table(is_best: Flags, chance: Floats, bins: int = BINS) -> list[dict[str, float]]:
    """Bins of equal width: `low`, `products`, mean `chance`, `share` of bestsellers; empty ones left out."""
    at = np.minimum((chance * bins).astype(int), bins - 1)
    return [
        {
            "low": b / bins,
            "products": float((at == b).sum()),
            "chance": float(chance[at == b].mean()),
            "share": float(is_best[at == b].mean()),
        }
        for b in range(bins)
        if (at == b).any()
    ]


def calibration_error(is_best: Flags, chance: Floats, bins: int = BINS) -> float:
    """Mean distance of chance and share over bins of equal width, weighed by products. Source: Naeini et al. 2015."""
    table = calibration_table(is_best, chance, bins)
    return sum(b["products"] * abs(b["chance"] - b["share"]) for b in table) / is_best.size


def calibrated_band(chance: Floats, *, seed: int, bins: int = BINS, level: float = 0.95) -> float:
    """Calibration error that such chances exceed with 5 % probability when they are exactly right: outcomes drawn from them."""
    rng = np.random.default_rng(seed)
    errors = [calibration_error(rng.random(chance.size) < chance, chance, bins) for _ in range(DRAWS)]
    return float(np.quantile(errors, level))


@dataclass(frozen=True)
class Interval:
    """A figure and the 90 % interval of its bootstrap over products."""

    value: float
    low: float
    high: float


def bootstrap(
    figures: Mapping[str, Callable[[npt.NDArray[np.int64]], float]], products: int, *, seed: int
) -> dict[str, Interval]:
    """Draw products with replacement 1,000 times; figures of one draw share it, so differences of methods are paired.

    Args:
        figures: Name → function of row numbers (with repeats) giving the figure; NaN draws are left out.
        products: How many rows there are.
        seed: Of the draws.

    Source: Efron & Tibshirani 1993, ch. 13 (percentile interval).
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, products, (DRAWS, products))
    everyone = np.arange(products)
    found = {}
    for name, figure in figures.items():
        values = np.array([figure(rows) for rows in draws])
        low, high = np.nanquantile(values, [0.05, 0.95])
        found[name] = Interval(figure(everyone), float(low), float(high))
    return found
