"""Bounds of a village plan: never below the best plan, never above the relaxation, and tighter where plots are coarse."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.planning.activities import cliques, spread
from models.planning.bounds import Bound, tighter_bound
from models.planning.formulation import formulate
from models.planning.highs import Solver
from models.planning.problem import Params, Problem

CROPS = ("a", "b", "c")
PARAMS = Params(first_year=2026, years=2, legume_years=0, min_share=0.5)


def village(
    area: list[float], kg: list[int], price: list[int], want: list[int], promised: float, salvage: float = 0.5
) -> Problem:
    names = [f"N{i}" for i in range(len(area))]
    return Problem.from_frames(
        plots=pl.DataFrame({"plot_id": names, "land_class": "dry", "area_mu": area}),
        practices=pl.DataFrame(
            [{"practice_id": f"{c}-{s}", "crop_id": c, "land_class": "dry", "season": s, "last_season": s,
              "cost_yuan_per_mu": 10.0, "is_perennial": False} for c in CROPS for s in (1, 2)]
        ),
        practice_yield=pl.DataFrame(
            [{"practice_id": f"{c}-{s}", "crop_id": c, "yield_kg_per_mu": float(k), "price_yuan_per_kg": float(p),
              "salvage_yuan_per_kg": p * salvage} for c, k, p in zip(CROPS, kg, price, strict=True) for s in (1, 2)]
        ),
        crops=pl.DataFrame(
            {"crop_id": CROPS, "name_zh": CROPS, "name_en": CROPS, "family": CROPS, "is_legume": [False] * 3}
        ),
        planting=pl.DataFrame(
            schema={"plot_id": pl.String, "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64,
                    "area_mu": pl.Float64, "practice_id": pl.String}
        ),
        demand=pl.DataFrame(
            [{"crop_id": c, "year": y, "season": s, "demand_kg": float(w), "committed_kg": promised * w,
              "demand_source": "forecast"}
             for y in (2026, 2027) for s in (1, 2) for c, w in zip(CROPS, want, strict=True)]
        ),
    )  # fmt: skip


def bounds(problem: Problem, rounds: int) -> tuple[float, float, Bound]:
    """The best plan's value, the relaxation's, and the tighter bound."""
    programme = formulate(problem, PARAMS, spread(problem, PARAMS))
    keys = programme.first_sale - programme.first_key
    solver = Solver(programme, seed=1, time_limit_s=60)
    every, free = np.ones(keys, dtype=np.bool_), np.full(keys, np.nan)
    relaxed = solver.run(binary=~every, settled=free)
    prices = solver.row_prices()
    best = solver.run(binary=every, settled=free, gap=1e-7)
    found = tighter_bound(programme, prices, best.value, rounds=rounds, seconds=60, seed=1)
    return best.value, relaxed.value, found


number = st.integers(1, 60)


@settings(max_examples=15)
@given(
    st.lists(st.integers(1, 9).map(float), min_size=1, max_size=3),
    *(st.lists(number, min_size=3, max_size=3) for _ in range(3)),
    st.sampled_from([0.0, 0.5]),
)
def test_the_bound_lies_between_the_best_plan_and_the_relaxation(
    area: list[float], kg: list[int], price: list[int], want: list[int], promised: float
) -> None:
    best, relaxed, found = bounds(village(area, kg, price, want, promised), 4)
    slack = 2e-5 * abs(relaxed) + 1e-3
    assert best <= found.value + slack
    assert found.value <= found.first <= relaxed + slack


def test_a_plot_too_large_for_the_demand_is_seen() -> None:
    problem = village([10.0, 10.0], [50, 50, 50], [4, 4, 4], [100, 100, 100], 0.0, salvage=0.0)
    best, relaxed, found = bounds(problem, 12)
    assert best == pytest.approx(12 * (400 - 50))
    assert relaxed == pytest.approx(12 * (400 - 20))
    assert found.value == pytest.approx(best, rel=1e-4)


def test_keys_that_exclude_each_other_share_one_row() -> None:
    pairs = pl.DataFrame(
        {"first": [0, 0, 1, 2], "second": [1, 2, 2, 3]},
        schema_overrides=dict.fromkeys(("first", "second"), pl.UInt32),
    )
    found = cliques(pairs).group_by("clique", maintain_order=True).agg("key")["key"].to_list()
    assert sorted(map(sorted, found)) == [[0, 1, 2], [2, 3]]


def test_three_half_plots_in_a_row_are_no_longer_a_relaxed_plan() -> None:
    problem = village([4.0], [50, 1, 1], [4, 1, 1], [400, 0, 0], 0.0)
    strict = Params(first_year=2026, years=2, legume_years=0, repeat="season-too")
    programme = formulate(problem, strict, spread(problem, strict))
    keys = programme.first_sale - programme.first_key
    relaxed = Solver(programme, seed=1, time_limit_s=20).run(
        binary=np.zeros(keys, dtype=np.bool_), settled=np.full(keys, np.nan)
    )
    # Crop a in season 1 excludes it in season 2 and in season 1 of next year: two sowings of four at most.
    assert relaxed.value == pytest.approx(2 * (4.0 * 50 * 4 - 40.0))
