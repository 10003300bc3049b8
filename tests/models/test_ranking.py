import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.evaluation import ranking

CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40).filter(
    lambda c: 0 < sum(b for b, _ in c) < len(c)
)


@given(CASES)
def test_average_precision_and_area_agree_with_scikit_learn_ties_included(
    case: list[tuple[bool, int]],
) -> None:
    best, score = np.array([b for b, _ in case]), np.array([float(s) for _, s in case])
    assert ranking.average_precision(best, score) == pytest.approx(average_precision_score(best, score))
    assert ranking.area_under_roc(best, score) == pytest.approx(roc_auc_score(best, score))


def test_figures_at_k_can_be_counted_by_hand() -> None:
    best, score = np.array([True, False, True, False, False]), np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    worth = np.array([60.0, 10.0, 30.0, 0.0, 0.0])
    assert ranking.precision_at(best, score, 2) == 0.5
    assert ranking.accuracy_at(best, score, 2) == 0.6
    assert ranking.worth_share(worth, score, 2) == pytest.approx(70 / 90)
    assert ranking.value_curve(worth, score).tolist() == pytest.approx([0.6, 0.7, 1, 1, 1])
    precision, recall = ranking.precision_recall(best, score)
    assert precision[:3].tolist() == pytest.approx([1, 0.5, 2 / 3])
    assert recall.tolist() == [0.5, 0.5, 1, 1, 1]


def test_equal_scores_know_no_more_than_the_base_rate() -> None:
    best = np.array([True, False, False, False])
    assert ranking.average_precision(best, np.ones(4)) == 0.25
    assert np.isnan(ranking.average_precision(np.zeros(3, bool), np.ones(3)))


def test_calibration_error_is_the_distance_of_chance_and_share() -> None:
    best = np.array([True, False, False, False, True, True])
    chance = np.array([0.05, 0.05, 0.05, 0.05, 0.95, 0.95])
    assert ranking.calibration_error(best, chance) == pytest.approx((4 * 0.2 + 2 * 0.05) / 6)
    assert ranking.brier(best, chance) == pytest.approx((0.95**2 + 3 * 0.05**2 + 2 * 0.05**2) / 6)


def test_chances_that_are_right_lie_within_the_band_and_inflated_ones_do_not() -> None:
    rng = np.random.default_rng(1)
    chance = rng.uniform(0, 0.6, 400)
    best = rng.random(400) < chance
    assert ranking.calibration_error(best, chance) <= ranking.calibrated_band(chance, seed=2)
    too_high = np.minimum(chance + 0.25, 1.0)
    assert ranking.calibration_error(best, too_high) > ranking.calibrated_band(too_high, seed=2)


def test_the_interval_holds_the_value_and_narrows_with_more_products() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.normal(size=30), rng.normal(size=3000)
    narrow, wide = (
        ranking.bootstrap({"mean": lambda rows, x=x: float(x[rows].mean())}, x.size, seed=1)["mean"]
        for x in (many, few)
    )
    assert narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low
