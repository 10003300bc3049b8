"""Rows of features: the same for learning and forecasting, and made of nothing later than their origin."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.assemble import FEATURES, add_features, future_frame, scored_frame, training_frame
from features.panel import DemandTables, Panel, build_panel

START = date(2025, 1, 1)
ORIGIN = START + timedelta(days=79)
HORIZON = 14
KEYS = {"product_id": pl.String, "channel_id": pl.String, "region_id": pl.String}


def sold(kg: np.ndarray, names: tuple[str, ...] = ("a", "b", "c")) -> pl.DataFrame:
    """Kg as [product, day]; a zero has no row."""
    rows = [
        (name, START + timedelta(days=day), float(kg[i, day]), 1)
        for i, name in enumerate(names)
        for day in range(kg.shape[1])
        if kg[i, day] > 0
    ]
    return pl.DataFrame(
        rows, schema=["product_id", "sale_date", "sold_kg", "orders"], orient="row"
    ).with_columns(channel_id=pl.lit("shop"), region_id=pl.lit("r"))


def tables(sales: pl.DataFrame, **given: pl.DataFrame) -> DemandTables:
    empty = {
        "stock_day": KEYS | {"stock_date": pl.Date, "hours_out_of_stock": pl.Float64},
        "price_day": {
            "product_id": pl.String,
            "channel_id": pl.String,
            "price_date": pl.Date,
            "price_yuan_per_kg": pl.Float64,
            "list_price_yuan_per_kg": pl.Float64,
            "known_on": pl.Date,
        },
        "campaign": {
            "channel_id": pl.String,
            "presale_from": pl.Date,
            "starts_on": pl.Date,
            "ends_on": pl.Date,
            "discount_share": pl.Float64,
            "known_on": pl.Date,
        },
        "live_slot": {
            "product_id": pl.String,
            "channel_id": pl.String,
            "slot_date": pl.Date,
            "allotment_kg": pl.Float64,
            "known_on": pl.Date,
        },
        "product": {"product_id": pl.String, "family": pl.String, "launched_on": pl.Date},
    }
    filled = {name: given.get(name, pl.DataFrame(schema=schema)) for name, schema in empty.items()}
    return DemandTables(sales=sales, **filled)


def panel(sales: pl.DataFrame, cutoff: date, **given: pl.DataFrame) -> Panel:
    return build_panel(tables(sales, **given), cutoff=cutoff, horizon_days=HORIZON)


@pytest.fixture(scope="module")
def kg() -> np.ndarray:
    return np.random.default_rng(3).poisson([[4.0], [0.5], [2.0]], (3, 110)).astype(float)


def of(frame: pl.DataFrame, product: str, lead: int) -> dict[str, object]:
    return frame.filter((pl.col("product_id") == product) & (pl.col("lead_days") == lead)).row(0, named=True)


@settings(max_examples=12, deadline=None)
@given(later=st.lists(st.floats(0, 1e4), min_size=3, max_size=3), days=st.integers(1, 30))
def test_what_sells_later_never_changes_an_earlier_row(later: list[float], days: int) -> None:
    early = np.random.default_rng(1).poisson([[3.0], [0.4], [1.0]], (3, 80)).astype(float)
    full = np.hstack([early, np.tile(np.array(later)[:, None], (1, days))])
    before = future_frame(panel(sold(early), ORIGIN), origin=ORIGIN, horizon_days=HORIZON)
    after = future_frame(
        panel(sold(full), ORIGIN + timedelta(days=days)), origin=ORIGIN, horizon_days=HORIZON
    )
    keys = ["product_id", "lead_days"]
    assert_frame_equal(after.sort(keys).drop("series"), before.sort(keys).drop("series"))


def test_a_row_learnt_from_equals_the_row_forecast_from(kg: np.ndarray) -> None:
    whole = panel(sold(kg), START + timedelta(days=109))
    learnt = training_frame(whole, last=whole.cutoff, days=40, horizon_days=HORIZON, max_rows=60, seed=1)
    row = learnt.row(7, named=True)
    asked = future_frame(panel(sold(kg), row["origin"]), origin=row["origin"], horizon_days=HORIZON)
    same = of(asked, row["product_id"], row["lead_days"])
    assert {name: same[name] for name in FEATURES} == {name: row[name] for name in FEATURES}
    assert row["sold_kg"] == kg[["a", "b", "c"].index(row["product_id"]), (row["date"] - START).days]


def test_the_last_same_weekday_is_the_one_known_at_the_origin(kg: np.ndarray) -> None:
    frame = future_frame(panel(sold(kg[:, :80]), ORIGIN), origin=ORIGIN, horizon_days=HORIZON)
    assert of(frame, "a", 1)["naive_kg"] == kg[0, 73]
    assert of(frame, "a", 7)["naive_kg"] == kg[0, 79]
    assert of(frame, "a", 8)["naive_kg"] == kg[0, 73]


def test_leads_stay_within_the_horizon_and_draws_within_their_number(kg: np.ndarray) -> None:
    whole = panel(sold(kg), START + timedelta(days=109))
    learnt = training_frame(
        whole, last=START + timedelta(days=100), days=30, horizon_days=HORIZON, max_rows=50, seed=1
    )
    assert learnt["lead_days"].is_between(1, HORIZON).all()
    assert learnt.height <= 50
    assert learnt["date"].max() <= START + timedelta(days=100)
    again = training_frame(
        whole, last=START + timedelta(days=100), days=30, horizon_days=HORIZON, max_rows=50, seed=1
    )
    assert_frame_equal(learnt, again)


def test_a_plan_counts_from_the_day_it_was_known() -> None:
    steady = np.full((1, 80), 5.0)
    day = ORIGIN + timedelta(days=3)
    prices = pl.DataFrame(
        {
            "product_id": "a",
            "channel_id": "shop",
            "price_date": [ORIGIN, day, ORIGIN + timedelta(days=5)],
            "price_yuan_per_kg": [10.0, 8.0, 4.0],
            "list_price_yuan_per_kg": [10.0, 10.0, 10.0],
            "known_on": [ORIGIN - timedelta(days=1), ORIGIN, ORIGIN + timedelta(days=1)],
        }
    )
    slot = pl.DataFrame(
        {"product_id": "a", "channel_id": "shop", "slot_date": day, "allotment_kg": 50.0, "known_on": ORIGIN}
    )
    campaign = pl.DataFrame(
        {
            "channel_id": "*",
            "presale_from": [ORIGIN + timedelta(days=6)],
            "starts_on": [ORIGIN + timedelta(days=7)],
            "ends_on": [ORIGIN + timedelta(days=8)],
            "discount_share": [0.3],
            "known_on": [ORIGIN - timedelta(days=20)],
        }
    )
    frame = future_frame(
        panel(sold(steady, ("a",)), ORIGIN, price_day=prices, live_slot=slot, campaign=campaign),
        origin=ORIGIN,
        horizon_days=HORIZON,
    )
    assert of(frame, "a", 3)["price_ratio"] == pytest.approx(0.8)
    assert of(frame, "a", 3)["discount_share"] == pytest.approx(0.2)
    assert of(frame, "a", 3)["live_slots"] == 1
    assert of(frame, "a", 3)["live_allotment_ratio"] == pytest.approx(10.0)
    assert of(frame, "a", 5)["price_ratio"] == pytest.approx(1.0)
    assert [of(frame, "a", lead)["presale"] for lead in (5, 6, 7)] == [0, 1, 0]
    assert [of(frame, "a", lead)["campaign_day"] for lead in (7, 8, 9)] == [1, 2, 0]
    assert of(frame, "a", 9)["after_campaign"] == 1


def test_prices_recorded_only_afterwards_are_never_read_ahead() -> None:
    steady = np.full((1, 90), 5.0)
    days = [START + timedelta(days=i) for i in range(90)]
    prices = pl.DataFrame(
        {
            "product_id": "a",
            "channel_id": "shop",
            "price_date": days,
            "price_yuan_per_kg": [10.0] * 80 + [3.0] * 10,
            "list_price_yuan_per_kg": pl.Series([None] * 90, dtype=pl.Float64),
            "known_on": days,
        }
    )
    frame = future_frame(
        panel(sold(steady, ("a",)), days[-1], price_day=prices), origin=ORIGIN, horizon_days=HORIZON
    )
    assert frame["price_ratio"].to_list() == pytest.approx([1.0] * HORIZON)


def test_short_and_dormant_series_are_labelled(kg: np.ndarray) -> None:
    kg = kg[:, :80].copy()
    kg[1, 40:] = 0
    kg[2, :70] = 0
    kg[2, 70] = 1
    frame = future_frame(panel(sold(kg), ORIGIN), origin=ORIGIN, horizon_days=1).sort("product_id")
    assert frame["fallback_reason"].to_list() == [None, "no_sale_28d", "short_history"]
    learnt = training_frame(
        panel(sold(kg), ORIGIN), last=ORIGIN, days=20, horizon_days=5, max_rows=100, seed=1
    )
    assert learnt["fallback_reason"].is_null().all()


def test_scored_rows_leave_out_closed_days(kg: np.ndarray) -> None:
    closed = kg.copy()
    closed[:, 85] = 0
    scored = scored_frame(
        panel(sold(closed), START + timedelta(days=109)), origin=ORIGIN, horizon_days=HORIZON
    )
    assert START + timedelta(days=85) not in scored["date"].to_list()
    assert scored.height == 3 * (HORIZON - 1)


def test_a_panel_without_sales_is_refused() -> None:
    with pytest.raises(ValueError, match="no sale until 2024-12-31"):
        panel(sold(np.ones((3, 5))), date(2024, 12, 31))


def test_every_feature_is_built(kg: np.ndarray) -> None:
    whole = panel(sold(kg), START + timedelta(days=109))
    rows = whole.series.select("series").with_columns(
        origin=pl.lit(ORIGIN), date=pl.lit(ORIGIN + timedelta(days=2))
    )
    assert set(FEATURES) <= set(add_features(whole, rows).columns)
