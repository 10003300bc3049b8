"""The grade of a lot from a sample: shares with their uncertainty, and a label only where its tolerance surely holds.

Shares per grade are Dirichlet (Jeffreys' prior of ½ a grade). A label may be given when the share of pieces that miss the
class is, with the confidence asked for, within the tolerance: the upper end of the exact binomial interval (Clopper &
Pearson 1934). Classes are tried from the lowest upwards and the first that fails ends it, so a lot gets a label it does not
deserve in at most 1 − confidence of the cases, whatever the lot and however many classes there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

PRIOR = 0.5
CONFIDENCE = 0.95


@dataclass(frozen=True)
class LotGrade:
    """What a sample says of a lot.

    shares: grade → (mean, low, high) of its share (0–1), quantiles 0.05 and 0.95; the last grade is what no class takes.
    label: best grade whose tolerance holds with `confidence`; None: none does. pieces: sampled. needed: pieces that would do for
    the best grade the sample itself would keep within its tolerance, were the next pieces alike; None: none would.
    """

    shares: Mapping[str, tuple[float, float, float]]
    label: str | None
    pieces: int
    needed: int | None
    confidence: float


def lot_grade(
    counts: Mapping[str, int],
    tolerances: Mapping[str, float],
    *,
    confidence: float = CONFIDENCE,
    most: int = 5000,
) -> LotGrade:
    """Label a lot from how many sampled pieces fell into each grade.

    Args:
        counts: Grade → pieces, best first, the last one those of no class; all grades of the standard are there.
        tolerances: Grade → share of pieces that may miss it (0–1); grades without one are never a label.
        confidence: That the tolerance holds.
        most: Pieces beyond which `needed` is not looked for.

    Raises:
        ValueError: A negative count, or a tolerance for a grade that was not counted.
    """
    if negative := [g for g, n in counts.items() if n < 0]:
        raise ValueError(f"grade '{negative[0]}' has {counts[negative[0]]} pieces; counts are 0 or more")
    if unknown := [g for g in tolerances if g not in counts]:
        raise ValueError(f"grade '{unknown[0]}' is not in the standard; it has {', '.join(counts)}")
    pieces = sum(counts.values())
    missing = _missing(counts)
    label = next(
        (g for g, t in tolerances.items() if pieces and upper_share(missing[g], pieces, confidence) <= t),
        None,
    )
    needed = None
    for grade, tolerance in tolerances.items():
        if pieces and missing[grade] / pieces < tolerance:
            needed = pieces_needed(missing[grade] / pieces, tolerance, confidence, most)
            break
    return LotGrade(_shares(counts), label, pieces, needed, confidence)


def _missing(counts: Mapping[str, int]) -> dict[str, int]:
    """Pieces that miss each grade: those of all lower ones."""
    order = list(counts)
    return {g: sum(counts[x] for x in order[i + 1 :]) for i, g in enumerate(order)}


def _shares(counts: Mapping[str, int]) -> dict[str, tuple[float, float, float]]:
    total = sum(counts.values()) + PRIOR * len(counts)
    found = {}
    for grade, n in counts.items():
        a = n + PRIOR
        low, high = beta.ppf([0.05, 0.95], a, total - a) if len(counts) > 1 else (1.0, 1.0)
        found[grade] = (a / total, float(low), float(high))
    return found


def upper_share(missing: int, pieces: int, confidence: float = CONFIDENCE) -> float:
    """Upper end (0–1) of the one-sided exact interval of a share seen `missing` times in `pieces`."""
    if missing >= pieces:
        return 1.0
    return float(beta.ppf(confidence, missing + 1, pieces - missing))


@cache
def allowed_missing(pieces: int, tolerance: float, confidence: float = CONFIDENCE) -> int:
    """Acceptance number: the most pieces that may miss the class; −1: the sample is too small to label at all."""
    most = int(binom.ppf(1 - confidence, pieces, tolerance))
    while most >= 0 and binom.cdf(most, pieces, tolerance) > 1 - confidence:
        most -= 1
    return most


def least_pieces(tolerance: float, confidence: float = CONFIDENCE) -> int:
    """The smallest sample that can earn a label: all of it must keep the class.

    Raises:
        ValueError: No tolerance at all: no sample can show that.
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance {tolerance:g} cannot be shown by a sample; give one between 0 and 1")
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - tolerance)))


@cache
def pieces_needed(
    share_missing: float,
    tolerance: float,
    confidence: float = CONFIDENCE,
    most: int = 5000,
    power: float = 0.8,
) -> int | None:
    """Pieces to sample so that a lot with so many that miss the class gets its label in `power` of the cases; None: over `most`."""
    if share_missing >= tolerance:
        return None
    start, step = least_pieces(tolerance, confidence), 1
    n = start
    while n <= most:
        c = allowed_missing(n, tolerance, confidence)
        if c >= 0 and binom.cdf(c, n, share_missing) >= power:
            return n
        n += step
        step = max(1, n // 40)
    return None


def false_label_rate(
    shares: Sequence[float],
    tolerances: Sequence[float],
    *,
    pieces: int,
    lots: int,
    seed: int,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Of drawn lots with these true shares by grade (best first, last: no class): share labelled wrongly, and share labelled.

    Wrong: the label's tolerance does not hold for the true shares.
    """
    rng = np.random.default_rng(seed)
    drawn: NDArray[np.int64] = rng.multinomial(pieces, list(shares), size=lots)
    true_missing = 1 - np.cumsum(shares)
    limit = [allowed_missing(pieces, t, confidence) for t in tolerances]
    missing = pieces - np.cumsum(drawn, axis=1)
    label = np.full(lots, -1)
    holds = np.ones(lots, dtype=bool)
    for g in range(len(tolerances) - 1, -1, -1):
        holds &= missing[:, g] <= limit[g]
        label = np.where(holds, g, label)
    is_wrong = np.array([true_missing[g] > tolerances[g] for g in range(len(tolerances))])
    given = label >= 0
    return float((is_wrong[label] & given).mean()), float(given.mean())
