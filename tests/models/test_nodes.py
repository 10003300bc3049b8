"""Nodes above the leaves as series of their own: sums, the two members, and which of them counts."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.calendar import SERIES
from features.panel import DemandTables, Panel, build_panel
from models.forecasting.demand import DemandParams
from models.forecasting.nodes import FAMILIES, NodeForecast, brought_to_nodes, forecast_nodes, node_sales
from models.forecasting.recursive import recursive_kg

_spec = importlib.util.spec_from_file_location(
    "baseline_cases", Path(__file__).with_name("test_baselines.py")
)
assert _spec
assert _spec.loader
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

START, DAYS, HORIZON = date(2025, 1, 6), 200, 14
CUTOFF = START + timedelta(days=DAYS - 1)
LEVELS = (0.1, 0.5, 0.9)
PARAMS = DemandParams(train_days=150, max_rows=3000, trees=30, leaves=7, least_leaf_rows=20)


def tables(days: int = DAYS, spike: float = 0.0) -> DemandTables:
    """Two shops, two families of three products; Saturdays sell double."""
    rng = np.random.default_rng(2)
    rows = [
        (f"p{p}", f"shop{c}", "r", START + timedelta(days=d), float(kg) + (spike if d >= DAYS else 0.0), 1)
        for d in range(days)
        for p in range(6)
        for c in range(2)
        if (kg := rng.poisson((p + 2) * (2 if (START + timedelta(days=d)).weekday() == 5 else 1)))
    ]
    empty = cases.tables([1.0])
    columns = ["product_id", "channel_id", "region_id", "sale_date", "sold_kg", "orders"]
    return DemandTables(
        sales=pl.DataFrame(rows, schema=columns, orient="row"),
        stock_day=empty.stock_day,
        price_day=empty.price_day,
        campaign=empty.campaign,
        live_slot=empty.live_slot,
        product=pl.DataFrame(
            {"product_id": [f"p{i}" for i in range(6)], "family": ["leaf", "root"] * 3, "launched_on": None},
            schema_overrides={"launched_on": pl.Date},
        ),
    )


def nodes_of(leaves: DemandTables, cutoff: date = CUTOFF) -> Panel:
    summed = node_sales(leaves, product=pl.col("family"), family=pl.lit("all"))
    return build_panel(summed, cutoff=cutoff, horizon_days=HORIZON)


def forecast(panel: Panel) -> NodeForecast:
    return forecast_nodes(
        panel, horizon_days=HORIZON, levels=LEVELS, seed=1, threads=1, params=PARAMS, origins=2
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return nodes_of(tables())


@pytest.fixture(scope="module")
def result(panel: Panel) -> NodeForecast:
    return forecast(panel)


def test_sales_of_a_node_are_those_of_its_leaves() -> None:
    leaves = tables()
    summed = node_sales(leaves, product=pl.col("family"), family=pl.lit("all"))
    assert summed.sales["sold_kg"].sum() == leaves.sales["sold_kg"].sum()
    assert summed.sales.select(SERIES).unique().height == 4
    assert summed.product.rows() == [("leaf", "all", None), ("root", "all", None)]


def test_every_node_day_and_level_has_one_row_that_neither_falls_nor_is_negative(
    result: NodeForecast,
) -> None:
    assert result.rows.height == 4 * HORIZON * len(LEVELS)
    assert (result.rows["demand_kg"] >= 0).all()
    steps = result.rows.sort("level").group_by(*SERIES, "forecast_date").agg(pl.col("demand_kg").diff().min())
    assert (steps["demand_kg"] >= 0).all()


def test_the_family_is_the_average_unless_a_member_was_much_better(result: NodeForecast) -> None:
    errors = dict(result.tried.group_by("family").agg(pl.col("squared_error").mean()).rows())
    assert set(errors) == set(FAMILIES)
    better = [family for family, error in errors.items() if error < 0.98 * errors["averaged"]]
    assert result.family in (better or ["averaged"])
    assert set(result.tried["origin"]) == {CUTOFF - timedelta(days=HORIZON * k) for k in (1, 2)}


def test_it_knows_the_saturdays(result: NodeForecast) -> None:
    one = result.rows.filter((pl.col("product_id") == "root") & (pl.col("level") == 0.5))
    day = pl.col("forecast_date").dt.weekday()
    saturday, workday = (one.filter(is_it)["expected_kg"].mean() for is_it in (day == 6, day < 6))
    assert 1.5 < saturday / workday < 2.6


def test_later_sales_never_change_a_forecast(panel: Panel, result: NodeForecast) -> None:
    grown = build_panel(
        node_sales(tables(DAYS + 30, spike=99.0), product=pl.col("family"), family=pl.lit("all")),
        cutoff=CUTOFF + timedelta(days=30),
        horizon_days=HORIZON,
    )
    ours, later = (
        recursive_kg(known, origin=CUTOFF, horizon_days=HORIZON, seed=1, threads=1)
        for known in (panel, grown)
    )
    assert_frame_equal(ours, later)
    assert (ours["recursive_kg"] >= 0).all()
    assert_frame_equal(forecast(panel).rows, result.rows)


def test_short_or_constant_series_have_no_recursive_member() -> None:
    short = build_panel(
        cases.tables([1.0, 2.0] * 20), cutoff=cases.START + timedelta(days=39), horizon_days=7
    )
    steady = build_panel(cases.tables([2.0] * 80), cutoff=cases.START + timedelta(days=79), horizon_days=7)
    for known in (short, steady):
        assert recursive_kg(known, origin=known.cutoff, horizon_days=7, seed=1, threads=1).is_empty()


def test_leaves_brought_to_their_node_add_up_to_it_and_keep_their_proportions(result: NodeForecast) -> None:
    products = {"p0": 1.0, "p2": 3.0, "other": 5.0}
    day = CUTOFF + timedelta(days=1)
    leaves = pl.DataFrame(
        [
            {"product_id": p, "channel_id": "shop0", "region_id": "r", "forecast_date": day, "level": q,
             "demand_kg": q * kg, "expected_kg": kg}
            for p, kg in products.items()
            for q in (0.5, 0.9)
        ]
    )  # fmt: skip
    node_of = pl.DataFrame({"product_id": ["p0", "p2", "other"], "node": ["leaf", "leaf", "no such node"]})
    found = brought_to_nodes(leaves, result.rows, node_of)
    here = (pl.col("channel_id") == "shop0") & (pl.col("forecast_date") == day)
    wanted = result.rows.filter(here & (pl.col("product_id") == "leaf"))["expected_kg"][0]
    means = dict(found.filter(pl.col("level") == 0.5).select("product_id", "expected_kg").rows())
    assert means["p0"] + means["p2"] == pytest.approx(wanted)
    assert means["p2"] / means["p0"] == pytest.approx(3.0)
    assert means["other"] == 5.0
    assert found.select(pl.col("demand_kg") / pl.col("expected_kg")).to_series().to_list() == pytest.approx(
        [0.5, 0.9] * 3
    )
