"""The layout of items by day and store, and how its forecasts are held against each other."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.demand_m5_data import demand_tables, is_m5, matrix, read_m5
from benchmarks.demand_m5_peers import sums
from benchmarks.demand_m5_scores import averaged, musts, scores
from benchmarks.demand_peers import DECILES
from features.panel import build_panel

FIRST = date(2030, 1, 1)
DAYS = [FIRST + timedelta(days=i) for i in range(10)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stores, two departments; item b starts on the third day."""
    head = "item_id,dept_id,store_id,state_id," + ",".join(map(str, DAYS))
    a, b = "2,0,1,3,2,2,0,1,4,2", ",,5,0,1,0,0,2,0,1"
    rows = [f"{i},D{i},{s},X,{kg}" for s in ("X_1", "X_2") for i, kg in (("a", a), ("b", b))]
    (tmp_path / "daily_X.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    days = [f"{day},{'True' if i == 4 else 'False'},{i % 2 == 0}" for i, day in enumerate(DAYS)]
    (tmp_path / "calendar.csv").write_text("\n".join(["date,has_event,snap_X", *days]) + "\n", "utf-8")
    return tmp_path


def test_a_folder_is_known_by_its_columns(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert is_m5(folder)
    other = tmp_path_factory.mktemp("other")
    (other / "calendar.csv").write_text("date,has_event\n", "utf-8")
    assert not is_m5(other)
    with pytest.raises(ValueError, match=r"no file in .* has the columns"):
        read_m5(other)


def test_days_before_the_first_cell_are_not_there_and_zeros_are(folder: Path) -> None:
    data = read_m5(folder)
    b = data.sales.filter((pl.col("item_id") == "b") & (pl.col("store_id") == "X_1"))
    assert b["date"].to_list() == DAYS[2:]
    assert b["sold"].to_list() == [5, 0, 1, 0, 0, 2, 0, 1]
    laid = matrix(data, b.select("item_id", "store_id").head(1), DAYS)
    assert np.isnan(laid[0, :2]).all()
    assert data.last == DAYS[-1]


def test_a_sample_holds_whole_store_departments(folder: Path) -> None:
    drawn = read_m5(folder, series=2, seed=1).sales
    assert (
        drawn.select("store_id", "dept_id").n_unique() == drawn.select("store_id", "item_id").n_unique() == 2
    )


def test_events_and_food_stamp_days_are_known_ahead_where_they_hold(folder: Path) -> None:
    panel = build_panel(demand_tables(read_m5(folder).until(DAYS[6])), cutoff=DAYS[6], horizon_days=3)
    days = panel.campaigns.filter(pl.col("campaign_day") > 0)
    snap = days.filter((pl.col("channel_id") == "X_1") & (pl.col("campaign_discount") > 0))
    assert sorted(snap["date"].to_list()) == DAYS[::2]
    event = days.filter(pl.col("campaign_discount") == 0)
    assert sorted(event["channel_id"].to_list()) == ["X_1", "X_2"]
    assert event["date"].unique().to_list() == [DAYS[4]]


def test_nodes_are_sums_of_their_leaves(folder: Path) -> None:
    data = read_m5(folder)
    assert data.nodes().sales["sold"].sum() == data.sales["sold"].sum()
    assert data.nodes().sales.select("item_id", "store_id").n_unique() == 4


def forecast(data: pl.DataFrame, off: float) -> pl.DataFrame:
    """What came from the eighth day on, plus `off`."""
    came = data.filter(pl.col("date") > DAYS[6]).select(
        "item_id", "store_id", "date", mean=pl.col("sold") + off
    )
    return came.with_columns(pl.col("mean").alias(f"q_{q:g}") for q in DECILES)


def test_a_perfect_forecast_scores_nothing_and_a_missing_one_is_said(folder: Path) -> None:
    data = read_m5(folder)
    keys = data.sales.select("item_id", "store_id").unique().sort("item_id", "store_id")
    exact = scores(data, forecast(data.sales, 0), origin=DAYS[6], horizon=3, keys=keys)
    assert exact == {"rmsse": 0.0, "wql": 0.0, "bias": 0.0}
    b = keys.filter((pl.col("item_id") == "b") & (pl.col("store_id") == "X_1"))
    off = scores(data, forecast(data.sales, 1), origin=DAYS[6], horizon=3, keys=b)
    assert off["rmsse"] == pytest.approx(
        1 / np.sqrt((25 + 1 + 1 + 0) / 4)
    )  # 5, 0, 1, 0, 0 after its first sale
    assert off["wql"] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="1 of 4 series have no whole forecast"):
        scores(data, forecast(data.sales, 0)[1:], origin=DAYS[6], horizon=3, keys=keys)


def test_leaves_of_a_method_add_up_level_by_level(folder: Path) -> None:
    data = read_m5(folder)
    summed = sums({"m": forecast(data.sales, 1)}, data)["m (summed)"]
    assert summed["mean"].sum() == forecast(data.sales, 1)["mean"].sum()
    assert summed["q_0.9"].sum() == forecast(data.sales, 1)["q_0.9"].sum()


def test_ours_is_held_against_the_best_of_the_others() -> None:
    rows = [
        {"segment": s, "metric": m, "method": method, "value": value}
        for s in ("leaf", "leaf, 10 drawn", "store × department")
        for m in ("rmsse", "wql", "bias")
        for method, value in (("anxu", 0.95), ("good", 1.0), ("poor", 2.0))
    ]
    found = musts(averaged([*rows, *rows]))
    assert [m["limit"] for m in found] == [1.0, 0.97] * 2 + [0.97] * 2
    assert all(m["holds"] and m["value"] == 0.95 and "(good)" in str(m["what"]) for m in found)
