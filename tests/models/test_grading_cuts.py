from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.grading.cuts import CutProblem, Grade, best_cuts, worth


@st.composite
def problems(draw: st.DrawFn) -> CutProblem:
    """Few items, few edges, two or three grades with demand, class limits, costs, falling prices and measuring error."""
    edges = np.array(sorted(draw(st.sets(st.integers(1, 40), min_size=2, max_size=6))), dtype=float)
    edges[0] = 0.0
    items = draw(st.lists(st.tuples(st.floats(0, 45), st.floats(0.1, 5)), min_size=1, max_size=8))
    grades = tuple(
        Grade(
            f"g{k}",
            draw(st.floats(1, 30)),
            draw(st.sampled_from([float("inf"), 3.0, 8.0])),
            draw(st.sampled_from([None, 10.0, 0.0])),
            draw(st.sampled_from([0.0, 2.0])),
            draw(st.sampled_from([0.0, 0.3])),
            draw(st.sampled_from([0.0, 0.5])),
        )
        for k in range(draw(st.integers(1, 3)))
    )
    values, kg = (np.array(x) for x in zip(*items, strict=True))
    return CutProblem(
        values, kg, edges, grades, draw(st.floats(0, 2)), draw(st.sampled_from([0.0, 3.0])), 1.0,
        draw(st.sampled_from([0.0, 0.2])),
    )  # fmt: skip


def enumerated(problem: CutProblem) -> dict[int, float]:
    """Best net yuan by number of grades in use, by trying every choice; grades that take nothing count and cost."""
    found: dict[int, float] = {}
    bins = len(problem.edges)
    for used in range(1, len(problem.grades) + 1):
        for chosen in combinations(range(len(problem.grades)), used):
            for cut in combinations(range(bins - 1, -1, -1), used):
                grades = [problem.grades[k] for k in chosen]
                limits = [float(problem.edges[i]) for i in cut]
                if any(g.least is not None and x < g.least for g, x in zip(grades, limits, strict=True)):
                    continue
                net = worth(problem, [(g.name, x) for g, x in zip(grades, limits, strict=True)])
                net -= paid_for_nothing(problem, grades, limits)
                found[used] = max(found.get(used, -np.inf), net)
    return found


def paid_for_nothing(problem: CutProblem, grades: list[Grade], limits: list[float]) -> float:
    """What `worth` forgives and the program charges: grades without goods, and sorting for them."""
    upper, cost, filled = np.inf, 0.0, 0
    for grade, limit in zip(grades, limits, strict=True):
        has_any = ((problem.values >= limit) & (problem.values < upper)).any()
        cost += 0.0 if has_any else grade.cost_yuan
        filled += bool(has_any)
        upper = limit
    is_forgiven = len(grades) > 1 and filled <= 1
    return cost + (problem.sorting_yuan_per_kg * float(problem.kg.sum()) if is_forgiven else 0.0)


@settings(max_examples=50, deadline=None)
@given(problems())
def test_the_program_equals_trying_every_choice(problem: CutProblem) -> None:
    tried = enumerated(problem)
    found = {len(c.at): c.net_yuan for c in best_cuts(problem)}
    assert found.keys() == tried.keys()
    for used, net in tried.items():
        assert found[used] == pytest.approx(net, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(problems())
def test_the_cuts_found_are_worth_what_is_said(problem: CutProblem) -> None:
    for cuts in best_cuts(problem):
        limits = list(cuts.limits(problem.edges).items())
        grades = [next(g for g in problem.grades if g.name == n) for n, _ in limits]
        forgiven = paid_for_nothing(problem, grades, [x for _, x in limits])
        assert worth(problem, limits) - forgiven == pytest.approx(cuts.net_yuan, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(problems(), st.floats(0.5, 3))
def test_more_demand_for_a_grade_never_earns_less(problem: CutProblem, factor: float) -> None:
    more = tuple(
        Grade(g.name, g.price_yuan_per_kg, g.demand_kg * (1 + factor), g.least, g.cost_yuan, 0.0)
        for g in problem.grades
    )
    less = tuple(
        Grade(g.name, g.price_yuan_per_kg, g.demand_kg, g.least, g.cost_yuan, 0.0) for g in problem.grades
    )
    dear = tuple(g for g in less if np.min(g.price_yuan_per_kg) * 1.0 >= problem.clearance_yuan_per_kg)
    if len(dear) < len(less) or problem.error > 0:
        return

    def best(grades: tuple[Grade, ...]) -> float:
        cuts = best_cuts(
            CutProblem(problem.values, problem.kg, problem.edges, grades, problem.clearance_yuan_per_kg)
        )
        return max((c.net_yuan for c in cuts), default=-np.inf)  # no limit on offer may reach a claimed class

    assert best(more) >= best(less) - 1e-6


def test_unsure_demand_sells_the_mean_of_the_lesser_of_offer_and_demand() -> None:
    grade = Grade("a", 1.0, 100.0, demand_cv=0.4)
    spread = np.sqrt(np.log1p(0.16))
    asked = 100 * np.exp(np.random.default_rng(0).normal(-(spread**2) / 2, spread, 400_000))
    for kg in (20.0, 80.0, 150.0):
        assert float(grade.sells(np.array(kg))) == pytest.approx(np.minimum(asked, kg).mean(), rel=0.005)


def test_three_grades_are_cut_where_demand_ends() -> None:
    values = np.arange(100.0)  # a kilogram each
    grades = (Grade("a", 10.0, 20.0), Grade("b", 5.0, 30.0), Grade("c", 2.0))
    best = best_cuts(CutProblem(values, np.ones(100), np.arange(100.0), grades))[-1]
    assert best.limits(np.arange(100.0)) == {"a": 80.0, "b": 50.0, "c": 0.0}
    assert best.net_yuan == pytest.approx(20 * 10 + 30 * 5 + 50 * 2)


def test_measuring_error_moves_the_cut_above_the_claimed_class() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(60, 10, 4000)
    edges = np.concatenate([[0.0], np.arange(30.0, 90.0)])

    def cut(error: float) -> float:
        grades = (Grade("a", 10.0, least=60.0), Grade("b", 8.0))
        found = best_cuts(CutProblem(values, np.ones(4000), edges, grades, error=error))
        return found[-1].limits(edges)["a"]

    assert cut(0.0) == 60.0
    assert cut(4.0) > 62.0


def test_a_class_is_never_cut_below_its_limit() -> None:
    edges = np.array([0.0, 10.0, 20.0, 30.0])
    grades = (Grade("a", 10.0, least=20.0), Grade("b", 1.0))
    best = best_cuts(CutProblem(np.array([5.0, 15, 25, 35]), np.ones(4), edges, grades))[-1]
    assert best.limits(edges) == {"a": 20.0, "b": 0.0}


def test_goods_without_weight_or_edges_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one measured item"):
        CutProblem(np.array([]), np.array([]), np.array([0.0]), (Grade("a", 1.0),))
    with pytest.raises(ValueError, match="edges must ascend"):
        CutProblem(np.array([1.0]), np.array([1.0]), np.array([2.0, 3.0]), (Grade("a", 1.0),))
