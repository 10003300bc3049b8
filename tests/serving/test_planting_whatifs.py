"""What-ifs on the plan: asked of the service, kept once, read side by side once a night has answered."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from models.planning.imagine import NEEDS, parse
from serving import schemas_imagined as shapes
from serving.app import create_app
from serving.reads.planting_whatifs import MEASURES, MOST_WAITING
from settings import Settings
from warehouse.inbox import Inbox

CUTOFF = date(2026, 5, 3)
ALL_KINDS: list[dict[str, Any]] = [
    {"kind": "price", "crop_id": "rice", "factor": 1.1},
    {"kind": "demand", "factor": 0.9},
    {"kind": "weather", "crop_id": "crab", "factor": 0.8},
    {"kind": "heat", "celsius": -1.5},
    {"kind": "crop_fails", "crop_id": "rice", "year": 2026, "season": 1},
    {
        "kind": "adoption",
        "crop_id": "rice",
        "quantity_kg": 500,
        "due_from": "2026-09-01",
        "due_to": "2026-10-01",
    },
    {"kind": "subsidy", "crop_id": "rice", "yuan_per_mu": 120},
    {"kind": "cold_room", "days": 30},
]
BODY = {"name": "dearer rice", "overrides": ALL_KINDS[:1], "author": "Wang Li", "reason": "for Friday"}


def side(whatif_id: str, name: str, status: str = "solved", detail: str = "") -> dict[str, Any]:
    told = dict.fromkeys(MEASURES, 1.5 if status == "solved" else None)
    told["moved_lines"] = 2 if status == "solved" else None
    return {"run_id": "r1", "cutoff": CUTOFF, "whatif_id": whatif_id, "side": name, "status": status,
            "detail": detail, **told}  # fmt: skip


def answered() -> dict[str, pl.DataFrame]:
    asked = {"author": "Wang Li", "reason": None, "overrides_json": '[{"kind": "heat", "celsius": 1}]'}
    questions = [
        asked | {"whatif_id": f"w{n}", "name": f"q{n}", "written_at": datetime(2026, 5, n, tzinfo=UTC)}
        for n in (1, 2, 3)
    ]
    answers = [
        side("w1", "base"), side("w1", "whatif"), side("w2", "base"),
        side("w2", "whatif", "infeasible", "labour of week 30 is 4 hours short"),
    ]  # fmt: skip
    crops = [
        {
            "run_id": "r1",
            "cutoff": CUTOFF,
            "whatif_id": "w1",
            "crop_id": "rice",
            "base_mu": 14.0,
            "whatif_mu": 9.0,
        }
    ]
    return {
        "planting_whatif": pl.DataFrame(questions, schema_overrides={"reason": pl.String}),
        "planting_whatif_answer": pl.DataFrame(answers, infer_schema_length=None),
        "planting_whatif_crop": pl.DataFrame(crops),
    }


@pytest.fixture
def client(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> Iterator[TestClient]:
    publish("r1", {**county, **answered()})
    with TestClient(create_app(settings)) as client:
        yield client


def listed(client: TestClient, **filters: str) -> list[shapes.PlantingWhatIf]:
    answer = client.get("/v1/planting/what-ifs", params=filters)
    assert answer.status_code == 200, answer.text
    return shapes.PlantingWhatIfs.model_validate_json(answer.content).items


def test_both_plans_stand_side_by_side_and_no_plan_says_why(client: TestClient) -> None:
    waits, impossible, solved = listed(client)
    assert (waits.state, waits.base, waits.detail) == ("waiting", None, "the next night answers")
    assert (impossible.state, impossible.whatif) == ("infeasible", None)
    assert impossible.detail == "labour of week 30 is 4 hours short"
    assert impossible.base is not None
    assert solved.whatif is not None
    assert (solved.state, solved.whatif.moved_lines, solved.cutoff) == ("solved", 2, CUTOFF)
    assert [(c.crop_name_en, c.base_mu, c.whatif_mu) for c in solved.crops or []] == [("Rice", 14.0, 9.0)]
    assert [w.name for w in listed(client, state="solved")] == ["q1"]
    assert client.get("/v1/planting/what-ifs/w2").json()["state"] == "infeasible"
    assert client.get("/v1/planting/what-ifs/w9").status_code == 404
    assert client.get("/v1/planting/what-ifs", params={"state": "odd"}).status_code == 422


def test_every_kind_that_can_be_asked_is_understood_by_the_planner(
    client: TestClient, settings: Settings
) -> None:
    assert {o["kind"] for o in ALL_KINDS} == set(NEEDS)
    answer = client.post("/v1/planting/what-ifs", json=BODY | {"overrides": ALL_KINDS})
    assert answer.status_code == 202, answer.text
    [message] = Inbox.open(settings.inbox_path).pending()
    assert (message.kind, message.author) == ("planting_whatif", "Wang Li")
    assert [o.kind for o in parse(message.payload["overrides_json"])] == [o["kind"] for o in ALL_KINDS]
    newest = listed(client)[0]
    assert (newest.whatif_id, newest.state) == (answer.json()["message_id"], "waiting")
    assert json.loads(newest.overrides_json)[3] == {"kind": "heat", "celsius": -1.5}


def test_a_question_sent_twice_is_kept_once(client: TestClient, settings: Settings) -> None:
    sent = [
        client.post("/v1/planting/what-ifs", json=BODY, headers={"Idempotency-Key": "one-question"})
        for _ in range(2)
    ]
    assert sent[0].json() == sent[1].json()
    assert len(Inbox.open(settings.inbox_path).pending()) == 1


@pytest.mark.parametrize(
    ("override", "status", "told"),
    [
        ({"kind": "price", "crop_id": "durian", "factor": 2}, 404, "durian"),
        ({"kind": "price", "factor": -1}, 422, "factor"),
        ({"kind": "tax"}, 422, "kind"),
        ({"kind": "heat", "celsius": 1, "crop_id": "rice"}, 422, "crop_id"),
        ({"kind": "crop_fails", "crop_id": "rice", "year": 2040}, 422, "2026–2028"),
        ({**ALL_KINDS[5], "due_to": "2026-08-01"}, 422, "swap"),
        ({**ALL_KINDS[5], "due_from": "2026-01-01", "due_to": "2026-05-03"}, 422, "not after"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    client: TestClient, settings: Settings, override: dict[str, Any], status: int, told: str
) -> None:
    answer = client.post("/v1/planting/what-ifs", json=BODY | {"overrides": [override]})
    assert answer.status_code == status, answer.text
    assert told in answer.text
    assert not settings.inbox_path.exists()


def test_no_more_questions_wait_than_a_night_can_solve(client: TestClient) -> None:
    for n in range(MOST_WAITING - 1):
        assert client.post("/v1/planting/what-ifs", json=BODY | {"name": f"n{n}"}).status_code == 202
    refused = client.post("/v1/planting/what-ifs", json=BODY)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:anxu:problem:conflict")
