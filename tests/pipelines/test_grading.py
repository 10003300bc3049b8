"""From files of a small packing house to published grades: prices, cuts, a standard that a person approves, lots and the mix."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import NormalDist

import polars as pl
import pytest

from models.grading.mix import price_factors, with_factors
from pipelines.grading import grade_goods
from pipelines.ingest import load
from settings import Settings
from warehouse import Warehouse

CUTOFF = date(2025, 12, 31)
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
GRADES = {"特级": (200.0, 20.0, 4.0), "一级": (150.0, 10.0, 30.0), "二级": (0.0, 6.0, 12.0)}
"""Grade → its lower limit (g), yuan per kg, kg sold a day: 特级 is dear and little asked for, yet much is cut."""
CHANNELS = ("a", "b", "c")


def sales() -> str:
    days = [CUTOFF - timedelta(days=n) for n in range(0, 360, 10)]
    rows = [
        f"p-{g},{c},110000,{d},{kg * 10 / 3:.2f},{kg * 10 / 3 * yuan * (1 + 0.1 * n):.2f}\n"
        for g, (_, yuan, kg) in GRADES.items()
        for n, c in enumerate(CHANNELS)
        for d in days
    ]
    return "product_id,channel_id,region_id,sale_date,sold_kg,revenue_yuan\n" + "".join(rows)


def pieces() -> tuple[str, str, str]:
    """Harvests, lots and inspections of three plots: weights about 190 g, so that half would be 特级 by the present limit."""
    heads = [
        "harvest_id,plot_id,crop_id,harvested_at,harvested_kg,grade\n",
        "lot_id,harvest_id,crop_id,grade,lot_kg,packed_on\n",
        "inspection_id,lot_id,attribute,value,sample_kg,inspected_at\n",
    ]
    day = CUTOFF - timedelta(days=3)
    for plot, mean in (("N1", 185.0), ("N2", 195.0), ("N3", 205.0)):
        weights = [NormalDist(mean, 30).inv_cdf((i + 0.5) / 300) for i in range(300)]
        for grade, upper in zip(GRADES, (float("inf"), 200.0, 150.0), strict=True):
            mine = [w for w in weights if GRADES[grade][0] <= w < upper]
            kg, name = 10.0 * len(mine), f"{plot}{'ABC'[list(GRADES).index(grade)]}"
            heads[0] += f"h{name},{plot},tomato,{day} 08:00:00,{kg},{grade}\n"
            heads[1] += f"L{name},h{name},tomato,{grade},{kg},{day}\n"
            heads[2] += "".join(
                f"I{name}{i},L{name},weight_g,{w:.1f},0.2,{day} 15:00:00\n" for i, w in enumerate(mine)
            )
    return heads[0], heads[1], heads[2]


def files() -> dict[str, str]:
    harvests, lots, inspections = pieces()
    standard = "standard,version,crop_id,grade,attribute,min_value,max_value,valid_from\n" + "".join(
        f"清禾,1,tomato,{g},weight_g,{low},,2024-01-01\n清禾,1,tomato,{g},tolerance_share,,0.1,2024-01-01\n"
        for g, (low, _, _) in GRADES.items()
    )
    return {
        "place": "place_id,name,kind,parent_id\nva,甲村,village,\n",
        "region": "region_id,name\n110000,北京市\n",
        "channel": "channel_id,name,platform,shop\n" + "".join(f"{c},{c},market,{c}\n" for c in CHANNELS),
        "crop": "crop_id,name_zh,name_en,family,kind,is_legume,keeps_days\ntomato,番茄,tomato,Solanaceae,vegetable,0,10\n",
        "product": "product_id,name_zh,name_en,family,grade\nsauce,番茄酱,sauce,sauce,\n"
        + "".join(f"p-{g},番茄{g},tomato,tomato,{g}\n" for g in GRADES),
        "product_crop": "product_id,crop_id,crop_kg_per_product_kg,source\n"
        + "".join(f"p-{g},tomato,1,test\n" for g in GRADES),
        "plot": "plot_id,place_id,land_class,area_mu\nN1,va,open,10\nN2,va,open,10\nN3,va,glass,10\n",
        "practice": "practice_id,crop_id,land_class,season,last_season,cost_yuan_per_mu,sow_from_doy,sow_to_doy,"
        "sell_from_doy,sell_to_doy\nt,tomato,open,1,1,100,60,120,1,366\ng,tomato,glass,1,1,100,60,120,1,366\n",
        "practice_yield": "practice_id,crop_id,yield_kg_per_mu,price_yuan_per_kg,salvage_yuan_per_kg\n"
        "t,tomato,500,8,1\ng,tomato,500,8,1\n",
        "recipe": "product_id,crop_id,kg_in_per_kg_out,cost_yuan_per_kg\nsauce,tomato,3,1\n",
        "wholesale_price": "product_id,price_date,price_yuan_per_kg\nsauce,2025-12-01,10\n",
        "grade_standard": standard,
        "daily_sale": sales(),
        "harvest_event": harvests,
        "lot": lots,
        "inspection": inspections,
    }


@dataclass
class House:
    county: Settings
    wh: Warehouse

    def night(self, cutoff: date = CUTOFF) -> str:
        return grade_goods(self.county, self.wh, cutoff=cutoff, run_id=f"{cutoff}")

    def of(self, table: str, cutoff: date = CUTOFF) -> pl.DataFrame:
        return self.wh.sql(f"select * from {table} where cutoff = $c order by all", c=cutoff)

    def answer(self, recommendation_id: str, answer: str) -> None:
        row = {
            "approval_id": "m1", "recommendation_id": recommendation_id, "answer": answer, "author": "Wang Li",
            "reason": None, "written_at": NOW, "known_at": NOW,
        }  # fmt: skip
        self.wh.append("standard_approval", pl.DataFrame([row], schema_overrides={"reason": pl.String}))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A county folder with the files taken in and its first night graded."""
    home = tmp_path_factory.mktemp("packing") / "county"
    county = Settings(home=home, threads=1)
    folder = home.parent / "files"
    folder.mkdir()
    for name, text in files().items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    with Warehouse.open(county.warehouse_path, zone=county.timezone, threads=1) as warehouse:
        report = load(county, warehouse, [folder], history=True, now=NOW)
        assert {f.state for f in report.files} == {"taken"}, report
        assert "1 new_cuts" in House(county, warehouse).night()
    return home


@pytest.fixture
def house(graded: Path, tmp_path: Path) -> Iterator[House]:
    home = tmp_path / "county"
    home.mkdir()
    county = Settings(home=home, threads=1)
    shutil.copy2(graded / county.warehouse_path.name, county.warehouse_path)
    with Warehouse.open(county.warehouse_path, zone=county.timezone, threads=1) as warehouse:
        yield House(county, warehouse)


def test_prices_hold_grades_against_the_one_sold_most_within_market_and_month(house: House) -> None:
    price = {r["grade"]: r for r in house.of("grade_price").iter_rows(named=True)}
    assert {g: r["base_grade"] for g, r in price.items()} == dict.fromkeys(GRADES, "一级")
    assert price["特级"]["price_ratio"] == pytest.approx(2.0, abs=0.001)
    assert price["二级"]["price_ratio"] == pytest.approx(0.6, abs=0.001)
    assert [price[g]["advice"] for g in GRADES] == ["pays", "base", "costs"]
    assert price["特级"]["return_share"] is None  # daily reports say nothing of returns
    assert sum(r["sold_share"] for r in price.values()) == pytest.approx(1)


def test_a_dear_grade_that_is_cut_far_beyond_its_demand_is_proposed_stricter(house: House) -> None:
    one = house.of("grading_recommendation").row(0, named=True)
    assert (one["answer"], one["status"], one["pieces"]) == ("new_cuts", "proposed", 900)
    assert one["net_yuan"] > 1.05 * one["present_yuan"] > one["unsorted_yuan"]
    assert one["recommendation_id"] == f"tomato/{one['version']}"
    cut = {r["grade"]: r for r in house.of("grade_cut").iter_rows(named=True)}
    assert cut["特级"]["min_value"] > cut["特级"]["present_min"] == 200
    assert cut["特级"]["goods_kg"] < 2.5 * cut["特级"]["demand_kg"]
    curve = house.of("grade_curve").filter(grade="特级")
    best = curve.sort("net_yuan", descending=True, nulls_last=True).row(0, named=True)
    assert best["at_value"] == cut["特级"]["min_value"]
    assert best["net_yuan"] == pytest.approx(one["net_yuan"])
    assert curve["goods_share"].sum() == pytest.approx(1, abs=1e-3)
    kinds = house.of("grading_reason").sort("rank")["kind"].to_list()
    assert kinds[0] == "gain"
    assert {"limit", "price", "class", "stability", "sample"} < set(kinds)


def test_a_proposal_is_in_force_only_after_a_person_approves_it(house: House) -> None:
    proposed = house.of("grading_recommendation").row(0, named=True)
    key, version = proposed["recommendation_id"], proposed["version"]
    house.night(CUTOFF + timedelta(days=1))
    standards = house.of("published_standard", CUTOFF + timedelta(days=1))
    assert version not in standards["version"].to_list()
    house.answer(key, "approve")
    second = CUTOFF + timedelta(days=2)
    house.night(second)
    mine = house.of("published_standard", second).filter(crop_id="tomato")
    assert dict(mine.select("version", "is_in_force").unique().iter_rows()) == {version: True, "1": False}
    new = mine.filter(version=version, attribute="weight_g").sort("rank")
    assert new["origin"].unique().to_list() == ["approved"]
    assert new["valid_from"].unique().to_list() == [date(2026, 1, 2)]
    assert "approved by Wang Li" in new["source"][0]
    assert mine.filter(version=version, attribute="tolerance_share")["max_value"].to_list() == [0.1, 0.1, 0.1]
    again = house.of("grading_recommendation", second).row(0, named=True)
    assert (again["answer"], again["version"], again["status"]) == ("keep", version, "in_force")
    labels = house.of("lot_grade", second)["standard"].unique().to_list()
    assert labels == [f"清禾 ({version})"]
    before, after = (
        house.of("grade_mix", c).filter(land_class="", grade="特级")["share"][0] for c in (CUTOFF, second)
    )
    assert after < before


def test_a_refused_proposal_stays_out_of_force_and_says_so(house: House) -> None:
    house.answer(house.of("grading_recommendation")["recommendation_id"][0], "refuse")
    house.night(CUTOFF + timedelta(days=1))
    again = house.of("grading_recommendation", CUTOFF + timedelta(days=1)).row(0, named=True)
    assert (again["answer"], again["status"]) == ("new_cuts", "refused")
    assert house.of("published_standard", CUTOFF + timedelta(days=1)).filter(origin="approved").is_empty()


def test_an_approval_of_nothing_proposed_changes_nothing_and_is_said(house: House) -> None:
    house.answer("tomato/p-none", "approve")
    assert "approval of 'tomato/p-none' names no proposal" in house.night(CUTOFF + timedelta(days=1))


def test_an_own_standard_looser_than_the_class_it_claims_is_named_and_not_in_force(house: House) -> None:
    rows = house.wh.read("grade_standard")
    loose = rows.filter(attribute="weight_g", grade="特级").with_columns(
        standard=pl.lit("清禾优品 GB/T 1354"), crop_id=pl.lit("tomato"), version=pl.lit("2"),
    )  # fmt: skip
    house.wh.append("crop", house.wh.read("crop").with_columns(crop_id=pl.lit("milled_rice")))
    rice = loose.with_columns(
        crop_id=pl.lit("milled_rice"), grade=pl.lit("一级"), attribute=pl.lit("bran_left_pct"),
        min_value=pl.lit(None, pl.Float64), max_value=pl.lit(3.0),
    )  # fmt: skip
    house.wh.append("grade_standard", rice)
    house.night()
    found = house.of("published_standard").filter(standard="清禾优品 GB/T 1354").row(0, named=True)
    assert not found["is_in_force"]
    assert "GB/T 1354 (2018) asks bran_left_pct ≤ 2" in found["fault"]


def test_lots_carry_a_label_only_with_a_sample_that_is_large_enough(house: House) -> None:
    labels = dict(house.of("lot_grade").select("lot_id", "label").unique().iter_rows())
    pieces = dict(house.of("lot_grade").select("lot_id", "pieces").unique().iter_rows())
    assert labels["LN1A"] == labels["LN3A"] == "特级"
    small = [lot for lot, n in pieces.items() if n < 29]
    assert small
    assert all(labels[lot] is None for lot in small)
    shares = house.of("lot_grade").group_by("lot_id").agg(pl.sum("share"))["share"].to_list()
    assert shares == pytest.approx([1.0] * 9, abs=1e-5)


def test_every_kilogram_in_store_goes_somewhere_and_never_up_a_grade(house: House) -> None:
    flows = house.of("lot_allocation")
    lots = house.wh.read("lot")
    assert flows["kg"].sum() == pytest.approx(lots["lot_kg"].sum(), rel=1e-6)
    assert set(flows["destination"]) == {
        "sauce"
    }  # nothing is forecast here: what is left becomes sauce, (10 − 1) ÷ 3 > 1
    assert flows.filter(pl.col("steps_down") < 0).is_empty()


def test_the_mix_by_land_class_moves_the_prices_that_planting_counts_with(house: House) -> None:
    mix = house.of("grade_mix")
    sums = mix.group_by("crop_id", "land_class").agg(pl.sum("share"))
    assert sums["share"].to_list() == pytest.approx([1.0] * 3, abs=1e-5)
    factors = price_factors(mix, house.of("grade_price"))
    by_land = dict(factors.select("land_class", "factor").iter_rows())
    assert by_land["glass"] > 1 > by_land["open"]
    yields, notes = with_factors(
        house.wh.read("practice_yield").sort("practice_id"), house.wh.read("practice"), factors
    )
    assert yields["price_yuan_per_kg"].to_list() == pytest.approx([8 * by_land["glass"], 8 * by_land["open"]])
    assert notes[0].startswith("tomato on glass: price × 1.")


def test_a_night_run_twice_writes_the_same(house: House) -> None:
    tables = (
        "grade_price",
        "grading_recommendation",
        "grade_cut",
        "grade_curve",
        "lot_grade",
        "lot_allocation",
        "grade_mix",
    )
    first = {t: house.of(t) for t in tables}
    house.night()
    for table, rows in first.items():
        assert rows.height
        assert house.of(table).equals(rows), table
