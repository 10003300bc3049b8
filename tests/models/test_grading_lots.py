import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from models.grading.lots import (
    allowed_missing,
    false_label_rate,
    least_pieces,
    lot_grade,
    pieces_needed,
    upper_share,
)

TOLERANCES = {"特级": 0.05, "一级": 0.10}


def test_sixty_good_pieces_earn_the_best_label_and_fifty_do_not() -> None:
    assert least_pieces(0.05) == 59
    assert lot_grade({"特级": 60, "一级": 0, "无": 0}, TOLERANCES).label == "特级"
    small = lot_grade({"特级": 50, "一级": 0, "无": 0}, TOLERANCES)
    assert (small.label, small.needed) == ("一级", 59)


def test_a_lower_label_is_given_where_the_better_one_is_not_sure() -> None:
    assert lot_grade({"特级": 60, "一级": 38, "无": 2}, TOLERANCES).label == "一级"
    assert lot_grade({"特级": 60, "一级": 20, "无": 20}, TOLERANCES).label is None


def test_nothing_sampled_says_nothing() -> None:
    empty = lot_grade({"特级": 0, "一级": 0, "无": 0}, TOLERANCES)
    assert (empty.label, empty.needed, empty.pieces) == (None, None, 0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 200), min_size=2, max_size=5))
def test_shares_add_up_and_lie_within_their_ends(counts: list[int]) -> None:
    found = lot_grade({f"g{i}": n for i, n in enumerate(counts)}, {"g0": 0.1})
    assert sum(mean for mean, _, _ in found.shares.values()) == pytest.approx(1.0)
    assert all(low <= high and low >= 0 and high <= 1 for _, low, high in found.shares.values())


@settings(max_examples=60, deadline=None)
@given(pieces=st.integers(1, 300), missing=st.integers(0, 60), tolerance=st.floats(0.01, 0.4))
def test_the_acceptance_number_and_the_interval_agree(pieces: int, missing: int, tolerance: float) -> None:
    accepted = missing <= allowed_missing(pieces, tolerance)
    assert accepted == (upper_share(missing, pieces) <= tolerance) or upper_share(
        missing, pieces
    ) == pytest.approx(tolerance, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(pieces=st.integers(20, 400), tolerance=st.floats(0.02, 0.3))
def test_a_lot_just_beyond_the_tolerance_is_labelled_in_at_most_one_of_twenty(
    pieces: int, tolerance: float
) -> None:
    c = allowed_missing(pieces, tolerance)
    assert c < 0 or binom.cdf(c, pieces, tolerance + 1e-9) <= 0.05 + 1e-9


@pytest.mark.parametrize(
    "shares", [(0.94, 0.05, 0.01), (0.80, 0.095, 0.105), (0.949, 0.0, 0.051), (0.5, 0.3, 0.2)]
)
def test_in_simulation_false_labels_stay_within_five_in_a_hundred(shares: tuple[float, ...]) -> None:
    pieces = pieces_needed(0.02, 0.05)
    assert pieces is not None
    wrong, _ = false_label_rate(shares, list(TOLERANCES.values()), pieces=pieces, lots=40_000, seed=1)
    assert wrong <= 0.053  # 5 % and three standard errors of 40,000 lots


def test_the_stated_sample_size_labels_four_in_five_of_the_lots_it_is_stated_for() -> None:
    pieces = pieces_needed(0.02, 0.05)
    assert pieces is not None
    wrong, given_label = false_label_rate(
        (0.98, 0.02, 0.0), list(TOLERANCES.values()), pieces=pieces, lots=20_000, seed=2
    )
    assert wrong == 0
    assert given_label >= 0.79


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match="grade '超级' is not in the standard; it has 特级, 一级"):
        lot_grade({"特级": 1, "一级": 2}, {"超级": 0.1})
    with pytest.raises(ValueError, match="has -1 pieces"):
        lot_grade({"特级": -1, "一级": 2}, {})
