"""Kept answers are the same answers, and never outlive their release."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from serving import kept
from serving.app import create_app
from settings import Settings

County = dict[str, pl.DataFrame]


def shelf_of(client: TestClient) -> kept.Shelf:
    """The shelf inside the running app."""
    layer = client.app.middleware_stack
    while not isinstance(layer, kept.Kept):
        layer = layer.app
    return layer.shelf


def test_the_second_answer_is_the_first_one(client: TestClient) -> None:
    first = client.get("/v1/forecasts?product_id=crab&limit=3")
    held = len(shelf_of(client).answers)
    second = client.get("/v1/forecasts?product_id=crab&limit=3")
    assert (second.content, second.headers) == (first.content, first.headers)
    assert len(shelf_of(client).answers) == held


def test_formats_and_queries_are_kept_apart(client: TestClient) -> None:
    for _ in range(2):
        assert client.get("/v1/products").headers["content-type"] == "application/json"
        assert (
            client.get("/v1/products", headers={"Accept": "text/csv"})
            .headers["content-type"]
            .startswith("text/csv")
        )
        assert client.get("/v1/products?family=rice").json()["total"] == 1


@pytest.mark.parametrize(
    "path", ["/v1/health", "/v1/forecasts/durian", "/v1/forecasts?surprise=1", "/v1/openapi.json"]
)
def test_what_no_release_vouches_for_is_not_kept(client: TestClient, path: str) -> None:
    before = dict(shelf_of(client).answers)
    client.get(path)
    assert shelf_of(client).answers == before


def test_an_answer_goes_with_its_release(
    settings: Settings, publish: Callable[..., Path], county: County
) -> None:
    publish("a", county)
    app = create_app(settings)
    with TestClient(app) as client:
        before = client.get("/v1/forecasts/crab").json()
        county["demand_forecast"] = county["demand_forecast"].with_columns(demand_kg=pl.lit(5.0))
        publish("b", county)
        app.state.published.look()
        after = client.get("/v1/forecasts/crab").json()
    assert before["release_id"] != after["release_id"]
    assert {v for row in after["items"] for v in row["demand_kg"].values()} == {5.0}


def test_a_full_shelf_is_emptied_rather_than_grown(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", 4000)
    for limit in range(1, 40):
        client.get(f"/v1/sales?limit={limit}")
        assert shelf_of(client).size <= 4000 or len(shelf_of(client).answers) == 1
