"""Two outputs: demand, and what sells on days on which stock lasts."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.assemble import CATEGORIES, FEATURES, future_frame
from features.calendar import SERIES
from features.panel import DemandTables, Panel, build_panel
from models.forecasting.demand import DemandModel, DemandParams
from models.forecasting.learning import learn
from models.forecasting.members import fit_members

START = date(2025, 1, 6)
DAYS = 130
CUTOFF = START + timedelta(days=DAYS - 1)
HORIZON = 7
LEVELS = (0.1, 0.5, 0.9)
PARAMS = DemandParams(train_days=100, max_rows=4000, trees=40, leaves=7, least_leaf_rows=20)
KNOWN = {"product_id": pl.String, "channel_id": pl.String, "known_on": pl.Date}
SHELF = 12.0
NAMES = [f"p{i}" for i in range(8)]


def wanted(days: int = DAYS) -> np.ndarray:
    """[product, day]: about 10 kg a day each."""
    return np.random.default_rng(2).gamma(4.0, 2.5, (len(NAMES), days))


def tables(kg: np.ndarray, *, recorded: bool, recovered: bool = True) -> DemandTables:
    """The shelf holds SHELF kg; a day on which more is wanted sells that much and is short of stock for 4 h."""
    sold, out = np.minimum(kg, SHELF), kg > SHELF
    grid = pl.DataFrame(
        {
            "product_id": np.repeat(NAMES, kg.shape[1]),
            "date": [START + timedelta(days=d) for d in range(kg.shape[1])] * len(NAMES),
            "sold_kg": sold.ravel(),
            "out": out.ravel() * 4.0,
            "demand_kg": kg.ravel(),
        }
    ).with_columns(channel_id=pl.lit("shop"), region_id=pl.lit("r"))
    stock = grid.select(*SERIES, stock_date="date", hours_out_of_stock="out")
    span = dict.fromkeys(("presale_from", "starts_on", "ends_on"), pl.Date)
    price = dict.fromkeys(("price_yuan_per_kg", "list_price_yuan_per_kg"), pl.Float64)
    return DemandTables(
        sales=grid.select(*SERIES, "sold_kg", sale_date="date", orders=pl.lit(8)),
        stock_day=stock if recorded else stock.clear(),
        price_day=pl.DataFrame(schema=KNOWN | {"price_date": pl.Date} | price),
        campaign=pl.DataFrame(schema=KNOWN | span | {"discount_share": pl.Float64}),
        live_slot=pl.DataFrame(schema=KNOWN | {"slot_date": pl.Date, "allotment_kg": pl.Float64}),
        product=pl.DataFrame(schema={"product_id": pl.String, "family": pl.String, "launched_on": pl.Date}),
        latent=grid.filter(pl.col("out") > 0).select(*SERIES, "date", "demand_kg")
        if recorded and recovered
        else None,
    )


def panel_of(given: DemandTables) -> Panel:
    return build_panel(given, cutoff=CUTOFF, horizon_days=HORIZON)


def learnt(panel: Panel) -> DemandModel:
    return learn(panel, last=CUTOFF, params=PARAMS, horizon_days=HORIZON, levels=LEVELS, seed=1, threads=1)


def ahead(panel: Panel) -> pl.DataFrame:
    return future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)


@pytest.fixture(scope="module")
def forecast() -> pl.DataFrame:
    panel = panel_of(tables(wanted(), recorded=True))
    return learnt(panel).predict(ahead(panel))


def test_demand_is_what_was_wanted_and_in_stock_what_sells_on_days_that_do_not_sell_out(
    forecast: pl.DataFrame,
) -> None:
    kg = wanted()
    assert forecast["has_stock_record"].all()
    assert forecast["expected_kg"].mean() == pytest.approx(kg.mean(), rel=0.06)
    assert forecast["in_stock_expected_kg"].mean() == pytest.approx(kg[kg <= SHELF].mean(), rel=0.1)


def test_neither_output_crosses_or_is_negative(forecast: pl.DataFrame) -> None:
    for kg in ("demand_kg", "in_stock_kg"):
        assert (forecast[kg] >= 0).all()
        steps = forecast.sort("level").group_by(*SERIES, "forecast_date").agg(pl.col(kg).diff().min())
        assert (steps[kg] >= 0).all()


def test_without_a_stock_record_both_are_equal_and_say_so() -> None:
    panel = panel_of(tables(wanted(), recorded=False))
    found = learnt(panel).predict(ahead(panel))
    assert not found["has_stock_record"].any()
    assert found["in_stock_kg"].equals(found["demand_kg"].alias("in_stock_kg"))
    assert found["in_stock_expected_kg"].equals(found["expected_kg"].alias("in_stock_expected_kg"))


def test_files_bring_both_outputs_back(forecast: pl.DataFrame) -> None:
    panel = panel_of(tables(wanted(), recorded=True))
    back = DemandModel.from_files(learnt(panel).to_files())
    assert_frame_equal(back.predict(ahead(panel)), forecast)


@settings(max_examples=8, deadline=None)
@given(later=st.lists(st.floats(0, 1e4), min_size=8, max_size=8), days=st.integers(1, 20))
def test_what_is_sold_recovered_or_out_of_stock_later_changes_no_row_of_an_earlier_origin(
    later: list[float], days: int
) -> None:
    grown = np.hstack([wanted(), np.tile(np.array(later)[:, None], (1, days))])
    now = CUTOFF + timedelta(days=days)
    after = build_panel(tables(grown, recorded=True), cutoff=now, horizon_days=HORIZON)
    assert_frame_equal(ahead(after), ahead(panel_of(tables(wanted(), recorded=True))))


def test_trees_of_the_usual_day_are_kept_in_the_files() -> None:
    panel = build_panel(tables(wanted(), recorded=True), cutoff=CUTOFF, horizon_days=HORIZON)
    future = future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)
    joined = learn(
        panel, last=CUTOFF, params=replace(PARAMS, usual_share=0.7), horizon_days=HORIZON, levels=LEVELS, seed=1, threads=1
    )  # fmt: skip
    files = joined.to_files()
    assert {"model_usual.txt", "in_stock_usual.txt"} < files.keys()
    assert_frame_equal(DemandModel.from_files(files).predict(future), joined.predict(future))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 2.0), (0.5, 1.5), (1.0, 1.0)])
def test_share_of_the_usual_day_lies_between_mean_and_median(share: float, expected: float) -> None:
    """Nine days in ten ask for 1 kg, the tenth for 11: mean 2, median 1."""
    rng = np.random.default_rng(1)
    kg = np.where(np.arange(3000) % 10 == 0, 11.0, 1.0)
    x = rng.random((len(kg), len(FEATURES)), dtype=np.float32)
    x[:, : len(CATEGORIES)] = 0
    one = np.ones_like(kg)
    params = replace(PARAMS, usual_share=share, least_leaf_rows=1000, trees=200)
    members = fit_members(x, kg, one, one, params=params, seed=1, threads=1)
    assert members.ratio(x, 1).mean() == pytest.approx(expected, abs=0.1)
