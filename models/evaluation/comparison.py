"""Whether a challenger replaces the champion: a paired bootstrap over series, and the rule of promotion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.calendar import SERIES
from models.evaluation.metrics import total_pinball

DRAWS = 1000


@dataclass(frozen=True)
class Difference:
    """Weighted quantile loss of the challenger less the champion's, on the same days; below 0 is better."""

    value: float
    low: float
    high: float
    """Ends of the 90 % interval over series."""


@dataclass(frozen=True)
class Verdict:
    """What the rule says, and why in words."""

    promote: bool
    reason: str


def paired_difference(
    challenger: pl.DataFrame, champion: pl.DataFrame, *, method: str, levels: Sequence[float], seed: int
) -> Difference:
    """Compare two backtests of the same days, drawing whole series with replacement 1,000 times.

    Args:
        challenger: Rows of a backtest: SERIES, `origin`, `date`, `sold_kg`, `had_stock` and the method's quantile columns.
        champion: The same rows of the other recipe, in any order.
        method: Whose columns are compared in both.
        levels: Quantile levels.
        seed: Of the draws.

    Raises:
        ValueError: The two do not hold the same days.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13 (percentile interval).
    """
    keys = [*SERIES, "origin", "date"]
    ours, theirs = (
        frame.filter(pl.col("had_stock")).select(*keys, "sold_kg", loss=total_pinball(method, levels))
        for frame in (challenger, champion)
    )
    both = ours.join(theirs.select(*keys, other="loss"), on=keys, how="inner")
    if both.height != max(ours.height, theirs.height):
        raise ValueError(
            f"the backtests share {both.height} of {ours.height} and {theirs.height} days; run both on one panel"
        )
    per_series = both.group_by(SERIES).agg(pl.col("sold_kg", "loss", "other").sum()).sort(SERIES)
    sold, gain = per_series["sold_kg"].to_numpy(), (per_series["loss"] - per_series["other"]).to_numpy()
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, sold.size, (DRAWS, sold.size))
    values = gain[drawn].sum(axis=1) / np.maximum(sold[drawn].sum(axis=1), 1e-9)
    low, high = np.quantile(values, [0.05, 0.95])
    return Difference(float(gain.sum() / max(sold.sum(), 1e-9)), float(low), float(high))


def verdict(
    *, wql: float, naive_wql: float, has_champion: bool, same_recipe: bool, difference: Difference | None
) -> Verdict:
    """The rule of promotion.

    A model no better than seasonal naive is never promoted. The first model is, and so is the champion's own recipe
    fitted to newer days: it is the same choice, only fresher. Another recipe must be better in the backtest of both, with
    the whole 90 % interval of the difference below 0.

    Args:
        wql: Backtest WQL of the challenger.
        naive_wql: Of seasonal naive on the same days.
        has_champion: Whether there is one that this code can run.
        same_recipe: Whether the challenger has the champion's parameters and features.
        difference: Challenger less champion; needed when there is a champion of another recipe.
    """
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
    if difference.value < 0 and difference.high < 0:
        return Verdict(True, f"WQL against the champion {interval}: better")
    return Verdict(False, f"WQL against the champion {interval}: not surely better")
