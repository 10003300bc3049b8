"""Backtests: which origins, and that each forecast is made of what was known there."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.panel import Panel
from models.evaluation import backtest as module
from models.evaluation.backtest import Backtest, backtest, backtest_origins, wide_quantiles
from models.forecasting import demand
from models.forecasting.baselines import seasonal_naive

_spec = importlib.util.spec_from_file_location("demand_cases", Path(__file__).with_name("test_demand.py"))
assert _spec
assert _spec.loader
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return cases.panel_of(cases.sold())


@pytest.fixture(scope="module")
def result(panel: Panel) -> Backtest:
    return run(panel)


def run(panel: Panel) -> Backtest:
    return backtest(
        panel,
        params=cases.PARAMS,
        origins=backtest_origins(cases.CUTOFF, count=2, horizon_days=14),
        horizon_days=14,
        levels=cases.LEVELS,
        seed=1,
        threads=1,
    )


def test_origins_leave_a_whole_horizon_and_lie_two_weeks_apart() -> None:
    assert backtest_origins(date(2026, 8, 31), count=3, horizon_days=28) == (
        date(2026, 7, 6),
        date(2026, 7, 20),
        date(2026, 8, 3),
    )


def test_every_open_day_of_every_origin_is_scored_once(result: Backtest) -> None:
    assert result.scored.group_by("origin", "date", "series").len()["len"].max() == 1
    assert set(result.scored["origin"]) == set(result.origins)
    assert result.scored["lead_days"].max() == 14


def test_on_data_with_a_pattern_it_beats_seasonal_naive(result: Backtest) -> None:
    head = result.headline()
    assert head["wql"] < head["naive_wql"]
    assert {"wape", "bias", "coverage_80", "naive_wape"} <= set(head)


def test_segments_cover_channels_families_and_leads(result: Backtest) -> None:
    segments = set(result.table()["segment"])
    assert {
        "all",
        "all_days",
        "channel:shop0",
        "family:leaf",
        "lead:1-7",
        "lead:8-14",
        "fallback:model",
    } <= segments


def test_sales_after_the_last_scored_day_change_no_score(result: Backtest) -> None:
    sales = cases.sold()
    later = sales.with_columns(pl.col("sale_date") + timedelta(days=cases.DAYS), sold_kg=pl.lit(500.0))
    grown = cases.panel_of(sales.vstack(later), cases.CUTOFF + timedelta(days=30))
    assert run(grown).headline() == pytest.approx(result.headline())


def test_wide_quantiles_put_each_level_in_its_column(panel: Panel) -> None:
    long = seasonal_naive(panel, origin=cases.CUTOFF, horizon_days=7, levels=(0.1, 0.9))
    wide = wide_quantiles(long, "n", (0.1, 0.9))
    assert wide.height == long.height // 2
    assert (wide["n_0.1"] <= wide["n_0.9"]).all()


@pytest.mark.parametrize("at_once", [1, 3, 2_000])
def test_the_yardstick_is_the_same_however_many_series_are_laid_out_at_once(
    panel: Panel, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = cases.CUTOFF - timedelta(days=14)
    whole = wide_quantiles(
        seasonal_naive(panel, origin=origin, horizon_days=14, levels=cases.LEVELS), module.NAIVE, cases.LEVELS
    )
    monkeypatch.setattr(module, "SERIES_AT_ONCE", at_once)
    assert module._naive(panel, origin, 14, cases.LEVELS).equals(whole)


def test_expected_kg_are_the_same_however_many_rows_are_taken_at_once(
    result: Backtest, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = result.model.alone_kg(result.scored)
    monkeypatch.setattr(demand, "ROWS_AT_ONCE", 7)
    assert (result.model.alone_kg(result.scored) == whole).all()
    assert result.model.alone_kg(result.scored.clear()).shape == (0,)
