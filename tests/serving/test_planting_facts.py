"""What the night reckoned beside the plan: changes, supplies, value, decisions and what they were worth."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from serving import schemas_planting as shapes
from serving.app import create_app
from serving.schemas import PageOf
from settings import Settings
from warehouse.inbox import Inbox

CUTOFF = date(2026, 5, 3)
RUN = {"run_id": "r1", "cutoff": CUTOFF}
LINE = {"practice_id": "rice-single", "crop_id": "rice", "year": 2026, "season": 1}


def reckoned() -> dict[str, pl.DataFrame]:
    change = {
        **RUN,
        **LINE,
        "since": date(2026, 5, 2),
        "change_kg": -500.0,
        "text_zh": "地变了",
        "text_en": "land",
    }
    changes = [
        change | {"rank": 2, "recommendation_id": "V2-1/2026/1/rice-single", "plot_id": "V2-1", "old_mu": 0.0,
                  "new_mu": 1.0, "change_yuan": 300.0, "cause": "demand"},
        change | {"rank": 1, "recommendation_id": "V1-1/2026/1/rice-single", "plot_id": "V1-1", "old_mu": 8.0,
                  "new_mu": 7.0, "change_yuan": -900.0, "cause": "field_state"},
    ]  # fmt: skip
    need = {**RUN, "crop_id": "rice", "unit": "kg", "item": "seed", "quantity": 12.0, "is_accepted": True}
    needs = [
        need | {"week_start": date(2026, 5, 11), "village_id": None, "is_accepted": False},
        need | {"week_start": date(2026, 5, 4), "village_id": "V1"},
        need | {"week_start": date(2026, 5, 4), "village_id": "V1", "item": "labour", "unit": "hours"},
    ]
    score = {**RUN, "decision_id": "d2", "recommendation_id": "V1-1/2026/1/rice", "answer": "change", "author": "Wang Li",
             "reason": "wet", "stage": "ahead", "proposed_mu": 8.0, "decided_mu": 6.0, "proposed_yuan": 27500.0,
             "decided_yuan": 27000.0, "gained_yuan": -500.0}  # fmt: skip
    worth = {**RUN, "made_for": "both", "paths": 1000, "scenarios": 10, "expected_yuan": 27000.0, "low_yuan": 20000.0,
             "high_yuan": 30000.0, "cvar_yuan": 18000.0, "cvar_level": 0.9, "mean_plan_yuan": 26500.0,
             "scenario_plan_yuan": 26900.0, "vss_yuan": 400.0, "evpi_yuan": 2500.0, "service_share": 0.8,
             "promise_share": 1.0, "waste_kg": 120.0, "unserved_kg": 900.0}  # fmt: skip
    said = {"recommendation_id": "V1-1/2026/1/rice", "author": "Wang Li", "reason": None, "area_mu": None}
    decided = [
        said | {"decision_id": "d1", "answer": "accept", "written_at": datetime(2026, 5, 1, 4, tzinfo=UTC)},
        said | {"decision_id": "d2", "answer": "change", "area_mu": 6.0,
                "written_at": datetime(2026, 5, 2, 4, tzinfo=UTC)},
    ]  # fmt: skip
    return {
        "planting_change": pl.DataFrame(changes),
        "supply_need": pl.DataFrame(needs, schema_overrides={"village_id": pl.String}),
        "planting_decision_score": pl.DataFrame([score]),
        "planting_value": pl.DataFrame([worth]),
        "decision": pl.DataFrame(decided, schema_overrides={"reason": pl.String, "area_mu": pl.Float64}),
    }


@pytest.fixture
def client(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> Iterator[TestClient]:
    publish("r1", {**county, **reckoned()})
    with TestClient(create_app(settings)) as client:
        yield client


def got(client: TestClient, path: str, shape: type, **filters: str) -> list:
    answer = client.get(path, params=filters)
    assert answer.status_code == 200, answer.text
    return PageOf[shape].model_validate_json(answer.content).items  # type: ignore[valid-type]


def test_changes_tell_old_new_and_why_the_largest_yuan_first(client: TestClient) -> None:
    found = got(client, "/v1/planting/changes", shapes.PlantingChange)
    assert [(c.plot_id, c.village_name, c.cause, c.old_mu, c.new_mu) for c in found] == [
        ("V1-1", "河东村", "field_state", 8.0, 7.0),
        ("V2-1", "河西村", "demand", 0.0, 1.0),
    ]
    assert [
        c.plot_id for c in got(client, "/v1/planting/changes", shapes.PlantingChange, cause="demand")
    ] == ["V2-1"]
    assert client.get("/v1/planting/changes", params={"cause": "rain"}).status_code == 422
    assert client.get("/v1/planting/changes", params={"plot": "V9"}).status_code == 404


def test_supplies_are_by_week_accepted_lines_and_others_apart(client: TestClient) -> None:
    found = got(client, "/v1/planting/supplies", shapes.SupplyNeed)
    assert [(n.week_start.day, n.item, n.village_id, n.is_accepted) for n in found] == [
        (4, "labour", "V1", True),
        (4, "seed", "V1", True),
        (11, "seed", None, False),
    ]
    later = got(client, "/v1/planting/supplies", shapes.SupplyNeed, **{"from": "2026-05-05"})
    assert [n.week_start.day for n in later] == [11]
    assert not got(client, "/v1/planting/supplies", shapes.SupplyNeed, accepted="false", item="labour")


def test_the_value_stands_beside_the_plan_for_mean_demand(client: TestClient) -> None:
    found = shapes.PlantingValue.model_validate_json(client.get("/v1/planting/value").content)
    assert found.value is not None
    assert (found.status, found.value.over_mean_plan_yuan, found.value.vss_yuan) == ("optimal", 500.0, 400.0)


def test_a_county_without_a_plan_has_no_value_and_says_so(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    publish("r1", {name: f for name, f in county.items() if not name.startswith("planting")})
    with TestClient(create_app(settings)) as client:
        found = shapes.PlantingValue.model_validate_json(client.get("/v1/planting/value").content)
        assert (found.status, found.value) == (None, None)
        for path in ("changes", "supplies", "decisions", "what-ifs"):
            assert client.get(f"/v1/planting/{path}").json()["total"] == 0


def test_scores_of_decisions_and_the_record_of_who_decided_what(
    client: TestClient, settings: Settings
) -> None:
    scores = got(client, "/v1/planting/decisions", shapes.DecisionScore)
    assert [(s.author, s.gained_yuan) for s in scores] == [("Wang Li", -500.0)]
    body = {
        "recommendation_id": "V1-2/2026/1/rice",
        "answer": "refuse",
        "author": "Li Na",
        "reason": "no water",
    }
    assert client.post("/v1/decisions", json=body).status_code == 202
    record = got(client, "/v1/decisions", shapes.DecisionRecord)
    assert [(d.author, d.answer, d.state, d.gained_yuan) for d in record] == [
        ("Li Na", "refuse", "waiting", None),
        ("Wang Li", "change", "in_force", -500.0),
        ("Wang Li", "accept", "replaced", None),
    ]
    assert record[0].decision_id == Inbox.open(settings.inbox_path).pending()[0].message_id
    assert [d.reason for d in got(client, "/v1/decisions", shapes.DecisionRecord, author="Li Na")] == [
        "no water"
    ]
    assert client.get("/v1/decisions", params={"state": "gone"}).status_code == 422
