"""Short and new series: which launches are their neighbours, what a blend learns, and what is not known yet."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.assemble import future_frame
from features.newcomers import add_newcomers, expected_of_newcomers, unsold_rows
from features.panel import DemandTables, Panel, build_panel
from models.forecasting.demand import DemandParams
from models.forecasting.launches import AGES, MEMBERS, LaunchBlend, assumed_blend, fit_blend, launch_errors
from models.forecasting.learning import learn
from models.forecasting.unsold import forecast_unsold

_spec = importlib.util.spec_from_file_location(
    "baseline_cases", Path(__file__).with_name("test_baselines.py")
)
assert _spec
assert _spec.loader
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

START, DAYS, HORIZON = date(2025, 1, 6), 200, 28
CUTOFF = START + timedelta(days=DAYS - 1)
FAMILIES = {"old": "leaf", "big": "leaf", "small": "root", "new": "leaf", "listed": "root"}
BORN = {"old": 0, "big": 60, "small": 60, "new": 190}
PRICES = {"old": 10.0, "big": 10.0, "small": 3.0, "new": 10.0, "listed": 3.0}


def panel_of(*, cutoff: date = CUTOFF, after: float = 0.0, days: int = DAYS) -> Panel:
    """An old product, a large and a small launch of day 60, one of day 190, and one only listed; `after` is sold from DAYS on."""
    rows = [
        (p, "shop", "r", START + timedelta(days=d), (20.0 if p == "big" else 2.0) if d < DAYS else after, 1)
        for p, born in BORN.items()
        for d in range(born, days)
    ]
    empty = cases.tables([1.0])
    prices = pl.DataFrame(
        {
            "product_id": list(PRICES),
            "channel_id": "shop",
            "price_date": [START + timedelta(days=BORN.get(p, 0)) for p in PRICES],
            "price_yuan_per_kg": list(PRICES.values()),
            "list_price_yuan_per_kg": None,
            "known_on": date(2024, 1, 1),
        },
        schema_overrides={"list_price_yuan_per_kg": pl.Float64},
    )
    columns = ["product_id", "channel_id", "region_id", "sale_date", "sold_kg", "orders"]
    tables = DemandTables(
        sales=pl.DataFrame(rows, schema=columns, orient="row"),
        stock_day=empty.stock_day,
        price_day=prices,
        campaign=empty.campaign,
        live_slot=empty.live_slot,
        product=products(),
    )
    return build_panel(tables, cutoff=cutoff, horizon_days=HORIZON)


def products() -> pl.DataFrame:
    launched = {"listed": CUTOFF + timedelta(days=10)}
    return pl.DataFrame(
        {
            "product_id": list(FAMILIES),
            "family": list(FAMILIES.values()),
            "launched_on": [launched.get(p) for p in FAMILIES],
        },
        schema_overrides={"launched_on": pl.Date},
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of()


def newcomer(panel: Panel) -> pl.DataFrame:
    rows = add_newcomers(panel, future_frame(panel, origin=CUTOFF, horizon_days=HORIZON))
    return rows.filter(pl.col("fallback_reason") == "short_history")


def test_neighbours_are_launches_of_like_family_and_price(panel: Panel) -> None:
    rows = newcomer(panel)
    assert rows["product_id"].unique().to_list() == ["new"]
    assert rows.height == HORIZON
    assert (rows["neighbour_kg"] > 16).all()  # near the large launch's 20, far from the small one's 2
    assert (rows["neighbour_kg"] < 21).all()


def test_the_floor_is_what_mature_series_of_the_family_sell_there(panel: Panel) -> None:
    assert newcomer(panel)["floor_kg"].to_list() == pytest.approx([(2.0 + 20.0) / 2] * HORIZON, rel=0.05)


def test_a_series_with_history_needs_no_neighbours(panel: Panel) -> None:
    rows = add_newcomers(panel, future_frame(panel, origin=CUTOFF, horizon_days=HORIZON))
    settled = rows.filter(pl.col("fallback_reason").is_null())
    assert settled["neighbour_kg"].null_count() == settled.height == 3 * HORIZON


def test_later_sales_change_no_expectation(panel: Panel) -> None:
    later = panel_of(cutoff=CUTOFF + timedelta(days=30), after=500.0, days=DAYS + 30)
    columns = ["product_id", "date", "neighbour_kg", "floor_kg"]
    assert_frame_equal(newcomer(later).select(columns), newcomer(panel).select(columns))


def test_a_product_that_never_sold_is_laid_out_from_its_launch_where_it_has_a_price(panel: Panel) -> None:
    rows = unsold_rows(panel, products(), origin=CUTOFF, horizon_days=HORIZON)
    assert rows["product_id"].unique().to_list() == ["listed"]
    assert rows["date"].min() == rows["birth"].min() == CUTOFF + timedelta(days=10)
    known = expected_of_newcomers(panel, rows)
    assert known["neighbour_kg"].null_count() == 0
    assert (known["neighbour_kg"] < 8).all()  # near the small launch: same family and price


def test_a_listed_product_has_a_labelled_forecast_that_neither_falls_nor_is_negative(panel: Panel) -> None:
    params = DemandParams(train_days=150, max_rows=2000, trees=10, leaves=5, least_leaf_rows=20)
    model = learn(
        panel, last=CUTOFF, params=params, horizon_days=HORIZON, levels=(0.1, 0.5, 0.9), seed=1, threads=1
    )
    found = forecast_unsold(panel, products(), model, origin=CUTOFF, horizon_days=HORIZON)
    assert found["product_id"].unique().to_list() == ["listed"]
    assert found["fallback_reason"].unique().to_list() == ["launch:neighbours"]
    assert found.height == (HORIZON - 9) * 3
    assert (found["demand_kg"] >= 0).all()
    steps = found.sort("level").group_by("forecast_date").agg(pl.col("demand_kg").diff().min())
    assert (steps["demand_kg"] >= 0).all()
    predicted = model.predict(future_frame(panel, origin=CUTOFF, horizon_days=HORIZON))
    assert found.schema == predicted.schema
    nothing = forecast_unsold(panel, products().clear(), model, origin=CUTOFF, horizon_days=HORIZON)
    assert nothing.is_empty()
    assert nothing.schema == predicted.schema


def launches(weights: tuple[float, ...], *, days: int = 10, rows: int = 800) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    value = rng.uniform(1, 20, (rows, len(MEMBERS)))
    return pl.DataFrame(
        {member: value[:, i] for i, member in enumerate(MEMBERS)}
        | {"sold_kg": value @ np.array(weights), "weight": 1.0, "history_days": float(days)}
    )


def test_a_blend_finds_the_weights_that_launches_were_made_with() -> None:
    blend = fit_blend(launches((0.2, 0.5, 0.0, 0.3), rows=8000))
    of_age = blend.weights[list(AGES).index("8-14")]
    assert of_age == pytest.approx([0.2, 0.5, 0.0, 0.3], abs=0.05)
    assert blend.weights[0].tolist() == assumed_blend().weights[0].tolist()


def test_without_launches_the_own_share_grows_with_age() -> None:
    blend = fit_blend(launches((1, 0, 0, 0), rows=0))
    assert blend.rows == (0,) * len(AGES)
    assert (np.diff(blend.weights[:, 0]) > 0).all()
    assert blend.weights.sum(axis=1).tolist() == pytest.approx([1.0] * len(AGES))


@given(
    values=st.lists(st.one_of(st.none(), st.floats(0, 1e4)), min_size=len(MEMBERS), max_size=len(MEMBERS)),
    days=st.one_of(st.none(), st.integers(0, 60)),
)
def test_a_blend_is_never_negative_and_a_missing_member_leaves_its_share_to_the_others(
    values: list[float | None], days: int | None
) -> None:
    row = pl.DataFrame(
        {m: [v] for m, v in zip(MEMBERS, values, strict=True)} | {"history_days": [days]},
        schema_overrides=dict.fromkeys(MEMBERS, pl.Float64) | {"history_days": pl.Float64},
    )
    kg = assumed_blend().expected_kg(row)[0]
    there = [v for v in values if v is not None]
    assert kg >= 0
    assert kg <= max(there, default=0.0) * (1 + 1e-9)
    assert kg >= min(there, default=0.0) * (1 - 1e-9)


def test_a_blend_comes_back_from_its_plain_values() -> None:
    blend = fit_blend(launches((0.2, 0.5, 0.0, 0.3)))
    back = LaunchBlend.from_json(blend.to_json())
    assert np.array_equal(back.weights, blend.weights)
    assert back.table()["rows"].to_list() == list(blend.rows)


def test_errors_are_told_by_age() -> None:
    rows = launches((1.0, 0, 0, 0), rows=10)
    table = launch_errors(rows, ["profile_kg", "floor_kg"])
    assert table["age"].unique().to_list() == ["8-14"]
    assert table.filter(pl.col("method") == "profile_kg")["wape"].item() == pytest.approx(0)
