"""Why a line stands: its limits, the next best use of its land by exact difference, and unserved demand with cause."""

from typing import Any

import polars as pl
import pytest

from models.planning.problem import Params, Plan, Problem, Stop
from models.planning.reasons import Freshness, explain
from models.planning.village import solve

EXACT = Stop(gap=1e-6, nodes=500, rounds=20, time_limit_s=30)
PARAMS = Params(first_year=2026, years=1, legume_years=0)
FRESH = Freshness("销量至 5 月", "sales to May")


def problem(*, rice_kg: float, history: list[tuple[object, ...]] | None = None, **demand: Any) -> Problem:
    """One plot of 10 mu; rice earns 900 yuan a mu, beans 300, kale less than its cost."""
    crops, price = ["rice", "bean", "kale"], [10.0, 4.0, 0.5]
    wants: dict[str, float] = {"rice": float(rice_kg), "bean": 1000.0, "kale": 0.0, **demand}
    return Problem.from_frames(
        plots=pl.DataFrame({"plot_id": ["N1"], "land_class": ["dry"], "area_mu": [10.0]}),
        practices=pl.DataFrame(
            {
                "practice_id": [f"{c}-1" for c in crops], "crop_id": crops, "land_class": "dry", "season": 1,
                "last_season": 1, "cost_yuan_per_mu": 100.0, "is_perennial": False,
            }
        ),
        practice_yield=pl.DataFrame(
            {
                "practice_id": [f"{c}-1" for c in crops], "crop_id": crops, "yield_kg_per_mu": 100.0,
                "price_yuan_per_kg": price, "salvage_yuan_per_kg": 0.0,
            }
        ),
        crops=pl.DataFrame(
            {
                "crop_id": crops, "name_zh": ["水稻", "豆", "羽衣甘蓝"], "name_en": crops, "family": crops,
                "is_legume": [False, True, False],
            }
        ),
        planting=pl.DataFrame(
            history or [],
            schema={
                "plot_id": pl.String, "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64,
                "area_mu": pl.Float64, "practice_id": pl.String,
            },
            orient="row",
        ),
        demand=pl.DataFrame(
            {
                "crop_id": list(wants), "year": 2026, "season": 1, "demand_kg": list(wants.values()), "committed_kg": 0.0,
                "demand_source": "forecast",
            }
        ),
    )  # fmt: skip


def explained(
    given: Problem, params: Params = PARAMS
) -> tuple[Plan, dict[str, dict[str, tuple[str, float | None]]]]:
    """The plan, and per recommendation the last reason of each kind: English text and value."""
    plan = solve(given, params, 1, EXACT)
    told: dict[str, dict[str, tuple[str, float | None]]] = {}
    for r in explain(given, params, plan, FRESH).iter_rows(named=True):
        told.setdefault(r["recommendation_id"], {})[r["kind"]] = (r["text_en"], r["value_yuan"])
        assert r["text_zh"]
    return plan, told


def test_a_line_names_its_limit_its_next_best_and_the_demand_it_serves() -> None:
    _, told = explained(problem(rice_kg=600.0))
    rice = told["N1/2026/1/rice-1"]
    assert rice["next_best"] == (
        "next best: bean would lose 600 yuan a mu, 3,600 in all",
        pytest.approx(3600),
    )
    assert rice["demand"][0] == "600 kg of rice towards 600 kg asked for in 2026 season 1 (source: forecast)"
    assert rice["freshness"][0] == "data: sales to May"


def test_the_loss_of_the_next_best_is_what_a_plan_without_the_line_earns_less() -> None:
    given = problem(rice_kg=5000.0)
    plan, told = explained(given)
    loss = told["N1/2026/1/rice-1"]["next_best"][1]
    refused = [("N1", "rice-1", 2026, 1, 0.0, 0.0)]
    without = Problem(
        given.plots, given.practices, given.yields, given.crops, given.history, given.demand,
        pl.DataFrame(refused, schema=given.fixed.schema, orient="row"),
    )  # fmt: skip
    assert loss == pytest.approx(plan.profit_yuan - solve(without, PARAMS, 1, EXACT).profit_yuan)


def test_a_full_plot_tells_what_one_more_mu_would_earn() -> None:
    _, told = explained(problem(rice_kg=5000.0))
    text, value = told["N1/2026/1/rice-1"]["limit"]
    assert text == "the plot is full: one more mu of dry in 2026 season 1 would earn 900 yuan"
    assert value == pytest.approx(900)


def test_a_better_crop_that_may_not_follow_itself_is_named() -> None:
    _, told = explained(problem(rice_kg=5000.0, history=[("N1", "rice", 2025, 1, 10.0, "rice-1")]))
    text, value = told["N1/2026/1/bean-1"]["limit"]
    assert text == "the repeat rule forbids rice, which would earn 6,000 yuan more"
    assert value == pytest.approx(6000)


def test_unserved_demand_has_its_cause() -> None:
    _, told = explained(problem(rice_kg=600.0, kale=100.0))
    assert told["unserved/kale/2026/1"]["unserved"][0].endswith(
        "it sells below its cost; a kg loses 0.50 yuan"
    )
    text, value = told["unserved/bean/2026/1"]["unserved"]
    assert (
        text == "600 of 1,000 kg bean asked for in 2026 season 1 stay unserved: the land that fits it is full"
    )
    assert value == pytest.approx(0.0)


def test_demand_for_a_crop_without_practice_says_what_is_missing() -> None:
    _, told = explained(problem(rice_kg=600.0, leek=50.0))
    assert "crop 'leek' has demand but no row in crop" in told["unserved/leek/2026/1"]["unserved"][0]
