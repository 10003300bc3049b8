"""Grades: the API, a person's answer to a proposed standard, and the page."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from serving.app import create_app
from serving.schemas import PageOf
from serving.schemas_grading import GradeShare, GradingRecommendation, Lot, StandardLimit
from settings import Settings
from warehouse.inbox import Inbox
from warehouse.release import write_release

CUTOFF = date(2026, 5, 3)
NIGHT = datetime(2026, 5, 3, 22, tzinfo=UTC)
KEY = "rice/p-1a2b3c4d"
ANSWER = {"recommendation_id": KEY, "answer": "approve", "author": "王丽"}
HEAD = {
    "cutoff": CUTOFF,
    "attribute": "head_rice_pct",
    "standard": "清禾",
    "grades": 2,
    "pieces": 300,
    "goods_kg": 9000.0,
}
MONEY = {
    "net_yuan": 120_000.0, "equal_width_yuan": 90_000.0, "terciles_yuan": 95_000.0, "unsorted_yuan": 80_000.0,
    "gain_low_yuan": 38_000.0, "gain_yuan": 40_000.0, "gain_high_yuan": 42_000.0, "moved_share": 0.1, "regret_share": 0.001,
}  # fmt: skip


def tables() -> dict[str, pl.DataFrame]:
    new = {
        "recommendation_id": KEY,
        "crop_id": "rice",
        "answer": "new_cuts",
        "version": "p-1a2b3c4d",
        "status": "proposed",
    }
    old = {
        "recommendation_id": "crab/1",
        "crop_id": "crab",
        "answer": "keep",
        "version": "1",
        "status": "in_force",
    }
    text = {"text_zh": "建议新切点", "text_en": "cut rice at <b>66</b>"}
    cut = {
        "crop_id": "rice",
        "attribute": "head_rice_pct",
        "max_value": None,
        "present_max": None,
        "demand_kg": 2000.0,
    }
    price = {
        "crop_id": "rice",
        "base_grade": "一级",
        "cells": 24,
        "markets": 2,
        "lines": 100,
        "return_share": 0.01,
    }
    lot = {
        "lot_id": "L1",
        "crop_id": "rice",
        "standard": "清禾 (1)",
        "label": "一级",
        "pieces": 60,
        "needed": 30,
    }
    rule = {
        "standard": "清禾", "version": "1", "crop_id": "rice", "attribute": "head_rice_pct", "max_value": None, "condition": None,
        "valid_from": date(2024, 1, 1), "source": "合作社", "is_verified": True, "origin": "loaded", "is_in_force": True,
    }  # fmt: skip
    return {
        "crop": pl.DataFrame({"crop_id": ["rice", "crab"], "name_zh": ["水稻", "河蟹"], "name_en": ["rice", "crab"]}),
        "grading_recommendation": pl.DataFrame([
            {**HEAD, **MONEY, **old, "present_yuan": 120_000.0, "text_zh": "维持", "text_en": "keep"},
            {**HEAD, **MONEY, **new, **text, "present_yuan": 100_000.0},
        ]),
        "grade_cut": pl.DataFrame([
            {**cut, "recommendation_id": KEY, "grade": "特级", "rank": 1, "min_value": 66.0, "present_min": 64.0,
             "goods_share": 0.2, "goods_kg": 1800.0, "price_yuan_per_kg": 11.4},
            {**cut, "recommendation_id": KEY, "grade": "一级", "rank": 2, "min_value": None, "present_min": None,
             "goods_share": 0.8, "goods_kg": 7200.0, "price_yuan_per_kg": 4.9},
        ]),
        "grade_curve": pl.DataFrame({
            "recommendation_id": [KEY] * 4, "crop_id": ["rice"] * 4, "grade": ["特级"] * 4, "at_value": [60.0, 62.0, 64.0, 66.0],
            "goods_share": [0.3, 0.3, 0.2, 0.2], "net_yuan": [80e3, 90e3, 100e3, 120e3],
        }),
        "grading_reason": pl.DataFrame([
            {"recommendation_id": KEY, "rank": 2, "kind": "price", "text_zh": "价格", "text_en": "paid 2.3 times", "value_yuan": None},
            {"recommendation_id": KEY, "rank": 1, "kind": "gain", "text_zh": "收益", "text_en": "gains 40,000", "value_yuan": 40e3},
        ]),
        "grade_price": pl.DataFrame([
            {**price, "grade": "特级", "price_ratio": 2.3, "low": 2.2, "high": 2.4, "advice": "pays", "yuan_per_kg": 11.4,
             "sold_kg": 2000.0, "sold_share": 0.2},
            {**price, "grade": "一级", "price_ratio": 1.0, "low": 1.0, "high": 1.0, "advice": "base", "yuan_per_kg": 4.9,
             "sold_kg": 8000.0, "sold_share": 0.8},
        ]),
        "lot_grade": pl.DataFrame([
            {**lot, "grade": "特级", "rank": 1, "share": 0.3, "low": 0.2, "high": 0.4},
            {**lot, "grade": "一级", "rank": 2, "share": 0.7, "low": 0.6, "high": 0.8},
        ]),
        "lot_allocation": pl.DataFrame([
            {"lot_id": "L1", "crop_id": "rice", "destination": "taobao-1/一级", "kind": "order", "kg": 40.0, "yuan": 200.0, "steps_down": 0},
            {"lot_id": "L2", "crop_id": "crab", "destination": "clearance", "kind": "clearance", "kg": 10.0, "yuan": 50.0, "steps_down": None},
        ]),
        "grade_mix": pl.DataFrame({"crop_id": ["rice"] * 2, "land_class": ["", ""], "grade": ["一级", "特级"], "share": [0.7, 0.3], "harvest_kg": [70.0, 30.0]}),
        "published_standard": pl.DataFrame([
            {**rule, "grade": "一级", "rank": 2, "min_value": 60.0, "fault": None},
            {**rule, "grade": "特级", "rank": 1, "min_value": 64.0, "fault": None},
            {**rule, "standard": "GB/T 1354", "version": "2018", "grade": "一级", "rank": 1, "min_value": None, "origin": "shipped",
             "is_in_force": False, "fault": None},
        ]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("county"))


@pytest.fixture(scope="module")
def client(shared: Settings) -> Iterator[TestClient]:
    write_release(shared.releases_dir, run_id="r1", cutoff=CUTOFF, created_at=NIGHT, tables=tables())
    with TestClient(create_app(shared)) as client:
        yield client


def items(client: TestClient, path: str, **params: str) -> list[dict[str, Any]]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_proposals_come_first_with_their_cuts_prices_and_reasons(client: TestClient) -> None:
    first, second = items(client, "/v1/grading")
    assert (first["recommendation_id"], second["crop_id"]) == (KEY, "crab")
    assert [c["grade"] for c in first["cuts"]] == ["特级", "一级"]
    assert first["cuts"][0]["min_value"] == 66.0
    assert [r["kind"] for r in first["reasons"]] == ["gain", "price"]
    assert {p["grade"]: p["advice"] for p in first["prices"]} == {"特级": "pays", "一级": "base"}
    assert [r["crop_id"] for r in items(client, "/v1/grading", answer="keep")] == ["crab"]
    assert client.get("/v1/grading", params={"crop": "pear"}).status_code == 404


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/grading", PageOf[GradingRecommendation]),
        ("/v1/grading/lots", PageOf[Lot]),
        ("/v1/grading/mix", PageOf[GradeShare]),
        ("/v1/standards", PageOf[StandardLimit]),
    ],
)
def test_an_answer_has_the_promised_shape(client: TestClient, path: str, shape: type[BaseModel]) -> None:
    shape.model_validate_json(client.get(path).content)


def test_lots_standards_and_mix_are_read(client: TestClient) -> None:
    crab, rice = items(client, "/v1/grading/lots")
    assert (rice["label"], rice["flows"][0]["kg"], [s["share"] for s in rice["shares"]]) == (
        "一级",
        40.0,
        [0.3, 0.7],
    )
    assert (crab["label"], crab["shares"]) == (None, None)
    assert [s["grade"] for s in items(client, "/v1/standards", in_force="true")] == ["特级", "一级"]
    assert [s["standard"] for s in items(client, "/v1/standards", origin="shipped")] == ["GB/T 1354"]
    assert sum(s["share"] for s in items(client, "/v1/grading/mix", crop="rice")) == pytest.approx(1)


@pytest.mark.parametrize("path", ["/v1/grading", "/v1/grading/lots", "/v1/grading/mix", "/v1/standards"])
def test_an_empty_release_answers_with_nothing(bare: TestClient, path: str) -> None:
    assert items(bare, path) == []


def test_an_approval_is_on_disk_before_the_answer_and_kept_once(client: TestClient, shared: Settings) -> None:
    key = {"Idempotency-Key": "grade-approval-1"}
    first, second = (client.post("/v1/standards/approvals", json=ANSWER, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json() | {"kind": "standard_approval"}
    waiting = [m for m in Inbox.open(shared.inbox_path).pending() if m.kind == "standard_approval"]
    assert [(m.message_id, m.author) for m in waiting] == [(first.json()["message_id"], "王丽")]
    assert waiting[0].payload == {"recommendation_id": KEY, "answer": "approve", "reason": None}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"recommendation_id": "rice/none"}, 404),
        ({"recommendation_id": "crab/1"}, 409),
        ({"answer": "refuse"}, 422),
        ({"answer": "maybe"}, 422),
        ({"author": ""}, 422),
    ],
)
def test_an_answer_that_cannot_be_is_refused(client: TestClient, change: dict[str, str], status: int) -> None:
    assert client.post("/v1/standards/approvals", json=ANSWER | change).status_code == status


def test_openapi_gives_an_example_of_an_approval(client: TestClient) -> None:
    spec = client.get("/v1/openapi.json").json()["components"]["schemas"]
    assert spec["StandardAnswer"]["examples"][0]["answer"] == "approve"
    assert "standard_approval" in str(spec["Accepted"])


@pytest.mark.parametrize(("language", "heading"), [("zh", "分级"), ("en", "Grades")])
def test_the_page_shows_cuts_lots_and_standards_in_both_languages(
    bare: TestClient, tmp_path: Path, language: str, heading: str
) -> None:
    settings = Settings(home=tmp_path / "county")
    write_release(settings.releases_dir, run_id="r1", cutoff=CUTOFF, created_at=NIGHT, tables=tables())
    with TestClient(create_app(settings)) as fresh:
        page = fresh.get("/grades", params={"lang": language}).text
        assert f"<h1>{heading}</h1>" in page
        assert '<path class="net n0" d="M' in page
        assert page.count('class="cut-line"') == 1
        assert "L1" in page
        assert "GB/T 1354" in page
        assert "<b>66</b>" not in page
        form = {"recommendation_id": KEY, "answer": "refuse", "reason": "太严", "author": "李强"}
        answer = fresh.post("/grades/approval", data=form, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/grades?crop=rice#cuts")
        after = fresh.get("/grades", params={"lang": language, "crop": "rice"}).text
        assert "李强" in after
        assert 'action="/grades/approval"' not in after
    empty = bare.get("/grades", params={"lang": language}).text
    assert {"zh": "还没有分级结果", "en": "No grades yet"}[language] in empty


def test_a_standard_prints_on_a_sheet_of_its_own(client: TestClient) -> None:
    sheet = client.get("/grades/print", params={"recommendation_id": KEY, "lang": "en"}).text
    assert "≥ 66" in sheet
    assert "In force only after a person has approved it." in sheet
    assert client.get("/grades/print", params={"recommendation_id": "rice/none"}).status_code == 404
