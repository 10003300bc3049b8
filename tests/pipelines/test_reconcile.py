"""The written forecasts agree and add up: days with weeks, leaves with every node above them; overrides stay."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.reconcile import agree_horizons, spread_known, weights_known
from settings import Settings
from warehouse import Warehouse

CUTOFF = date(2026, 1, 7)  # a Wednesday
KNOWN = datetime(2025, 12, 1, tzinfo=UTC)
LEAVES = [(p, c, r) for p in ("fine", "plain") for c in ("shop", "till") for r in ("r", "s")]
RATIOS = {0.1: 0.4, 0.5: 0.9, 0.9: 1.8}


@pytest.fixture
def county(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county", levels=(0.1, 0.5, 0.9), threads=1)


@pytest.fixture
def wh(county: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(county.warehouse_path) as warehouse:
        fill(warehouse)
        yield warehouse


def fill(wh: Warehouse) -> None:
    wh.append("channel", pl.DataFrame({"channel_id": ["shop", "till"]}).with_columns(
        name="channel_id", platform=pl.lit("market"), shop="channel_id", commission_share=pl.lit(0.0), known_at=pl.lit(KNOWN)))  # fmt: skip
    wh.append("region", pl.DataFrame({"region_id": ["r", "s"], "name": ["r", "s"], "known_at": [KNOWN] * 2}))
    wh.append("product", pl.DataFrame({"product_id": ["fine", "plain"]}).with_columns(
        name_zh="product_id", name_en="product_id", family=pl.lit("leeks"), known_at=pl.lit(KNOWN)))  # fmt: skip
    sales = [(*leaf, CUTOFF - timedelta(days=n), 2.0, KNOWN) for leaf in LEAVES for n in range(30)]
    schema = ["product_id", "channel_id", "region_id", "sale_date", "sold_kg", "known_at"]
    wh.append("daily_sale", pl.DataFrame(sales, schema=schema, orient="row"))
    days = [
        (*leaf, CUTOFF + timedelta(days=d + 1), q, 2.0 * k, 2.0)
        for leaf in LEAVES
        for d in range(28)
        for q, k in RATIOS.items()
    ]
    schema = ["product_id", "channel_id", "region_id", "forecast_date", "level", "demand_kg", "expected_kg"]
    frame = pl.DataFrame(days, schema=schema, orient="row").with_columns(
        run_id=pl.lit("r"), model_version=pl.lit("demand-1")
    )
    wished = (pl.col("product_id") == "fine") & (pl.col("forecast_date") == CUTOFF + timedelta(days=9))
    frame = frame.with_columns(
        pl.when(wished)
        .then(pl.col("demand_kg", "expected_kg") * 5)
        .otherwise(pl.col("demand_kg", "expected_kg")),
        model_version=pl.when(wished).then(pl.lit("demand-1+override")).otherwise("model_version"),
    )
    wh.replace("demand_forecast", frame, cutoff=CUTOFF)
    monday = date(2026, 1, 5)
    weeks = [("leeks", c, r, monday + timedelta(weeks=w), q, 40.0 * k, 40.0) for c in ("shop", "till") for r in ("r", "s")
             for w in range(52) for q, k in RATIOS.items()]  # fmt: skip
    schema = ["family", "channel_id", "region_id", "week_start", "level", "demand_kg", "expected_kg"]
    rows = pl.DataFrame(weeks, schema=schema, orient="row").with_columns(
        run_id=pl.lit("r"), model_version=pl.lit("s")
    )
    wh.replace("season_forecast", rows, cutoff=CUTOFF)


def weigh(wh: Warehouse) -> None:
    rows = pl.DataFrame(
        {"week": [1, 2, 3, 4], "days_weight": [0.5] * 4, "origins": [3] * 4, "run_id": ["t"] * 4}
    )
    wh.replace("horizon_weight", rows, cutoff=CUTOFF - timedelta(days=3))


def test_weeks_days_and_nodes_tell_one_story(county: Settings, wh: Warehouse) -> None:
    weigh(wh)
    assert agree_horizons(county, wh, cutoff=CUTOFF, run_id="r") == wh.read("demand_forecast_node").height
    worst = wh.sql(
        "with d as (select channel_id, region_id, date_trunc('week', forecast_date)::date as week_start, sum(expected_kg) as kg "
        "from demand_forecast where level = 0.5 group by all) "
        "select s.week_start, max(abs(s.expected_kg - d.kg - if(s.week_start = '2026-01-05', 3 * 2 * 2.0, 0))) as gap "
        "from season_forecast s join d using (channel_id, region_id, week_start) where s.level = 0.5 group by 1 order by 1"
    )
    assert max(worst["gap"][:4]) < 1e-6
    per_level = wh.sql(
        "select node_level, forecast_date, sum(expected_kg) as kg from demand_forecast_node where level = 0.5 group by all"
    )
    days = wh.sql(
        "select forecast_date, sum(expected_kg) as day_kg from demand_forecast where level = 0.5 group by 1"
    )
    both = per_level.join(days, on="forecast_date")
    assert both.height == 7 * 28
    assert (both["kg"] - both["day_kg"]).abs().max() < 1e-6
    assert wh.read("season_forecast").height == 4 * 52 * 3


def test_an_overridden_leaf_stays_and_its_parents_move(county: Settings, wh: Warehouse) -> None:
    weigh(wh)
    written = wh.sql("select * from demand_forecast where model_version like '%override' order by all")
    agree_horizons(county, wh, cutoff=CUTOFF, run_id="r")
    assert wh.sql("select * from demand_forecast where model_version like '%override' order by all").equals(
        written
    )
    node = wh.sql(
        "select expected_kg from demand_forecast_node where node_level = 'product' and product_id = 'fine' and level = 0.5 "
        "and forecast_date = $day",
        day=CUTOFF + timedelta(days=9),
    )
    assert node["expected_kg"].to_list() == pytest.approx([4 * 10.0])
    free = wh.sql("select distinct expected_kg from demand_forecast where forecast_date = '2026-01-20'")
    assert free["expected_kg"].to_list() == pytest.approx([2 * (0.5 * 28 + 0.5 * 40) / 28])


def test_before_the_first_training_the_days_stand_alone(county: Settings, wh: Warehouse) -> None:
    before = wh.sql("select * from demand_forecast order by all")
    agree_horizons(county, wh, cutoff=CUTOFF, run_id="r")
    assert wh.sql("select * from demand_forecast order by all").equals(before)
    assert (spread_known(wh, CUTOFF).origins, weights_known(wh, CUTOFF).origins) == (0, 0)


def test_without_days_there_are_no_nodes_and_the_season_stays(county: Settings, wh: Warehouse) -> None:
    later = CUTOFF + timedelta(days=1)
    assert agree_horizons(county, wh, cutoff=later, run_id="r") == 0
