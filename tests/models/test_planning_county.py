"""The county plan on farms small enough to reckon by hand, and laws that hold for any."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planting_farms import farmer
from models.planning.county import evaluate, solve_county, value_of_information
from models.planning.county_problem import CountyInfeasible, CountyParams, CountyProblem, conditional_value

TOLD = {
    "crops": ["wheat", "corn", "sugar_beet"], "land_acres": 500, "plant_cost_usd_per_acre": [150, 230, 260],
    "sell_price_usd_per_t": [170, 150, 36], "beet_price_above_quota": 10, "beet_quota_t": 6000,
    "buy_price_usd_per_t": [238, 210, None], "feed_requirement_t": [200, 240, 0],
    "yield_t_per_acre_by_scenario": {"below": [2.0, 2.4, 16.0], "average": [2.5, 3.0, 20.0], "above": [3.0, 3.6, 24.0]},
    "probability": [1 / 3, 1 / 3, 1 / 3],
}  # fmt: skip
"""The farmer's problem (Birge & Louveaux 1997, ch. 1.1)."""


def test_the_farmers_problem_to_the_cent() -> None:
    value = value_of_information(farmer(TOLD))
    assert (round(value.stochastic, 2), round(value.evpi, 2), round(value.vss, 2)) == (
        108390.00,
        7015.56,
        1150.00,
    )
    areas = dict(
        solve_county(farmer(TOLD), CountyParams()).areas.select("activity_id", "area_mu").iter_rows()
    )
    assert areas == pytest.approx({"wheat": 170, "corn": 80, "sugar_beet": 250})


def test_weight_on_risk_gives_up_mean_for_the_worst_year() -> None:
    bold = solve_county(farmer(TOLD), CountyParams())
    careful = solve_county(farmer(TOLD), CountyParams(risk_weight=1.0, risk_level=0.6))
    assert careful.cvar_yuan(0.6) > bold.cvar_yuan(0.6)
    assert careful.expected_yuan < bold.expected_yuan
    assert careful.objective == pytest.approx(careful.cvar_yuan(0.6))


def test_one_more_acre_earns_its_shadow_price() -> None:
    problem = farmer(TOLD)
    wider = replace(problem, groups=problem.groups.with_columns(area_mu=pl.lit(501.0)))
    price = solve_county(problem, CountyParams()).land_prices["price_yuan_per_mu"][0]
    gained = (
        solve_county(wider, CountyParams()).expected_yuan
        - solve_county(problem, CountyParams()).expected_yuan
    )
    assert gained == pytest.approx(price, abs=1e-6)


def test_a_plan_evaluated_in_its_own_scenarios_earns_what_it_said() -> None:
    problem = farmer(TOLD)
    plan = solve_county(problem, CountyParams())
    assert evaluate(problem, plan).profits == pytest.approx(plan.profits)


def test_a_price_on_moves_keeps_the_previous_plan_where_little_is_to_be_gained() -> None:
    previous = pl.DataFrame(
        {"group_id": "farm", "activity_id": ["wheat", "corn", "sugar_beet"], "area_mu": [172.0, 82.0, 246.0]}
    )
    problem = replace(farmer(TOLD), previous=previous)
    kept = solve_county(problem, CountyParams(move_yuan_per_mu=10_000.0)).areas
    assert kept.join(previous, on=["group_id", "activity_id", "area_mu"]).height == 3


def test_a_frozen_sowing_keeps_its_area() -> None:
    previous = pl.DataFrame({"group_id": ["farm"], "activity_id": ["corn"], "area_mu": [100.0]})
    problem = replace(farmer(TOLD), previous=previous)
    plan = solve_county(problem, CountyParams(frozen_until=1))
    assert plan.areas.select("activity_id", "area_mu").rows() == [("corn", 100.0)]


def test_frozen_land_that_is_not_there_is_named() -> None:
    previous = pl.DataFrame({"group_id": ["farm"], "activity_id": ["corn"], "area_mu": [501.0]})
    with pytest.raises(CountyInfeasible, match=r"group 'farm' has 500.0 mu, and 501.0 of 'corn' frozen"):
        solve_county(replace(farmer(TOLD), previous=previous), CountyParams(frozen_until=1))


def test_a_floor_above_the_land_is_named() -> None:
    floors = pl.DataFrame({"floor_id": ["grain"], "crop_id": ["wheat"], "min_mu": [501.0]})
    with pytest.raises(CountyInfeasible, match="in conflict: floors"):
        solve_county(replace(farmer(TOLD), floors=floors), CountyParams())


def test_a_better_grade_may_be_sold_as_a_lower_one_and_never_the_other_way() -> None:
    problem = one_crop(grown={1: 10.0, 2: 0.0}, wanted={1: 4.0, 2: 100.0})
    plan = solve_county(problem, CountyParams())
    assert dict(plan.sold.select("grade", "sold_kg").iter_rows()) == pytest.approx({1: 4.0, 2: 6.0})
    upward = solve_county(one_crop(grown={1: 0.0, 2: 10.0}, wanted={1: 100.0, 2: 4.0}), CountyParams())
    assert dict(upward.sold.select("grade", "sold_kg").iter_rows()) == pytest.approx({2: 4.0})


def one_crop(*, grown: dict[int, float], wanted: dict[int, float]) -> CountyProblem:
    """One mu on which one crop brings so many kg of each grade in one week, and what the market takes (yuan 5 and 3 a kg)."""
    ints = {"grade": pl.Int64, "period": pl.Int64, "sow_period": pl.Int64, "scenario": pl.Int64}
    return CountyProblem(
        groups=pl.DataFrame({"group_id": ["g"], "zone_id": ["z"], "labour_pool": ["l"], "area_mu": [1.0]}),
        activities=pl.DataFrame(
            {"activity_id": ["a"], "crop_id": ["c"], "cost_yuan_per_mu": [1.0], "sow_period": [0]}, schema_overrides=ints
        ),
        options=pl.DataFrame({"group_id": ["g"], "activity_id": ["a"], "yield_index": [1.0]}),
        occupation=pl.DataFrame({"activity_id": ["a"], "period": [0], "share": [1.0]}),
        outputs=pl.DataFrame(
            {"activity_id": "a", "crop_id": "c", "grade": list(grown), "period": 0, "kg_per_mu": list(grown.values())},
            schema_overrides=ints,
        ),
        demand=pl.DataFrame(
            {
                "scenario": None, "crop_id": "c", "grade": list(wanted), "channel_id": "shop", "period": 0,
                "demand_kg": list(wanted.values()), "price_yuan_per_kg": [5.0, 3.0],
            },
            schema_overrides=ints,
        ),
        probabilities=(1.0,),
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.5, 1.5), st.floats(0.5, 1.5), st.floats(0.5, 1.5)), min_size=2, max_size=3)
)
def test_knowing_more_never_earns_less(factors: list[tuple[float, float, float]]) -> None:
    """The plan for the mean ≤ the plan for all scenarios ≤ waiting to see which comes."""
    average = TOLD["yield_t_per_acre_by_scenario"]["average"]  # type: ignore[index]
    told = TOLD | {
        "yield_t_per_acre_by_scenario": {"average": average}
        | {str(i): [f * a for f, a in zip(each, average, strict=True)] for i, each in enumerate(factors)},
        "probability": [1 / (len(factors) + 1)] * (len(factors) + 1),
    }
    value = value_of_information(farmer(told))
    assert value.mean_plan <= value.stochastic + 1e-6 <= value.wait_and_see + 2e-6


def test_the_mean_of_the_worst_share_counts_the_scenario_on_its_border_in_part() -> None:
    profits, share = np.array([10.0, 0.0, 20.0]), np.array([0.5, 0.1, 0.4])
    assert conditional_value(profits, share, 0.8) == pytest.approx((0.1 * 0 + 0.1 * 10) / 0.2)
