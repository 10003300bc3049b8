import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.grading.ordinal import (
    OrdinalModel,
    OrdinalParams,
    fit_ordinal,
    median_grade,
    ranked_score,
    share_misses,
)

SMALL = OrdinalParams(trees=40, trial_trees=20, rounds=40)


def pieces(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grade follows the first of three measurements, with noise at the cuts."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, np.digitize(x[:, 0] + rng.normal(0, 0.2, n), [-0.8, 0.0, 0.8]) + 3


def fitted(seed: int = 1) -> OrdinalModel:
    x, grade = pieces(600, 0)
    return fit_ordinal(x, grade, np.arange(600), seed=seed, threads=1, params=SMALL)


def test_grades_are_learnt_and_shares_are_chances() -> None:
    x, grade = pieces(400, 7)
    model = fitted()
    shares = model.shares(x)
    assert shares.sum(axis=1) == pytest.approx(np.ones(400))
    assert (shares >= -1e-12).all()
    assert np.abs(model.predict(x) - grade).mean() < 0.25
    base = np.bincount(grade - 3, minlength=4) / 400
    assert ranked_score(shares, grade, model.grades) < 0.4 * ranked_score(
        np.tile(base, (400, 1)), grade, model.grades
    )


def test_the_same_seed_gives_the_same_grader() -> None:
    x, _ = pieces(50, 3)
    assert (fitted().shares(x) == fitted().shares(x)).all()


def test_a_measurement_that_is_missing_is_no_error() -> None:
    x, _ = pieces(5, 3)
    x[:, 1] = np.nan
    assert np.isfinite(fitted().shares(x)).all()


def test_one_grade_only_cannot_be_learnt() -> None:
    with pytest.raises(ValueError, match="at least two grades"):
        fit_ordinal(np.zeros((5, 1)), np.full(5, 3), np.arange(5), seed=1, threads=1, params=SMALL)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(0, 5))
def test_the_middle_grade_misses_by_least_in_the_mean(raw: list[float], shift: int) -> None:
    shares = np.array([raw]) / sum(raw)
    grades = tuple(range(shift, shift + len(raw)))
    miss = [float((shares[0] * np.abs(np.array(grades) - g)).sum()) for g in grades]
    assert miss[int(median_grade(shares, grades)[0]) - shift] == pytest.approx(min(miss))


def test_a_sure_and_right_answer_scores_nothing_and_is_calibrated() -> None:
    shares = np.eye(3)
    assert ranked_score(shares, np.array([3, 4, 5]), (3, 4, 5)) == 0
    assert share_misses(shares, np.array([3, 4, 5]), (3, 4, 5)) == 0
    assert share_misses(np.tile([0.5, 0.5], (100, 1)), np.full(100, 1), (0, 1)) == pytest.approx(0.5)
