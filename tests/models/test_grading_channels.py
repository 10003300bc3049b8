import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.grading.channels import Allocation, allocate

CLEARANCE = pl.DataFrame({"crop_id": ["crab", "sweet_potato"], "clearance_yuan_per_kg": [20.0, 0.6]})
LOTS = {"lot_id": pl.String, "crop_id": pl.String, "rank": pl.Int64, "lot_kg": pl.Float64}
ASKS = {
    "ask_id": pl.String, "crop_id": pl.String, "rank": pl.Int64, "ask_kg": pl.Float64, "price_yuan_per_kg": pl.Float64,
    "short_yuan_per_kg": pl.Float64,
}  # fmt: skip


def sent(lots: list[tuple], asks: list[tuple], recipes: pl.DataFrame | None = None) -> Allocation:  # type: ignore[type-arg]
    return allocate(
        pl.DataFrame(lots, schema=LOTS, orient="row"),
        pl.DataFrame(asks, schema=ASKS, orient="row"),
        recipes,
        clearance=CLEARANCE,
    )


def kg(found: Allocation, lot: str, to: str) -> float:
    return float(found.flows.filter((pl.col("lot_id") == lot) & (pl.col("to") == to))["kg"].sum())


def test_a_better_lot_serves_a_lower_order_but_never_the_other_way() -> None:
    asks = [("gift", "crab", 1, 10.0, 200.0, 0.0), ("box", "crab", 2, 10.0, 120.0, 0.0)]
    found = sent([("best", "crab", 1, 15.0), ("low", "crab", 3, 50.0)], asks)
    assert kg(found, "best", "gift") == pytest.approx(10)
    assert kg(found, "best", "box") == pytest.approx(5)
    assert kg(found, "low", "clearance") == pytest.approx(50)
    assert dict(found.unserved.iter_rows()) == {"box": pytest.approx(5)}
    assert found.net_yuan == pytest.approx(10 * 200 + 5 * 120 + 50 * 20)


def test_a_promise_is_served_before_a_dearer_channel_when_breaking_it_costs_more() -> None:
    asks = [("promise", "crab", 1, 5.0, 100.0, 80.0), ("shop", "crab", 1, 5.0, 150.0, 0.0)]
    found = sent([("best", "crab", 1, 5.0)], asks)
    assert kg(found, "best", "promise") == pytest.approx(5)


def test_leftovers_are_processed_where_the_recipe_earns_more_than_clearing() -> None:
    dried = pl.DataFrame({
        "product_id": ["dried"], "crop_id": ["sweet_potato"], "best_rank": [2], "kg_in_per_kg_out": [4.0],
        "price_yuan_per_kg": [16.0], "cost_yuan_per_kg": [4.0], "most_kg": [5.0],
    })  # fmt: skip
    found = sent([("small", "sweet_potato", 3, 100.0), ("large", "sweet_potato", 1, 10.0)], [], dried)
    assert kg(found, "small", "dried") == pytest.approx(20)  # 5 kg of product take 20 kg
    assert kg(found, "small", "clearance") == pytest.approx(80)
    assert kg(found, "large", "dried") == 0  # too good to be dried
    assert found.net_yuan == pytest.approx(20 * 3 + 90 * 0.6)


def test_what_one_kilogram_more_would_bring_is_the_next_order_it_could_serve() -> None:
    found = sent([("best", "crab", 1, 5.0)], [("gift", "crab", 1, 10.0, 200.0, 0.0)])
    assert found.worth_of_more["yuan_per_kg"].to_list() == pytest.approx([200.0])


lots = st.lists(st.tuples(st.integers(1, 3), st.floats(0, 50)), min_size=1, max_size=4)
asks = st.lists(st.tuples(st.integers(1, 3), st.floats(0, 50), st.floats(1, 99)), max_size=4)


@settings(max_examples=40, deadline=None)
@given(lots=lots, asks=asks)
def test_every_kilogram_goes_somewhere_once_and_no_order_gets_more_or_worse_than_asked(
    lots: list[tuple[int, float]], asks: list[tuple[int, float, float]]
) -> None:
    found = sent(
        [(f"l{i}", "crab", r, w) for i, (r, w) in enumerate(lots)],
        [(f"a{i}", "crab", r, w, p, 0.0) for i, (r, w, p) in enumerate(asks)],
    )
    assert found.flows["kg"].sum() == pytest.approx(sum(w for _, w in lots), abs=1e-4)
    for i, (_, asked, _) in enumerate(asks):
        assert found.flows.filter(pl.col("to") == f"a{i}")["kg"].sum() <= asked + 1e-6
    assert (found.flows["steps_down"].drop_nulls() >= 0).all()


def test_quantities_below_nothing_are_named() -> None:
    with pytest.raises(ValueError, match="lot_id 'l' has -1 kg"):
        sent([("l", "crab", 1, -1.0)], [])
