"""What people write is on disk before they are thanked, or refused with the reason."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from settings import Settings
from warehouse.inbox import Inbox

OVERRIDE = {
    "product_id": "rice-5kg",
    "channel_id": "taobao-1",
    "starts_on": "2026-06-10",
    "ends_on": "2026-06-20",
    "factor": 1.4,
    "author": "Wang Li",
    "reason": "618 campaign",
    "expires_on": "2026-06-21",
}
DECISION = {"recommendation_id": "V1-1/2026/1/rice", "answer": "accept", "author": "Wang Li"}


@pytest.fixture
def settings(shared: Settings) -> Settings:
    """The shared county, so that its service starts once; each test finds the inbox empty."""
    return shared


@pytest.fixture
def writer(client: TestClient, settings: Settings) -> Iterator[TestClient]:
    assert not settings.inbox_path.exists()
    yield client
    for left in settings.home.glob(f"{settings.inbox_path.name}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [("/v1/overrides", OVERRIDE, "demand_override"), ("/v1/decisions", DECISION, "decision")],
)
def test_an_acknowledged_message_is_in_the_inbox(
    writer: TestClient, settings: Settings, path: str, body: dict[str, Any], kind: str
) -> None:
    answer = writer.post(path, json=body)
    assert answer.status_code == 202, answer.text
    (message,) = Inbox.open(settings.inbox_path).pending()
    assert (message.message_id, message.kind, message.author) == (
        answer.json()["message_id"],
        kind,
        "Wang Li",
    )
    given = {k: v for k, v in body.items() if k != "author"}
    assert {k: v for k, v in message.payload.items() if v is not None} == given


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/v1/overrides", {**OVERRIDE, "product_id": "durian"}, 404, "durian"),
        ("/v1/overrides", {**OVERRIDE, "channel_id": "jd"}, 404, "jd"),
        ("/v1/overrides", {**OVERRIDE, "factor": -1}, 422, "factor"),
        ("/v1/overrides", {**OVERRIDE, "factor": 1e400}, 422, "factor"),
        ("/v1/overrides", {**OVERRIDE, "reason": "  "}, 422, "reason"),
        ("/v1/overrides", {**OVERRIDE, "ends_on": "2026-06-01"}, 422, "2026-06-01"),
        ("/v1/overrides", {**OVERRIDE, "surprise": 1}, 422, "surprise"),
        ("/v1/overrides", {**OVERRIDE, "reason": "x" * 5000}, 422, "reason"),
        ("/v1/decisions", {**DECISION, "recommendation_id": "V9/2026/1/rice"}, 404, "V9/2026/1/rice"),
        ("/v1/decisions", {**DECISION, "answer": "perhaps"}, 422, "perhaps"),
        ("/v1/decisions", {**DECISION, "answer": "change"}, 422, "area_mu"),
        ("/v1/decisions", {**DECISION, "area_mu": 3}, 422, "area_mu"),
        ("/v1/decisions", {**DECISION, "author": ""}, 422, "author"),
    ],
)
def test_a_message_that_cannot_hold_is_refused_and_not_kept(
    writer: TestClient, settings: Settings, path: str, body: dict[str, Any], status: int, named: str
) -> None:
    answer = writer.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]
    assert Inbox.open(settings.inbox_path).pending() == []


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"{" * 10, 422),
        ({"Content-Type": "application/json"}, b"\xff\xfe", 422),
        ({"Content-Type": "text/plain"}, b"{}", 422),
        ({"Content-Type": "application/json"}, b"[" * 60_000, 400),
        ({"Content-Type": "application/json"}, b" " * 70_000, 413),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, b"{}", 403),
    ],
)
def test_a_body_that_is_no_message_is_a_problem(
    writer: TestClient, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = writer.post("/v1/decisions", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 3000


def test_a_body_without_length_is_refused(writer: TestClient) -> None:
    answer = writer.post("/v1/decisions", content=iter([b"{}"]), headers={"Content-Type": "application/json"})
    assert answer.status_code == 411


def test_an_inbox_that_cannot_be_written_is_said_so(writer: TestClient, settings: Settings) -> None:
    settings.inbox_path.mkdir()
    answer = writer.post("/v1/decisions", json=DECISION)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:anxu:problem:inbox-unavailable")
    assert "nothing was kept" in answer.json()["detail"]
