"""What the service says about how good forecasts were."""

from collections.abc import Callable

import polars as pl
import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from settings import Settings

JUDGED = ("forecast_accuracy", "forecast_value_added", "node_status", "override_value", "season_accuracy")
STEPS = ("seasonal_naive", "model", "before_override", "anxu")


def test_accuracy_is_read_by_segment_lead_metric_and_step(client: TestClient) -> None:
    found = client.get(
        "/v1/forecasts/accuracy", params={"segment": "all", "lead_days": "1-7", "metric": "wql"}
    ).json()
    assert {row["method"]: row["value"] for row in found["items"]} == dict(
        zip(STEPS, (0.8, 0.5, 0.45, 0.5), strict=True)
    )
    one = client.get("/v1/forecasts/accuracy", params={"method": "model", "metric": "bias"}).json()
    assert one["total"] == 2


def test_the_gains_that_are_served_add_up(client: TestClient) -> None:
    rows = client.get("/v1/forecasts/value-added", params={"segment": "all", "metric": "wql"}).json()["items"]
    gain = {row["step"]: row["gain"] for row in rows}
    assert gain["model"] + gain["fallback"] + gain["override"] == pytest.approx(gain["total"])
    assert gain["override"] == pytest.approx(-0.05)


def test_nodes_overrides_and_seasons_have_their_own_addresses(client: TestClient) -> None:
    nodes = client.get("/v1/forecasts/nodes", params={"state": "baseline"}).json()["items"]
    assert [(n["product_id"], n["region_id"], n["lost_origins"]) for n in nodes] == [("rice-5kg", None, 4)]
    value = client.get("/v1/overrides/value").json()["items"][0]
    assert (value["author"], value["is_better"], value["gain_kg"]) == ("<b>wang</b>", True, 6.0)
    assert client.get("/v1/seasons/accuracy").json()["items"][0]["lead_weeks"] == 12


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ["准确度", "模型连续四次不如上周同日法", "误差减少", "人工调整后"]),
        ("en", ["Accuracy", "lost to same day last week four times", "off the error", "With overrides"]),
    ],
)
def test_the_demand_page_shows_steps_segments_fallen_nodes_and_overrides(
    client: TestClient, language: str, words: list[str]
) -> None:
    html = client.get("/demand", params={"product": "rice-5kg", "lang": language}).text
    assert all(word in html for word in words)
    assert "<b>wang</b>" not in html
    assert "&lt;b&gt;wang" in html


def test_without_matured_forecasts_the_page_has_no_such_card(
    settings: Settings, county: dict[str, pl.DataFrame], publish: Callable[..., object]
) -> None:
    publish("r1", {name: rows for name, rows in county.items() if name not in JUDGED})
    with TestClient(create_app(settings)) as client:
        assert client.get("/v1/forecasts/accuracy").json()["items"] == []
        assert 'id="accuracy"' not in client.get("/demand").text
