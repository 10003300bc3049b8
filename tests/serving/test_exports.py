"""What leaves as a file comes back unchanged; what does not hold in a filled-in sheet is named row by row."""

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from fastapi.testclient import TestClient
from icalendar import Calendar

from pipelines.ingest import load
from serving.app import create_app
from serving.exports.answer_form import answer_form
from serving.exports.tables import TABLES
from settings import Settings
from warehouse import Warehouse
from warehouse.inbox import Inbox

from .conftest import put_release, whole_county

NOW = datetime(2026, 5, 4, 2, tzinfo=UTC)
THINGS: dict[str, list[dict[str, Any]]] = {
    "place": [{"place_id": "V1", "name": "河东村", "kind": "village"}],
    "crop": [
        {
            "crop_id": "rice",
            "name_zh": "水稻",
            "name_en": "rice",
            "family": "Poaceae",
            "kind": "grain",
            "is_legume": False,
            "keeps_days": 300,
            "base_temp_c": 8.0,
            "mature_gdd_c_d": None,
        }
    ],
    "plot": [
        {
            "plot_id": "007",
            "place_id": "V1",
            "land_class": "paddy",
            "area_mu": 8.125,
            "lat_deg": 31.1,
            "lon_deg": 120.6,
            "soil": "=1+1",
        },
        {
            "plot_id": "V1-2",
            "place_id": None,
            "land_class": "dry",
            "area_mu": 1.0,
            "lat_deg": None,
            "soil": None,
        },
    ],
    "product": [
        {
            "product_id": "rice-5kg",
            "name_zh": "大米，5公斤",
            "name_en": "Rice",
            "family": "rice",
            "grade": "一级",
            "launched_on": date(2025, 9, 1),
            "shelf_life_days": 365,
        }
    ],
    "planting": [
        {
            "plot_id": "007",
            "crop_id": "rice",
            "year": 2026,
            "season": 1,
            "area_mu": 8.125,
            "practice_id": "p-rice",
            "sown_on": date(2026, 4, 20),
        }
    ],
    "harvest_event": [
        {
            "harvest_id": "h1",
            "plot_id": "007",
            "crop_id": "rice",
            "harvested_at": datetime(2026, 4, 30, 1, 30, tzinfo=UTC),
            "harvested_kg": 812.5,
            "grade": "一级",
        }
    ],
    "commitment": [
        {
            "commitment_id": "c1",
            "kind": "contract",
            "crop_id": "rice",
            "quantity_kg": 1000.0,
            "due_from": date(2026, 10, 1),
            "due_to": date(2026, 10, 31),
            "price_yuan_per_kg": 5.2,
        }
    ],
}


def frame(warehouse: Warehouse, table: str) -> pl.DataFrame:
    return warehouse.read(table).drop("known_at")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Warehouse, TestClient]]:
    """A warehouse with a few things, the release made of it, and the service over that."""
    settings = Settings(home=tmp_path_factory.mktemp("filled"))
    with Warehouse.open(settings.warehouse_path) as warehouse:
        for table, rows in THINGS.items():
            known = pl.DataFrame(rows).with_columns(
                known_at=pl.lit(NOW), line_number=pl.int_range(1, len(rows) + 1)
            )
            assert warehouse.take_in(table, known, "test").taken == len(rows)
        put_release(settings.releases_dir, "r1", {table: frame(warehouse, table) for table in THINGS})
        with TestClient(create_app(settings)) as client:
            yield settings, warehouse, client


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_an_exported_table_is_taken_in_again_and_nothing_has_changed(
    filled: tuple[Settings, Warehouse, TestClient], tmp_path: Path, name: str, form: str
) -> None:
    settings, warehouse, client = filled
    answer = client.get(f"/v1/exports/{name}?format={form}")
    assert answer.status_code == 200, answer.text
    assert f".{form}" in answer.headers["content-disposition"]
    (path := tmp_path / f"{name}.{form}").write_bytes(answer.content)
    before = frame(warehouse, TABLES[name][0])
    (file,) = load(settings, warehouse, [path], now=NOW).files
    assert (file.kind, file.state) == (TABLES[name][0], "taken"), file.message
    assert (file.read, file.unchanged, file.rejected) == (before.height, before.height, 0)
    assert frame(warehouse, TABLES[name][0]).equals(before)


def test_every_column_of_an_exported_table_is_in_its_file(
    filled: tuple[Settings, Warehouse, TestClient],
) -> None:
    for table, _, headers in TABLES.values():
        assert list(headers) == [c for c in filled[1].columns(table) if c != "known_at"]


def sheet_of(client: TestClient, query: str = "") -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(client.get(f"/v1/exports/planting{query}").content))


def filled_in(book: openpyxl.Workbook, answers: Mapping[int, Mapping[str, Any]]) -> bytes:
    page = book.worksheets[0]
    column = {cell.value: cell.column for cell in page[1]}
    for row, cells in answers.items():
        for header, value in cells.items():
            page.cell(row, column[header], value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def county(tmp_path: Path) -> Iterator[tuple[Settings, TestClient]]:
    settings = Settings(home=tmp_path / "county")
    put_release(settings.releases_dir, "r1", whole_county())
    with TestClient(create_app(settings)) as client:
        yield settings, client


def test_an_unfilled_sheet_sent_back_keeps_nothing(county: tuple[Settings, TestClient]) -> None:
    settings, client = county
    body = client.get("/v1/exports/planting").content
    answer = client.post("/v1/imports/planting?author=Wang", content=body)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["kept"], answer.json()["unchanged"]) == (
        0,
        sheet_of(client).worksheets[0].max_row - 1,
    )
    assert not settings.inbox_path.exists()


def test_filled_rows_become_decisions_once_and_stand_in_the_next_sheet(
    county: tuple[Settings, TestClient],
) -> None:
    settings, client = county
    answers = {2: {"答复": "采纳"}, 3: {"答复": "修改", "改后面积(亩)": 2.5, "说明": "留一点种菜"}}
    body = filled_in(sheet_of(client), answers)
    first = client.post("/v1/imports/planting?author=Wang", content=body)
    assert (first.status_code, first.json()["kept"]) == (202, 2), first.text
    again = client.post("/v1/imports/planting?author=Wang", content=body)
    assert (again.json()["kept"], again.json()["message_ids"]) == (0, [])
    kept = Inbox.open(settings.inbox_path).pending()
    assert {(m.kind, m.payload["answer"], m.payload["area_mu"], m.author) for m in kept} == {
        ("decision", "accept", None, "Wang"),
        ("decision", "change", 2.5, "Wang"),
    }
    page = sheet_of(client).worksheets[0]
    assert [cell.value for cell in page[3]][-3:] == ["修改", 2.5, "留一点种菜"]
    unchanged = client.post(
        "/v1/imports/planting?author=Li", content=client.get("/v1/exports/planting?format=csv").content
    )
    assert (unchanged.status_code, unchanged.json()["kept"]) == (202, 0)


def test_rows_that_do_not_hold_are_all_named_and_nothing_is_kept(county: tuple[Settings, TestClient]) -> None:
    settings, client = county
    answers = {
        2: {"答复": "也许"},
        3: {"答复": "修改"},
        4: {"答复": "采纳", "改后面积(亩)": "很多"},
        5: {"建议编号": "nowhere/2026/1/x", "答复": "采纳"},
    }
    book = sheet_of(client)
    assert book.worksheets[0].max_row >= 4
    body = filled_in(book, answers)
    answer = client.post("/v1/imports/planting?author=Wang", content=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:anxu:problem:sheet-rows")
    told = [(e["row"], e["column"], e["value"]) for e in answer.json()["errors"]]
    assert told == [
        (2, "答复", "也许"),
        (3, "改后面积(亩)", ""),
        (4, "改后面积(亩)", "很多"),
        (5, "建议编号", "nowhere/2026/1/x"),
    ]
    assert not settings.inbox_path.exists()
    page = client.post("/planting/sheet", files={"file": ("a.xlsx", body)}, data={"author": "Wang"})
    assert page.status_code == 422
    assert "也许" in page.text


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"PK\x03\x04 no zip", 422, "damaged"),
        ("甲,乙\n1,2\n".encode("gb18030"), 422, "建议编号"),
        (b"\xff\xfe\x00\x01\x81", 422, "neither xlsx nor text"),
        (b"", 422, "empty CSV"),
    ],
)
def test_what_is_no_sheet_is_refused(client: TestClient, body: bytes, status: int, named: str) -> None:
    answer = client.post("/v1/imports/planting?author=Wang", content=body)
    assert answer.status_code == status
    assert named in answer.json()["detail"]


def test_a_sheet_without_an_author_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/imports/planting", content=client.get("/v1/exports/planting").content)
    assert (answer.status_code, "author" in answer.json()["detail"]) == (422, True)


def test_no_cell_of_a_workbook_is_a_formula(
    county: tuple[Settings, TestClient], publish: Callable[..., Path]
) -> None:
    tables = whole_county()
    crops = tables["crop"].with_columns(name_zh=pl.lit("=HYPERLINK(1)"))
    _, client = county
    publish("r2", tables | {"crop": crops})
    client.app.state.published.look()  # type: ignore[attr-defined]
    cells = [cell for row in sheet_of(client).worksheets[0].iter_rows() for cell in row]
    assert any(cell.value == "'=HYPERLINK(1)" for cell in cells)
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert b"'=HYPERLINK" in client.get("/v1/exports/planting?format=csv").content


def test_a_calendar_holds_each_event_once_under_a_lasting_id(client: TestClient) -> None:
    tables = whole_county()
    assert tables["planting_recommendation"].height
    first = Calendar.from_ical(client.get("/v1/exports/calendar").content)
    ids = [str(event["uid"]) for event in first.walk("VEVENT")]
    assert len(ids) == len(set(ids))
    unknown = client.get("/v1/exports/calendar?village=V9")
    assert (unknown.status_code, "V9" in unknown.json()["detail"]) == (404, True)


def test_a_calendar_of_a_village_tells_days_plots_and_mu(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "county")
    tables = whole_county()
    keys = tables["planting_recommendation"]["practice_id"].unique()
    days = {"sow_from_doy": 150, "sow_to_doy": 160, "sell_from_doy": 260, "sell_to_doy": 280}
    put_release(settings.releases_dir, "r1", tables | {"practice": pl.DataFrame({"practice_id": keys}).with_columns(
        *(pl.lit(v).alias(k) for k, v in days.items()))})  # fmt: skip
    with TestClient(create_app(settings)) as client:
        events = Calendar.from_ical(client.get("/v1/exports/calendar?village=V1").content).walk("VEVENT")
    assert events
    assert {str(e["location"]) for e in events} == {"河东村"}
    sow = next(e for e in events if str(e["summary"]).startswith("播种"))
    assert (sow["dtstart"].dt, sow["dtend"].dt) == (date(2026, 5, 30), date(2026, 6, 10))
    assert "V1-1" in str(sow["description"])


def test_the_task_sheet_has_a_code_that_leads_to_the_page_of_its_village(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "county")
    tables = whole_county()
    keys = tables["planting_recommendation"]["practice_id"].unique()
    days = {"sow_from_doy": 120, "sow_to_doy": 160, "sell_from_doy": 260, "sell_to_doy": 280}
    put_release(settings.releases_dir, "r1", tables | {"practice": pl.DataFrame({"practice_id": keys}).with_columns(
        *(pl.lit(v).alias(k) for k, v in days.items()))})  # fmt: skip
    with TestClient(create_app(settings)) as client:
        page = client.get("/v1/exports/tasks?village=V1")
    assert "http://testserver/my?village=V1" in page.text
    assert page.text.count('class="segno"') == 1
    assert "V1-1" in page.text


def test_the_answer_form_holds_every_cell_of_the_plan() -> None:
    plan = pl.DataFrame(
        {
            "year": [2024, 2024, 2025],
            "season": [1, 2, 1],
            "plot_id": ["A1", "D1", "D1"],
            "crop_id": ["1", "2", "1"],
            "area_mu": [80.0, 0.3, 15.25],
        }
    )
    crops = [("1", "黄豆"), ("2", "大白菜")]
    body = answer_form(plan, {1: ["A1", "D1"], 2: ["D1"]}, crops)
    book = openpyxl.load_workbook(io.BytesIO(body))
    assert book.sheetnames == ["2024", "2025"]
    assert list(book["2024"].values) == [
        (None, "地块名", "黄豆", "大白菜"),
        ("第一季", "A1", 80, None),
        (None, "D1", None, None),
        ("第二季", "D1", None, 0.3),
    ]
    with pytest.raises(ValueError, match=r"\(2, 'A1'\) with crop '1' has no cell"):
        answer_form(plan.with_columns(season=2, crop_id=pl.lit("1")), {1: ["A1", "D1"], 2: ["D1"]}, crops)
