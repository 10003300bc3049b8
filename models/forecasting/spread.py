"""How far a day may lie from what is expected of it: learnt on days the mean had not seen.

Few rows, and series that seldom sell: quantiles of sold ÷ expected by volume and lead, or whole orders
(models.forecasting.intervals). Many: boosted trees say how large the relative error usually is for such a row, and quantiles
are taken of the error in that unit. Which of them counts is chosen per volume class by the loss on held-out days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import polars as pl

from models.forecasting.intervals import (
    ORDER_EDGES,
    RatioTable,
    fit_ratios,
    refit,
    row_loss,
    volume_class,
    with_counts,
)
from models.forecasting.matrix import Categories, categories_of, dataset, matrix, predicted

LEAST_ROWS = 5000
"""With fewer rows of the model the scale is not learnt."""
ROWS_PER_CLASS = 1500
MOST_CLASSES = 24
FAMILY_PRIOR = 400.0
"""Rows at which a family's own width counts as much as that of all."""
LEAST_SCALE, MOST_ERROR = 0.02, 3.0
INNER = 0.8
"""The interval to which families are fitted."""
FOLDS = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Quantiles around an expected value."""

    base: RatioTable
    """By volume and lead; of rows with a fallback, and of all where `scales` is empty."""
    scales: tuple[lgb.Booster, ...] = ()
    """Usual |target ÷ expected − 1| per row; their mean counts."""
    categories: Categories = field(default_factory=dict)
    edges: Floats = field(default_factory=lambda: np.empty(0))
    """Borders between classes of scale."""
    errors: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """[class, level]: quantiles of (target ÷ expected − 1) ÷ scale, ascending along the levels."""
    widths: dict[str, float] = field(default_factory=dict)
    """Per family what errors about the middle are multiplied by; 1 for others."""
    scaled: tuple[bool, ...] = ()
    """Per volume class of `base` whether the learnt scale counts in it: it lost less there on held-out days."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels, ascending."""
        return self.base.levels

    def quantiles(self, mean_kg: Floats, rows: pl.DataFrame, *, threads: int = 1) -> Floats:
        """Return kg as [rows, levels]: never negative, never crossing.

        Args:
            mean_kg: Expected kg per row.
            rows: As features.assemble.add_features.
            threads: For LightGBM.
        """
        kg = self.base.quantiles(mean_kg, rows)
        if not any(self.scaled):
            return kg
        ours = rows["fallback_reason"].is_null().to_numpy()
        chosen = np.asarray(self.scaled)[volume_class(mean_kg, rows)]
        if len(own := np.flatnonzero(ours & chosen)):
            asked = rows[own]
            x = matrix(asked, self.categories)
            scale = np.mean([_scale(booster, x, threads) for booster in self.scales], axis=0)
            kg[own] = self._around(mean_kg[own], scale, asked["family"])
        return kg

    def _around(self, mean_kg: Floats, scale: Floats, family: pl.Series) -> Floats:
        """[rows, levels] in kg by the scale of each row."""
        error = self.errors[np.searchsorted(self.edges, scale, side="right")]
        width = family.replace_strict(self.widths, default=1.0, return_dtype=pl.Float64).to_numpy()
        middle = _middle(error, self.levels)[:, None]
        error = middle + (error - middle) * width[:, None]
        return np.asarray(mean_kg[:, None] * (1 + scale[:, None] * error).clip(min=0))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "base": self.base.to_json(),
            "scales": [booster.model_to_string() for booster in self.scales],
            "categories": self.categories,
            "edges": self.edges.tolist(),
            "errors": self.errors.tolist(),
            "widths": self.widths,
            "scaled": self.scaled,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Spread":
        """From what to_json gave."""
        return cls(
            RatioTable.from_json(stored["base"]),
            tuple(lgb.Booster(model_str=text) for text in stored["scales"]),
            {name: tuple(known) for name, known in stored["categories"].items()},
            np.asarray(stored["edges"], dtype=np.float64),
            np.asarray(stored["errors"], dtype=np.float64).reshape(-1, len(stored["base"]["levels"])),
            dict(stored["widths"]),
            tuple(stored["scaled"]),
        )


def fit_spread(
    mean_kg: Floats, rows: pl.DataFrame, levels: Sequence[float], *, seed: int = 0, threads: int = 1
) -> Spread:
    """Learn the spread from rows the expected value was not fitted on.

    Args:
        mean_kg: Expected kg per row.
        rows: As features.assemble.add_features, with the target as `sold_kg` (kg) and `weight` (how far a row counts).
        levels: Ascending, between 0 and 1.
        seed: Of the trees.
        threads: For LightGBM; the result does not depend on it.

    Raises:
        TooLittleHistoryError: No row of the model is there to learn from.

    Source: split conformal prediction with normalised residuals (Lei et al. 2018) in groups of like scale (Mondrian groups of
    Vovk), one-sided per level. The scale of a row is learnt from the other half of the series.
    """
    base = fit_ratios(mean_kg, rows, levels)
    ours = (rows["fallback_reason"].is_null().to_numpy()) & (mean_kg > 0)
    if ours.sum() < LEAST_ROWS:
        return Spread(base)
    base = with_counts(base, mean_kg, rows)
    mean, seen = mean_kg[ours], rows.filter(pl.Series(ours))
    error = (seen["sold_kg"].cast(pl.Float64).to_numpy() / mean - 1).clip(max=MOST_ERROR * 3)
    weight = seen["weight"].cast(pl.Float64).to_numpy()
    categories = categories_of(seen)
    boosters, scale = _cross_fitted(seen, categories, error, weight * np.sqrt(mean), seed, threads)
    edges, errors = _by_class(error / scale, scale, weight, levels)
    fitted = Spread(base, boosters, categories, edges, errors)
    fitted = replace(fitted, widths=_widths(fitted, seen["family"], error, scale))
    return replace(fitted, scaled=_where_better(fitted, mean, seen, scale))


def _where_better(spread: Spread, mean: Floats, rows: pl.DataFrame, scale: Floats) -> tuple[bool, ...]:
    """Per volume class whether quantiles by scale lose less than those by volume, both on series they were not learnt from."""
    sold, weight = (rows[c].cast(pl.Float64).to_numpy() for c in ("sold_kg", "weight"))
    fold = rows["series"].to_numpy() % FOLDS
    by_volume = np.empty((len(mean), len(spread.levels)))
    for k in range(FOLDS):
        own = fold == k
        if own.any() and not own.all():
            table = refit(spread.base, mean[~own], rows.filter(pl.Series(~own)))
            by_volume[own] = table.quantiles(mean[own], rows.filter(pl.Series(own)))
        else:
            by_volume[own] = spread.base.quantiles(mean[own], rows.filter(pl.Series(own)))
    by_scale = spread._around(mean, scale, rows["family"])
    losses = [
        np.bincount(
            volume_class(mean, rows), weight * row_loss(sold, kg, spread.levels), len(ORDER_EDGES) + 1
        )
        for kg in (by_scale, by_volume)
    ]
    return tuple((losses[0] < losses[1]).tolist())


def _cross_fitted(
    rows: pl.DataFrame, categories: Categories, error: Floats, weight: Floats, seed: int, threads: int
) -> tuple[tuple[lgb.Booster, ...], Floats]:
    """A booster per fold of series, learnt from the others, and each row's scale by the one that did not see it."""
    x = matrix(rows, categories)
    fold = rows["series"].to_numpy() % FOLDS
    size = np.abs(error).clip(max=MOST_ERROR)
    scale = np.empty(len(error))
    boosters = []
    for k in range(FOLDS):
        apart = fold != k
        data = dataset(x[apart], size[apart], weight[apart])
        boosters.append(lgb.train(_settings(seed + k, threads), data, num_boost_round=80))
        scale[~apart] = _scale(boosters[-1], x[~apart], threads)
    return tuple(boosters), scale


def _scale(booster: lgb.Booster, x: npt.NDArray[np.float32], threads: int) -> Floats:
    return predicted(booster, x, threads).clip(LEAST_SCALE, MOST_ERROR)


def _by_class(error: Floats, scale: Floats, weight: Floats, levels: Sequence[float]) -> tuple[Floats, Floats]:
    """Equally large classes of scale: their borders, and quantiles of the error in units of the scale."""
    count = int(np.clip(len(error) // ROWS_PER_CLASS, 1, MOST_CLASSES))
    edges = np.unique(np.quantile(scale, np.arange(1, count) / count))
    place = np.searchsorted(edges, scale, side="right")
    rows = [
        np.quantile(
            error[place == k],
            levels,
            weights=weight[place == k],
            method="inverted_cdf",
        )
        if (place == k).any()
        else np.quantile(error, levels, weights=weight, method="inverted_cdf")
        for k in range(len(edges) + 1)
    ]
    return edges, np.asarray(rows)


def _widths(spread: Spread, family: pl.Series, error: Floats, scale: Floats) -> dict[str, float]:
    """Per family the factor that lets its inner interval hold INNER of its rows, drawn to 1 where rows are few."""
    levels = np.asarray(spread.levels)
    low, high = (int(np.argmin(np.abs(levels - q))) for q in ((1 - INNER) / 2, (1 + INNER) / 2))
    found = spread.errors[np.searchsorted(spread.edges, scale, side="right")]
    middle = _middle(found, spread.levels)
    off = error / scale - middle
    side = np.where(off >= 0, found[:, high] - middle, middle - found[:, low])
    reach = np.abs(off) / np.maximum(side, 1e-6)
    per = (
        pl.DataFrame({"family": family, "reach": reach})
        .group_by("family")
        .agg(pl.len(), pl.col("reach").quantile(INNER, "linear"))
        .sort("family")
    )
    return {
        name: float((rows * np.clip(reach, 0.5, 2.0) + FAMILY_PRIOR) / (rows + FAMILY_PRIOR))
        for name, rows, reach in per.iter_rows()
    }


def _middle(errors: Floats, levels: Sequence[float]) -> Floats:
    return np.asarray(errors[:, int(np.argmin(np.abs(np.asarray(levels) - 0.5)))])


def _settings(seed: int, threads: int) -> dict[str, object]:
    return {
        "objective": "regression",
        "learning_rate": 0.08,
        "num_leaves": 15,
        "min_data_in_leaf": 150,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "cat_smooth": 200,
        "cat_l2": 50,
        "max_bin": 63,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
