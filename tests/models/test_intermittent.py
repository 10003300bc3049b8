"""Series that sell on few days: their kinds, what may stand in for the model, and a spread of whole orders."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecasting.counts import CountTable, count_quantiles, fit_counts
from models.forecasting.intermittent import METHODS, choose, choose_plain, kinds, plain_forecasts, take_plain
from models.forecasting.intervals import RatioTable, fit_ratios, volume_class, with_counts

_spec = importlib.util.spec_from_file_location("demand_cases", Path(__file__).with_name("test_demand.py"))
assert _spec
assert _spec.loader
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

LEVELS = (0.1, 0.5, 0.9)


def panel_of(*series: list[float]):  # type: ignore[no-untyped-def]
    """A shop whose series a, b, … sold so on days from START."""
    rows = [
        ("abcdef"[i], cases.START + timedelta(days=d), kg)
        for i, days in enumerate(series)
        for d, kg in enumerate(days)
        if kg > 0
    ]
    sales = pl.DataFrame(rows, schema=["product_id", "sale_date", "sold_kg"], orient="row").with_columns(
        channel_id=pl.lit("shop"), region_id=pl.lit("r"), orders=pl.lit(1)
    )
    return cases.panel_of(sales, last_day(len(series[0])))


def last_day(days: int) -> date:
    return cases.START + timedelta(days=days - 1)


def test_a_kind_is_told_by_gaps_and_by_how_uneven_selling_days_are() -> None:
    steady, rare = [2.0] * 60, [2.0, 0, 0] * 20
    uneven = [1.0, 1.0, 1.0, 9.0] * 15
    lumpy = [1.0, 0, 9.0, 0, 1.0, 0] * 10
    panel = panel_of(steady, rare, uneven, lumpy)
    found = kinds(panel, last_day(60))
    assert found["kind"].to_list() == ["smooth", "intermittent", "erratic", "lumpy"]
    assert found["adi"][1] == pytest.approx(3.0)
    assert found["cv2"][1] == 0.0


def test_a_series_silent_for_half_a_year_has_a_kind_of_its_own() -> None:
    panel = panel_of([1.0] * 300, [1.0] * 60 + [0.0] * 240)
    assert kinds(panel, last_day(300))["kind"].to_list() == ["smooth", "silent"]


def test_plain_forecasts_lie_near_the_mean_of_a_steady_series_and_know_nothing_later() -> None:
    panel = panel_of([2.0] * 90 + [50.0] * 10, [1.0, 0, 0, 0] * 25)
    found = plain_forecasts(panel, last_day(90), [0, 1])
    assert found.select(METHODS).row(0) == pytest.approx((2.0, 1.9, 2.0), abs=0.01)
    assert all(0.1 < kg < 0.45 for kg in found.select(METHODS).row(1))
    assert plain_forecasts(panel, last_day(90), []).is_empty()


def backtest(pooled: float, plain: float, rows: int = 600) -> pl.DataFrame:
    origins = [date(2026, 1, 1), date(2026, 2, 1)]
    return pl.DataFrame(
        {
            "origin": [origins[i % 2] for i in range(rows)],
            "kind": "lumpy",
            "sold_kg": 1.0,
            "anxu": 1 + pooled,
            **dict.fromkeys(METHODS, 1 + plain),
        }
    )


def test_a_plain_method_stands_in_only_where_it_is_surely_better() -> None:
    assert choose(backtest(0.5, 0.4)) == {"lumpy": "ADIDA"}
    assert choose(backtest(0.5, 0.499)) == {}
    assert choose(backtest(0.4, 0.5)) == {}
    assert choose(backtest(0.5, 0.4, rows=100)) == {}
    worse_once = pl.when(pl.col("origin").dt.month() == 1).then(1.51).otherwise(1.1)
    assert choose(backtest(0.5, 0.4).with_columns(worse_once.alias(m) for m in METHODS)) == {}


def test_the_spread_of_poisson_sales_is_poisson() -> None:
    rng = np.random.default_rng(1)
    mean = np.full(4000, 3.0)
    table = fit_counts(mean * 0.5, rng.poisson(3.0, 4000) * 0.5, np.full(4000, 0.5), LEVELS, (1.0, 2.0))
    assert table.dispersion[2] <= 0.2


def test_it_learns_how_far_the_expected_value_was_off() -> None:
    rng = np.random.default_rng(1)
    sold = rng.poisson(4.0, 3000).astype(float)
    table = fit_counts(np.full(3000, 2.0), sold, np.ones(3000), LEVELS, ())
    assert table.factor[0] == pytest.approx(2.0, abs=0.1)
    assert table.quantiles(np.array([2.0]), np.ones(1))[0].tolist()[1:] == [4.0, 7.0]


@settings(max_examples=40, deadline=None)
@given(
    mean=st.lists(st.floats(0, 500), min_size=1, max_size=20),
    dispersion=st.floats(0.05, 15),
    size=st.floats(0.01, 20),
)
def test_quantiles_are_whole_orders_never_negative_and_never_cross(
    mean: list[float], dispersion: float, size: float
) -> None:
    table = CountTable(LEVELS, (1.0,), (dispersion, dispersion), (1.0, 1.0))
    kg = table.quantiles(np.array(mean), np.full(len(mean), size))
    assert kg.shape == (len(mean), 3)
    assert (kg >= 0).all()
    assert (np.diff(kg, axis=1) >= 0).all()
    assert np.allclose(kg / size, np.rint(kg / size))


def test_a_larger_mean_never_has_a_smaller_quantile() -> None:
    found = count_quantiles(np.linspace(0, 30, 200), 0.7, LEVELS)
    assert (np.diff(found, axis=0) >= 0).all()


def test_nothing_expected_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="no held-out day with an expected sale"):
        fit_counts(np.zeros(3), np.ones(3), np.ones(3), LEVELS, ())


def held_out(sold_kg: np.ndarray, series: int = 40) -> pl.DataFrame:
    return pl.DataFrame({"sold_kg": sold_kg, "series": np.arange(sold_kg.size) % series}).with_columns(
        weight=pl.lit(1.0),
        kg_per_order=pl.lit(0.5),
        lead_days=pl.lit(1),
        fallback_reason=pl.lit(None, pl.String),
    )


def test_whole_orders_stand_where_sales_are_whole_orders_and_ratios_where_they_are_not() -> None:
    rng = np.random.default_rng(5)
    mean = rng.uniform(0.1, 2.0, 8000)
    whole = held_out(rng.poisson(mean / 0.5) * 0.5)
    table = with_counts(fit_ratios(mean, whole, LEVELS), mean, whole)
    assert sum(table.counted) >= 4
    kg = table.quantiles(mean, whole)[np.asarray(table.counted)[volume_class(mean, whole)]]
    assert np.allclose(kg / 0.5, np.rint(kg / 0.5))
    assert np.allclose(
        RatioTable.from_json(table.to_json()).quantiles(mean, whole), table.quantiles(mean, whole)
    )
    smooth = held_out(mean * rng.uniform(0.8, 1.2, mean.size))
    assert not any(with_counts(fit_ratios(mean, smooth, LEVELS), mean, smooth).counted)


def test_one_series_alone_cannot_show_that_whole_orders_are_better() -> None:
    rng = np.random.default_rng(5)
    mean = np.full(600, 0.5)
    rows = held_out(rng.poisson(1.0, 600) * 0.5, series=1)
    table = fit_ratios(mean, rows, LEVELS)
    assert with_counts(table, mean, rows) == table


def test_where_a_plain_method_was_chosen_it_stands_in_and_says_so() -> None:
    panel = panel_of([2.0] * 100, [4.0, 0, 0, 0] * 25)
    keys = {"channel_id": "shop", "region_id": "r", "forecast_date": last_day(101), "has_stock_record": False}
    forecast = pl.DataFrame(
        [
            keys
            | {"product_id": p, "level": q, "demand_kg": q * 4, "in_stock_kg": q * 4, "fallback_reason": None}
            for p in "ab"
            for q in (0.25, 0.5, 0.75)
        ],
        schema_overrides={"fallback_reason": pl.String},
    ).with_columns(expected_kg=pl.lit(2.0), in_stock_expected_kg=pl.lit(2.0))
    found = take_plain(panel, forecast, {"intermittent": "ADIDA"}, origin=last_day(100))
    assert found.columns == forecast.columns
    steady, rare = (found.filter(pl.col("product_id") == p) for p in "ab")
    assert steady.equals(forecast.filter(pl.col("product_id") == "a"))
    assert rare["fallback_reason"].unique().to_list() == ["intermittent:ADIDA"]
    mean = rare["expected_kg"][0]
    assert mean == pytest.approx(1.0, abs=0.35)
    assert rare["demand_kg"].to_list() == pytest.approx([0.5 * mean, mean, 1.5 * mean])
    assert take_plain(panel, forecast, {}, origin=last_day(100)).equals(forecast)


def test_a_backtest_in_which_the_model_was_far_off_chooses_a_plain_method() -> None:
    panel = panel_of([2.0] * 400, [4.0, 0, 0, 0] * 100)
    ahead = panel.days.filter((pl.col("series") == 1) & (pl.col("date") > last_day(300)))
    rows = pl.concat([ahead.with_columns(origin=pl.lit(last_day(300)), copy=pl.lit(i)) for i in range(8)])
    off = rows.with_columns(mean_kg=pl.lit(9.0), fallback_reason=pl.lit(None, pl.String))
    assert set(choose_plain(panel, off)) == {"intermittent"}
    assert choose_plain(panel, off.with_columns(mean_kg=pl.lit(1.0))) == {}
    assert choose_plain(panel, off.clear()) == {}
