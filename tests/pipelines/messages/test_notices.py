"""What a night has to tell."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.county import init_county
from pipelines.messages.notices import failed_runs, of_night
from warehouse import Warehouse
from warehouse.last_runs import write_last_run

NIGHT = date(2026, 5, 3)
KNOWN = datetime(2026, 5, 3, 22, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    settings = init_county(tmp_path / "c")
    return Warehouse.open(settings.warehouse_path, zone=settings.timezone)


def test_findings_and_changes_of_the_plan_are_told_worst_first(warehouse: Warehouse) -> None:
    common = {"run_id": "r", "cutoff": NIGHT}
    finding = {**common, "allowed": 2.0, "text_zh": "渠道甲", "text_en": "channel A"}
    change = {
        **common, "since": date(2026, 5, 2), "rank": 1, "plot_id": "V1", "practice_id": "rice", "crop_id": "rice", "year": 2026,
        "season": 1, "old_mu": 2.0, "new_mu": 0.0, "change_kg": -9.0, "text_zh": "减少两亩。", "text_en": "two mu less.",
    }  # fmt: skip
    with warehouse:
        warehouse.replace(
            "finding",
            pl.DataFrame(
                [
                    {**finding, "rank": 1, "kind": "no_file_since", "subject": "a", "value": 6.0},
                    {**finding, "rank": 2, "kind": "bias_builds_up", "subject": "b", "value": 4.0},
                ]
            ),
            cutoff=NIGHT,
        )
        causes = (("demand", -100.0), ("kept", 0.0), ("decision", 300.0))
        warehouse.replace(
            "planting_change",
            pl.DataFrame(
                [
                    {**change, "recommendation_id": f"V1/{cause}", "cause": cause, "change_yuan": yuan}
                    for cause, yuan in causes
                ]
            ),
            cutoff=NIGHT,
        )
        said = list(of_night(warehouse, NIGHT))
        assert list(of_night(warehouse, date(2026, 5, 2))) == []
    assert [(s.kind, s.weight) for s in said[:2]] == [("no_file_since", 3.0), ("bias_builds_up", 2.0)]
    assert said[1].page == "/demand#accuracy"
    assert said[2].text_en == "the planting plan changed in 2 lines: two mu less; two mu less"
    assert not any(s.urgent for s in said)


def test_a_failed_run_is_urgent_and_one_that_ended_well_is_not_told(tmp_path: Path) -> None:
    settings = init_county(tmp_path / "c")
    about = {"cutoff": NIGHT, "started_at": KNOWN, "finished_at": KNOWN}
    write_last_run(settings.home, flow="hourly", run_id="h1", status="completed", detail="", **about)  # type: ignore[arg-type]
    write_last_run(settings.home, flow="nightly", run_id="n1", status="failed", detail="plan: no", **about)  # type: ignore[arg-type]
    (said,) = failed_runs(settings)
    assert (said.matter, said.urgent) == ("failed/n1", True)
    assert "plan: no" in said.text_zh
