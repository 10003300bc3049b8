"""The recipe of a training: chosen before the days it is judged on, or the default."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from features.panel import Panel
from models.forecasting.demand import DemandParams
from pipelines import recipe
from settings import Settings

_spec = importlib.util.spec_from_file_location(
    "demand_cases", Path(__file__).parents[1] / "models" / "test_demand.py"
)
assert _spec
assert _spec.loader
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

SMALL = DemandParams(train_days=180, max_rows=3000, trees=20, leaves=5, least_leaf_rows=20)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return cases.panel_of(cases.sold())


def settings_of(tmp_path: Path, budget_s: int) -> Settings:
    return Settings(
        home=tmp_path, recipe_budget_s=budget_s, horizon_days=7, threads=1, levels=(0.1, 0.5, 0.9)
    )


def test_without_a_budget_a_year_of_days_or_a_champion_the_default_recipe_is_taken(
    panel: Panel, tmp_path: Path
) -> None:
    for budget_s in (0, 100):
        choice = recipe.pick(settings_of(tmp_path, budget_s), panel, judged_from=cases.CUTOFF)
        assert choice.params == DemandParams()
        assert choice.table["wql"].to_list() == [None]


@pytest.mark.slow
def test_with_both_recipes_are_tried_on_days_before_those_judged(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date] = []

    def enough(_: Panel, origins: tuple[date, ...], __: DemandParams) -> bool:
        asked.extend(origins)
        return True

    monkeypatch.setattr(recipe, "_long_enough", enough)
    monkeypatch.setattr(recipe, "DemandParams", lambda: SMALL)
    monkeypatch.setattr(
        recipe.registry, "load_champion", lambda *_, **__: (None, SimpleNamespace(params=SMALL))
    )
    judged_from = cases.CUTOFF - timedelta(days=28)
    choice = recipe.pick(settings_of(tmp_path, 1), panel, judged_from=judged_from)
    assert max(asked) + timedelta(days=7) <= judged_from
    assert choice.table["recipe"].to_list()[0] == "present"
    assert choice.table["wql"].null_count() < choice.table.height
