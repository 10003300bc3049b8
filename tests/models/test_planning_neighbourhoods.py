"""Where a plan loses against the bound: the losses of columns and rows add up to the whole distance."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.planning.activities import spread
from models.planning.formulation import formulate
from models.planning.highs import Solver
from models.planning.neighbourhoods import Neighbourhoods, column_losses
from models.planning.problem import Params, Problem

CROPS = ("a", "b", "c")


def two_plots(kg: list[int], price: list[int], want: list[int]) -> Problem:
    practices: list[dict[str, Any]] = [
        {"practice_id": c, "crop_id": c, "land_class": "dry", "season": 1, "last_season": 1,
         "cost_yuan_per_mu": 10.0, "is_perennial": False}
        for c in CROPS
    ]  # fmt: skip
    return Problem.from_frames(
        plots=pl.DataFrame({"plot_id": ["N1", "N2"], "land_class": ["dry", "dry"], "area_mu": [4.0, 7.0]}),
        practices=pl.DataFrame(practices),
        practice_yield=pl.DataFrame(
            {"practice_id": CROPS, "crop_id": CROPS, "yield_kg_per_mu": [float(k) for k in kg],
             "price_yuan_per_kg": [float(p) for p in price], "salvage_yuan_per_kg": [0.0] * 3}
        ),
        crops=pl.DataFrame(
            {"crop_id": CROPS, "name_zh": CROPS, "name_en": CROPS, "family": CROPS, "is_legume": [False] * 3}
        ),
        planting=pl.DataFrame(
            schema={"plot_id": pl.String, "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64,
                    "area_mu": pl.Float64, "practice_id": pl.String}
        ),
        demand=pl.DataFrame(
            [{"crop_id": c, "year": y, "season": 1, "demand_kg": float(w), "committed_kg": 0.0, "demand_source": "forecast"}
             for y in (2026, 2027) for c, w in zip(CROPS, want, strict=True)]
        ),
    )  # fmt: skip


numbers = st.lists(st.integers(1, 90), min_size=3, max_size=3)


@settings(max_examples=20, deadline=None)
@given(numbers, numbers, numbers)
def test_losses_add_up_to_the_distance_from_the_relaxed_value(
    kg: list[int], price: list[int], want: list[int]
) -> None:
    params = Params(first_year=2026, years=2, legume_years=0, min_share=0.5)
    acts = spread(problem := two_plots(kg, price, want), params)
    programme = formulate(problem, params, acts)
    keys = programme.first_sale - programme.first_key
    solver = Solver(programme, seed=1, time_limit_s=20)
    relaxed = solver.run(binary=np.zeros(keys, dtype=bool), settled=np.full(keys, np.nan))
    prices = solver.row_prices()
    plan = solver.run(binary=np.ones(keys, dtype=bool), settled=np.full(keys, np.nan))
    assert plan.x is not None
    columns, rows = column_losses(programme, prices, plan.x)
    assert columns.sum() + rows.sum() == pytest.approx(relaxed.value - plan.value, rel=1e-6, abs=1e-3)
    near = Neighbourhoods(programme, acts.keys["year"].to_numpy(), prices, np.random.default_rng(1))
    for _ in range(8):
        _, free = near.next(plan.x)
        assert free.any()
