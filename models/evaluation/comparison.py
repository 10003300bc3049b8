"""Whether a challenger replaces the champion: a paired bootstrap over series and origins, and the rule of promotion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.calendar import SERIES
from models.evaluation.metrics import total_pinball

DRAWS = 1000
DRAWN_AT_ONCE = 100
MOST_WORSE = 0.03
"""No segment may be worse than the champion's by more than this share."""
LEAST_ROWS = 500
"""Segments with fewer days are not held against it: they scatter more than that."""
SEGMENTS = ("channel_id", "family", "region_id")


@dataclass(frozen=True)
class Difference:
    """Weighted quantile loss of the challenger less the champion's, on the same days; below 0 is better."""

    value: float
    low: float
    high: float
    """Ends of the 90 % interval over series and origins."""
    worst_segment: str = ""
    """The segment that loses most, as channel_id:…, family:… or region_id:…; '' when none is large enough."""
    worst_change: float = 0.0
    """Its WQL ÷ the champion's, less 1."""


@dataclass(frozen=True)
class Verdict:
    """What the rule says, and why in words."""

    promote: bool
    reason: str


def paired_difference(
    challenger: pl.DataFrame, champion: pl.DataFrame, *, method: str, levels: Sequence[float], seed: int
) -> Difference:
    """Compare two backtests of the same days, drawing whole series and whole origins with replacement 1,000 times.

    Args:
        challenger: Rows of a backtest: SERIES, `family`, `origin`, `date`, `sold_kg`, `had_stock` and the method's quantile
            columns.
        champion: The same rows of the other recipe, in any order.
        method: Whose columns are compared in both.
        levels: Quantile levels.
        seed: Of the draws.

    Raises:
        ValueError: The two do not hold the same days.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13 (percentile interval); Owen, The
    pigeonhole bootstrap, 2007 (rows and columns of a table drawn independently).
    """
    keys = [*SERIES, "origin", "date"]
    ours, theirs = (
        frame.filter(pl.col("had_stock")).select(
            *keys,
            *(["family"] if "family" in frame.columns else []),
            "sold_kg",
            loss=total_pinball(method, levels),
        )
        for frame in (challenger, champion)
    )
    both = ours.join(theirs.select(*keys, other="loss"), on=keys, how="inner")
    if both.height != max(ours.height, theirs.height):
        raise ValueError(
            f"the backtests share {both.height} of {ours.height} and {theirs.height} days; run both on one panel"
        )
    gain, sold = (_table(both, value) for value in (pl.col("loss") - pl.col("other"), pl.col("sold_kg")))
    values = _drawn(gain, sold, np.random.default_rng(seed))
    low, high = np.quantile(values, [0.05, 0.95])
    return Difference(
        float(gain.sum() / max(sold.sum(), 1e-9)), float(low), float(high), *_worst_segment(both)
    )


def _table(both: pl.DataFrame, value: pl.Expr) -> npt.NDArray[np.float64]:
    """Sums as [series, origin]."""
    sums = both.group_by(*SERIES, "origin").agg(value=value.sum())
    wide = sums.pivot("origin", index=SERIES, values="value").sort(SERIES)
    return (
        wide.drop(SERIES).select(sorted(c for c in wide.columns if c not in SERIES)).fill_null(0).to_numpy()
    )


def _drawn(
    gain: npt.NDArray[np.float64], sold: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Differences over drawn series and, independently, drawn origins: how often each was drawn weighs it."""
    series, origins = gain.shape
    parts = []
    for _ in range(0, DRAWS, DRAWN_AT_ONCE):
        rows = rng.multinomial(series, np.full(series, 1 / series), DRAWN_AT_ONCE).astype(np.float64)
        columns = rng.multinomial(origins, np.full(origins, 1 / origins), DRAWN_AT_ONCE)
        parts.append(
            ((rows @ gain) * columns).sum(axis=1) / np.maximum(((rows @ sold) * columns).sum(axis=1), 1e-9)
        )
    return np.concatenate(parts)


def _worst_segment(both: pl.DataFrame) -> tuple[str, float]:
    """Of the segments of at least LEAST_ROWS days the one whose loss grew by the largest share."""
    per = [
        both.group_by(pl.format(f"{by}:{{}}", by).alias("segment")).agg(
            pl.len().alias("rows"), pl.col("loss", "other").sum()
        )
        for by in SEGMENTS
        if by in both.columns
    ]
    large = pl.concat(per).filter((pl.col("rows") >= LEAST_ROWS) & (pl.col("other") > 0))
    ranked = large.with_columns(change=pl.col("loss") / pl.col("other") - 1).sort(
        "change", "segment", descending=[True, False]
    )
    return (ranked["segment"][0], ranked["change"][0]) if ranked.height else ("", 0.0)


def verdict(
    *,
    wql: float,
    naive_wql: float,
    has_champion: bool,
    same_recipe: bool,
    difference: Difference | None,
    is_held: bool = False,
) -> Verdict:
    """The rule of promotion.

    A model no better than seasonal naive is never promoted. The first model is, and so is the champion's own recipe
    fitted to newer days: it is the same choice, only fresher. Another recipe must be better in the backtest of both, with
    the whole 90 % interval of the difference below 0 and no segment of 500 days or more worse by over 3 %. A recipe
    that people rolled back stays challenger, whatever its scores, until they promote it by hand.

    Args:
        wql: Backtest WQL of the challenger.
        naive_wql: Of seasonal naive on the same days.
        has_champion: Whether there is one that this code can run.
        same_recipe: Whether the challenger has the champion's parameters and features.
        difference: Challenger less champion; needed when there is a champion of another recipe.
        is_held: Whether a version of the challenger's recipe was rolled back and none of it promoted by hand since.
    """
    if is_held and has_champion:
        return Verdict(
            False,
            f"its recipe was rolled back; WQL {wql:.3f}, seasonal naive {naive_wql:.3f}; anxu model promote takes it back",
        )
    if wql > naive_wql:
        return Verdict(False, f"WQL {wql:.3f} is above seasonal naive's {naive_wql:.3f}")
    if not has_champion:
        return Verdict(True, f"first model; WQL {wql:.3f}, seasonal naive {naive_wql:.3f}")
    if same_recipe:
        return Verdict(
            True, f"the champion's recipe on newer days; WQL {wql:.3f}, seasonal naive {naive_wql:.3f}"
        )
    if difference is None:
        raise ValueError("a challenger of another recipe needs the difference to the champion's backtest")
    interval = f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    if difference.worst_change > MOST_WORSE:
        worse = f"{difference.worst_segment} is worse by {difference.worst_change:.1%}"
        return Verdict(False, f"WQL against the champion {interval}, but {worse}")
    if difference.value < 0 and difference.high < 0:
        return Verdict(True, f"WQL against the champion {interval}: better")
    return Verdict(False, f"WQL against the champion {interval}: not surely better")
