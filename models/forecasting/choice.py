"""Which recipe to learn with: a handful is tried on earlier origins over samples of rows, within a budget of work.

Work is counted, not timed, so that the same inputs give the same choice on any machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from features.assemble import scored_frame
from features.panel import Panel
from models.evaluation.metrics import pinball
from models.forecasting.demand import DemandParams
from models.forecasting.learning import learn

LEAST_GAIN = 0.005
"""A recipe must lose so much less quantile loss than the present one to be taken instead: less is luck."""
STEP_DAYS = 28
ROW_TREES_PER_S = 2_500_000.0
"""Rows × trees of 15 leaves a core learns in a second, features included (measured on one shared core)."""


@dataclass(frozen=True)
class Choice:
    """The recipe taken, and what the others came to."""

    name: str
    params: DemandParams
    table: pl.DataFrame
    """`recipe`, `wql`, `rmse_ratio` (root of the squared error ÷ mean sold), `bias`, `work_s` (estimated CPU), `rows`; null where
    the budget was spent."""


def recipes(present: DemandParams) -> dict[str, DemandParams]:
    """The present recipe first, then others a step away from it: other powers, row weights, sizes and histories."""
    return {
        "present": present,
        "heavier tail": replace(present, tweedie_power=min(present.tweedie_power + 0.3, 1.9)),
        "lighter tail": replace(present, tweedie_power=max(present.tweedie_power - 0.1, 1.05)),
        "large series first": replace(present, level_weight=min(present.level_weight + 0.3, 1.0)),
        "all series alike": replace(present, level_weight=max(present.level_weight - 0.3, 0.0)),
        "more trees": replace(present, trees=present.trees * 2, leaves=present.leaves * 2 + 1),
        "this season": replace(present, train_days=max(present.train_days // 3, 90)),
    }


def choose_recipe(
    panel: Panel,
    candidates: Mapping[str, DemandParams],
    *,
    origins: Sequence[date],
    horizon_days: int,
    levels: Sequence[float],
    seed: int,
    threads: int,
    budget_s: float,
    max_rows: int = 60_000,
) -> Choice:
    """Try each recipe on what was known at the first origin and forecast from all of them.

    Args:
        panel: What is known.
        candidates: Name → recipe; the first is the present one, and is always tried.
        origins: Ascending, each a whole horizon before the panel's cutoff.
        horizon_days: Days ahead.
        levels: Quantile levels.
        seed: Of the fits and the sample.
        threads: For LightGBM.
        budget_s: Seconds of CPU, as `work_s` estimates them; a recipe that would exceed it is not tried.
        max_rows: Rows learnt from at most, and rows scored per origin; drawn evenly, the same for every recipe.

    Returns:
        The recipe with the least quantile loss if it loses at least 0.5 % less than the present one on all rows and no more
        at any origin than the present one + 0.5 %; else the present one.

    Raises:
        TooLittleHistoryError: The first origin has too little history.
        ValueError: There is no candidate or no origin.
    """
    if not candidates or not origins:
        raise ValueError("nothing to choose from; name at least one recipe and one origin")
    frames = [
        scored_frame(panel, origin=o, horizon_days=horizon_days, max_rows=max_rows, seed=seed)
        for o in origins
    ]
    spent, losses, rows = 0.0, dict[str, list[float]](), list[dict[str, object]]()
    for name, params in candidates.items():
        trial = replace(
            params,
            max_rows=min(params.max_rows, max_rows),
            held_out_rows=min(params.held_out_rows, max_rows),
        )
        work = work_s(trial)
        if losses and spent + work > budget_s:
            rows.append({"recipe": name})
            continue
        spent += work
        model = learn(
            panel,
            last=origins[0],
            params=trial,
            horizon_days=horizon_days,
            levels=levels,
            seed=seed,
            threads=threads,
        )
        scored = [
            _scored(frame, model.mean_kg(frame, threads=threads), levels, model.quantiles) for frame in frames
        ]
        losses[name] = [s["loss"] / s["sold"] for s in scored]
        total = {key: sum(s[key] for s in scored) for key in scored[0]}
        rows.append({"recipe": name, **_figures(total), "work_s": work})
    name = _taken(losses)
    return Choice(name, candidates[name], pl.DataFrame(rows, schema=SCHEMA))


def unchosen(params: DemandParams) -> Choice:
    """The present recipe, untried."""
    return Choice("present", params, pl.DataFrame([{"recipe": "present"}], schema=SCHEMA))


SCHEMA = {
    "recipe": pl.String,
    "wql": pl.Float64,
    "rmse_ratio": pl.Float64,
    "bias": pl.Float64,
    "work_s": pl.Float64,
    "rows": pl.Int64,
}


def work_s(params: DemandParams) -> float:
    """Estimated CPU seconds of `learn`: two fits of the mean, each tree costing more the more leaves it has.

    Trees on absolute error cost 1.7 times as much each (measured on 16,000 series of real days).
    """
    trees = params.trees * (2.7 if params.usual_share else 1.0)
    return 2 * params.max_rows * trees * float(np.log2(params.leaves + 1) / 4) / ROW_TREES_PER_S


def choice_origins(cutoff: date, *, count: int, horizon_days: int) -> tuple[date, ...]:
    """The last `count` origins whose whole horizon is known at the cutoff, four weeks apart, ascending."""
    last = cutoff - timedelta(days=horizon_days)
    return tuple(last - timedelta(days=STEP_DAYS * i) for i in reversed(range(count)))


def _scored(
    frame: pl.DataFrame,
    mean_kg: np.ndarray,
    levels: Sequence[float],
    quantiles: Callable[[np.ndarray, pl.DataFrame], np.ndarray],
) -> dict[str, float]:
    kg = quantiles(mean_kg, frame)
    with_both = frame.select("sold_kg", "weight").with_columns(
        pl.Series("mean", mean_kg), *(pl.Series(f"{i}", kg[:, i]) for i in range(len(levels)))
    )
    sold, weight = pl.col("sold_kg").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
    loss = 2 * pl.sum_horizontal(pinball(sold, pl.col(f"{i}"), q) for i, q in enumerate(levels)) / len(levels)
    total = with_both.select(
        loss=(loss * weight).sum(),
        sold=(sold * weight).sum(),
        squares=((pl.col("mean") - sold) ** 2 * weight).sum(),
        off=((pl.col("mean") - sold) * weight).sum(),
        rows=pl.len(),
    )
    found = total.row(0, named=True)
    return {**found, "sold": max(found["sold"], 1e-9)}


def _figures(total: Mapping[str, float]) -> dict[str, float | int]:
    rows, sold = total["rows"], total["sold"]
    return {
        "wql": total["loss"] / sold,
        "rmse_ratio": float(np.sqrt(total["squares"] / rows) / (sold / rows)),
        "bias": total["off"] / sold,
        "rows": int(rows),
    }


def _taken(losses: Mapping[str, Sequence[float]]) -> str:
    present = next(iter(losses))
    base = np.asarray(losses[present])
    best = min(losses, key=lambda name: float(np.sum(losses[name])))
    found = np.asarray(losses[best])
    better = found.sum() < (1 - LEAST_GAIN) * base.sum() and (found <= (1 + LEAST_GAIN) * base).all()
    return best if better else present
