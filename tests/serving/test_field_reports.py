"""Reports from the fields: on disk before the answer, once, of known plots; photos; commitments by hand; the grower's page."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from settings import Settings
from warehouse.inbox import Inbox

REPORT = {
    "plot_id": "V1-1",
    "crop_id": "rice",
    "task": "harvest",
    "answer": "done",
    "done_on": "2026-05-04",
    "harvested_kg": 320.5,
    "author": "王丽",
}
PROMISE = {
    "commitment_id": "c1",
    "kind": "preorder",
    "crop_id": "rice",
    "quantity_kg": 500,
    "due_from": "2026-10-01",
    "due_to": "2026-10-31",
    "author": "王丽",
}
PHOTO = "0b6f6a0e-4f1f-4c39-9f0a-0d8a4b4d2a11"


def test_a_report_sent_twice_with_one_key_is_kept_once(client: TestClient, shared: Settings) -> None:
    key = {"Idempotency-Key": "0d8a4b4d2a11-1"}
    first, second = (client.post("/v1/harvest/reports", json=REPORT, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json()["message_id"] == second.json()["message_id"]
    waiting = [
        m for m in Inbox.open(shared.inbox_path).pending() if m.message_id == first.json()["message_id"]
    ]
    assert [(m.kind, m.author, m.payload["harvested_kg"]) for m in waiting] == [
        ("harvest_report", "王丽", 320.5)
    ]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"plot_id": "nowhere"}, 404),
        ({"crop_id": "nothing"}, 404),
        ({"harvested_kg": None}, 422),
        ({"answer": "cannot"}, 422),
        ({"harvested_kg": -1}, 422),
        ({"photo": "../../secret.key"}, 422),
    ],
)
def test_a_report_that_cannot_be_is_refused(
    client: TestClient, change: dict[str, object], status: int
) -> None:
    assert client.post("/v1/harvest/reports", json=REPORT | change).status_code == status


def test_a_photo_is_kept_under_its_id_and_only_as_a_picture(client: TestClient, shared: Settings) -> None:
    path = f"/v1/harvest/photos/{PHOTO}"
    jpeg = b"\xff\xd8\xff" + bytes(100)
    assert client.put(path, content=jpeg).status_code == 201
    assert client.put(path, content=jpeg).status_code == 201
    kept: Path = shared.home / "photos" / f"{PHOTO}.jpg"
    assert kept.read_bytes() == jpeg
    assert client.put(path, content=b"<html>").status_code == 422
    assert client.put("/v1/harvest/photos/..%2Fx", content=jpeg).status_code in {404, 422}


def test_a_commitment_entered_waits_for_the_night(client: TestClient) -> None:
    answer = client.post("/v1/commitments", json=PROMISE)
    assert (answer.status_code, answer.json()["kind"]) == (202, "commitment_entry")
    assert client.post("/v1/commitments", json=PROMISE | {"due_to": "2026-09-01"}).status_code == 422


def test_the_grower_page_works_without_tasks_and_its_worker_names_the_files(
    client: TestClient, bare: TestClient
) -> None:
    assert "今天没有任务" in bare.get("/my", params={"lang": "zh"}).text
    worker = client.get("/my/worker.js")
    assert worker.headers["Service-Worker-Allowed"] == "/my"
    for path in worker.text.split('"files":[')[1].split("]")[0].split(","):
        assert client.get(path.strip('"')).status_code == 200
