"""The real sets' layouts as table files: units, seasons, mapping, and errors that flow through to the doors."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from benchmarks.planting import case_of
from models.planning.problem import Stop
from models.planning.village import solve
from pipelines.ingest import load
from pipelines.plan import check_plan, plan_planting
from pipelines.real_inputs import NEEDED, SENSORS, VEGETABLES, VILLAGE, WEATHER, MissingData, real_deliveries
from pipelines.real_profile import real_profile
from settings import Settings
from warehouse import Warehouse

PACK, LOOSE, OTHER = "102900011030059", "102900005115779", "102900000000000"
"""Codes of a packed and a loose lettuce of the mapping, and one that it does not have."""


def write(folder: Path, name: str, frame: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_csv(folder / name.removesuffix(".gz"))
    if name.endswith(".gz"):
        plain = folder / name.removesuffix(".gz")
        (folder / name).write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Made-up figures in the layouts of the real sets."""
    root = tmp_path / "data"
    days = pl.date_range(pl.date(2023, 4, 1), pl.date(2023, 6, 30), eager=True)
    sales = pl.concat(
        pl.DataFrame({"date": days}).with_columns(
            item_code=pl.lit(code), quantity_kg=pl.lit(20.0), avg_price_yuan_per_kg=pl.lit(4.0),
            discounted_ratio=pl.lit(0.0), transaction_count=pl.lit(9),
        )
        for code in (PACK, LOOSE, OTHER)
    )  # fmt: skip
    write(root / VEGETABLES, "daily_sales.csv.gz", sales)
    wholesale = sales.select("date", "item_code", wholesale_price_yuan_per_kg=pl.lit(2.0))
    wrong = pl.DataFrame({"date": [days[0]], "item_code": [PACK], "wholesale_price_yuan_per_kg": [0.01]})
    kept = wholesale.filter((pl.col("item_code") != PACK) | (pl.col("date") != days[0]))
    write(root / VEGETABLES, "wholesale_prices.csv.gz", pl.concat([kept, wrong]))
    items = {
        "item_code": [PACK, LOOSE, OTHER],
        "item_name": ["生菜份", "生菜 ", "杂菜"],
        "category_name": "花叶类",
    }
    write(root / VEGETABLES, "items.csv", pl.DataFrame(items).with_columns(loss_rate_percent=pl.lit(20.0)))
    village = root / VILLAGE
    write(
        village,
        "plots.csv",
        pl.DataFrame({"plot": ["A1", "D1"], "land_type": ["dry_flat", "irrigated"], "area_mu": [50, 9]}),
    )
    crops = {"crop_id": [1, 6, 16, 17, 30], "name_zh": list("豆麦稻豇菜"), "name_en": list("abcde")}
    kinds = ["粮食（豆类）", "粮食", "粮食", "蔬菜（豆类）", "蔬菜"]
    write(
        village,
        "crops.csv",
        pl.DataFrame(crops).with_columns(kind_zh=pl.Series(kinds), legume=pl.Series([1, 0, 0, 1, 0])),
    )
    stats = [
        (1, "dry_flat", 1),
        (6, "dry_flat", 1),
        (16, "irrigated", 1),
        (17, "irrigated", 1),
        (30, "irrigated", 1),
    ]
    worth = {
        "yield_jin_per_mu": 800.0,
        "cost_yuan_per_mu": 450.0,
        "price_low_yuan_per_jin": 3.0,
        "price_high_yuan_per_jin": 4.0,
    }
    frame = pl.DataFrame(stats, schema=["crop_id", "land_type", "season"], orient="row")
    write(village, "stats_2023.csv", frame.with_columns(**{k: pl.lit(v) for k, v in worth.items()}))
    planted = pl.DataFrame(
        [("A1", 6, 1, 50.0), ("D1", 16, 1, 9.0)],
        schema=["plot", "crop_id", "season", "area_mu"],
        orient="row",
    )
    write(village, "plantings_2023.csv", planted)
    for folder in (SENSORS, WEATHER):
        for name in NEEDED[folder]:
            write(root / folder, name, pl.DataFrame({"x": [1]}))
    return root


def test_missing_files_are_listed_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"lacks cumcm2023c-vegetables/daily_sales\.csv\.gz, .* ANXU_DATA"):
        real_deliveries(tmp_path / "nowhere", tmp_path / "out")


def test_jin_become_kg_prices_their_middle_and_single_crops_take_the_year(data: Path, tmp_path: Path) -> None:
    real_deliveries(data, tmp_path / "out")
    yields = pl.read_csv(tmp_path / "out" / "practice_yield.csv").row(0, named=True)
    assert (yields["yield_kg_per_mu"], yields["price_yuan_per_kg"]) == (400.0, 7.0)
    practices = pl.read_csv(tmp_path / "out" / "practice.csv")
    spans = dict(practices.select("practice_id", "last_season").iter_rows())
    assert spans == {
        "dry_flat-1-1": 2,
        "dry_flat-1-6": 2,
        "irrigated-1-16": 2,
        "irrigated-1-17": 1,
        "irrigated-1-30": 1,
    }


def test_crops_get_the_thermal_time_that_is_declared_and_others_none(data: Path, tmp_path: Path) -> None:
    report = real_deliveries(data, tmp_path / "out")
    crops = pl.read_csv(tmp_path / "out" / "crop.csv").select("crop_id", "base_temp_c", "mature_gdd_c_d")
    declared = real_profile().heat
    assert crops.drop_nulls().rows() == [
        (int(c), declared[c].base_temp_c, declared[c].mature_gdd_c_d) for c in ("1", "6", "16")
    ]
    assert crops.height == 5
    assert {p.parent.name for p in report.weather} == {WEATHER}
    assert {p.parent.name for p in report.sensors} == {SENSORS}


def test_counted_packs_become_their_weight_and_keep_their_money(data: Path, tmp_path: Path) -> None:
    real_deliveries(data, tmp_path / "out")
    sales = pl.read_csv(tmp_path / "out" / "daily_sale.csv", schema_overrides={"product_id": pl.String})
    pack = next(i.pack_kg for c in real_profile().crop for i in c.items if i.item_code == PACK)
    assert sales.filter(pl.col("product_id") == PACK)["sold_kg"].unique().to_list() == [
        pytest.approx(20 * pack)
    ]
    assert sales["revenue_yuan"].unique().to_list() == [80.0]
    prices = pl.read_csv(tmp_path / "out" / "price_day.csv", schema_overrides={"product_id": pl.String})
    assert prices.filter(pl.col("product_id") == PACK)["price_yuan_per_kg"][0] == pytest.approx(4 / pack)


def test_items_without_a_crop_are_listed_and_mapped_ones_take_the_stores_loss(
    data: Path, tmp_path: Path
) -> None:
    report = real_deliveries(data, tmp_path / "out")
    assert report.unmapped["item_code"].to_list() == [OTHER]
    assert report.cutoff.isoformat() == "2023-06-30"
    mapped = pl.read_csv(tmp_path / "out" / "product_crop.csv")
    assert mapped["crop_kg_per_product_kg"].unique().to_list() == [1.25]


def test_the_files_go_through_the_ordinary_doors_and_end_in_a_checked_plan(
    data: Path, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "county", plan_years=2)
    report = real_deliveries(data, tmp_path / "out")
    now = settings.known_by(report.cutoff).astimezone(UTC)
    with Warehouse.open(settings.warehouse_path) as wh:
        loaded = load(settings, wh, list(report.files), history=True, now=now)
        assert {f.state for f in loaded.files} == {"taken"}
        assert wh.read("rejected_row")["rule"].to_list() == ["price_yuan_per_kg_check"]
        result = plan_planting(settings, wh, cutoff=report.cutoff, run_id="r")
        plan = wh.read("planting_plan").row(0, named=True)
        sources = dict(wh.read("planting_balance").select("crop_id", "demand_source").iter_rows())
    assert (plan["first_year"], plan["rules_broken"]) == (2024, 0)
    assert sources["6"] == "expected sales"
    assert sources["30"] == "last year's sales × catchment"
    assert result.report is not None
    assert now < datetime(2023, 7, 1, tzinfo=UTC)


def test_the_mapping_names_each_item_once_and_a_family_for_each_crop() -> None:
    profile = real_profile()
    codes = [item.item_code for crop in profile.crop for item in crop.items]
    assert len(codes) == len(set(codes))
    assert sorted(n for numbers in profile.families.values() for n in numbers) == list(range(1, 42))
    assert {int(crop.crop_id) for crop in profile.crop} <= set(range(1, 42))


@pytest.mark.real
def test_the_benchmark_village_is_planned_close_to_its_bound_and_breaks_no_rule() -> None:
    folder = Settings().data / VILLAGE
    if not folder.exists():
        pytest.skip(f"no folder '{folder}': set ANXU_DATA to the real data sets")
    problem, params = case_of(folder, surplus="lost", years=3)
    plan = solve(problem, params, 1, Stop(gap=0.005, nodes=20, rounds=40, time_limit_s=60))
    assert check_plan(plan, problem, params).broken.is_empty()
    assert plan.gap <= 0.005
