"""A village's share of the county plan on its plots: targets met, rules kept, slack given back once."""

import itertools
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.planning.checker_parcels import check_parcels
from models.planning.county import solve_county
from models.planning.county_problem import CountyParams, CountyProblem
from models.planning.parcels import ParcelRules, VillageParcels, VillageTargets, place_village, place_villages
from models.planning.parcels_search import Effort
from models.planning.slack import give_back, misses, within_reach

RULES, EFFORT = ParcelRules(min_share=0.5, miss_share=1e-6), Effort()
STANDS = {"rice": (0, 1), "leek": (0, 0), "kale": (1, 1), "late-leek": (1, 1)}
CROP = {"rice": "rice", "leek": "leek", "kale": "kale", "late-leek": "leek"}


def village(
    plots: dict[str, float], wanted: dict[str, float], *, last: dict[str, str] | None = None
) -> VillageTargets:
    return VillageTargets(
        "v1",
        plots=pl.DataFrame(
            [(p, "v1/dry", mu, (last or {}).get(p)) for p, mu in plots.items()],
            schema={"plot_id": pl.String, "group_id": pl.String, "area_mu": pl.Float64, "last_group": pl.String},
            orient="row",
        ),
        targets=pl.DataFrame(
            [("v1/dry", a, mu) for a, mu in wanted.items()],
            schema={"group_id": pl.String, "activity_id": pl.String, "target_mu": pl.Float64}, orient="row",
        ),
        activities=pl.DataFrame(list(CROP.items()), schema=["activity_id", "rotation_group"], orient="row"),
        occupation=pl.DataFrame(
            [(a, p, 1.0) for a, (start, end) in STANDS.items() for p in range(start, end + 1)],
            schema={"activity_id": pl.String, "period": pl.Int64, "share": pl.Float64}, orient="row",
        ),
    )  # fmt: skip


def broken(asked: VillageTargets, parcels: pl.DataFrame, **other: Any) -> list[str]:
    told: dict[str, Any] = {"min_share": 0.5, "most_activities": 2} | other
    options = pl.DataFrame({"group_id": "v1/dry", "activity_id": list(STANDS)})
    found = check_parcels(
        parcels,
        plots=asked.plots,
        activities=asked.activities,
        occupation=asked.occupation,
        options=options,
        **told,
    )
    return found["rule"].to_list()


def placed(found: VillageParcels) -> dict[str, float]:
    return dict(found.reached.select("activity_id", "placed_mu").iter_rows())


def lines(*rows: tuple[str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=["plot_id", "activity_id", "area_mu"], orient="row")


def test_targets_are_met_by_whole_and_shared_plots() -> None:
    asked = village({"N1": 4.0, "N2": 6.0, "N3": 2.0}, {"rice": 7.0, "leek": 5.0, "kale": 5.0})
    found = place_village(asked, RULES, 1, EFFORT)
    assert placed(found) == pytest.approx({"rice": 7.0, "leek": 5.0, "kale": 5.0}, abs=1e-4)
    assert broken(asked, found.parcels) == []


def test_what_stood_there_last_goes_to_another_plot() -> None:
    asked = village({"N1": 4.0, "N2": 4.0}, {"rice": 4.0}, last={"N1": "rice"})
    found = place_village(asked, RULES, 1, EFFORT)
    assert found.parcels.rows() == [("N2", "rice", 4.0)]


def test_less_than_the_least_share_is_missed_or_made_up_by_the_least() -> None:
    asked = village({"N1": 10.0}, {"rice": 2.0})
    found = place_village(asked, RULES, 1, EFFORT)
    assert found.missed_mu == pytest.approx(2.0)
    assert broken(asked, found.parcels) == []


def test_a_crop_sown_twice_is_never_its_own_follower_on_a_plot() -> None:
    asked = village({"N1": 4.0, "N2": 4.0}, {"leek": 4.0, "late-leek": 4.0})
    found = place_village(asked, RULES, 1, EFFORT)
    assert found.missed_mu == pytest.approx(0.0, abs=1e-5)
    assert found.parcels["plot_id"].n_unique() == 2
    only = place_village(village({"N1": 4.0}, {"leek": 4.0, "late-leek": 4.0}), RULES, 1, EFFORT)
    assert only.missed_mu == pytest.approx(4.0, abs=1e-5)


def test_what_a_grower_refuses_stays_off_the_plot() -> None:
    asked = replace(
        village({"N1": 4.0, "N2": 4.0}, {"rice": 4.0}),
        refused=pl.DataFrame({"plot_id": ["N1"], "activity_id": ["rice"]}),
    )
    assert place_village(asked, RULES, 1, EFFORT).parcels["plot_id"].to_list() == ["N2"]


def test_a_target_without_plots_is_missed_and_said() -> None:
    asked = village({}, {"rice": 3.0})
    found = place_village(asked, RULES, 1, EFFORT)
    assert (found.parcels.height, found.missed_mu) == (0, 3.0)


def test_side_by_side_or_in_turn_the_parcels_are_the_same() -> None:
    asked = [village({"N1": 4.0, "N2": 6.0, "N3": 2.5}, {"rice": mu, "leek": 4.0}) for mu in (3.0, 5.0)]
    backwards = place_villages(asked[::-1], RULES, 1, EFFORT)
    for one, two in zip(place_villages(asked, RULES, 1, EFFORT), backwards[::-1], strict=True):
        assert one.parcels.equals(two.parcels)


@pytest.mark.parametrize(
    ("parcels", "rules"),
    [
        (lines(("N1", "rice", 5.0)), ["area_over", "area_over"]),
        (lines(("N1", "rice", 1.0)), ["min_share"]),
        (lines(("N2", "rice", 4.0)), ["repeat"]),
        (lines(("N1", "leek", 4.0), ("N1", "late-leek", 4.0)), ["repeat"]),
        (lines(("N9", "rice", 4.0)), ["plot"]),
    ],
)
def test_the_checker_names_what_is_broken(parcels: pl.DataFrame, rules: list[str]) -> None:
    asked = village({"N1": 4.0, "N2": 4.0}, {"rice": 4.0}, last={"N2": "rice"})
    assert broken(asked, parcels) == rules


def test_the_checker_counts_what_stands_at_a_time_and_what_its_land_may_bear() -> None:
    asked = village({"N1": 4.0}, {"rice": 4.0})
    both = lines(("N1", "leek", 2.0), ("N1", "rice", 2.0))
    assert broken(asked, both, most_activities=1) == ["too_many"]
    moved = replace(asked, plots=asked.plots.with_columns(group_id=pl.lit("v1/wet")))
    assert broken(moved, lines(("N1", "rice", 4.0))) == ["option"]


def least_missed(area: list[float], wanted: dict[str, float], last: list[str | None]) -> float:
    """Every set of activities that whole plots may bear one after the other, on every plot."""
    single = [(), ("rice",), ("leek",), ("kale",), ("late-leek",), ("leek", "kale")]
    best = float("inf")
    for chosen in itertools.product(single, repeat=len(area)):
        if any(CROP[a] == last[i] for i, plans in enumerate(chosen) for a in plans):
            continue
        grown = {a: sum(area[i] for i, plans in enumerate(chosen) if a in plans) for a in STANDS}
        best = min(best, sum(abs(grown[a] - wanted.get(a, 0.0)) for a in STANDS))
    return best


@settings(max_examples=12)
@given(st.data())
def test_whole_plots_miss_no_more_than_the_best_of_all_combinations(data: st.DataObject) -> None:
    number = st.integers(1, 9).map(float)
    area = data.draw(st.lists(number, min_size=1, max_size=4))
    wanted = {a: data.draw(number) for a in STANDS}
    last = [data.draw(st.sampled_from([None, "rice", "leek"])) for _ in area]
    plots = {f"N{i}": mu for i, mu in enumerate(area)}
    asked = village(plots, wanted, last={f"N{i}": c for i, c in enumerate(last) if c})
    found = place_village(asked, replace(RULES, min_share=1.0), 1, Effort(rounds=6, freed=4, nodes=1000))
    assert found.missed_mu == pytest.approx(least_missed(area, wanted, last), abs=1e-4)
    assert broken(asked, found.parcels, min_share=1.0) == []


def county() -> CountyProblem:
    groups = pl.DataFrame(
        {
            "group_id": ["v1/dry", "v2/dry"],
            "zone_id": "town",
            "labour_pool": ["v1", "v2"],
            "area_mu": [10.0, 10.0],
        }
    )
    one = pl.DataFrame({"activity_id": ["rice"], "crop_id": "rice", "period": pl.Series([0], dtype=pl.Int64)})
    return CountyProblem(
        groups=groups,
        activities=one.select("activity_id", "crop_id", cost_yuan_per_mu=100.0, sow_period="period"),
        options=groups.select("group_id", activity_id=pl.lit("rice"), yield_index=pl.Series([1.01, 1.0])),
        occupation=one.select("activity_id", "period", share=1.0),
        outputs=one.select("activity_id", "crop_id", "period", grade=pl.lit(1, pl.Int64), kg_per_mu=100.0),
        demand=one.select(
            "crop_id", "period", scenario=pl.lit(None, pl.Int64), grade=pl.lit(1, pl.Int64), channel_id=pl.lit("shop"),
            demand_kg=800.0, price_yuan_per_kg=5.0,
        ),
        probabilities=(1.0,),
    )  # fmt: skip


def test_what_a_village_cannot_place_goes_to_another_once() -> None:
    problem = county()
    plan = solve_county(problem, CountyParams())
    assert plan.areas["group_id"].to_list() == ["v1/dry"]
    target = float(plan.areas["area_mu"][0])
    reached = plan.areas.rename({"area_mu": "target_mu"}).with_columns(placed_mu=pl.lit(6.0))
    again = give_back(problem, plan, CountyParams(), reached)
    assert dict(again.areas.select("group_id", "area_mu").iter_rows()) == pytest.approx(
        {"v1/dry": 6.0, "v2/dry": 8.0 - 6.0 * 1.01}
    )
    met = reached.with_columns(placed_mu="target_mu")
    assert misses(met).is_empty()
    assert give_back(problem, plan, CountyParams(), met) is plan
    assert target == pytest.approx(8.0 / 1.01)


def test_what_is_left_over_brings_its_salvage_in_every_scenario() -> None:
    problem = replace(
        county(), salvage=pl.DataFrame({"crop_id": ["rice"], "salvage_yuan_per_kg": [2.0]}),
        yields=pl.DataFrame(
            {"scenario": [0, 1], "zone_id": "town", "crop_id": "rice", "factor": [0.5, 1.5]},
            schema_overrides={"scenario": pl.Int64},
        ),
        probabilities=(0.5, 0.5),
    )  # fmt: skip
    plan = solve_county(problem, CountyParams(risk_weight=0.2))
    grown = 100.0 * (10 * 1.01 + 10) * plan.areas["area_mu"].sum() / 20.0
    money = [min(f * grown, 800) * 5 + max(f * grown - 800, 0) * 2 - 2000.0 for f in (0.5, 1.5)]
    assert plan.areas["area_mu"].sum() == pytest.approx(20.0)
    assert plan.profits.tolist() == pytest.approx(money)
    assert plan.objective == pytest.approx(0.8 * sum(money) / 2 + 0.2 * min(money))


def test_the_county_sees_where_a_crop_would_follow_itself() -> None:
    plots = pl.DataFrame(
        {"group_id": "v1/dry", "area_mu": [4.0, 5.0, 1.0], "last_group": ["rice", None, "leek"]}
    )
    turns = pl.DataFrame({"activity_id": ["rice"], "rotation_group": ["rice"]})
    options = pl.DataFrame({"group_id": ["v1/dry"], "activity_id": ["rice"], "yield_index": [1.0]})
    assert within_reach(options, turns, plots)["max_mu"].to_list() == [6.0]


def test_land_within_reach_and_what_was_placed_both_limit_the_second_plan() -> None:
    problem = county()
    problem = replace(problem, options=problem.options.with_columns(max_mu=pl.Series([7.0, 1.5])))
    plan = solve_county(problem, CountyParams())
    assert plan.areas["area_mu"].to_list() == pytest.approx([7.0, 8.0 - 7.0 * 1.01])
    reached = plan.areas.select(
        "group_id", "activity_id", target_mu="area_mu", placed_mu=pl.Series([6.0, 0.93])
    )
    again = give_back(problem, plan, CountyParams(), reached)
    assert again.areas["area_mu"].to_list() == pytest.approx([6.0, 1.5])
