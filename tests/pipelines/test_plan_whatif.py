"""What-ifs on the plan: taken in once, solved by the same code, side by side with the plan as it is."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipelines.plan_whatif import solve_whatifs
from pipelines.publish import release_tables
from pipelines.whatif_tables import SHOWN_DAYS, whatif_tables
from warehouse.inbox import Inbox, take_in_inbox

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.pipelines.conftest import Farm

CUTOFF = date(2025, 12, 31)


def ask(farm: Farm, *questions: list[dict[str, Any]]) -> pl.DataFrame:
    """Ask by the inbox, answer, and return the answers in order of asking, base first."""
    inbox = Inbox.open(farm.county.inbox_path)
    for n, overrides in enumerate(questions):
        inbox.write("planting_whatif", {"name": f"q{n}", "overrides_json": json.dumps(overrides)}, "Wang Li")
    take_in_inbox(farm.wh, inbox, "r", datetime.now(UTC))
    early = pl.lit(datetime(2025, 12, 31, tzinfo=UTC))
    farm.wh.upsert("planting_whatif", farm.wh.read("planting_whatif").with_columns(known_at=early))
    assert solve_whatifs(farm.county, farm.wh, cutoff=CUTOFF, run_id="r") == len(questions)
    names = farm.wh.read("planting_whatif").select("whatif_id", "name")
    return farm.of("planting_whatif_answer").join(names, on="whatif_id").sort("name", "side")


@pytest.fixture
def planned(farm: Farm) -> Farm:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    return farm


def test_a_world_asked_about_stands_beside_the_plan_as_it_is(planned: Farm) -> None:
    answers = ask(
        planned,
        [{"kind": "price", "crop_id": "leek", "factor": 1.5}],
        [{"kind": "demand", "factor": 0.0}],
        [{"kind": "crop_fails", "crop_id": "leek", "year": 2026}],
        [{"kind": "weather", "factor": 1.0}],
    )
    assert set(answers["status"]) == {"solved"}
    dearer, unwanted, failed, same = (
        answers.filter(name=f"q{n}", side="whatif").row(0, named=True) for n in range(4)
    )
    base = answers.filter(name="q0", side="base").row(0, named=True)
    plan = planned.of("planting_plan").row(0, named=True)
    assert base["profit_yuan"] == plan["profit_yuan"]
    assert (
        dearer["expected_yuan"] > base["expected_yuan"] > failed["expected_yuan"] > unwanted["expected_yuan"]
    )
    assert (same["moved_mu"], same["moved_lines"]) == (0.0, 0)
    assert same["expected_yuan"] == pytest.approx(base["expected_yuan"])
    assert failed["moved_mu"] > 0
    assert failed["labour_hours"] != base["labour_hours"]
    crops = (
        planned.of("planting_whatif_crop")
        .filter(whatif_id=failed["whatif_id"], crop_id="leek")
        .row(0, named=True)
    )
    assert crops["whatif_mu"] < crops["base_mu"]


def test_the_plan_itself_is_not_touched_and_a_question_is_answered_once(planned: Farm) -> None:
    before = planned.of("planting_recommendation")
    ask(planned, [{"kind": "subsidy", "crop_id": "kale", "yuan_per_mu": 500}])
    assert planned.of("planting_recommendation").equals(before)
    assert solve_whatifs(planned.county, planned.wh, cutoff=CUTOFF, run_id="r") == 0


def test_a_question_nobody_can_answer_says_why(planned: Farm) -> None:
    answers = ask(planned, [{"kind": "price", "crop_id": "lek", "factor": 2}], [{"kind": "tax"}]).filter(
        side="whatif"
    )
    assert answers["status"].to_list() == ["refused", "refused"]
    assert answers["detail"][0] == "no crop 'lek' is known; name one of table crop"


def test_an_answer_is_read_in_later_releases_until_it_is_old(planned: Farm) -> None:
    answers = ask(
        planned, [{"kind": "heat", "celsius": 1}], [{"kind": "price", "crop_id": "lek", "factor": 2}]
    )
    for day in (CUTOFF, CUTOFF + timedelta(days=1), CUTOFF + timedelta(days=SHOWN_DAYS - 1)):
        tables = release_tables(planned.county, planned.wh, day)
        assert set(tables["planting_whatif"]["name"]) == {"q0", "q1"}
        assert tables["planting_whatif_answer"].height == answers.height
        assert set(tables["planting_whatif_crop"]["crop_id"]) == {"leek", "kale"}
    late = whatif_tables(planned.county, planned.wh, cutoff=CUTOFF + timedelta(days=SHOWN_DAYS))
    assert all(frame.is_empty() for frame in late.values())


def test_a_release_knows_no_question_that_was_asked_later(planned: Farm) -> None:
    ask(planned, [{"kind": "heat", "celsius": 1}])
    earlier = whatif_tables(planned.county, planned.wh, cutoff=CUTOFF - timedelta(days=2))
    assert all(frame.is_empty() for frame in earlier.values())
    Inbox.open(planned.county.inbox_path).write(
        "planting_whatif", {"name": "later", "overrides_json": '[{"kind": "heat", "celsius": 2}]'}, "Wang Li"
    )
    take_in_inbox(planned.wh, Inbox.open(planned.county.inbox_path), "r", datetime.now(UTC))
    assert "later" not in set(
        whatif_tables(planned.county, planned.wh, cutoff=CUTOFF)["planting_whatif"]["name"]
    )


def test_without_a_plan_questions_wait(farm: Farm) -> None:
    farm.fill()
    assert solve_whatifs(farm.county, farm.wh, cutoff=CUTOFF, run_id="r") == 0
