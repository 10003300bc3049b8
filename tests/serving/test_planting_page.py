"""The planting page beside the plan: its value, what-ifs and their form, supplies, changes, commitments entered by hand."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from models.planning.imagine import parse
from serving.accounts import Accounts
from serving.app import create_app
from serving.roles import Role
from serving.web.planting_asks import ROWS
from settings import Settings
from tests.serving.test_pages import parsed
from tests.serving.test_planting_facts import reckoned
from tests.serving.test_planting_whatifs import ALL_KINDS, answered
from warehouse.inbox import Inbox

EN = {"lang": "en"}
PROMISE = {
    "commitment_id": "p-1", "kind": "preorder", "crop_id": "rice", "quantity_kg": "500", "due_from": "2026-09-01",
    "due_to": "2026-10-01", "price_yuan_per_kg": "3.2", "author": "Wang Li",
}  # fmt: skip


@pytest.fixture
def client(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> Iterator[TestClient]:
    held = {"commitment_id": "p-0", "kind": "contract", "crop_id": "rice", "quantity_kg": 80.0,
            "due_from": date(2026, 8, 1), "due_to": date(2026, 8, 9), "price_yuan_per_kg": 3.0}  # fmt: skip
    publish("r1", {**county, **reckoned(), **answered(), "commitment": pl.DataFrame([held])})
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_the_night_reckoned_is_on_the_page(client: TestClient, language: str) -> None:
    html = client.get("/planting", params={"lang": language}).text
    ids = {attributes.get("id") for _, attributes in parsed(html).seen}
    assert {"value", "whatifs", "supplies", "commitments", "changes"} <= ids
    told = {
        "zh": ["2.70 万元", "地块状态", "没有计划：labour of week 30 is 4 hours short", "地变了", "水稻 14 → 9"],
        "en": ["27 k yuan", "400 yuan", ">field<", "No plan: labour of week 30 is 4 hours short", "Rice 14 → 9"],
    }[language]  # fmt: skip
    for text in told:
        assert text in html, text


def test_large_amounts_are_written_out(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    needs = reckoned()["supply_need"].with_columns(quantity=pl.lit(1_234_567.0))
    publish("r1", {**county, "supply_need": needs})
    with TestClient(create_app(settings)) as client:
        assert "1,234,567 kg" in client.get("/planting", params=EN).text


def test_every_row_of_the_form_becomes_an_override_that_the_planner_understands(
    client: TestClient, settings: Settings
) -> None:
    form = {"name": "all of it", "author": "Wang Li", "price.change": "10", "price.crop_id": "rice", "demand.change": "-10",
            "demand.crop_id": "", "weather.change": "-20", "heat.celsius": "1.5", "crop_fails.year": "2027",
            "crop_fails.crop_id": "crab", "adoption.quantity_kg": "500", "adoption.crop_id": "rice",
            "adoption.due_from": "2026-09-01", "adoption.due_to": "2026-10-01", "subsidy.yuan_per_mu": "120",
            "cold_room.days": "30", "cold_room.crop_id": ""}  # fmt: skip
    answer = client.post("/planting/what-if", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/planting#whatifs")
    [message] = Inbox.open(settings.inbox_path).pending()
    found = parse(message.payload["overrides_json"])
    assert [o.kind for o in found] == list(ROWS) == [o["kind"] for o in ALL_KINDS]
    assert [round(o.factor, 9) for o in found[:3]] == [1.1, 0.9, 0.8]
    html = client.get("/planting", params=EN).text
    assert "Rice: prices +10%; every crop: demand −10%; every crop: yields −20%; every day +1.5 °C" in html
    assert "The next night that makes a plan answers" in html


@pytest.mark.parametrize(
    ("form", "told"),
    [({}, "overrides"), ({"price.change": "much"}, "price"), ({"crop_fails.year": "2027"}, "crop_id")],
)
def test_a_form_that_does_not_hold_is_refused_by_name(
    client: TestClient, settings: Settings, form: dict[str, str], told: str
) -> None:
    answer = client.post("/planting/what-if", data={"name": "x", "author": "Wang Li", **form})
    assert answer.status_code == 422
    assert told in answer.text
    assert not settings.inbox_path.exists()


def test_a_commitment_entered_by_hand_waits_for_the_night_and_can_be_withdrawn(
    client: TestClient, settings: Settings
) -> None:
    answer = client.post("/planting/commitment", data=PROMISE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/planting#commitments")
    [message] = Inbox.open(settings.inbox_path).pending()
    assert (message.kind, message.author, message.payload["quantity_kg"]) == (
        "commitment_entry",
        "Wang Li",
        500.0,
    )
    assert "taken in tonight" in client.get("/planting", params=EN).text
    client.post("/planting/commitment", data={**PROMISE, "quantity_kg": "0"})
    html = client.get("/planting", params=EN).text
    assert "taken in tonight" not in html
    assert "withdrawn from tonight" not in html  # it never stood
    client.post("/planting/commitment", data={**PROMISE, "commitment_id": "p-0", "quantity_kg": "0"})
    assert "withdrawn from tonight" in client.get("/planting", params=EN).text
    assert client.post("/planting/commitment", data={**PROMISE, "crop_id": "durian"}).status_code == 404


def test_who_may_not_write_sees_no_form_and_is_refused(client: TestClient, settings: Settings) -> None:
    accounts = Accounts(settings.access_path)
    keys = {role: accounts.add_key(role, role)[1] for role in (Role.VIEWER, Role.PLANNER)}
    for role, forms in ((Role.VIEWER, 0), (Role.PLANNER, 1)):
        bearer = {"Authorization": f"Bearer {keys[role]}"}
        html = client.get("/planting", headers=bearer).text
        assert (
            html.count('action="/planting/what-if"') == html.count('action="/planting/commitment"') == forms
        )
    refused = client.post(
        "/planting/what-if", data={}, headers={"Authorization": f"Bearer {keys[Role.VIEWER]}"}
    )
    assert refused.status_code == 403


def test_a_question_that_is_no_list_of_overrides_is_shown_as_it_is(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    odd = answered()["planting_whatif"].with_columns(overrides_json=pl.lit(json.dumps({"kind": "tax"})))
    publish("r1", {**county, "planting_whatif": odd})
    with TestClient(create_app(settings)) as client:
        assert "{&#34;kind&#34;: &#34;tax&#34;}" in client.get("/planting").text
