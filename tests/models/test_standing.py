"""Who takes the baseline, and who takes the model again."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.standing import BASELINE, MODEL, apart, node_losses, standing, standings, stands_in

FIRST = date(2026, 3, 1)


def weeks(n: int) -> list[date]:
    return [FIRST + timedelta(weeks=i) for i in range(n)]


def after(outcomes: str) -> str:
    """The state after origins at which the model lost (L) or won (W)."""
    return standing([o == "L" for o in outcomes], weeks(len(outcomes))).state


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("LLL", MODEL),
        ("LLLL", BASELINE),
        ("LLWLLL", MODEL),
        ("WLLLL", BASELINE),
        ("LLLLW", BASELINE),
        ("LLLLWW", MODEL),
        ("LLLLWLLL", BASELINE),
        ("LLLLWLW", MODEL),
        ("LLLLWWLLL", MODEL),
        ("LLLLWWLLLL", BASELINE),
    ],
)
def test_four_losses_in_a_row_bring_the_baseline_and_two_wins_in_four_the_model(
    outcomes: str, state: str
) -> None:
    assert after(outcomes) == state


def test_since_is_the_origin_that_decided() -> None:
    found = standing([True] * 6, weeks(6))
    assert (found.since, found.lost_origins, found.counted_origins) == (weeks(6)[3], 4, 6)


@given(st.text("LW", min_size=1, max_size=30))
def test_the_baseline_stands_only_after_four_losses_and_never_after_two_wins_in_four(outcomes: str) -> None:
    state = after(outcomes)
    if state == BASELINE:
        assert "LLLL" in outcomes
        assert outcomes[-4:].count("W") < 2
    if outcomes.endswith("LLLL"):
        assert state == BASELINE


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_origins_that_count_are_a_week_apart_and_stay_when_later_ones_come(days: list[int]) -> None:
    origins = sorted(FIRST + timedelta(days=d) for d in days)
    taken = apart(origins)
    assert all((b - a).days >= 7 for a, b in pairwise(taken))
    assert apart(origins[: len(origins) // 2 + 1]) == taken[: len(apart(origins[: len(origins) // 2 + 1]))]


def scored(model_kg: float, naive_kg: float, sold: list[float], product: str = "p") -> pl.DataFrame:
    return pl.DataFrame({"sold_kg": sold}).with_columns(
        pl.lit(product).alias("product_id"),
        pl.lit("c").alias("channel_id"),
        pl.lit("r").alias("region_id"),
        pl.lit(model_kg).alias("model_0.5"),
        pl.lit(naive_kg).alias("seasonal_naive_0.5"),
    )


def test_losses_of_a_product_in_a_channel_are_those_of_its_series_added_up() -> None:
    rows = pl.concat(
        [
            scored(5.0, 3.0, [4.0] * 4),
            scored(1.0, 1.0, [2.0] * 4).with_columns(region_id=pl.lit("s")),
        ]
    )
    losses = node_losses(rows, model="model", naive="seasonal_naive", levels=(0.5,))
    assert losses["node"].to_list() == ["product_channel", "series", "series"]
    assert losses["region_id"].to_list() == [None, "r", "s"]
    assert losses["model_loss_kg"].to_list() == pytest.approx([8.0, 4.0, 4.0])
    assert losses["naive_loss_kg"].to_list() == pytest.approx([8.0, 4.0, 4.0])


def test_a_tie_is_no_loss_and_origins_with_few_sales_do_not_count() -> None:
    def four(model_kg: float, sold: list[float]) -> pl.DataFrame:
        one = node_losses(scored(model_kg, 3.0, sold), model="model", naive="seasonal_naive", levels=(0.5,))
        return pl.concat(one.with_columns(origin=pl.lit(day)) for day in weeks(4))

    assert set(standings(four(9.0, [4.0] * 7))["state"]) == {BASELINE}
    assert set(standings(four(3.0, [4.0] * 7))["state"]) == {MODEL}
    assert standings(four(9.0, [4.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0])).is_empty()


def test_the_baseline_stands_in_for_the_series_of_its_node_that_the_model_forecast() -> None:
    forecast = pl.DataFrame(
        {
            "product_id": ["p", "p", "q"],
            "channel_id": ["c", "c", "c"],
            "region_id": ["r", "s", "r"],
            "fallback_reason": [None, "short_history", None],
        }
    )
    status = pl.DataFrame(
        {
            "node": ["product_channel", "series"],
            "product_id": ["p", "q"],
            "channel_id": ["c", "c"],
            "region_id": [None, "r"],
            "state": [BASELINE, MODEL],
        }
    )
    assert stands_in(forecast, status).select("product_id", "region_id").rows() == [("p", "r")]
