"""The rule of promotion."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.evaluation.comparison import Difference, paired_difference, verdict


def scored(error_kg: np.ndarray) -> pl.DataFrame:
    """Sixty series that sold 10 kg on one day each, forecast with these errors."""
    return pl.DataFrame(
        {
            "product_id": [f"p{i}" for i in range(error_kg.size)],
            "channel_id": "shop",
            "region_id": "r",
            "origin": date(2026, 1, 1),
            "date": date(2026, 1, 2),
            "sold_kg": 10.0,
            "had_stock": True,
            "anxu_0.5": 10.0 + error_kg,
        }
    )


def compare(ours: np.ndarray, theirs: np.ndarray) -> Difference:
    return paired_difference(scored(ours), scored(theirs), method="anxu", levels=(0.5,), seed=1)


def test_the_difference_is_that_of_the_losses() -> None:
    same = compare(np.full(60, 1.0), np.full(60, 3.0))
    assert (same.value, same.low, same.high) == pytest.approx((-0.2, -0.2, -0.2))


def test_a_gain_on_a_few_series_is_not_sure() -> None:
    theirs = np.full(60, 1.0)
    ours = theirs.copy()
    ours[:3] = [-9.0, 0.0, 0.0]
    ours[3:5] = 0.0
    difference = compare(ours, theirs)
    assert difference.low < 0 < difference.high


def test_backtests_of_different_days_are_not_compared() -> None:
    with pytest.raises(ValueError, match="share 59 of 60 and 59 days"):
        paired_difference(scored(np.zeros(60)), scored(np.zeros(59)), method="anxu", levels=(0.5,), seed=1)


BETTER, UNSURE = Difference(-0.02, -0.03, -0.01), Difference(-0.02, -0.05, 0.01)


@pytest.mark.parametrize(
    ("wql", "has_champion", "same_recipe", "difference", "promoted"),
    [
        (0.5, False, False, None, True),
        (0.7, False, False, None, False),
        (0.5, True, True, None, True),
        (0.7, True, True, None, False),
        (0.5, True, False, BETTER, True),
        (0.5, True, False, UNSURE, False),
        (0.7, True, False, BETTER, False),
    ],
)
def test_who_is_promoted(
    wql: float, has_champion: bool, same_recipe: bool, difference: Difference | None, promoted: bool
) -> None:
    said = verdict(
        wql=wql, naive_wql=0.6, has_champion=has_champion, same_recipe=same_recipe, difference=difference
    )
    assert said.promote is promoted
    assert said.reason
