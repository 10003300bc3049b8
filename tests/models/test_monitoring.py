"""Alerts on error, bias and coverage; none on drift alone, and none on too little."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.monitoring import (
    bias_builds_up,
    coverage_off,
    error_rises,
    fallbacks_rise,
    feature_drift,
)

LAST = date(2026, 6, 1)


def weeks(n: int) -> list[date]:
    return [LAST - timedelta(weeks=n - 1 - i) for i in range(n)]


@pytest.mark.parametrize(
    ("bias", "side"),
    [
        ([0.01, -0.02, 0.01, 0.0, -0.01, 0.02, 0.01, -0.01], 0),
        ([0.01, -0.02, 0.01, 0.0, 0.1, 0.12, 0.09, 0.11], 1),
        ([0.01, -0.02, 0.01, 0.0, -0.1, -0.12, -0.09, -0.11], -1),
        ([0.3, 0.3, 0.3, 0.3, 0.3], 0),
        ([0.04] * 20, 0),
        ([0.3, -0.3, 0.3, -0.3, 0.3, -0.3, 0.3, -0.3], 0),
    ],
    ids=["scatter", "too high", "too low", "too few", "too small", "as wide as ever"],
)
def test_a_bias_that_stays_adds_up_and_one_that_alternates_does_not(bias: list[float], side: int) -> None:
    alert = bias_builds_up(bias)
    assert (0 if alert is None else np.sign(alert.detail)) == side


def test_an_error_within_its_own_band_is_no_alert_and_one_beyond_it_is() -> None:
    usual = [0.30, 0.32, 0.29, 0.31, 0.30, 0.33, 0.31, 0.30]
    assert error_rises([*usual, 0.31, 0.32, 0.33, 0.34], weeks(12)) is None
    alert = error_rises([*usual, 0.45, 0.45, 0.45, 0.45], weeks(12))
    assert alert is not None
    assert alert.detail == pytest.approx(0.305)
    assert error_rises([0.3] * 5 + [0.9] * 4, weeks(9)) is None


def test_the_same_season_a_year_ago_is_the_band_where_it_is_known() -> None:
    festival = [0.6 if i % 52 < 6 else 0.3 for i in range(58)]
    assert error_rises(festival[:56], weeks(56)) is None
    without_the_year_before = error_rises(festival[6:56], weeks(50))
    assert without_the_year_before is not None


def test_coverage_is_held_to_72_to_88_per_cent_once_there_are_500_days() -> None:
    assert coverage_off([0.8, 0.75, 0.8, 0.85], [200] * 4) is None
    low, high = coverage_off([0.6] * 4, [200] * 4), coverage_off([0.95] * 4, [200] * 4)
    assert low is not None
    assert high is not None
    assert (low.detail, high.detail) == pytest.approx((0.6, 0.95))
    assert coverage_off([0.6] * 4, [100] * 4) is None


def test_fallbacks_are_held_to_their_usual_share() -> None:
    assert fallbacks_rise([0.1, 0.1, 0.1, 0.1, 0.14]) is None
    alert = fallbacks_rise([0.1, 0.1, 0.1, 0.1, 0.3])
    assert alert is not None
    assert alert.allowed == pytest.approx(0.15)
    assert fallbacks_rise([0.1, 0.1, 0.1, 0.9]) is None


def frame(values: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"a": values, "b": [1.0] * len(values)}, schema={"a": pl.Float64, "b": pl.Float64})


@given(st.lists(st.one_of(st.none(), st.floats(-100, 100)), min_size=1, max_size=50))
def test_the_same_inputs_have_not_moved_and_drift_is_never_negative(values: list[float | None]) -> None:
    assert feature_drift(frame(values), frame(values), ["a", "b"])["psi"].to_list() == [0.0, 0.0]
    assert feature_drift(frame(values), frame(values[::-1][:7]), ["a", "b"])["psi"].min() >= 0  # type: ignore[operator]


def test_an_input_that_moved_comes_first() -> None:
    then, now = frame([float(i % 10) for i in range(100)]), frame([float(i % 10) + 8 for i in range(100)])
    drift = feature_drift(now, then, ["b", "a"])
    assert drift["feature"].to_list() == ["a", "b"]
    assert drift["psi"][0] > 0.25
