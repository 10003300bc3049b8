"""Choosing a recipe: the present one stays unless another is surely better, within a budget."""

import importlib.util
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from features.panel import Panel
from models.forecasting.choice import Choice, choice_origins, choose_recipe, recipes
from models.forecasting.demand import DemandParams

_spec = importlib.util.spec_from_file_location("demand_cases", Path(__file__).with_name("test_demand.py"))
assert _spec
assert _spec.loader
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

GOOD = replace(cases.PARAMS, trees=30)
POOR = replace(cases.PARAMS, trees=1, learning_rate=0.001)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return cases.panel_of(cases.sold())


def chosen(panel: Panel, candidates: dict[str, DemandParams], *, budget_s: float = 1e9) -> Choice:
    return choose_recipe(
        panel,
        candidates,
        origins=choice_origins(cases.CUTOFF, count=2, horizon_days=14),
        horizon_days=14,
        levels=cases.LEVELS,
        seed=1,
        threads=1,
        budget_s=budget_s,
    )


def test_a_recipe_that_is_surely_better_replaces_the_present_one(panel: Panel) -> None:
    choice = chosen(panel, {"present": POOR, "better": GOOD})
    assert (choice.name, choice.params) == ("better", GOOD)
    assert choice.table["recipe"].to_list() == ["present", "better"]
    assert choice.table["wql"][1] < choice.table["wql"][0]
    assert choice.table["rows"].unique().len() == 1


def test_the_present_recipe_stays_when_the_other_is_worse(panel: Panel) -> None:
    assert chosen(panel, {"present": GOOD, "worse": POOR}).name == "present"


def test_nothing_new_is_begun_once_the_budget_is_spent(panel: Panel) -> None:
    choice = chosen(panel, {"present": POOR, "better": GOOD}, budget_s=0)
    assert choice.name == "present"
    assert choice.table["wql"].to_list()[1] is None


def test_origins_lie_four_weeks_apart_and_leave_a_horizon() -> None:
    assert choice_origins(date(2026, 8, 31), count=2, horizon_days=28) == (
        date(2026, 7, 6),
        date(2026, 7, 6) + timedelta(days=28),
    )


def test_every_candidate_is_one_step_from_the_present_recipe() -> None:
    present = DemandParams()
    found = recipes(present)
    assert next(iter(found.values())) == present
    assert len(set(found.values())) == len(found)
    assert all(1.0 < p.tweedie_power < 2.0 and 0 <= p.level_weight <= 1 for p in found.values())


def test_nothing_to_choose_from_is_said(panel: Panel) -> None:
    with pytest.raises(ValueError, match="name at least one recipe and one origin"):
        chosen(panel, {})
