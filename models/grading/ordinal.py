"""The grade of a piece from what was measured: shares of ordered grades by LightGBM.

Two members see the order of the grades. A forest of deep trees splits on the grade as a number, and each leaf answers with the
shares of the training pieces in it; boosted trees answer, cut by cut, whether a piece is of that grade or better. Their shares are
mixed; the forest's kind and the weight are chosen on pieces held out of the training set. Sources: Meinshausen 2006 (leaf shares of a regression
forest); Frank & Hall 2001 (one binary question a cut); Ke et al. 2017 (LightGBM).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WEIGHTS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the forest, tried on the pieces held out."""
RARE = 10
"""A cut with fewer pieces on one side is answered with the plain share."""


@dataclass(frozen=True)
class OrdinalParams:
    """How it is fitted.

    trees, rounds: Of the forest and of each cut. held_out: share of the groups that chooses the kind of forest, each grown with
    `trial_trees`, and the weight. forests: kinds tried: few measurements offered a split and nearly all pieces a tree, or more
    measurements and fewer pieces.
    """

    trees: int = 500
    trial_trees: int = 200
    rounds: int = 200
    held_out: float = 0.25
    forests: tuple[Mapping[str, Any], ...] = (
        {"bagging_fraction": 0.9, "feature_fraction_bynode": 0.1},
        {"bagging_fraction": 0.7, "feature_fraction_bynode": 0.25},
    )
    forest: Mapping[str, Any] = field(
        default_factory=lambda: {
            "objective": "regression", "boosting": "rf", "bagging_freq": 1, "num_leaves": 1500, "min_data_in_leaf": 1,
            "min_sum_hessian_in_leaf": 0.0,
        }
    )  # fmt: skip
    boosted: Mapping[str, Any] = field(
        default_factory=lambda: {
            "objective": "binary", "learning_rate": 0.03, "num_leaves": 15, "min_data_in_leaf": 10, "lambda_l2": 5.0,
            "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction_bynode": 0.3,
        }
    )  # fmt: skip


@dataclass(frozen=True)
class OrdinalModel:
    """A fitted grader. grades: the grades seen, ascending. leaf_shares: per tree [leaf, grade]. cuts: per cut a booster or a share."""

    grades: tuple[int, ...]
    forest: lgb.Booster
    leaf_shares: tuple[Floats, ...]
    cuts: tuple[lgb.Booster | float, ...]
    weight: float

    def shares(self, x: Floats) -> Floats:
        """Chance of each grade [row, grade]; rows add up to 1."""
        return self.weight * self._forest(x) + (1 - self.weight) * self._boosted(x)

    def predict(self, x: Floats) -> Ints:
        """The middle grade of each row's shares, which misses by least in the mean."""
        return median_grade(self.shares(x), self.grades)

    def _forest(self, x: Floats) -> Floats:
        leaves = np.asarray(self.forest.predict(x, pred_leaf=True)).reshape(len(x), -1)
        total = np.zeros((len(x), len(self.grades)))
        for tree, table in enumerate(self.leaf_shares):
            total += table[leaves[:, tree]]
        return total / len(self.leaf_shares)

    def _boosted(self, x: Floats) -> Floats:
        at_least = np.ones((len(x), len(self.grades) + 1))
        at_least[:, -1] = 0.0
        for k, cut in enumerate(self.cuts, start=1):
            at_least[:, k] = cut if isinstance(cut, float) else np.asarray(cut.predict(x))
        falling = np.minimum.accumulate(at_least, axis=1)
        found: Floats = falling[:, :-1] - falling[:, 1:]
        return found


def fit_ordinal(
    x: Floats, grade: Ints, group: Ints, *, seed: int, threads: int, params: OrdinalParams | None = None
) -> OrdinalModel:
    """Fit the grader.

    Args:
        x: Measurements [row, attribute]; NaN: not measured.
        grade: Ordered grades as whole numbers [row].
        group: Rows of one group stay on one side when the weight is chosen [row]: the same lot, or the same piece twice.
        seed: Of bagging and of the rows held out.
        threads: Of LightGBM.

    Raises:
        ValueError: Fewer than two grades, or rows that do not fit.
    """
    params = params or OrdinalParams()
    if len(x) != len(grade) or len(np.unique(grade)) < 2:
        raise ValueError(
            "a grader learns from rows of at least two grades; give x and grade of the same length"
        )
    numbers = np.unique(group)
    held = np.isin(
        group, np.random.default_rng(seed).permutation(numbers)[: round(params.held_out * len(numbers))]
    )
    run = _Run(seed, threads, params)
    if not held.any() or len(np.unique(grade[~held])) < 2:
        return _joined(run, x, grade, params.forests[0], params.trees, 1.0)
    kind, weight = _best_of(run, x[~held], grade[~held], x[held], grade[held])
    return _joined(run, x, grade, kind, params.trees, weight)


@dataclass(frozen=True)
class _Run:
    seed: int
    threads: int
    params: OrdinalParams

    @property
    def common(self) -> dict[str, Any]:
        return {
            "seed": self.seed, "num_threads": self.threads, "deterministic": True, "force_row_wise": True, "verbosity": -1,
        }  # fmt: skip


def _best_of(
    run: _Run, x: Floats, grade: Ints, x_held: Floats, held: Ints
) -> tuple[Mapping[str, Any], float]:
    """Kind of forest and its weight with the least score on the pieces held out."""
    known = np.isin(held, grade)
    found = []
    boosted: Floats | None = None
    for kind in run.params.forests:
        model = _joined(run, x, grade, kind, run.params.trial_trees, 1.0, with_cuts=boosted is None)
        if boosted is None:
            boosted = model._boosted(x_held[known])
        forest = model._forest(x_held[known])
        found += [
            (ranked_score(w * forest + (1 - w) * boosted, held[known], model.grades), -w, kind)
            for w in WEIGHTS
        ]
    _, weight, kind = min(found, key=lambda f: f[:2])
    return kind, -weight


def _joined(
    run: _Run, x: Floats, grade: Ints, kind: Mapping[str, Any], trees: int, weight: float, *, with_cuts: bool = True
) -> OrdinalModel:  # fmt: skip
    grades = np.unique(grade)
    settings = {**run.params.forest, **kind, **run.common}
    forest = lgb.train(settings, lgb.Dataset(x, grade.astype(float)), trees)
    leaves = np.asarray(forest.predict(x, pred_leaf=True)).reshape(len(x), -1)
    at = np.searchsorted(grades, grade)
    tables = tuple(_leaf_table(leaves[:, t], at, len(grades)) for t in range(leaves.shape[1]))
    cuts = tuple(_cut(run, x, grade >= better) for better in grades[1:]) if with_cuts else ()
    return OrdinalModel(tuple(int(g) for g in grades), forest, tables, cuts, weight)


def _cut(run: _Run, x: Floats, is_better: NDArray[np.bool_]) -> lgb.Booster | float:
    if min(is_better.sum(), (~is_better).sum()) < RARE:
        return float(is_better.mean())
    return lgb.train(
        {**run.params.boosted, **run.common}, lgb.Dataset(x, is_better.astype(float)), run.params.rounds
    )


def _leaf_table(leaf: Ints, at: Ints, grades: int) -> Floats:
    """Shares of the training rows in each leaf [leaf, grade]; a leaf without rows has those of all."""
    count = (
        np.bincount(leaf * grades + at, minlength=(int(leaf.max()) + 1) * grades)
        .reshape(-1, grades)
        .astype(float)
    )
    total = count.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, count / np.maximum(total, 1.0), count.sum(axis=0) / count.sum()))


def median_grade(shares: Floats, grades: tuple[int, ...]) -> Ints:
    """The lowest grade with at least half of the chance at or below it [row]."""
    at = (np.cumsum(shares, axis=1) >= 0.5 - 1e-12).argmax(axis=1)
    found: Ints = np.asarray(grades)[at]
    return found


def ranked_score(shares: Floats, grade: Ints, grades: tuple[int, ...]) -> float:
    """Ranked probability score, mean over rows, 0 is exact (Epstein 1969): squared misses of the chances 'at most this grade'."""
    made = np.cumsum(shares, axis=1)[:, :-1]
    true = grade[:, None] <= np.asarray(grades)[None, :-1]
    return float(((made - true) ** 2).sum(axis=1).mean())


def share_misses(shares: Floats, grade: Ints, grades: tuple[int, ...], bins: int = 10) -> float:
    """How far stated chances of 'this grade or better' lie from how often it was so: mean over cuts and bins of like chance, by rows."""
    total = rows = 0.0
    for k in range(1, len(grades)):
        said, was = shares[:, k:].sum(axis=1), grade >= grades[k]
        for part in np.array_split(np.argsort(said, kind="stable"), bins):
            if len(part):
                total += abs(float(said[part].sum() - was[part].sum()))
                rows += len(part)
    return total / max(rows, 1.0)
