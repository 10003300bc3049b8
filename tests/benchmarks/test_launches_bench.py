import numpy as np
import pytest

from benchmarks.launches import decisions, recovered


def test_shelves_that_never_went_empty_hide_nothing() -> None:
    sold = np.arange(40, dtype=float)[None, :]
    assert (recovered(sold, np.ones((1, 40)), np.ones((1, 40))) == sold).all()


def test_hours_after_the_shelf_went_empty_count_at_the_usual_rate() -> None:
    sold, lift, open_share = np.full((1, 30), 8.0), np.ones((1, 30)), np.ones((1, 30))
    sold[0, 29], open_share[0, 29] = 2.0, 0.25
    assert recovered(sold, lift, open_share)[0, 29] == pytest.approx(2 + 0.75 * (27 * 8 + 2) / 27.25)
    lift[0, 29] = 3.0
    assert recovered(sold, lift, open_share)[0, 29] == pytest.approx(2 + 2.25 * (27 * 8 + 2) / 27.75)


def test_later_days_change_nothing_and_days_off_sale_stay_empty() -> None:
    rng = np.random.default_rng(3)
    sold, share = rng.poisson(5, (4, 60)).astype(float), rng.uniform(0.2, 1, (4, 60))
    lift = np.ones((4, 60))
    lift[2, :30], sold[2, :30] = 0.0, 0.0
    whole = recovered(sold, lift, share)
    assert (whole >= sold).all()
    assert (whole[2, :30] == 0).all()
    assert np.allclose(recovered(sold[:, :40], lift[:, :40], share[:, :40]), whole[:, :40])


def test_what_is_wanted_is_the_same_for_all_rules_and_more_growth_stocks_more() -> None:
    few, many = decisions("demo", 101, growth=1.0), decisions("demo", 101, growth=2.0)
    assert len(few) == len(many) >= 1
    for one, other in zip(few, many, strict=True):
        assert one.ours < other.ours
        assert (one.present, one.wanted) == (other.present, other.wanted)
