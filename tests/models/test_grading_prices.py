from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from models.grading.demand import grade_demand
from models.grading.prices import PriceParams, advice, grade_price_ratios, weighted_median


def reports(
    ratio: float, *, markets: int = 12, months: int = 4, seed: int = 0, spread: float = 0.1
) -> pl.DataFrame:
    """Every market and month reports Medium and Large; markets and months differ threefold in price."""
    rng = np.random.default_rng(seed)
    rows = []
    for m in range(markets):
        for t in range(months):
            level = float(np.exp(rng.normal(3, 0.6)))
            for grade, factor in (("Medium", 1.0), ("Large", ratio)):
                rows += [
                    (
                        f"m{m}",
                        "v",
                        f"2020-{t:02d}",
                        grade,
                        level * factor * float(np.exp(rng.normal(0, spread))),
                    )
                    for _ in range(3)
                ]
    return pl.DataFrame(rows, schema=["market", "variety", "month", "grade", "price"], orient="row")


def test_a_premium_is_found_although_markets_differ_more_than_grades() -> None:
    found = grade_price_ratios(reports(1.2), base="Medium", grades=["Large"], seed=1).row(0, named=True)
    assert found["price_ratio"] == pytest.approx(1.2, abs=0.05)
    assert found["low"] < 1.2 < found["high"]
    assert found["advice"] == "pays"


def test_no_premium_does_not_pay_and_a_grade_that_never_occurs_is_not_estimable() -> None:
    found = grade_price_ratios(reports(1.0), base="Medium", grades=["Medium", "Large", "Extra"], seed=1)
    assert found["advice"].to_list() == ["base", "does_not_pay", "not_estimable"]
    assert found.row(2, named=True)["price_ratio"] is None


def test_a_grade_sold_only_in_dear_markets_is_not_called_dear() -> None:
    apart = pl.concat([
        reports(1.0, markets=6),
        reports(1.0, markets=6, seed=5).filter(pl.col("grade") == "Large").with_columns(
            market=pl.format("x{}", "market"), price=pl.col("price") * 10),
    ])  # fmt: skip
    found = grade_price_ratios(apart, base="Medium", grades=["Large"], seed=1).row(0, named=True)
    assert found["price_ratio"] == pytest.approx(1.0, abs=0.06)


def test_prices_of_nothing_or_below_are_left_out() -> None:
    odd = reports(1.2).with_columns(
        price=pl.when(pl.int_range(pl.len()) % 7 == 0).then(0.0).otherwise("price")
    )
    found = grade_price_ratios(odd, base="Medium", grades=["Large"], seed=1).row(0, named=True)
    assert found["price_ratio"] == pytest.approx(1.2, abs=0.06)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-1, 1)), min_size=1, max_size=7))
def test_the_median_of_log_ratios_solves_the_regression_with_cell_effects(
    cells: list[tuple[float, float]],
) -> None:
    step = np.array([s for _, s in cells])
    n = len(
        cells
    )  # rows: base and grade of each cell; unknowns: cell effects, grade effect, residuals up and down
    y = np.concatenate([[b for b, _ in cells], [b + s for b, s in cells]])
    design = np.hstack([np.vstack([np.eye(n)] * 2), np.repeat([0.0, 1.0], n)[:, None]])
    equal = np.hstack([design, np.eye(2 * n), -np.eye(2 * n)])
    cost = np.concatenate([np.zeros(n + 1), np.ones(4 * n)])
    best = linprog(cost, A_eq=equal, b_eq=y, bounds=[(None, None)] * (n + 1) + [(0, None)] * (4 * n)).fun
    ours = weighted_median(step, np.ones(n))
    assert np.abs(step - ours).sum() == pytest.approx(best, abs=1e-6)


def test_advice_follows_the_whole_interval() -> None:
    assert advice(1.03, 1.1, 0.01) == "pays"
    assert advice(0.99, 1.1, 0.01) == "does_not_pay"
    assert advice(1.005, 1.1, 0.01) == "does_not_pay"
    assert advice(0.7, 0.9, 0.01) == "costs"


def test_few_cells_are_not_estimable() -> None:
    few = reports(1.2, markets=2)
    params = PriceParams(least_cells=5, least_markets=3)
    assert (
        grade_price_ratios(few, base="Medium", grades=["Large"], seed=1, params=params)["advice"][0]
        == "not_estimable"
    )


def test_demand_and_returns_by_grade_add_up() -> None:
    lines = pl.DataFrame({
        "crop_id": ["crab"] * 40 + ["rice"], "grade": ["特级"] * 30 + ["一级"] * 10 + [None],
        "sold_kg": [2.0] * 41, "goods_yuan": [100.0] * 39 + [None, None],
        "is_returned": [True] * 3 + [False] * 38, "paid_on": [date(2026, 1, 1)] * 41,
    })  # fmt: skip
    found = grade_demand(lines)
    assert found["sold_share"].sum() == pytest.approx(1.0)
    best = found.filter(pl.col("grade") == "特级").row(0, named=True)
    assert (best["return_share"], best["yuan_per_kg"]) == (pytest.approx(0.1), pytest.approx(50.0))
    assert found.filter(pl.col("grade") == "一级")["return_share"].to_list() == [None]
