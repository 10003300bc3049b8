"""Joint paths in the warehouse: drawn again alike, one cutoff kept, published, and what planning counts as demand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.plan_demand import daily_demand
from pipelines.publish import publish
from pipelines.scenarios import draw_scenarios
from settings import Settings
from warehouse import Warehouse

CUTOFF = date(2026, 1, 4)
KNOWN = datetime(2025, 12, 1, tzinfo=UTC)
WEEKS = [CUTOFF + timedelta(days=1, weeks=w) for w in range(52)]


@pytest.fixture
def county(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county", levels=(0.1, 0.5, 0.9), threads=1)


@pytest.fixture
def wh(county: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(county.warehouse_path) as warehouse:
        fill(warehouse)
        yield warehouse


def fill(wh: Warehouse) -> None:
    """Leeks in two grades, three to one, and sundries of no crop, as many, sold in one shop to two regions."""
    crop = {"crop_id": "leek", "name_zh": "韭葱", "name_en": "leek", "family": "a", "kind": "vegetable", "is_legume": False,
            "keeps_days": 9, "known_at": KNOWN}  # fmt: skip
    wh.append("crop", pl.DataFrame([crop]))
    channel = {
        "channel_id": "shop",
        "name": "s",
        "platform": "market",
        "shop": "s",
        "commission_share": 0.0,
        "known_at": KNOWN,
    }
    wh.append("channel", pl.DataFrame([channel]))
    wh.append("region", pl.DataFrame({"region_id": ["r", "s"], "name": ["r", "s"], "known_at": [KNOWN] * 2}))
    products = {"product_id": ["fine", "plain", "other"], "grade": ["A", "B", None]}
    wh.append("product", pl.DataFrame(products).with_columns(
        name_zh="product_id", name_en="product_id", family=pl.lit("leeks"), known_at=pl.lit(KNOWN)))  # fmt: skip
    wh.append("product_crop", pl.DataFrame({"product_id": ["fine", "plain"]}).with_columns(
        crop_id=pl.lit("leek"), crop_kg_per_product_kg=pl.lit(1.5), source=pl.lit("test"), known_at=pl.lit(KNOWN)))  # fmt: skip
    kg = {"fine": 3.0, "plain": 1.0, "other": 4.0}
    days = [CUTOFF - timedelta(days=n) for n in range(100)]
    sales = [(p, "shop", r, d, k, KNOWN) for p, k in kg.items() for r in ("r", "s") for d in days]
    schema = ["product_id", "channel_id", "region_id", "sale_date", "sold_kg", "known_at"]
    wh.append("daily_sale", pl.DataFrame(sales, schema=schema, orient="row"))


def forecast(wh: Warehouse, cutoff: date = CUTOFF) -> None:
    rows = [
        ("leeks", "shop", r, w, q, kg)
        for r in ("r", "s")
        for w in WEEKS
        for q, kg in ((0.1, 40.0), (0.5, 80.0), (0.9, 140.0))
    ]
    schema = ["family", "channel_id", "region_id", "week_start", "level", "demand_kg"]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    wh.replace("season_forecast", frame.with_columns(
        run_id=pl.lit("r1"), model_version=pl.lit("m"), expected_kg=pl.lit(88.0)), cutoff=cutoff)  # fmt: skip


def draw(county: Settings, wh: Warehouse, cutoff: date = CUTOFF) -> pl.DataFrame:
    draw_scenarios(county, wh, cutoff=cutoff, run_id="r1")
    return wh.sql("select * from demand_scenario order by all")


def test_a_familys_forecast_becomes_paths_of_its_crop_by_grade(county: Settings, wh: Warehouse) -> None:
    forecast(wh)
    paths = draw(county, wh)
    assert paths.height == 2 * 52
    assert paths["path_kg"].list.len().unique().to_list() == [1000]
    per_grade = paths.group_by("grade").agg(pl.col("expected_kg").mean()).sort("grade")
    assert per_grade["expected_kg"].to_list() == pytest.approx(
        [2 * 88 * 1.5 * 3 / 8, 2 * 88 * 1.5 / 8], rel=1e-6
    )
    total = wh.sql(
        "select level, demand_kg from demand_scenario_total where week_start is null order by level"
    )
    year = 52 * 2 * 88 * 1.5 / 2
    assert total["demand_kg"][0] < year < total["demand_kg"][2]
    one = wh.sql("select sum(kg) as kg, count(*) as rows from demand_scenario_path where path = 7").row(0)
    assert one[1] == 2 * 52
    assert 0.6 * year < one[0] < 1.5 * year


def test_drawing_twice_changes_nothing_and_one_cutoff_is_kept(county: Settings, wh: Warehouse) -> None:
    forecast(wh)
    assert draw(county, wh).equals(draw(county, wh))
    learnt = wh.read("scenario_dependence")
    assert learnt["share"].sum() == pytest.approx(1)
    later = CUTOFF + timedelta(days=2)
    forecast(wh, later)
    assert draw(county, wh, later)["cutoff"].unique().to_list() == [later]
    assert wh.read("scenario_dependence")["cutoff"].unique().to_list() == [CUTOFF]


def test_planning_counts_the_paths_mean_and_says_so_where_there_are_none(
    county: Settings, wh: Warehouse
) -> None:
    forecast(wh)
    plain, source, notes = daily_demand(wh, county, CUTOFF)
    assert [n for n in notes if "no demand paths are drawn" in n]
    draw(county, wh)
    daily, same, fewer = daily_demand(wh, county, CUTOFF)
    assert (source, same) == ("forecast", "forecast")
    assert not [n for n in fewer if "paths" in n]
    assert daily.height == 364
    assert daily["kg"].sum() == pytest.approx(plain["kg"].sum(), rel=1e-9)
    assert [n for n in fewer if "no crop is mapped to" in n]


def test_paths_are_published_with_their_totals(county: Settings, wh: Warehouse) -> None:
    forecast(wh)
    draw(county, wh)
    publish(county, wh, cutoff=CUTOFF, run_id="r1", now=KNOWN)
    (folder,) = [path for path in county.releases_dir.iterdir() if path.is_dir()]
    tables = {
        name: pl.read_parquet(folder / f"{name}.parquet")
        for name in ("demand_scenario", "demand_scenario_total")
    }
    assert tables["demand_scenario"]["path_kg"].list.len().unique().to_list() == [1000]
    assert tables["demand_scenario_total"].height == 53 * 3


def test_without_a_season_forecast_no_path_is_drawn(county: Settings, wh: Warehouse) -> None:
    assert draw(county, wh).is_empty()
