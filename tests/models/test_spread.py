"""The spread around an expected value: laws of its quantiles, and when a learnt scale counts."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.assemble import CATEGORIES, NUMBERS
from models.forecasting.spread import LEAST_ROWS, Spread, fit_spread

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


def rows(count: int, seed: int = 1) -> tuple[np.ndarray, pl.DataFrame]:
    """Expected 20 kg; half of the days scatter by 10 %, the others, two-faced on `promoted`, by 60 %."""
    rng = np.random.default_rng(seed)
    wild = rng.random(count) < 0.5
    mean = np.full(count, 20.0)
    sold = mean * rng.gamma(1 / np.where(wild, 0.36, 0.01), np.where(wild, 0.36, 0.01))
    given = {"promoted": wild.astype(np.float32), "lead_days": rng.integers(1, 8, count)}
    frame = pl.DataFrame(
        {
            "series": rng.integers(0, 50, count),
            "date": [date(2026, 5, 1) + timedelta(days=int(d)) for d in rng.integers(0, 7, count)],
            "sold_kg": sold,
            "weight": 1.0,
            "kg_per_order": 1.0,
            "fallback_reason": pl.Series([None] * count, dtype=pl.String),
            **{name: ["x"] * count for name in CATEGORIES},
            **{name: given.get(name, np.zeros(count, np.float32)) for name in NUMBERS},
        }
    )
    return mean, frame


@pytest.fixture(scope="module")
def spread() -> Spread:
    return fit_spread(*rows(LEAST_ROWS + 1000), LEVELS)


def test_days_that_scatter_more_get_wider_quantiles_and_as_many_within(spread: Spread) -> None:
    mean, fresh = rows(4000, seed=9)
    kg = spread.quantiles(mean, fresh)
    wild = fresh["promoted"].to_numpy() > 0
    sold = fresh["sold_kg"].to_numpy()
    inside = (sold >= kg[:, 0]) & (sold <= kg[:, -1])
    assert any(spread.scaled)
    assert np.mean(kg[wild, -1] - kg[wild, 0]) > 3 * np.mean(kg[~wild, -1] - kg[~wild, 0])
    assert 0.76 < inside[wild].mean() < 0.84
    assert 0.76 < inside[~wild].mean() < 0.84


@settings(max_examples=25, deadline=None)
@given(mean=st.lists(st.floats(0, 1e5), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_quantiles_never_cross_and_are_never_negative(spread: Spread, mean: list[float], seed: int) -> None:
    kg = spread.quantiles(np.array(mean), rows(4, seed)[1])
    assert (kg >= 0).all()
    assert (np.diff(kg, axis=1) >= 0).all()


def test_few_rows_are_left_to_the_table_of_volumes_and_leads() -> None:
    few = fit_spread(*rows(1000), LEVELS)
    assert few.scales == ()
    mean, fresh = rows(10)
    assert np.array_equal(few.quantiles(mean, fresh), few.base.quantiles(mean, fresh))


def test_the_same_rows_give_the_same_spread_whatever_the_threads_and_the_way_to_a_file(
    spread: Spread,
) -> None:
    again = fit_spread(*rows(LEAST_ROWS + 1000), LEVELS, threads=2)
    mean, fresh = rows(50, seed=3)
    kg = spread.quantiles(mean, fresh)
    assert np.array_equal(again.quantiles(mean, fresh), kg)
    assert np.array_equal(Spread.from_json(spread.to_json()).quantiles(mean, fresh), kg)


def test_a_scale_that_loses_more_is_left_out(spread: Spread) -> None:
    mean, fresh = rows(20)
    off = replace(spread, scaled=(False,) * len(spread.scaled))
    assert np.array_equal(off.quantiles(mean, fresh), spread.base.quantiles(mean, fresh))
