"""Plans against scenarios: newsvendors reckoned by hand, and laws that hold for any demand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.planning.chances import Chances, drawn, reduced, yield_factor
from models.planning.demand_paths import demand_by_path, season_paths
from models.planning.mixing import Aim, take_over
from models.planning.money import priced_lines
from models.planning.problem import Params, Problem, Stop
from models.planning.village import solve
from models.planning.weigh import Stage, against_scenarios, information, stage_of

ONE_YEAR = Params(first_year=2026, years=1, legume_years=0)
EXACT = Stop(gap=1e-6, nodes=200, rounds=10, time_limit_s=20)


def farm(
    asked: dict[str, float],
    *,
    mu: float = 10.0,
    price: float = 3.0,
    salvage: float = 0.0,
    committed: float = 0.0,
) -> Problem:
    """Two plots of one class; each crop bears 100 kg a mu at 100 yuan a mu."""
    ids = sorted(asked)
    return Problem.from_frames(
        plots=pl.DataFrame({"plot_id": ["N1", "N2"], "land_class": "dry", "area_mu": [mu / 2, mu / 2]}),
        practices=pl.DataFrame({
            "practice_id": ids, "crop_id": ids, "land_class": "dry", "season": 1, "last_season": 1,
            "cost_yuan_per_mu": 100.0, "is_perennial": False,
        }),
        practice_yield=pl.DataFrame({
            "practice_id": ids, "crop_id": ids, "yield_kg_per_mu": 100.0, "price_yuan_per_kg": price,
            "salvage_yuan_per_kg": salvage,
        }),
        crops=pl.DataFrame({"crop_id": ids, "name_zh": ids, "name_en": ids, "family": ids, "is_legume": False}),
        planting=pl.DataFrame(schema={
            "plot_id": pl.String, "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64,
            "area_mu": pl.Float64, "practice_id": pl.String,
        }),
        demand=pl.DataFrame({
            "crop_id": ids, "year": 2026, "season": 1, "demand_kg": [asked[c] for c in ids],
            "committed_kg": committed, "demand_source": "forecast",
        }),
    )  # fmt: skip


def staged(
    problem: Problem, demand_kg: list[list[float]], *, scenarios: int = 50, aim: Aim | None = None
) -> Stage:
    """A stage with that demand ([row][scenario]) and no luck with yields."""
    kg = np.array(demand_kg)
    rows = problem.demand.select("crop_id", "year", "season", "committed_kg")
    chances = Chances(rows, kg, np.zeros_like(kg), np.full(kg.shape[1], 1 / kg.shape[1]))
    return stage_of(problem, ONE_YEAR, chances, scenarios=scenarios, aim=aim or Aim(), seed=1)


def target(stage: Stage) -> list[float]:
    return against_scenarios(stage, time_limit_s=20.0).demand["demand_kg"].to_list()


def test_a_crop_is_grown_up_to_the_newsvendors_quantile() -> None:
    # A kg costs 1 and sells at 3: grown while the chance to sell it is above 1/3, so up to the 7th of ten demands.
    tenths = [[100.0 * k for k in range(1, 11)]]
    assert target(staged(farm({"leek": 550.0}), tenths)) == [pytest.approx(700.0)]


def test_a_promise_is_grown_although_the_chance_to_sell_more_is_small() -> None:
    tenths = [[900.0] + [100.0] * 9]
    assert target(staged(farm({"leek": 180.0}, committed=0.0), tenths)) == [pytest.approx(100.0)]
    assert target(staged(farm({"leek": 180.0}, committed=150.0), tenths)) == [pytest.approx(150.0)]


def test_weight_on_the_worst_gives_up_mean_for_it() -> None:
    demand = [[100.0] * 3 + [900.0] * 7]
    bold, careful = (staged(farm({"leek": 660.0}), demand, aim=Aim(w, 0.7)) for w in (0.0, 1.0))
    assert target(bold) == [pytest.approx(900.0)]
    assert target(careful) == [pytest.approx(100.0)]


def test_equal_scenarios_make_the_plan_of_the_mean_and_knowing_them_is_worth_nothing() -> None:
    stage = staged(farm({"leek": 550.0, "kale": 300.0}), [[300.0] * 4, [550.0] * 4])
    known = information(stage, time_limit_s=20.0)
    assert (known.vss, known.evpi) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert target(stage) == pytest.approx([300.0, 550.0])


asked = st.lists(st.lists(st.floats(0, 900), min_size=4, max_size=4), min_size=2, max_size=2)


@given(demand=asked)
@settings(max_examples=10, deadline=None)
def test_the_mean_plan_is_never_better_and_perfect_information_never_worse(demand: list[list[float]]) -> None:
    means = [sum(row) / len(row) for row in demand]
    stage = staged(farm({"kale": means[0], "leek": means[1]}), demand)
    known = information(stage, time_limit_s=20.0)
    assert known.mean_plan <= known.stochastic + 1e-6 <= known.wait_and_see + 2e-6


def test_a_village_plan_against_the_scenarios_earns_more_there_than_the_mean_plan() -> None:
    problem = farm({"leek": 190.0}, price=1.5)
    stage = staged(problem, [[100.0] * 9 + [1000.0]])
    plans = [solve(p, ONE_YEAR, 1, EXACT) for p in (problem, against_scenarios(stage, time_limit_s=20.0))]
    mean, hedged = (stage.reached(p.assignments, stage.many) for p in plans)
    assert mean == pytest.approx(0.9 * 100 * 1.5 + 0.1 * 190 * 1.5 - 190)
    assert hedged == pytest.approx(100 * 1.5 - 100)


def test_a_line_earns_what_the_planner_says_of_it() -> None:
    plan = solve(farm({"kale": 300.0, "leek": 550.0}), ONE_YEAR, 1, EXACT)
    lines = priced_lines(plan.assignments, farm({"kale": 300.0, "leek": 550.0}), ONE_YEAR)
    both = lines.join(plan.assignments, on=["plot_id", "practice_id"], suffix="_theirs")
    assert both["expected_profit_yuan"].to_list() == pytest.approx(
        both["expected_profit_yuan_theirs"].to_list()
    )
    assert lines["expected_profit_yuan"].sum() == pytest.approx(plan.profit_yuan)


@given(
    mine=st.lists(st.sampled_from(["leek", "kale"]), min_size=2, max_size=2),
    theirs=st.lists(st.sampled_from(["leek", "kale"]), min_size=2, max_size=2),
    demand=asked,
)
@settings(max_examples=12, deadline=None)
def test_taking_plots_over_never_lowers_the_aim_and_reports_the_gain(
    mine: list[str], theirs: list[str], demand: list[list[float]]
) -> None:
    problem = farm({"kale": 1.0, "leek": 1.0})
    stage = staged(problem, demand)

    def lines(crops: list[str]) -> pl.DataFrame:
        return pl.DataFrame({
            "plot_id": ["N1", "N2"], "practice_id": crops, "year": 2026, "season": 1, "area_mu": [5.0, 5.0],
        }, schema_overrides={"year": pl.Int64, "season": pl.Int64})  # fmt: skip

    mixed, gained = take_over(
        lines(mine), lines(theirs), problem=problem, classes=stage.classes, chances=stage.few, aim=stage.aim
    )
    before, after = (stage.reached(x, stage.few) for x in (lines(mine), mixed))
    assert after - before == pytest.approx(sum(gained.values()), abs=1e-6)
    assert after >= before - 1e-6


def test_a_plot_stays_with_the_last_plan_unless_the_move_earns_its_price() -> None:
    problem = farm({"kale": 500.0, "leek": 500.0})
    stage = staged(problem, [[500.0], [460.0]])
    new = pl.DataFrame({"plot_id": ["N1"], "practice_id": "kale", "year": 2026, "season": 1, "area_mu": 5.0})
    last = new.with_columns(practice_id=pl.lit("leek"))  # 40 kg less are sold, 120 yuan, on 5 mu
    for price, stays in ((20.0, False), (30.0, True)):
        lines, gained = take_over(
            new, last, problem=problem, classes=stage.classes, chances=stage.few, aim=Aim(), yuan_per_mu=price
        )
        assert (lines["practice_id"].to_list() == ["leek"]) is stays
        assert gained == ({"N1": pytest.approx(-120.0)} if stays else {})


def test_few_scenarios_keep_the_mean_and_their_weights_add_up() -> None:
    rng = np.random.default_rng(3)
    problem = farm({"kale": 500.0, "leek": 500.0})
    many = drawn(problem.demand, rng.gamma(4.0, 100.0, (2, 500)), seed=5)
    few = reduced(many, 12, worth=np.ones(2), seed=5)
    assert few.count <= 12
    assert few.weights.sum() == pytest.approx(1.0)
    assert few.mean_demand() == pytest.approx(many.mean_demand())
    assert np.abs(few.luck @ few.weights) == pytest.approx(np.zeros(2), abs=0.2)
    assert reduced(many, 500, worth=np.ones(2), seed=5) is many


def test_luck_with_yields_keeps_their_mean_and_takes_half_their_variance() -> None:
    factor = yield_factor(np.random.default_rng(1).standard_normal(200_000), np.full(200_000, 0.3))
    assert factor.mean() == pytest.approx(1.0, abs=0.005)
    assert factor.std() == pytest.approx(0.3 * np.sqrt(0.5), rel=0.02)


def test_paths_fall_into_seasons_as_their_mean_does() -> None:
    practices = pl.DataFrame({
        "practice_id": ["leek-1", "leek-2"], "crop_id": "leek", "season": [1, 2], "sow_from_doy": [60, 200],
        "sell_from_doy": [1, 181], "sell_to_doy": [180, 366],
    })  # fmt: skip
    yields = pl.DataFrame({"practice_id": ["leek-1", "leek-2"], "crop_id": "leek"})
    paths = pl.DataFrame(
        {
            "crop_id": "leek",
            "channel_id": ["a", "b"],
            "path_kg": [[70.0, 140.0], [7.0, 0.0]],
        }
    ).with_columns(week_start=pl.date(2026, 6, 29))  # fmt: skip; 29 June is day 180
    catchment = pl.DataFrame({"channel_id": ["b"], "factor": [10.0]})
    keys, kg = season_paths(paths, catchment=catchment, practices=practices, yields=yields)
    assert keys.rows() == [("leek", 1), ("leek", 2)]
    assert kg.tolist() == [pytest.approx([20.0, 20.0]), pytest.approx([120.0, 120.0])]


def test_promises_and_standing_crops_count_on_every_path() -> None:
    demand = pl.DataFrame({
        "crop_id": ["kale", "leek"], "year": 2026, "season": 1, "demand_kg": [50.0, 90.0], "demand_source":
        ["expected sales", "forecast × catchment"],
    })  # fmt: skip
    parts = pl.DataFrame({
        "crop_id": ["leek"], "year": 2026, "season": 1, "preorder_kg": [60.0], "other_kg": [25.0], "borne_kg": [30.0],
    })  # fmt: skip
    keys = pl.DataFrame({"crop_id": ["kale", "leek"], "season": 1})
    kg = demand_by_path(demand, parts, keys, np.array([[1.0, 2.0], [10.0, 100.0]]))
    assert kg.tolist() == [[50.0, 50.0], [55.0, 95.0]]
