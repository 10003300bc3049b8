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


def test_a_gain_of_one_origin_is_not_sure_however_many_series_share_it() -> None:
    def four(error_kg: list[float]) -> pl.DataFrame:
        return pl.concat(
            scored(np.full(60, e)).with_columns(origin=pl.lit(date(2026, 1, 1 + i)))
            for i, e in enumerate(error_kg)
        )

    def between(ours: list[float], theirs: list[float]) -> Difference:
        return paired_difference(four(ours), four(theirs), method="anxu", levels=(0.5,), seed=1)

    assert between([0, 0, 0, 0], [1, 1, 1, 1]).high < 0
    one_origin = between([0, 2, 2, 2], [9, 1, 1, 1])
    assert one_origin.value < 0 < one_origin.high


def test_the_segment_that_loses_most_is_named_when_it_is_large_enough() -> None:
    ours, theirs = np.full(1200, 1.0), np.full(1200, 2.0)
    ours[:600] = 2.2

    def shops(error_kg: np.ndarray) -> pl.DataFrame:
        return scored(error_kg).with_columns(
            channel_id=pl.when(pl.int_range(pl.len()) < 600).then(pl.lit("a")).otherwise(pl.lit("b"))
        )

    def between(n: int) -> Difference:
        return paired_difference(
            shops(ours).head(n), shops(theirs).head(n), method="anxu", levels=(0.5,), seed=1
        )

    found = between(1200)
    assert found.high < 0
    assert (found.worst_segment, found.worst_change) == ("channel_id:a", pytest.approx(0.1))
    assert between(499).worst_segment == ""


def test_a_rolled_back_recipe_waits_for_a_person() -> None:
    said = verdict(wql=0.1, naive_wql=0.6, has_champion=True, same_recipe=True, difference=None, is_held=True)
    assert not said.promote
    assert "anxu model promote" in said.reason


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
        (0.5, True, False, Difference(-0.02, -0.03, -0.01, "family:leaf", 0.031), False),
        (0.5, True, False, Difference(-0.02, -0.03, -0.01, "family:leaf", 0.029), True),
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
