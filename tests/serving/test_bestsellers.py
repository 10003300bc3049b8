"""Bestseller calls over the API and on their page."""

from fastapi.testclient import TestClient


def test_launches_come_first_and_reasons_in_their_order(client: TestClient) -> None:
    items = client.get("/v1/bestsellers").json()["items"]
    assert [i["subject_id"] for i in items] == ["rice-5kg", "c-1"]
    assert [r["theme"] for r in items[0]["reasons"]] == ["trend", "price"]
    assert items[1]["probability"] is None
    assert items[1]["reasons"] is None


def test_filters_pick_and_an_unknown_category_is_named(client: TestClient) -> None:
    one = client.get("/v1/bestsellers", params={"question": "listing", "category": "honey"}).json()
    assert [i["subject_id"] for i in one["items"]] == ["c-1"]
    assert client.get("/v1/selections", params={"answer": "drop"}).json()["items"] == []
    refused = client.get("/v1/bestsellers", params={"category": "tea"})
    assert refused.status_code == 404
    assert "tea" in refused.json()["detail"]
    assert client.get("/v1/selections", params={"answer": "maybe"}).status_code == 422


def test_the_page_shows_chance_beside_base_rate_money_answer_and_what_stands_in(client: TestClient) -> None:
    html = client.get("/bestsellers", params={"lang": "en"}).text
    for said in (
        "61.0% (base rate 20.0%)",
        "margin 310 yuan",
        "Keep",
        "first quantity 40 packs",
        "Only 3 launches",
        "1 / 2",
    ):
        assert said in html, said
    assert "told from all 4 products" in html
    assert client.get("/bestsellers", params={"question": "none"}).status_code == 404


def test_without_calls_the_page_says_what_to_load(bare: TestClient) -> None:
    html = bare.get("/bestsellers", params={"lang": "en"}).text
    assert "candidate_listing" in html
    assert "No call has matured yet" in html
