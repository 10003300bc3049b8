"""Reports from the fields and commitments entered by hand become facts, once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.handed_in import hand_over
from warehouse import Warehouse
from warehouse.inbox import Inbox, take_in_inbox

NOW = datetime(2026, 9, 2, 17, 0, tzinfo=UTC)
CUT = {
    "plot_id": "p1",
    "crop_id": "rice",
    "task": "harvest",
    "answer": "done",
    "done_on": "2026-09-01",
    "harvested_kg": 40.5,
}
PROMISE = {
    "commitment_id": "c1",
    "kind": "preorder",
    "crop_id": "rice",
    "quantity_kg": 100,
    "due_from": "2026-10-01",
    "due_to": "2026-10-31",
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(tmp_path / "w.duckdb") as opened:
        known = {"known_at": NOW}
        crop = {"crop_id": "rice", "name_zh": "水稻", "name_en": "rice", "family": "Poaceae", "kind": "grain"}
        opened.upsert("crop", pl.DataFrame([crop | {"is_legume": False, "keeps_days": 365} | known]))
        opened.upsert(
            "plot", pl.DataFrame([{"plot_id": "p1", "land_class": "paddy", "area_mu": 4.0} | known])
        )
        yield opened


def night(warehouse: Warehouse, inbox: Inbox) -> None:
    take_in_inbox(warehouse, inbox, run_id="r", now=NOW)
    hand_over(warehouse, zone="Asia/Shanghai")


def sent(tmp_path: Path, kind: str, payload: dict[str, Any]) -> Inbox:
    inbox = Inbox.open(tmp_path / "inbox.sqlite")
    inbox.write(kind, payload, "王丽")
    return inbox


def test_a_reported_cut_is_a_harvest_of_its_local_day_and_twice_is_once(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    inbox = sent(tmp_path, "harvest_report", CUT)
    night(warehouse, inbox)
    night(warehouse, inbox)
    cuts = warehouse.read("harvest_event")
    assert cuts["harvested_kg"].to_list() == [40.5]
    assert cuts["harvested_at"].dt.convert_time_zone("Asia/Shanghai").dt.date().to_list() == [
        date(2026, 9, 1)
    ]


def test_what_cannot_be_done_makes_no_harvest(warehouse: Warehouse, tmp_path: Path) -> None:
    night(
        warehouse,
        sent(tmp_path, "harvest_report", CUT | {"answer": "cannot", "reason": "rain", "harvested_kg": None}),
    )
    assert warehouse.read("harvest_event").is_empty()
    assert warehouse.read("harvest_report")["reason"].to_list() == ["rain"]


def test_a_reported_sowing_is_a_planting_of_its_line(warehouse: Warehouse, tmp_path: Path) -> None:
    line = {"task": "sow", "harvested_kg": None, "area_mu": 4.0, "year": 2026, "season": 2}
    night(warehouse, sent(tmp_path, "harvest_report", CUT | line))
    assert warehouse.read("planting").select("plot_id", "sown_on", "season").rows() == [
        ("p1", date(2026, 9, 1), 2)
    ]


def test_a_cut_of_an_unknown_plot_is_refused_and_told(warehouse: Warehouse, tmp_path: Path) -> None:
    night(warehouse, sent(tmp_path, "harvest_report", CUT | {"plot_id": "nowhere"}))
    assert warehouse.read("harvest_event").is_empty()
    assert warehouse.read("rejected_row")["table_name"].to_list() == ["harvest_event"]


def test_a_commitment_entered_again_has_its_new_quantity(warehouse: Warehouse, tmp_path: Path) -> None:
    night(warehouse, sent(tmp_path, "commitment_entry", PROMISE))
    night(warehouse, sent(tmp_path, "commitment_entry", PROMISE | {"quantity_kg": 250}))
    assert warehouse.read("commitment")["quantity_kg"].to_list() == [250.0]


def test_a_cut_of_a_grade_that_the_standard_lacks_is_refused_with_its_reason_and_no_other(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    standard = {
        "standard": "清禾", "version": "1", "crop_id": "rice", "grade": "一级", "attribute": "head_rice_pct", "min_value": 60.0,
        "valid_from": date(2024, 1, 1), "source": "test", "is_verified": True, "known_at": NOW,
    }  # fmt: skip
    warehouse.upsert("grade_standard", pl.DataFrame([standard]))
    inbox = sent(tmp_path, "harvest_report", CUT | {"grade": "超级"})
    inbox.write("harvest_report", CUT | {"grade": "一级"}, "王丽")
    for _ in range(2):
        night(warehouse, inbox)
    assert warehouse.read("harvest_event")["grade"].to_list() == ["一级"]
    refused = warehouse.sql("select rule, detail from rejected_row")
    assert refused["rule"].to_list() == ["grade_in_standard"]
    assert "grade '超级' of rice is not in the standard, which has 一级" in refused["detail"][0]
