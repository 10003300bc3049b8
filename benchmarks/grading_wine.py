"""Grades from measurements: ours and a random forest of 500 trees on the same folds, the same piece twice in one fold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from models.grading.ordinal import Floats, Ints, fit_ordinal, median_grade, ranked_score, share_misses

FOLDS, TREES = 5, 500
MAD_LIMIT, SCORE_LIMIT, CALIBRATION_LIMIT = 1.02, 1.0, 0.03
Figures = list[dict[str, Any]]


def wine_bench(files: Sequence[Path], *, seed: int, threads: int) -> tuple[Figures, Figures]:
    """Rows and limits by file: mean absolute deviation of whole grades, ranked probability score, calibration of shares.

    The forest stands in the form that is best for each figure: its votes' middle or most likely grade, or the rounded mean of
    a regression forest, for the deviation; its votes for the score.
    """
    rows: Figures = []
    must: Figures = []
    for path in files:
        x, grade = read_measured(path)
        segment = path.name.split(".")[0]
        scored = _scored(x, grade, seed, threads)
        for method, figures in scored.items():
            rows += [
                {"segment": segment, "metric": m, "method": method, "value": v} for m, v in figures.items()
            ]
        must += _limits(segment, scored)
    return rows, must


def read_measured(path: Path) -> tuple[Floats, Ints]:
    """Attributes [row, attribute] and the grade [row], which is the last column; a first line of names is passed over."""
    frame = pl.read_csv(path, has_header=False, infer_schema=False)
    values = frame.select(pl.all().cast(pl.Float64, strict=False)).drop_nulls().to_numpy()
    return values[:, :-1], values[:, -1].astype(np.int64)


def same_pieces(x: Floats) -> Ints:
    """Number of the group of rows with equal measurements [row]."""
    found: Ints = np.unique(x, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    return found


def _scored(x: Floats, grade: Ints, seed: int, threads: int) -> dict[str, dict[str, float]]:
    grades = tuple(int(g) for g in np.unique(grade))
    group = same_pieces(x)
    fold = (np.random.default_rng(seed).permutation(int(group.max()) + 1) % FOLDS)[group]
    made = {"anxu": np.zeros((len(grade), len(grades))), "forest": np.zeros((len(grade), len(grades)))}
    rounded = np.zeros(len(grade))
    for k in range(FOLDS):
        test = fold == k
        learnt = x[~test], grade[~test]
        model = fit_ordinal(*learnt, group[~test], seed=seed, threads=threads)
        forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=threads).fit(*learnt)
        means = RandomForestRegressor(TREES, random_state=seed, n_jobs=threads).fit(*learnt)
        made["anxu"][np.ix_(test, np.searchsorted(grades, model.grades))] = model.shares(x[test])
        made["forest"][np.ix_(test, np.searchsorted(grades, forest.classes_))] = forest.predict_proba(x[test])
        rounded[test] = np.rint(means.predict(x[test]))
    found = {name: _figures(shares, grade, grades) for name, shares in made.items()}
    likely = np.asarray(grades)[made["forest"].argmax(axis=1)]
    found["forest"] |= {
        "mad_most_likely": float(np.abs(likely - grade).mean()),
        "mad_rounded_mean": float(np.abs(rounded - grade).mean()),
    }
    return found


def _figures(shares: Floats, grade: Ints, grades: tuple[int, ...]) -> dict[str, float]:
    middle = median_grade(shares, grades)
    return {
        "mad": float(np.abs(middle - grade).mean()),
        "accuracy": float((middle == grade).mean()),
        "ranked_probability_score": ranked_score(shares, grade, grades),
        "share_misses": share_misses(shares, grade, grades),
    }


def _limits(segment: str, scored: dict[str, dict[str, float]]) -> Figures:
    ours, peer = scored["anxu"], scored["forest"]
    best = min(v for m, v in peer.items() if m.startswith("mad"))
    limits = (
        ("mad ÷ the forest's, at most", ours["mad"] / best, MAD_LIMIT),
        (
            "ranked probability score ÷ the forest's, at most",
            ours["ranked_probability_score"] / peer["ranked_probability_score"],
            SCORE_LIMIT,
        ),
        ("misses of stated shares, at most", ours["share_misses"], CALIBRATION_LIMIT),
    )
    return [{"what": f"{segment}: {w}", "value": v, "limit": x, "holds": v <= x} for w, v, x in limits]
