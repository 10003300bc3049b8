"""Village plans small enough to check by eye, laws of every plan, and random villages against enumeration."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from models.planning import search
from models.planning.checker import Rules, check
from models.planning.problem import FIXED_SCHEMA, Infeasible, Params, Plan, Problem, Stop
from models.planning.village import solve

EXACT = Stop(gap=1e-6, nodes=500, rounds=20, time_limit_s=30)
NO_LEGUMES = Params(first_year=2026, years=1, legume_years=0)


def crop(crop_id: str, *, legume: bool = False, family: str | None = None) -> dict[str, Any]:
    named = {"name_zh": crop_id, "name_en": crop_id, "family": family or crop_id}
    return {"crop_id": crop_id, **named, "is_legume": legume}


def practice(
    crop_id: str, season: int = 1, *, last: int | None = None, cost: float = 100.0, **other: Any
) -> dict[str, Any]:
    row = {"practice_id": f"{crop_id}-{season}", "crop_id": crop_id, "land_class": "dry", "season": season}
    row |= {"last_season": last or season, "cost_yuan_per_mu": cost, "is_perennial": False}
    return row | other


def yields(
    practice_id: str, kg: float, price: float, *, salvage: float = 0.0, crop_id: str | None = None
) -> dict[str, Any]:
    row = {"practice_id": practice_id, "crop_id": crop_id or practice_id.split("-")[0], "yield_kg_per_mu": kg}
    return row | {"price_yuan_per_kg": price, "salvage_yuan_per_kg": salvage}


def demand(
    crop_id: str, kg: float, *, year: int = 2026, season: int = 1, committed: float = 0.0
) -> dict[str, Any]:
    row = {"crop_id": crop_id, "year": year, "season": season, "demand_kg": kg, "committed_kg": committed}
    return row | {"demand_source": "forecast"}


def planted(
    crop_id: str, mu: float, *, year: int = 2025, season: int = 1, plot_id: str = "N1"
) -> dict[str, Any]:
    row = {"plot_id": plot_id, "crop_id": crop_id, "year": year, "season": season, "area_mu": mu}
    return row | {"practice_id": f"{crop_id}-{season}"}


HISTORY = pl.Schema(
    {
        "plot_id": pl.String, "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64, "area_mu": pl.Float64,
        "practice_id": pl.String,
    }
)  # fmt: skip


def village(
    *,
    crops: list[dict[str, Any]],
    practices: list[dict[str, Any]],
    bears: list[dict[str, Any]],
    wants: list[dict[str, Any]],
    plots: dict[str, float] | None = None,
    history: list[dict[str, Any]] | None = None,
    fixed: list[tuple[object, ...]] | None = None,
) -> Problem:
    area = plots or {"N1": 10.0}
    return Problem.from_frames(
        plots=pl.DataFrame([{"plot_id": p, "land_class": "dry", "area_mu": mu} for p, mu in area.items()]),
        practices=pl.DataFrame(practices),
        practice_yield=pl.DataFrame(bears),
        crops=pl.DataFrame(crops),
        planting=pl.DataFrame(history or [], schema=HISTORY),
        demand=pl.DataFrame(wants),
        fixed=pl.DataFrame(fixed or [], schema=FIXED_SCHEMA, orient="row"),
    )


def areas(plan: Plan) -> dict[tuple[str, int, int], float]:
    rows = plan.assignments.group_by("crop_id", "year", "season").agg(pl.sum("area_mu")).rows()
    return {(c, y, s): mu for c, y, s, mu in rows}


def broken(problem: Problem, params: Params, plan: Plan) -> list[str]:
    report = check(
        plan.assignments, plots=problem.plots, practices=problem.practices, practice_yield=problem.yields,
        crops=problem.crops, planting=problem.history, demand=problem.demand,
        rules=Rules(
            params.first_year, params.last_year, repeat=params.repeat, surplus=params.surplus,
            legume_years=params.legume_years, legume_from=params.legume_from or params.first_year - 1,
            min_share=params.min_share, one_crop=params.one_crop,
        ),
    )  # fmt: skip
    assert report.profit_yuan == pytest.approx(plan.profit_yuan, abs=1e-6)
    return report.broken["detail"].to_list()


TWO_CROPS: dict[str, Any] = {
    "crops": [crop("rice"), crop("bean", legume=True)],
    "practices": [practice("rice"), practice("bean")],
    "bears": [yields("rice-1", 100, 10), yields("bean-1", 100, 4)],
}


def test_land_goes_to_the_dearer_crop_until_its_demand_is_met() -> None:
    problem = village(**TWO_CROPS, wants=[demand("rice", 600), demand("bean", 1000)])
    plan = solve(problem, NO_LEGUMES, 1, EXACT)
    assert areas(plan) == {("rice", 2026, 1): 6.0, ("bean", 2026, 1): 4.0}
    assert plan.profit_yuan == pytest.approx(6 * 900 + 4 * 300)
    assert plan.status == "optimal"
    assert plan.gap <= 1e-6


def test_nothing_is_planted_that_nobody_wants_unless_salvage_pays() -> None:
    without = village(**TWO_CROPS, wants=[demand("rice", 0)])
    assert solve(without, NO_LEGUMES, 1, EXACT).assignments.is_empty()
    bears = [yields("rice-1", 100, 10, salvage=2), yields("bean-1", 100, 4)]
    problem = village(**{**TWO_CROPS, "bears": bears}, wants=[demand("rice", 0)])
    assert areas(solve(problem, NO_LEGUMES, 1, EXACT)) == {("rice", 2026, 1): 10.0}
    assert solve(problem, replace(NO_LEGUMES, surplus="lost"), 1, EXACT).assignments.is_empty()


def test_a_commitment_comes_before_any_margin() -> None:
    problem = village(**TWO_CROPS, wants=[demand("rice", 1000), demand("bean", 300, committed=300)])
    plan = solve(problem, NO_LEGUMES, 1, EXACT)
    assert areas(plan) == {("rice", 2026, 1): 7.0, ("bean", 2026, 1): 3.0}


def test_a_commitment_that_land_cannot_serve_is_left_over_and_said() -> None:
    problem = village(**TWO_CROPS, wants=[demand("bean", 1500, committed=1500)])
    plan = solve(problem, NO_LEGUMES, 1, EXACT)
    assert plan.balance["unserved_kg"].to_list() == [500.0]
    assert plan.bound_yuan == pytest.approx(plan.profit_yuan)


def test_a_crop_does_not_follow_itself_and_history_counts() -> None:
    wants = [demand("rice", 1000, year=y) for y in (2026, 2027)]
    problem = village(**TWO_CROPS, wants=wants, history=[planted("rice", 0.5)])
    plan = solve(problem, replace(NO_LEGUMES, years=2), 1, EXACT)
    assert areas(plan) == {("rice", 2027, 1): 10.0}


def test_next_season_means_the_next_season_that_the_land_bears() -> None:
    crops, practices = [crop("rice"), crop("leek")], [practice("rice"), practice("leek", 2)]
    bears = [yields("rice-1", 100, 10), yields("leek-2", 100, 5)]
    wants = [demand("rice", 1000, year=y) for y in (2026, 2027)]
    problem = village(crops=crops, practices=practices, bears=bears, wants=wants)
    plan = solve(problem, replace(NO_LEGUMES, years=2), 1, EXACT)
    assert areas(plan) == {("rice", 2026, 1): 10.0, ("rice", 2027, 1): 10.0}
    strict = solve(problem, replace(NO_LEGUMES, years=2, repeat="season-too"), 1, EXACT)
    assert sum(areas(strict).values()) == 10.0


def test_legumes_cover_the_plot_within_three_years_and_history_counts() -> None:
    wants = [demand("rice", 1000, year=y) for y in (2026, 2027)]
    params = Params(first_year=2026, years=2)
    problem = village(**TWO_CROPS, wants=wants, history=[planted("bean", 4.0)])
    plan = solve(problem, params, 1, EXACT)
    assert sum(mu for (c, _, _), mu in areas(plan).items() if c == "bean") == pytest.approx(6.0)
    assert broken(problem, params, plan) == []


def test_a_crop_takes_its_least_share_of_a_plot_or_none_of_it() -> None:
    problem = village(**TWO_CROPS, wants=[demand("rice", 100), demand("bean", 900)])
    params = replace(NO_LEGUMES, min_share=0.5)
    plan = solve(problem, params, 1, EXACT)
    assert all(mu >= 5.0 for mu in plan.assignments["area_mu"])
    assert areas(plan) == {("bean", 2026, 1): 9.0}
    assert broken(problem, params, plan) == []


def test_where_one_crop_stands_alone_no_second_shares_the_season() -> None:
    problem = village(**TWO_CROPS, wants=[demand("rice", 600), demand("bean", 1000)])
    plan = solve(problem, replace(NO_LEGUMES, one_crop=frozenset({("dry", 1)})), 1, EXACT)
    assert areas(plan) == {("rice", 2026, 1): 6.0}


def test_a_practice_with_two_outputs_earns_both() -> None:
    problem = village(
        crops=[crop("rice"), crop("crab")],
        practices=[practice("rice"), practice("rice", practice_id="both-1", cost=300.0)],
        bears=[
            yields("rice-1", 100, 10),
            yields("both-1", 80, 10, crop_id="rice"),
            yields("both-1", 5, 100, crop_id="crab"),
        ],
        wants=[demand("rice", 1000), demand("crab", 20)],
    )
    plan = solve(problem, NO_LEGUMES, 1, EXACT)
    by_practice = dict(plan.assignments.select("practice_id", "area_mu").iter_rows())
    assert by_practice == {"both-1": 4.0, "rice-1": 6.0}
    assert plan.profit_yuan == pytest.approx(4 * (800 + 500 - 300) + 6 * 900)


def test_vines_stay_on_their_land_and_no_other_crop_takes_it() -> None:
    problem = village(
        crops=[crop("vine"), crop("rice")],
        practices=[practice("vine", is_perennial=True), practice("rice")],
        bears=[yields("vine-1", 100, 2), yields("rice-1", 100, 10)],
        wants=[demand("vine", 200), demand("rice", 5000)],
        history=[planted("vine", 6.0)],
    )
    plan = solve(problem, NO_LEGUMES, 1, EXACT)
    assert areas(plan) == {("vine", 2026, 1): 2.0, ("rice", 2026, 1): 4.0}
    assert broken(problem, NO_LEGUMES, plan) == []


def test_what_is_sown_already_takes_its_land() -> None:
    problem = village(**TWO_CROPS, wants=[demand("rice", 5000)], history=[planted("bean", 3.0, year=2026)])
    assert areas(solve(problem, NO_LEGUMES, 1, EXACT)) == {("rice", 2026, 1): 7.0}


def test_refused_lines_stay_away_and_settled_ones_keep_their_area() -> None:
    wants = [demand("rice", 1000), demand("bean", 1000)]
    refused = village(**TWO_CROPS, wants=wants, fixed=[("N1", "rice-1", 2026, 1, 0.0, 0.0)])
    assert areas(solve(refused, NO_LEGUMES, 1, EXACT)) == {("bean", 2026, 1): 10.0}
    settled = village(**TWO_CROPS, wants=wants, fixed=[("N1", "bean-1", 2026, 1, 3.0, 3.0)])
    assert areas(solve(settled, NO_LEGUMES, 1, EXACT))[("bean", 2026, 1)] == 3.0


def test_rules_that_conflict_are_named_and_no_others() -> None:
    problem = village(
        **TWO_CROPS, wants=[demand("rice", 1000)], fixed=[("N1", "rice-1", 2026, 1, 8.0, 8.0)],
        plots={"N0": 5.0, "N1": 10.0}, history=[planted("bean", 5.0, plot_id="N0")],
    )  # fmt: skip
    with pytest.raises(Infeasible, match="plot 'N1'") as told:
        solve(problem, Params(first_year=2026, years=2, legume_years=2), 1, EXACT)
    assert len(told.value.limits) == 3
    assert "settled area of 8 mu" in str(told.value)
    assert "legumes on 10 mu more" in str(told.value)


def test_a_legume_rule_on_land_without_legumes_is_named() -> None:
    problem = village(
        crops=[crop("rice")],
        practices=[practice("rice")],
        bears=[yields("rice-1", 100, 10)],
        wants=[demand("rice", 1)],
    )
    with pytest.raises(Infeasible, match="legumes on 10 mu more in the window ending 2028"):
        solve(problem, Params(first_year=2026, years=3, legume_from=2026), 1, EXACT)


def test_equal_calls_give_equal_plans() -> None:
    problem = village(**TWO_CROPS, wants=[demand("rice", 1000, year=y) for y in (2026, 2027)])
    one, two = (solve(problem, replace(NO_LEGUMES, years=2), 7, EXACT) for _ in range(2))
    assert one.assignments.equals(two.assignments)


def test_the_price_of_land_is_what_one_more_mu_earns() -> None:
    def profit(mu: float) -> Plan:
        problem = village(**TWO_CROPS, wants=[demand("rice", 600), demand("bean", 1000)], plots={"N1": mu})
        return solve(problem, NO_LEGUMES, 1, EXACT)

    land = profit(10.0).limits.filter(pl.col("kind") == "land")["price_yuan"].item()
    assert land == pytest.approx(profit(11.0).profit_yuan - profit(10.0).profit_yuan)


def test_what_is_not_known_of_a_wanted_crop_is_listed() -> None:
    bears = [yields("rice-1", 100, 10), {**yields("bean-1", 100, 4), "price_yuan_per_kg": None}]
    problem = village(**{**TWO_CROPS, "bears": bears}, wants=[demand("bean", 10), demand("kale", 10)])
    assert dict(problem.missing().select("crop_id", "what").iter_rows()) == {"bean": "price", "kale": "crop"}


# ── laws on random villages ──

CROPS = ("a", "b", "c")


@st.composite
def villages(draw: st.DrawFn) -> tuple[Problem, dict[str, Any]]:
    """Two plots, three crops in each of two seasons of one year, crop c a legume, something grown before."""
    number = st.integers(1, 9)
    fact: dict[str, Any] = {
        "area": [draw(number), draw(number)],
        "kg": {(c, s): 10.0 * draw(number) for c in CROPS for s in (1, 2)},
        "price": {c: float(draw(number)) for c in CROPS},
        "cost": {(c, s): 5.0 * draw(number) for c in CROPS for s in (1, 2)},
        "want": {(c, s): 25.0 * draw(st.integers(0, 9)) for c in CROPS for s in (1, 2)},
        "before": [draw(st.sampled_from(CROPS)), draw(st.sampled_from(CROPS))],
    }
    problem = village(
        crops=[crop(c, legume=c == "c") for c in CROPS],
        practices=[practice(c, s, cost=fact["cost"][c, s]) for c in CROPS for s in (1, 2)],
        bears=[yields(f"{c}-{s}", fact["kg"][c, s], fact["price"][c]) for c in CROPS for s in (1, 2)],
        wants=[demand(c, fact["want"][c, s], season=s) for c in CROPS for s in (1, 2)],
        plots={f"N{i}": float(mu) for i, mu in enumerate(fact["area"])},
        history=[planted(c, 1.0, season=2, plot_id=f"N{i}") for i, c in enumerate(fact["before"])],
    )
    return problem, fact


def best_over_supports(fact: dict[str, Any]) -> float:
    """Every way to give each plot's crops to one of its two seasons, and the best linear programme of each."""
    keys = [(i, c, s) for i in (0, 1) for c in CROPS for s in (1, 2)]
    best = 0.0
    for sides in itertools.product((1, 2), repeat=6):
        season = dict(zip(itertools.product((0, 1), CROPS), sides, strict=True))
        open_ = [season[i, c] == s and not (s == 1 and fact["before"][i] == c) for i, c, s in keys]
        cost = [fact["cost"][c, s] for _, c, s in keys] + [-fact["price"][c] for c in CROPS for _ in (1, 2)]
        rows, limits = [], []
        for i, s in itertools.product((0, 1), (1, 2)):
            rows.append([float(k[0] == i and k[2] == s) for k in keys] + [0.0] * 6)
            limits.append(fact["area"][i])
        for n, (c, s) in enumerate(itertools.product(CROPS, (1, 2))):
            rows.append(
                [-fact["kg"][c, s] * float(k[1:] == (c, s)) for k in keys] + [float(m == n) for m in range(6)]
            )
            limits.append(0.0)
        bounds = [(0, fact["area"][k[0]] if o else 0) for k, o in zip(keys, open_, strict=True)]
        bounds += [(0, fact["want"][c, s]) for c, s in itertools.product(CROPS, (1, 2))]
        best = max(best, -linprog(cost, A_ub=np.array(rows), b_ub=limits, bounds=bounds).fun)
    return best


@settings(max_examples=8, deadline=None)
@given(villages())
def test_shares_equal_the_best_programme_over_every_support(drawn: tuple[Problem, dict[str, Any]]) -> None:
    problem, fact = drawn
    plan = solve(problem, NO_LEGUMES, 1, EXACT)
    assert plan.profit_yuan == pytest.approx(best_over_supports(fact), rel=1e-5, abs=0.01)
    assert plan.bound_yuan >= plan.profit_yuan


def best_whole_plots(fact: dict[str, Any]) -> float:
    """Every crop (or none) for each whole plot and season."""
    best = 0.0
    for choice in itertools.product((None, *CROPS), repeat=4):
        sown = dict(zip(itertools.product((0, 1), (1, 2)), choice, strict=True))
        if any(sown[i, 1] and sown[i, 1] in (fact["before"][i], sown[i, 2]) for i in (0, 1)):
            continue
        grown = dict.fromkeys(fact["want"], 0.0)
        profit = 0.0
        for (i, s), c in sown.items():
            if c:
                grown[c, s] += fact["area"][i] * fact["kg"][c, s]
                profit -= fact["area"][i] * fact["cost"][c, s]
        profit += sum(fact["price"][c] * min(kg, fact["want"][c, s]) for (c, s), kg in grown.items())
        best = max(best, profit)
    return best


@settings(max_examples=20, deadline=None)
@given(villages())
def test_whole_plots_equal_enumeration(drawn: tuple[Problem, dict[str, Any]]) -> None:
    problem, fact = drawn
    params = replace(NO_LEGUMES, min_share=1.0)
    plan = solve(problem, params, 1, EXACT)
    assert plan.profit_yuan == pytest.approx(best_whole_plots(fact), rel=1e-6, abs=1e-3)
    assert broken(problem, params, plan) == []


@settings(max_examples=15, deadline=None)
@given(villages(), st.sampled_from([0.0, 0.3, 0.5]), st.sampled_from(["next", "season-too"]))
def test_every_plan_passes_the_checker_and_fits_its_plots(
    drawn: tuple[Problem, dict[str, Any]], share: float, repeat: Any
) -> None:
    problem, _ = drawn
    params = Params(
        first_year=2026, years=2, legume_from=2026, legume_years=2, min_share=share, repeat=repeat
    )
    plan = solve(problem, params, 1, Stop(gap=0.01, nodes=50, rounds=6, time_limit_s=20))
    assert broken(problem, params, plan) == []
    used = plan.assignments.group_by("plot_id", "year", "season").agg(pl.sum("area_mu"))
    over = used.join(problem.plots, on="plot_id").filter(pl.col("area_mu") > pl.col("area_mu_right") + 1e-6)
    assert over.is_empty()


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(villages())
def test_plots_settled_in_turn_break_no_rule_and_the_bound_holds_the_best_plan(
    drawn: tuple[Problem, dict[str, Any]],
) -> None:
    problem, _ = drawn
    params = replace(NO_LEGUMES, min_share=0.4)
    at_once = solve(problem, params, 1, EXACT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "WHOLE", 0)
        patch.setattr(search, "CHUNK", 1)
        in_turn = solve(problem, params, 1, EXACT)
    assert broken(problem, params, in_turn) == []
    slack = 1e-6 * abs(at_once.profit_yuan) + 1e-3
    assert in_turn.profit_yuan <= at_once.profit_yuan + slack
    assert in_turn.bound_yuan >= at_once.profit_yuan - slack
