"""The typed client asks for nothing that the OpenAPI does not name, and understands every answer."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.client import Client, ProblemAnswer
from serving.schemas_field import CommitmentEntry, HarvestReport
from serving.schemas_writes import Decision, Override, Withdrawal
from settings import Settings
from warehouse.inbox import Inbox

from .conftest import put_release, whole_county

OVERRIDE = {
    "product_id": "rice-5kg",
    "starts_on": "2026-06-10",
    "ends_on": "2026-06-20",
    "factor": 1.4,
    "author": "Wang",
    "reason": "618",
    "expires_on": "2026-06-21",
}
READS: dict[str, dict[str, Any]] = {
    "forecasts": {"product_id": "rice-5kg", "levels": "0.1,0.5,0.9"},
    "seasons": {},
    "sales": {"from_": date(2026, 4, 1)},
    "recommendations": {"village": "V1"},
    "changes": {},
    "supplies": {},
    "bestsellers": {},
    "selections": {},
    "products": {},
    "plots": {},
    "runs": {},
    "rejected_rows": {"rule": "quantity_positive"},
    "overrides": {},
    "decisions": {},
}
MAY_BE_EMPTY = {"changes", "supplies", "overrides", "decisions"}


@pytest.fixture
def asked() -> list[httpx.Request]:
    """Every request that was sent."""
    return []


@pytest.fixture
def service(tmp_path: Path, asked: list[httpx.Request]) -> Iterator[TestClient]:
    settings = Settings(home=tmp_path / "county")
    put_release(settings.releases_dir, "r1", whole_county())
    with TestClient(create_app(settings)) as service:
        service.event_hooks["request"].append(asked.append)
        yield service


@pytest.fixture
def anxu(service: TestClient) -> Client:
    return Client("http://testserver", http=service)


@pytest.mark.parametrize("name", sorted(READS))
def test_every_read_gives_its_rows(anxu: Client, name: str) -> None:
    rows = list(getattr(anxu, name)(**READS[name]))
    assert rows or name in MAY_BE_EMPTY


def test_pages_are_followed_to_the_end(anxu: Client, asked: list[httpx.Request]) -> None:
    whole = list(anxu.sales())
    asked.clear()
    assert list(anxu.sales(limit=7)) == whole
    assert len(asked) == -(-len(whole) // 7)


def test_every_operation_the_client_uses_is_in_the_openapi_with_its_parameters(
    anxu: Client, service: TestClient, asked: list[httpx.Request], tmp_path: Path
) -> None:
    for name, filters in READS.items():
        list(getattr(anxu, name)(**filters))
    assert anxu.health().status in ("ok", "degraded")
    assert anxu.me().role == "admin"
    assert anxu.plan().plan is not None
    assert anxu.releases()[0].is_current
    kept = [
        anxu.override(Override.model_validate(OVERRIDE)),
        anxu.decide(Decision(recommendation_id="V1-1/2026/1/rice", answer="accept", author="Wang")),
        anxu.report(HarvestReport(plot_id="V1-1", crop_id="rice", task="harvest", answer="done", done_on=date(2026, 5, 3),
                                harvested_kg=12.5, author="Li")),
        anxu.promise(CommitmentEntry(commitment_id="c1", kind="contract", crop_id="rice", quantity_kg=100,
                                due_from=date(2026, 10, 1), due_to=date(2026, 10, 31), author="Wang")),
    ]  # fmt: skip
    kept.append(anxu.withdraw(next(anxu.overrides()).override_id, Withdrawal(author="Wang", reason="off")))
    assert len({a.message_id for a in kept}) == len(kept)
    (sheet := tmp_path / "sheet.xlsx").write_bytes(anxu.export("planting"))
    assert anxu.send_sheet(sheet, "Wang").kept == 0
    (file := tmp_path / "crops.csv").write_bytes(anxu.export("crops", format="csv"))
    assert anxu.send_file(file).is_new
    assert anxu.export("calendar", village="V1").startswith(b"BEGIN:VCALENDAR")
    described = service.get("/v1/openapi.json").json()["paths"]
    for request in asked[:-1]:
        path, operation = operation_of(described, request)
        known = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
        assert set(request.url.params) <= known, (path, dict(request.url.params))


def operation_of(described: dict[str, Any], request: httpx.Request) -> tuple[str, dict[str, Any]]:
    """The path template and operation that a request matches; the plainest template first."""
    for path in sorted(described, key=lambda p: p.count("{")):
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, request.url.path) and request.method.lower() in described[path]:
            return path, described[path][request.method.lower()]
    raise AssertionError(f"{request.method} {request.url.path} is in no OpenAPI")


def test_a_problem_is_raised_with_its_kind_and_way_out(anxu: Client) -> None:
    with pytest.raises(ProblemAnswer, match=r"404 not-found: product 'x' .*see") as caught:
        list(anxu.forecasts(product_id="x"))
    assert (caught.value.status, caught.value.kind) == (404, "not-found")


def test_a_write_whose_answer_was_lost_is_sent_again_and_kept_once(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., httpx.Response] = service.request
    lost = [httpx.ReadTimeout("gone"), httpx.ConnectError("gone")]

    def losing(*args: Any, **more: Any) -> httpx.Response:
        answer = real(*args, **more)
        if lost:
            raise lost.pop()
        return answer

    monkeypatch.setattr(service, "request", losing)
    body = Decision(recommendation_id="V1-1/2026/1/rice", answer="accept", author="Wang")
    accepted = Client("http://testserver", http=service).decide(body)
    (message,) = Inbox.open(service.app.state.settings.inbox_path).pending()  # type: ignore[attr-defined]
    assert message.message_id == accepted.message_id
