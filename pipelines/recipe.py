"""The recipe a due training learns with, chosen on days before those it will be judged on."""

from collections.abc import Sequence
from datetime import date, timedelta

from features.panel import Panel
from models.forecasting.choice import Choice, choice_origins, choose_recipe, recipes, unchosen
from models.forecasting.demand import DemandParams
from pipelines import registry
from settings import Settings

ORIGINS = 2


def pick(settings: Settings, panel: Panel, *, judged_from: date) -> Choice:
    """Try the default recipe, and recipes a step from the champion's; a county's first training takes the default.

    Args:
        settings: Horizon, levels, seed, threads, and `recipe_budget_s`; with 0, or too short a history, the default is taken.
        panel: What is known.
        judged_from: First origin of the backtest that will judge the model; everything the choice is made on lies before it.
    """
    default = DemandParams()
    origins = choice_origins(judged_from, count=ORIGINS, horizon_days=settings.horizon_days)
    if not settings.recipe_budget_s or not _long_enough(panel, origins, default):
        return unchosen(default)
    champion = registry.load_champion(settings, cutoff=panel.cutoff)
    if champion is None:
        return unchosen(default)
    present = champion[1].params
    shipped = {} if present == default else {"default": default}
    return choose_recipe(
        panel,
        {"present": present} | shipped | recipes(present),
        origins=origins,
        horizon_days=settings.horizon_days,
        levels=settings.levels,
        seed=settings.seed,
        threads=settings.threads,
        budget_s=settings.recipe_budget_s,
    )


def _long_enough(panel: Panel, origins: Sequence[date], params: DemandParams) -> bool:
    """Whether a year of days lies before the first origin's held-out ones: less tells seasons from recipes badly."""
    return origins[0] - panel.records_begin >= timedelta(days=365 + params.held_out_days)
