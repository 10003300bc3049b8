"""An override from its writing to its end: waiting, in force, taken back, expired."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from serving import schemas_writes as shapes
from serving.app import create_app
from settings import Settings
from warehouse.inbox import Inbox

CUTOFF = date(2026, 5, 3)
BODY = {
    "product_id": "rice-5kg",
    "channel_id": "taobao-1",
    "starts_on": "2026-05-10",
    "ends_on": "2026-05-20",
    "factor": 1.4,
    "author": "Wang Li",
    "reason": "double ads",
    "expires_on": "2026-05-21",
}
WHY = {"author": "Li Na", "reason": "the campaign was called off"}


def held(override_id: str, **changes: object) -> dict[str, object]:
    row = {
        "override_id": override_id,
        "product_id": "rice-5kg",
        "channel_id": None,
        "region_id": None,
        "starts_on": date(2026, 5, 1),
        "ends_on": date(2026, 5, 31),
        "factor": 0.8,
        "author": "Wang Li",
        "reason": "rain",
        "expires_on": date(2026, 6, 1),
        "written_at": datetime(2026, 5, 1, 4, tzinfo=UTC),
        "withdrawn_by": None,
        "withdrawn_reason": None,
        "withdrawn_at": None,
    }
    return row | changes


@pytest.fixture
def client(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> Iterator[TestClient]:
    """The small county with one override in force, one expired, one past and one taken back."""
    rows = [
        held("o-force"),
        held("o-expired", expires_on=date(2026, 5, 2)),
        held("o-past", ends_on=CUTOFF),
        held(
            "o-back", withdrawn_by="Li", withdrawn_reason="no", withdrawn_at=datetime(2026, 5, 2, tzinfo=UTC)
        ),
    ]
    texts = {"channel_id": pl.String, "region_id": pl.String}
    publish("r1", {**county, "demand_override": pl.DataFrame(rows, schema_overrides=texts, orient="row")})
    with TestClient(create_app(settings)) as client:
        yield client


def states(client: TestClient, **filters: str) -> dict[str, str]:
    answer = client.get("/v1/overrides", params=filters)
    assert answer.status_code == 200, answer.text
    return {row.override_id: row.state for row in shapes.Overrides.model_validate_json(answer.content).items}


def test_a_release_says_what_stands_and_what_is_over(client: TestClient) -> None:
    assert states(client) == {
        "o-force": "in_force",
        "o-expired": "expired",
        "o-past": "expired",
        "o-back": "withdrawn",
    }
    assert list(states(client, state="in_force")) == ["o-force"]
    assert states(client, product_id="crab") == {}


def test_a_new_override_waits_and_is_seen_at_once(client: TestClient) -> None:
    answer = client.post("/v1/overrides", json=BODY)
    assert answer.status_code == 202, answer.text
    key = answer.json()["message_id"]
    newest = client.get("/v1/overrides", params={"limit": 1}).json()["items"][0]
    assert (newest["override_id"], newest["state"], newest["factor"]) == (key, "waiting", 1.4)
    assert {k: newest[k] for k in BODY} == BODY


def test_what_waits_or_stands_can_be_taken_back_once(client: TestClient, settings: Settings) -> None:
    waiting = client.post("/v1/overrides", json=BODY).json()["message_id"]
    for key, then in ((waiting, "withdrawn"), ("o-force", "withdrawing")):
        answer = client.post(f"/v1/overrides/{key}/withdrawal", json=WHY)
        assert answer.status_code == 202, answer.text
        assert states(client)[key] == then
        again = client.post(f"/v1/overrides/{key}/withdrawal", json=WHY)
        assert (again.status_code, again.json()["type"]) == (409, "urn:anxu:problem:conflict")
    kinds = [m.kind for m in Inbox.open(settings.inbox_path).pending()]
    assert kinds == ["demand_override", "override_withdrawal", "override_withdrawal"]
    row = next(r for r in client.get("/v1/overrides").json()["items"] if r["override_id"] == "o-force")
    assert (row["withdrawn_by"], row["withdrawn_reason"]) == ("Li Na", WHY["reason"])


@pytest.mark.parametrize(
    ("key", "status", "named"),
    [("o-none", 404, "o-none"), ("o-expired", 409, "expired"), ("o-back", 409, "withdrawn")],
)
def test_what_is_unknown_or_over_cannot_be_taken_back(
    client: TestClient, key: str, status: int, named: str
) -> None:
    answer = client.post(f"/v1/overrides/{key}/withdrawal", json=WHY)
    assert answer.status_code == status
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"starts_on": "2026-05-01", "ends_on": "2026-05-03"}, "ends_on 2026-05-03 is not after 2026-05-03"),
        ({"starts_on": "2026-05-01", "expires_on": "2026-05-03"}, "expires_on 2026-05-03 is not after"),
        ({"expires_on": "2026-05-09"}, "expires_on 2026-05-09 is before starts_on 2026-05-10"),
        ({"expires_on": f"{CUTOFF + timedelta(days=367)}"}, "366 days at most"),
    ],
)
def test_an_override_that_could_never_hold_is_refused_with_the_reason(
    client: TestClient, changes: dict[str, str], named: str
) -> None:
    answer = client.post("/v1/overrides", json=BODY | changes)
    assert answer.status_code == 422
    assert named in answer.json()["detail"]
    assert answer.json()["way_out"]


def test_an_unknown_state_is_named_beside_the_known(client: TestClient) -> None:
    answer = client.get("/v1/overrides", params={"state": "perhaps"})
    assert answer.status_code == 422
    assert "in_force" in answer.json()["way_out"]


FORM = {
    "product_id": "rice-5kg",
    "channel_id": "taobao-1",
    "region_id": "",
    "starts_on": "2026-05-10",
    "ends_on": "2026-05-12",
    "change": "-20",
    "author": "王丽",
    "reason": "<b>rain</b>",
}


def test_the_page_takes_an_override_shows_it_and_remembers_who_wrote(
    client: TestClient, settings: Settings
) -> None:
    answer = client.post("/demand/override", data=FORM, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/demand?product=rice-5kg&channel=taobao-1#override"
    (message,) = Inbox.open(settings.inbox_path).pending()
    assert (message.author, message.payload["factor"]) == ("王丽", pytest.approx(0.8))
    assert message.payload["expires_on"] == "2026-05-12"
    assert message.payload["region_id"] is None
    shown = client.get(answer.headers["location"], params={"lang": "zh"}).text
    assert "&lt;b&gt;rain" in shown
    assert "等待下一次夜间运行" in shown
    assert 'value="王丽"' in shown
    taken = client.post(
        "/demand/withdrawal",
        data={"override_id": message.message_id, "product_id": "rice-5kg", "author": "Li", "reason": "sun"},
        follow_redirects=False,
    )
    assert taken.status_code == 303
    assert states(client)[message.message_id] == "withdrawn"


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"change": "lots"}, 422, "factor"),
        ({"author": ""}, 422, "author"),
        ({"product_id": "durian"}, 404, "durian"),
        ({"ends_on": "2026-05-01", "starts_on": "2026-05-01"}, 422, "all of its days are past"),
    ],
)
def test_the_page_says_what_is_wrong_with_an_override(
    client: TestClient, settings: Settings, changes: dict[str, str], status: int, named: str
) -> None:
    answer = client.post("/demand/override", data=FORM | changes, headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert named in answer.text
    assert not settings.inbox_path.exists()


def test_a_page_of_another_site_cannot_write_an_override(client: TestClient) -> None:
    answer = client.post("/demand/override", data=FORM, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
