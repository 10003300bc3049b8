"""Metrics against figures one can work out by hand, and against a library."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from utilsforecast.losses import mqloss

from models.evaluation.metrics import bias, coverage, expected_kg, pinball, score_table, scores, wape, wql

SOLD = pl.col("sold_kg")
LEVELS = (0.1, 0.5, 0.9)


def scored(*rows: tuple[float, float, float, float]) -> pl.DataFrame:
    """Sold, then the three quantiles of method m."""
    return pl.DataFrame(rows, schema=["sold_kg", "m_0.1", "m_0.5", "m_0.9"], orient="row")


def test_wape_and_bias_are_shares_of_what_was_sold() -> None:
    frame = scored((10, 0, 8, 0), (10, 0, 14, 0))
    assert frame.select(wape(SOLD, pl.col("m_0.5"))).item() == pytest.approx(6 / 20)
    assert frame.select(bias(SOLD, pl.col("m_0.5"))).item() == pytest.approx(2 / 20)


def test_too_low_a_high_quantile_costs_more_than_too_high_a_one() -> None:
    frame = scored((10, 0, 0, 9), (10, 0, 0, 11))
    assert frame.select(pinball(SOLD, pl.col("m_0.9"), 0.9)).to_series().to_list() == pytest.approx(
        [0.9, 0.1]
    )


def test_quantile_loss_equals_the_library_s() -> None:
    frame = scored((10, 6, 9, 15), (3, 1, 4, 8), (0, 0, 0, 2))
    named = frame.with_columns(unique_id=pl.lit("all"), ds=pl.int_range(pl.len()), y="sold_kg")
    theirs = mqloss(named, {"m": ["m_0.1", "m_0.5", "m_0.9"]}, quantiles=np.array(LEVELS))["m"].item()
    ours = frame.select(wql("m", LEVELS)).item() * 13 / 3 / 2
    assert ours == pytest.approx(theirs)


def test_coverage_counts_the_ends() -> None:
    frame = scored((1, 1, 1, 2), (5, 1, 2, 3))
    assert frame.select(coverage(SOLD, pl.col("m_0.1"), pl.col("m_0.9"))).item() == pytest.approx(0.5)


def test_the_implied_mean_of_a_straight_spread_is_its_middle() -> None:
    assert scored((0, 1, 5, 9)).select(expected_kg("m", LEVELS)).item() == pytest.approx(5)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e3), min_size=4, max_size=4))
def test_no_loss_is_negative_and_an_exact_forecast_has_none(values: list[float]) -> None:
    sold = values[0] + 1
    frame = scored((sold, *sorted(values[1:])))
    assert frame.select(wql("m", LEVELS)).item() >= 0
    assert scored((sold, sold, sold, sold)).select(wql("m", LEVELS)).item() == pytest.approx(0, abs=1e-9)


def test_a_table_has_a_row_per_segment_metric_and_method_and_leaves_out_what_sold_nothing() -> None:
    frame = scored((10, 6, 9, 15), (0, 0, 0, 0)).with_columns(kind=pl.Series(["sold", "empty"]))
    table = score_table(
        frame, methods=("m",), levels=LEVELS, segments={"all": pl.lit("all"), "kind": pl.col("kind")}
    )
    assert set(table["segment"]) == {"all", "sold"}
    assert set(table["metric"]) == set(scores("m", LEVELS)) == {"wape", "bias", "wql", "coverage_80"}
    assert table.filter((pl.col("segment") == "sold") & (pl.col("metric") == "wape"))[
        "value"
    ].item() == pytest.approx(0.1)
