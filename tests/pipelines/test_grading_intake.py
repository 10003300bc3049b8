from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.ingest import load, watch_once
from pipelines.load_report import LoadReport
from settings import Settings
from warehouse import Warehouse

NOW = datetime(2026, 5, 1, tzinfo=UTC)
THINGS = {
    "crop": "crop_id,name_zh,name_en,family,kind,is_legume,keeps_days\ngrape,葡萄,grape,Vitaceae,fruit,0,12\n",
    "grade_standard": "standard,version,crop_id,grade,attribute,min_value,valid_from\n清禾,1,grape,特级,brix,17,2024-01-01\n"
    "清禾,1,grape,一级,brix,15,2024-01-01\n",
    "lot": "lot_id,crop_id,grade,lot_kg,packed_on\nL1,grape,特级,50,2026-04-30\nL2,grape,超级,50,2026-04-30\n",
    "inspection": "inspection_id,lot_id,attribute,value,sample_kg,inspected_at\nI1,L1,brix,17.5,0.5,2026-04-30 08:00:00\n"
    "I2,L1,brix,-1,0.5,2026-04-30 08:00:00\nI3,L1,brix,18,60,2026-04-30 08:00:00\n"
    "I4,L9,brix,18,0.5,2026-04-30 08:00:00\nI5,L1,damage_pct,101,,2026-04-30 08:00:00\n",
}


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[tuple[Warehouse, LoadReport]]:
    county = Settings(home=tmp_path / "county", threads=1)
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in THINGS.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    with Warehouse.open(county.warehouse_path, zone=county.timezone, threads=1) as warehouse:
        yield warehouse, load(county, warehouse, [folder], now=NOW)


def test_what_cannot_be_is_refused_with_its_reason_and_the_good_rows_go_in(
    taken: tuple[Warehouse, LoadReport],
) -> None:
    warehouse, report = taken
    assert {f.state for f in report.files} == {"taken"}
    assert warehouse.read("inspection")["inspection_id"].to_list() == ["I1"]
    assert warehouse.read("lot")["lot_id"].to_list() == ["L1"]
    rejected = warehouse.sql("select line_number, rule, detail from rejected_row order by rule, line_number")
    assert rejected["rule"].to_list() == [
        "grade_in_standard",
        "lot_known",
        "sample_within_lot",
        "value_possible",
        "value_possible",
    ]
    told = dict(rejected.select("rule", "detail").unique("rule", keep="first").iter_rows())
    assert "grade '超级' of grape is not in the standard, which has 一级, 特级" in told["grade_in_standard"]
    assert "weighs 60.0 kg, its lot 'L1' 50.0 kg" in told["sample_within_lot"]
    assert "brix -1.0 cannot be measured" in told["value_possible"]


def test_every_line_of_the_inspections_is_accounted_for(taken: tuple[Warehouse, LoadReport]) -> None:
    counted = taken[0].sql(
        "select rows_read, rows_taken, rows_rejected from source_file where kind = 'inspection'"
    )
    assert counted.row(0) == (5, 1, 4)


def test_a_crop_without_a_loaded_standard_keeps_its_grades(
    taken: tuple[Warehouse, LoadReport], tmp_path: Path
) -> None:
    warehouse, _ = taken
    county = Settings(home=tmp_path / "county", threads=1)
    more = tmp_path / "more"
    more.mkdir()
    (more / "crop.csv").write_text(THINGS["crop"].replace("grape,葡萄,grape", "rice,水稻,rice"), "utf-8")
    (more / "lot.csv").write_text(
        "lot_id,crop_id,grade,lot_kg,packed_on\nL5,rice,优,10,2026-04-30\n", "utf-8"
    )
    load(county, warehouse, [more], now=NOW)
    assert warehouse.read("lot").filter(pl.col("lot_id") == "L5").height == 1


def test_the_watched_folder_keeps_what_it_refuses_too(
    taken: tuple[Warehouse, LoadReport], tmp_path: Path
) -> None:
    warehouse, _ = taken
    county = Settings(home=tmp_path / "county", threads=1)
    county.inbox_dir.mkdir(parents=True, exist_ok=True)
    head = THINGS["inspection"].splitlines()[0]
    lines = ("I8,L1,brix,17.1,0.5,2026-05-01 08:00:00", "I9,L1,brix,-3,0.5,2026-05-01 08:00:00")
    (county.inbox_dir / "inspection.csv").write_text("\n".join([head, *lines, ""]), "utf-8")
    report = watch_once(county, warehouse, NOW, settle_seconds=0.0)
    assert {f.state for f in report.files} == {"taken"}
    assert sorted(warehouse.read("inspection")["inspection_id"]) == ["I1", "I8"]
    told = warehouse.sql("select line_number, row_text from rejected_row where detail like 'brix -3%'").row(0)
    assert told[0] == 3
    assert '"I9"' in told[1]
    assert warehouse.query("rejected_summary").filter(rule="value_possible")["lines"].to_list() == [3]
