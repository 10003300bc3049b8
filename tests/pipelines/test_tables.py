from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from pipelines.sources.farm import SOURCES
from pipelines.sources.kinds import Batch, Context, FileRefused
from pipelines.sources.recognise import look, recognise

ARRIVED = datetime(2026, 6, 1, tzinfo=UTC)


def parsed(path: Path, *, history: bool = False, shop: str = "") -> Batch:
    found = recognise(look(path, 1 << 20), SOURCES)
    batches = list(
        found.source.parse(path, found.profile, Context("f", ARRIVED, history, "Asia/Shanghai", shop))
    )
    return next(b for b in batches if b.rows.height or b.rejected.height)


def csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding)
    return path


def test_a_table_with_the_schemas_own_names_is_that_table(tmp_path: Path) -> None:
    batch = parsed(csv(tmp_path, "plot_id,land_class,area_mu\nN-1,dry_flat,18.8\n"))
    assert (batch.table, batch.rows["area_mu"].to_list(), batch.read) == ("plot", [18.8], 1)


@pytest.mark.parametrize(
    ("header", "cell", "mu"),
    [
        ("面积（亩）", "18.8", 18.8),
        ("面积(公顷)", "2", 30),
        ("area_m2", "2,000", 3),
        ("地块面积/亩", "1,200.5", 1200.5),
    ],
)
def test_an_area_comes_in_the_unit_its_header_says(tmp_path: Path, header: str, cell: str, mu: float) -> None:
    batch = parsed(csv(tmp_path, f'地块编号,地块类型,{header}\nN-1,水浇地,"{cell}"\n', "gb18030"))
    assert batch.rows["area_mu"].to_list() == pytest.approx([mu])


def test_jin_become_kilograms_and_prices_per_jin_double(tmp_path: Path) -> None:
    text = "种植方式,作物编号,亩产/斤,单价(元/斤),最低价(元/斤)\nrice-1,rice,1000,1.5,1.2\n"
    row = parsed(csv(tmp_path, text)).rows.row(0, named=True)
    assert (row["yield_kg_per_mu"], row["price_yuan_per_kg"], row["price_low_yuan_per_kg"]) == (500, 3, 2.4)


@pytest.mark.parametrize(
    "day", ["2026-05-01", "2026/5/1", "2026年5月1日", "20260501", "46143", "2026-05-01 13:00:00"]
)
def test_a_day_is_understood_however_it_is_written(tmp_path: Path, day: str) -> None:
    batch = parsed(csv(tmp_path, f"sensor_id,plot_id,installed_on\ns1,N-1,{day}\n"))
    assert batch.rows["installed_on"].to_list() == [date(2026, 5, 1)]


@pytest.mark.parametrize(("word", "legume"), [("是", True), ("0", False), ("TRUE", True), ("无", False)])
def test_yes_and_no_are_understood(tmp_path: Path, word: str, legume: bool) -> None:
    text = f"crop_id,name_zh,family,类别,豆类,keeps_days\nsoy,黄豆,Fabaceae,粮食（豆类）,{word},90\n"
    row = parsed(csv(tmp_path, text)).rows.row(0, named=True)
    assert (row["is_legume"], row["kind"], row["name_en"]) == (legume, "grain", "黄豆")


def test_a_cell_that_is_no_number_refuses_its_line_only(tmp_path: Path) -> None:
    batch = parsed(csv(tmp_path, "plot_id,land_class,area_mu\nN-1,flat,many\nN-2,flat,3\n"))
    assert batch.rows["plot_id"].to_list() == ["N-2"]
    line, rule, detail, text = batch.rejected.row(0)
    assert (line, rule) == (2, "area_mu_type")
    assert "area_mu 'many' is no double" in detail
    assert "many" in text


def test_totals_and_blank_rows_are_dropped_with_a_count(tmp_path: Path) -> None:
    batch = parsed(csv(tmp_path, "plot_id,land_class,area_mu\nN-1,flat,3\n,,\n合计,,3\n"))
    assert (batch.rows.height, batch.dropped, batch.read) == (1, {"blank row": 1, "totals row": 1}, 3)


def test_a_header_below_title_rows_is_found_and_unknown_columns_are_left(tmp_path: Path) -> None:
    batch = parsed(
        csv(tmp_path, "某村地块表,,,\n2026年,,,\narea_mu,备注,plot_id,land_class\n3,近河,N-1,flat\n")
    )
    assert batch.rows.select("plot_id", "area_mu").row(0) == ("N-1", 3)
    assert batch.rows["line_number"].to_list() == [4]


def test_a_workbook_is_read_like_text(tmp_path: Path) -> None:
    path = tmp_path / "plots.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("地块")
        for row, cells in enumerate((["地块名称", "地块类型", "地块面积/亩"], ["N-1", "平旱地", 18.8])):
            sheet.write_row(row, 0, cells)
        book.add_worksheet("说明").write_row(0, 0, ["只是", "说明"])
    batch = parsed(path)
    assert batch.rows.select("plot_id", "land_class", "area_mu").row(0) == ("N-1", "平旱地", 18.8)


def test_a_poor_header_is_refused_with_the_three_nearest(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"nearest: plot .*; .*; .*"):
        parsed(csv(tmp_path, "plot_id,colour\nN-1,green\n"))


def test_a_sale_of_a_past_day_was_known_an_hour_after_it_and_takes_the_shop_it_came_for(
    tmp_path: Path,
) -> None:
    path = csv(tmp_path, "日期,单品编码,销量(千克),打折比例\n2026-05-01,kale,6.5,30%\n")
    row = parsed(path, history=True, shop="market").rows.row(0, named=True)
    assert row["known_at"] == datetime(2026, 5, 1, 17, tzinfo=UTC)
    assert (row["channel_id"], row["region_id"], row["discounted_share"]) == ("market", "unknown", 0.3)
    assert parsed(path).rows["known_at"].to_list() == [ARRIVED]


def test_a_plan_was_known_after_the_day_it_was_decided(tmp_path: Path) -> None:
    text = "live_slot_id,channel_id,product_id,slot_date,decided_on\nl1,c,p,2026-05-20,2026-05-02\nl2,c,p,2026-05-20,\n"
    rows = parsed(csv(tmp_path, text), history=True).rows
    assert rows["known_at"].to_list() == [
        datetime(2026, 5, 2, 17, tzinfo=UTC),
        datetime(2026, 5, 13, 17, tzinfo=UTC),
    ]


def test_ids_keep_their_digits_and_lose_excels_wrapping(tmp_path: Path) -> None:
    text = 'product_id,price_date,price_yuan_per_kg\n="0012345678901234567",2026-05-01,"¥1,299.90"\n'
    batch = parsed(csv(tmp_path, text))
    assert isinstance(batch.rows, pl.DataFrame)
    assert batch.rows.select("product_id", "price_yuan_per_kg").row(0) == ("0012345678901234567", 1299.9)


def test_a_planned_price_in_a_first_load_is_known_when_it_was_decided_and_never_after_it_came(
    tmp_path: Path,
) -> None:
    text = (
        "product_id,channel_id,price_date,price_yuan_per_kg,decided_on\n"
        "p,c,2026-05-20,4.0,2026-04-01\n"
        "p,c,2026-07-20,4.5,\n"
    )
    rows = parsed(csv(tmp_path, text), history=True).rows
    assert rows["known_at"].to_list() == [datetime(2026, 4, 1, 17, tzinfo=UTC), ARRIVED]


def test_a_platform_is_understood_by_its_chinese_name(tmp_path: Path) -> None:
    text = "平台,店铺,商家编码,生效日期,商品编号,件数,净重(斤)\n拼多多,field,R5,2026-01-01,rice-5,1,10\n"
    row = parsed(csv(tmp_path, text)).rows.row(0, named=True)
    assert (row["platform"], row["net_weight_kg"]) == ("pinduoduo", 5)
