from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

Read = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def read(client: TestClient) -> Read:
    def ask(path: str, **params: object) -> list[dict[str, Any]]:
        answer = client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    return ask


def test_fields_of_the_newest_day_stand_worst_first_with_their_crops(read: Read) -> None:
    rows = read("/v1/fields")
    assert [(r["plot_id"], r["level"]) for r in rows] == [("V1-2", 2), ("V1-1", 0), ("V2-1", 0)]
    assert (rows[0]["source_water"], rows[0]["silent_days"], rows[0]["village_id"]) == ("held", 12, "V1")
    assert rows[0]["standing"] == [{"crop_id": "rice", "stage": "ripe"}]
    assert rows[2]["standing"] == [{"crop_id": "crab", "stage": None}]


def test_fields_are_chosen_by_day_level_and_village(read: Read) -> None:
    assert [r["plot_id"] for r in read("/v1/fields", level=1)] == ["V1-2"]
    assert [r["day"] for r in read("/v1/fields", day="2026-05-02", plot="V1-1")] == ["2026-05-02"]
    assert read("/v1/fields", village="V2")[0]["plot_id"] == "V2-1"
    assert read("/v1/fields", day="2020-01-01") == []


def test_the_outlook_puts_what_is_ready_first_and_overdue_last(read: Read) -> None:
    rows = read("/v1/harvest/outlook")
    assert [(r["plot_id"], r["is_overdue"]) for r in rows] == [
        ("V2-1", False),
        ("V1-1", False),
        ("V1-2", True),
    ]
    assert [r["plot_id"] for r in read("/v1/harvest/outlook", crop="crab")] == ["V2-1"]


def test_days_actuals_and_value_are_read(read: Read) -> None:
    assert [r["expected_kg"] for r in read("/v1/harvest/days", crop="crab")] == [12.0] * 7
    assert read("/v1/harvest/actuals")[0]["told_kg"] == 185.0
    assert read("/v1/harvest/value")[0]["value_added"] == 0.5


@pytest.mark.parametrize(
    "path",
    ["/v1/fields", "/v1/harvest/outlook", "/v1/harvest/days", "/v1/harvest/actuals", "/v1/harvest/value"],
)
def test_a_release_without_a_harvest_answers_with_no_rows(bare: TestClient, path: str) -> None:
    assert bare.get(path).json()["items"] == []


def test_cuts_stand_by_day_and_rank_with_their_reasons(read: Read) -> None:
    rows = read("/v1/recommendations/harvest")
    assert [(r["plot_id"], r["rank"]) for r in rows] == [("V2-1", 1), ("V1-1", 2)]
    assert rows[0]["reasons"][0]["text_en"] == "goes to promises made"
    assert [r["plot_id"] for r in read("/v1/recommendations/harvest", village="V1")] == ["V1-1"]
    assert read("/v1/recommendations/harvest", crew="nobody") == []


def test_what_cannot_be_kept_and_what_changed_are_read(client: TestClient, read: Read) -> None:
    assert [(r["kg"], r["cause"]) for r in read("/v1/harvest/shortfalls", kind="order")] == [
        (30.0, "crew_hours")
    ]
    assert [(r["before_kg"], r["after_kg"]) for r in read("/v1/harvest/changes")] == [(60.0, 100.0)]
    assert read("/v1/harvest/serves", promised=True)[0]["served_kg"] == 90.0
    whole = client.get("/v1/harvest/plan").json()
    assert (whole["plan"]["cause"], whole["triggers"][0]["subject_id"], whole["loads"][0]["used"]) == (
        "hour",
        "crab",
        12.0,
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_what_ripens_what_threatens_and_what_came_of_it(client: TestClient, lang: str) -> None:
    page = client.get("/harvest", params={"lang": lang}).text
    words = {
        "zh": ("未来 14 天成熟量", "缺水 · 处理", "超期未采", "+50%", "花期后"),
        "en": ("What ripens in the next 14 days", "water · act", "overdue", "+50%", "flowering"),
    }
    assert [w for w in words[lang] if w not in page] == []
    only = client.get("/harvest", params={"lang": lang, "crop": "crab"}).text
    assert "V2-1" in only
    assert "<td>V1-1<" not in only.split('id="threats"')[0]


def test_without_a_harvest_the_page_says_what_to_do_next(bare: TestClient) -> None:
    page = bare.get("/harvest", params={"lang": "en"}).text
    assert "then run anxu nightly" in page


def test_the_page_shows_the_cutting_plan_by_crew_and_what_cannot_be_kept(client: TestClient) -> None:
    page = client.get("/harvest", params={"lang": "en"}).text
    words = (
        "Cutting plan",
        "crew-1",
        "goes to promises made",
        "75% of what is promised",
        "too few crew hours",
        "Changed today",
    )
    assert [w for w in words if w not in page] == []
    assert "goes to promises made" not in client.get("/harvest", params={"lang": "en", "crew": "nobody"}).text
    assert "供已承诺的交付" in client.get("/harvest", params={"lang": "zh"}).text


def test_tasks_of_growers_are_the_cuts_that_the_plan_names(client: TestClient) -> None:
    page = client.get("/my", params={"lang": "en", "village": "V2"}).text
    assert "100 kg · crew-1" in page
