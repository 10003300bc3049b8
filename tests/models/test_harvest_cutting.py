"""Laws of the cutting plan, on counties small enough to check by eye or to enumerate."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.harvest.cutting import plan_cuts
from models.harvest.cutting_problem import CutParams, CutPlan, CutProblem
from models.harvest.cutting_routes import Ways

FIRST = date(2026, 9, 1)
GRADES = ("特级", "一级")
PARAMS = CutParams(
    days=4,
    grades=GRADES,
    hour_yuan=0.0,
    visit_hours=0.0,
    end_share=0.0,
    broken_share=1.0,
    store_wait_factor=0.5,
)
Order = tuple[str, str | None, str | None, int, float, bool]
ORDERS = {
    "order_id": pl.String, "grade": pl.String, "region_id": pl.String, "ship_on": pl.Date, "order_kg": pl.Float64,
    "is_promised": pl.Boolean,
}  # fmt: skip
STOCK = {
    "cold_room_id": pl.String, "crop_id": pl.String, "grade": pl.String, "cut_on": pl.Date, "stock_kg": pl.Float64
}  # fmt: skip


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def order(
    name: str, ship: int, kg: float, *, region: str | None = "near", grade: str | None = None, promised: bool = True
) -> Order:  # fmt: skip
    return (name, grade, region, ship, kg, promised)


def county(
    ripe: list[tuple[str, int, float]],
    orders: list[Order],
    *,
    hours: float = 100.0,
    capacity: float = 1e6,
    truck: float | None = None,
    rain: tuple[float, ...] = (),
    mix: dict[str, float] | None = None,
    to_cold_hours: float = 0.5,
    **crop: object,
) -> CutProblem:
    """One crop, village, crew and cold room; `ripe`: plot, day, kg; `mix`: plot → share of the better grade, else 0."""
    plots = sorted({r[0] for r in ripe})
    base: dict[str, object] = {
        "crop_id": "pakchoi", "hold_days": 2, "keep_days": 3, "hours_per_kg": 0.1, "price_yuan_per_kg": 4.0,
        "salvage_yuan_per_kg": 0.5, "wait_share_per_day": 0.05, "rain_share": 0.0, "needs_dry": False,
        "within_hours": None, "needs_cold": True,
    }  # fmt: skip
    share = {p: (mix or {}).get(p, 0.0) for p in plots}
    legs = [("v", "t", to_cold_hours), ("t", "near", 20.0), ("t", "far", 50.0), ("t", "too_far", 70.0)]
    asked = pl.DataFrame(
        [(o, g, r, day(d), kg, p) for o, g, r, d, kg, p in orders], schema=ORDERS, orient="row"
    )
    return CutProblem(
        first_day=FIRST,
        plots=pl.DataFrame({"plot_id": plots, "place_id": ["v"] * len(plots)}),
        ripe=pl.DataFrame(
            [(p, "pakchoi", day(d), float(kg)) for p, d, kg in ripe],
            schema=["plot_id", "crop_id", "ripe_on", "ripe_kg"], orient="row",
        ),
        grade_mix=pl.DataFrame(
            [(p, "pakchoi", g, s) for p in plots for g, s in zip(GRADES, (share[p], 1 - share[p]), strict=True)],
            schema=["plot_id", "crop_id", "grade", "share"], orient="row",
        ),
        crops=pl.DataFrame([base | crop], schema_overrides={"within_hours": pl.Float64}),
        orders=asked.with_columns(
            crop_id=pl.lit("pakchoi"), price_yuan_per_kg=pl.lit(4.0),
            chance=pl.when("is_promised").then(1.0).otherwise(0.6),
        ),
        crews=pl.DataFrame({"crew_id": ["k"], "place_id": ["v"], "hours_per_day": [hours]}),
        cold_rooms=pl.DataFrame(
            {"cold_room_id": ["w"], "place_id": ["t"], "capacity_kg": [capacity], "truck_kg_per_day": [truck]},
            schema_overrides={"truck_kg_per_day": pl.Float64},
        ),
        transit=pl.DataFrame(legs, schema=["from_id", "to_id", "hours"], orient="row"),
        weather=pl.DataFrame(
            {"day": [day(i) for i in range(len(rain))], "rain_chance": list(rain)},
            schema={"day": pl.Date, "rain_chance": pl.Float64},
        ),
        stock=pl.DataFrame(schema=STOCK),
    )  # fmt: skip


def cause_of(plan: CutPlan, name: str) -> str:
    return str(plan.unserved.filter(pl.col("order_id") == name)["cause"].item())


def test_an_order_is_served_whole_from_what_is_ripe() -> None:
    plan = plan_cuts(county([("a", 0, 50.0)], [order("o", 1, 30.0)]), PARAMS)
    assert plan.serves["served_kg"].sum() == pytest.approx(30.0)
    assert plan.unserved.is_empty()
    assert plan.status == "optimal"


def test_a_region_beyond_72_hours_is_not_served_and_says_so() -> None:
    plan = plan_cuts(county([("a", 0, 50.0)], [order("o", 1, 30.0, region="too_far")]), PARAMS)
    assert plan.serves.is_empty()
    assert cause_of(plan, "o") == "route_too_long"


def test_what_may_wait_for_a_near_region_is_too_old_for_a_far_one() -> None:
    orders = [order("near", 1, 20.0), order("far", 1, 20.0, region="far")]
    plan = plan_cuts(county([("a", 0, 60.0)], orders, hold_days=0), PARAMS)
    hours = plan.serves.filter(pl.col("order_id") == "near")["hours_to_table"]
    assert hours.item() == pytest.approx(24 + 10 + 20)
    assert plan.unserved["order_id"].to_list() == ["far"]
    assert cause_of(plan, "far") == "not_ripe"


def test_a_plot_two_hours_from_any_cold_room_is_not_cut() -> None:
    plan = plan_cuts(county([("a", 0, 50.0)], [order("o", 1, 30.0)], to_cold_hours=1.6), PARAMS)
    assert plan.cuts.is_empty()
    assert plan.uncut["cause"].to_list() == ["too_far"]
    assert cause_of(plan, "o") == "too_far"


def test_too_few_hands_are_named_as_the_cause() -> None:
    plan = plan_cuts(county([("a", 0, 50.0)], [order("o", 0, 50.0)], hours=2.0, hold_days=0), PARAMS)
    assert plan.cuts["cut_kg"].sum() == pytest.approx(20.0)
    assert cause_of(plan, "o") == "crew_hours"
    assert plan.uncut["lost_kg"].item() == pytest.approx(30.0)
    assert plan.uncut["cause"].item() == "crew_hours"


def test_too_little_truck_is_named_as_the_cause() -> None:
    plan = plan_cuts(county([("a", 0, 50.0)], [order("o", 0, 50.0)], truck=20.0), PARAMS)
    assert plan.serves["served_kg"].sum() == pytest.approx(20.0)
    assert cause_of(plan, "o") == "truck"


def test_a_crop_that_must_be_dry_is_cut_before_the_rain() -> None:
    orders = [order("o", 1, 30.0)]
    plan = plan_cuts(county([("a", 0, 50.0)], orders, rain=(0.0, 0.9), needs_dry=True), PARAMS)
    assert plan.cuts["day"].to_list() == [day(0)]
    assert plan.unserved.is_empty()
    late = plan_cuts(county([("a", 1, 50.0)], orders, rain=(0.0, 0.9), needs_dry=True), PARAMS)
    assert cause_of(late, "o") == "rain"


def test_a_worse_grade_never_serves_a_better_one_but_a_better_one_serves_a_worse() -> None:
    plan = plan_cuts(county([("a", 0, 50.0)], [order("o", 1, 30.0, grade="特级")]), PARAMS)
    assert cause_of(plan, "o") == "grade"
    better = county([("a", 0, 50.0)], [order("o", 1, 30.0, grade="一级")], mix={"a": 1.0})
    assert plan_cuts(better, PARAMS).serves["grade"].to_list() == ["特级"]


def test_a_promise_comes_before_what_is_only_expected() -> None:
    orders = [order("hoped", 0, 30.0, promised=False), order("sure", 1, 30.0)]
    plan = plan_cuts(county([("a", 0, 30.0)], orders), PARAMS)
    assert plan.serves["order_id"].to_list() == ["sure"]


def test_stock_is_used_while_it_keeps_and_never_after() -> None:
    rows = [("w", "pakchoi", "一级", day(-1), 10.0), ("w", "pakchoi", "一级", day(-9), 10.0)]
    problem = county([("a", 0, 5.0)], [order("o", 0, 60.0)])
    plan = plan_cuts(replace(problem, stock=pl.DataFrame(rows, schema=STOCK, orient="row")), PARAMS)
    assert sorted(plan.serves["cut_on"].to_list()) == [day(-1), day(0)]
    assert plan.serves["served_kg"].sum() == pytest.approx(15.0)
    assert plan.surplus.filter(pl.col("cut_on") == day(-9))["surplus_kg"].item() == pytest.approx(10.0)


def test_ways_add_up_over_legs_in_both_directions() -> None:
    ways = Ways(pl.DataFrame({"from_id": ["v", "t"], "to_id": ["t", "r"], "hours": [0.5, 20.0]}))
    assert ways.hours(["r", "v", "x"], ["v"]).ravel().tolist() == [20.5, 0.0, np.inf]


def test_a_plot_that_is_not_known_is_refused() -> None:
    problem = county([("a", 0, 50.0)], [])
    with pytest.raises(ValueError, match="plot_id 'a' is not known"):
        replace(problem, plots=problem.plots.clear())


KG = st.integers(0, 8).map(lambda n: 10.0 * n)


@st.composite
def small_counties(draw: st.DrawFn) -> CutProblem:
    plots = ("a", "b")
    ripe = [(p, draw(st.integers(-2, 3)), draw(KG) + 1.0) for p in plots for _ in range(2)]
    orders = [
        order(
            f"o{i}", draw(st.integers(0, 3)), draw(KG), region=draw(st.sampled_from(["near", "far", "too_far", None])),
            grade=draw(st.sampled_from([None, *GRADES])), promised=draw(st.booleans()),
        )
        for i in range(4)
    ]  # fmt: skip
    return county(
        ripe, orders, hours=draw(st.floats(0.5, 8)), capacity=draw(st.floats(5, 100)),
        truck=draw(st.one_of(st.none(), st.floats(5, 60))), rain=tuple(draw(st.floats(0, 1)) for _ in range(4)),
        mix={p: draw(st.floats(0, 1)) for p in plots}, rain_share=draw(st.sampled_from([0.0, 0.1])),
        needs_dry=draw(st.booleans()), hold_days=draw(st.integers(0, 3)), keep_days=draw(st.integers(0, 3)),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(problem=small_counties(), visit=st.sampled_from([0.0, 0.5]))
def test_no_plan_breaks_a_limit_or_loses_a_kilogram(problem: CutProblem, visit: float) -> None:
    plan = plan_cuts(problem, replace(PARAMS, visit_hours=visit), gap=0.0)
    assert plan.value_yuan <= plan.bound_yuan + 1e-6
    assert (plan.crew_days["used_hours"] <= plan.crew_days["limit_hours"] + 1e-5).all()
    assert (plan.room_days["stored_kg"] <= plan.room_days["capacity_kg"] + 1e-4).all()
    truck = problem.cold_rooms["truck_kg_per_day"].item()
    assert truck is None or (plan.room_days["shipped_kg"] <= truck + 1e-4).all()
    assert (plan.serves["hours_to_table"] <= 72.0 + 1e-9).all()
    assert (plan.serves["cut_on"] <= plan.serves["ship_on"]).all()
    hours = plan.cuts.group_by("day").agg(pl.col("crew_hours").sum())["crew_hours"]
    assert (hours <= problem.crews["hours_per_day"].item() + 1e-5).all()
    for plot in ("a", "b"):
        cut = plan.cuts.filter(pl.col("plot_id") == plot)
        ripe = problem.ripe.filter(pl.col("plot_id") == plot)
        for n in range(4):  # never before it is ripe
            by_then = ripe.filter(pl.col("ripe_on") <= day(n))["ripe_kg"].sum()
            assert cut.filter(pl.col("day") <= day(n))["cut_kg"].sum() <= by_then + 1e-3


@settings(max_examples=25, deadline=None)
@given(problem=small_counties())
def test_every_kilogram_ripe_and_ordered_is_accounted_for(problem: CutProblem) -> None:
    plan = plan_cuts(problem, PARAMS)
    hold = problem.crops["hold_days"].item()
    gone = plan.cuts["cut_kg"].sum() + plan.uncut["lost_kg"].sum()
    assert gone <= problem.ripe["ripe_kg"].sum() + 1e-3
    if problem.crops["rain_share"].item() == 0:
        due = problem.ripe.filter(pl.col("ripe_on") + pl.duration(days=hold) <= day(3))["ripe_kg"].sum()
        assert gone >= due - 0.1
    kept = plan.cuts["cut_kg"].sum() - plan.serves["served_kg"].sum() - plan.surplus["surplus_kg"].sum()
    assert kept >= -1e-3
    met = pl.concat(
        [plan.serves.select("order_id", kg="served_kg"), plan.unserved.select("order_id", kg="unserved_kg")]
    )
    for name, kg in problem.orders.select("order_id", "order_kg").iter_rows():
        assert met.filter(pl.col("order_id") == name)["kg"].sum() == pytest.approx(kg, abs=0.03)


@settings(max_examples=25, deadline=None)
@given(
    ripe=st.tuples(*[st.integers(0, 3)] * 3), wanted=st.tuples(*[st.integers(0, 3)] * 3), hours=st.integers(1, 3),
    visit=st.sampled_from([0.0, 1.0]), hold=st.integers(0, 2),
)  # fmt: skip
def test_small_plans_are_worth_what_enumeration_finds(
    ripe: tuple[int, ...], wanted: tuple[int, ...], hours: int, visit: float, hold: int
) -> None:
    problem = county(
        [("a", d, float(kg)) for d, kg in enumerate(ripe)], [order(f"o{d}", d, float(kg)) for d, kg in enumerate(wanted)],
        hours=hours + visit, hours_per_kg=1.0, hold_days=hold, keep_days=1, wait_share_per_day=0.1,
    )  # fmt: skip
    params = replace(PARAMS, days=3, visit_hours=visit, hour_yuan=1.0)
    plan = plan_cuts(problem, params, gap=0.0, seed=1)
    assert plan.value_yuan == pytest.approx(_enumerated(ripe, wanted, hours, visit, hold), abs=1e-4)


def _enumerated(ripe: tuple[int, ...], wanted: tuple[int, ...], hours: int, visit: float, hold: int) -> float:
    """Most money over every whole-kilogram way to cut by day; written apart from the programme.

    A kilogram costs an hour, a visit its hours; 0.4 yuan a night standing ripe, unless it is given up, the oldest first.
    """
    found = [0.0]
    for cut in product(range(hours + 1), repeat=3):
        sold = _sold(cut, wanted) - sum(cut) - visit * sum(c > 0 for c in cut)
        for given_up in product(range(4), repeat=3):
            field, money = [0, 0, 0], sold
            for d in range(3):
                field[d] += ripe[d]
                taken = _take(field, cut[d])
                field = [0 if d - born >= hold else kg for born, kg in enumerate(field)]
                _take(field, given_up[d])
                money -= 0.4 * sum(field) + (np.inf if taken < cut[d] else 0.0)
            found.append(money)
    return float(max(found))


def _take(field: list[int], kg: int) -> int:
    """Take up to so many of the oldest in place; returns how many there were."""
    left = kg
    for born, there in enumerate(field):
        taken = min(there, left)
        field[born] -= taken
        left -= taken
    return kg - left


def _sold(cut: tuple[int, ...], wanted: tuple[int, ...]) -> float:
    """Best sales: 4 yuan fresh, 3.8 a day old, 4 more for each promise kept; 0.5 for the rest."""
    found = []
    for old in product(range(cut[0] + 1), range(cut[1] + 1)):
        kept = (*old, 0)
        fresh = [min(c - k, w) for c, k, w in zip(cut, kept, wanted, strict=True)]
        aged = [min(old[d], wanted[d + 1] - fresh[d + 1]) for d in range(2)]
        found.append(8.0 * sum(fresh) + 7.8 * sum(aged) + 0.5 * (sum(cut) - sum(fresh) - sum(aged)))
    return float(max(found))
