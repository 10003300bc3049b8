"""Every read of the API on the small county, its shapes and its errors."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from serving import (
    schemas,
    schemas_accuracy,
    schemas_bestsellers,
    schemas_cutting,
    schemas_files,
    schemas_grading,
    schemas_harvest,
    schemas_planting,
)
from serving.app import create_app
from serving.problems import TITLES
from serving.schemas_access import Me
from serving.schemas_imagined import PlantingWhatIfs
from serving.schemas_writes import Overrides
from settings import Settings

ROUTES: dict[str, type[BaseModel]] = {
    "/v1/health": schemas.Health,
    "/v1/me": Me,
    "/v1/releases/current": schemas.CurrentRelease,
    "/v1/forecasts": schemas.PageOf[schemas.DemandForecast],
    "/v1/forecasts/rice-5kg": schemas.PageOf[schemas.DemandForecast],
    "/v1/seasons": schemas.PageOf[schemas.SeasonForecast],
    "/v1/sales": schemas.PageOf[schemas.Sale],
    "/v1/recommendations/planting": schemas.PageOf[schemas.PlantingRecommendation],
    "/v1/recommendations/planting/V1-1/2026/1/rice": schemas.PlantingRecommendation,
    "/v1/plans/planting": schemas.PlantingPlan,
    "/v1/planting/changes": schemas.PageOf[schemas_planting.PlantingChange],
    "/v1/planting/supplies": schemas.PageOf[schemas_planting.SupplyNeed],
    "/v1/planting/value": schemas_planting.PlantingValue,
    "/v1/planting/decisions": schemas.PageOf[schemas_planting.DecisionScore],
    "/v1/planting/what-ifs": PlantingWhatIfs,
    "/v1/decisions": schemas.PageOf[schemas_planting.DecisionRecord],
    "/v1/bestsellers": schemas.PageOf[schemas_bestsellers.BestsellerCall],
    "/v1/selections": schemas.PageOf[schemas_bestsellers.SelectionRecommendation],
    "/v1/grading": schemas.PageOf[schemas_grading.GradingRecommendation],
    "/v1/grading/lots": schemas.PageOf[schemas_grading.Lot],
    "/v1/grading/mix": schemas.PageOf[schemas_grading.GradeShare],
    "/v1/standards": schemas.PageOf[schemas_grading.StandardLimit],
    "/v1/products": schemas.PageOf[schemas.Product],
    "/v1/plots": schemas.PageOf[schemas.Plot],
    "/v1/runs": schemas.PageOf[schemas.Run],
    "/v1/scores": schemas.PageOf[schemas.Score],
    "/v1/crops": schemas.PageOf[dict[str, object]],
    "/v1/places": schemas.PageOf[dict[str, object]],
    "/v1/channels": schemas.PageOf[dict[str, object]],
    "/v1/regions": schemas.PageOf[dict[str, object]],
    "/v1/forecasts/accuracy": schemas.PageOf[schemas_accuracy.Accuracy],
    "/v1/forecasts/value-added": schemas.PageOf[schemas_accuracy.ValueAdded],
    "/v1/forecasts/nodes": schemas.PageOf[schemas_accuracy.NodeStatus],
    "/v1/overrides/value": schemas.PageOf[schemas_accuracy.OverrideValue],
    "/v1/seasons/accuracy": schemas.PageOf[schemas_accuracy.SeasonAccuracy],
    "/v1/overrides": Overrides,
    "/v1/intake/files": schemas.PageOf[dict[str, object]],
    "/v1/intake/rejected": schemas.PageOf[dict[str, object]],
    "/v1/intake/unmapped": schemas.PageOf[dict[str, object]],
    "/v1/intake/rejected/rows": schemas.PageOf[schemas_files.RejectedRow],
    "/v1/intake/waiting": schemas_files.WaitingFiles,
    "/v1/releases": schemas_files.Releases,
    "/v1/sensors": schemas.PageOf[dict[str, object]],
    "/v1/fields": schemas.PageOf[schemas_harvest.FieldState],
    "/v1/harvest/outlook": schemas.PageOf[schemas_harvest.HarvestOutlook],
    "/v1/harvest/days": schemas.PageOf[schemas_harvest.HarvestDay],
    "/v1/harvest/actuals": schemas.PageOf[schemas_harvest.HarvestActual],
    "/v1/harvest/value": schemas.PageOf[schemas_harvest.HarvestValue],
    "/v1/recommendations/harvest": schemas.PageOf[schemas_cutting.HarvestRecommendation],
    "/v1/harvest/plan": schemas_cutting.Cutting,
    "/v1/harvest/serves": schemas.PageOf[schemas_cutting.HarvestServe],
    "/v1/harvest/shortfalls": schemas.PageOf[schemas_cutting.HarvestShortfall],
    "/v1/harvest/changes": schemas.PageOf[schemas_cutting.HarvestChange],
}
ELSEWHERE = ("/v1/planting/", "/v1/grading", "/v1/standards", "/v1/intake/waiting")
EMPTY = {
    "/v1/overrides",
    "/v1/decisions",
    "/v1/releases",
    *(path for path in ROUTES if path.startswith(ELSEWHERE)),
}
"""What the small county holds no rows of; their own tests do."""
TABLES = [path for path, shape in ROUTES.items() if "items" in shape.model_fields and path not in EMPTY]


def problem(client: TestClient, path: str, status: int) -> dict[str, object]:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert str(body["type"]).startswith("urn:anxu:problem:")
    assert body["title"]
    assert body["way_out"]
    return body


@pytest.mark.parametrize("path", ROUTES)
def test_an_answer_has_the_promised_shape(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body = ROUTES[path].model_validate_json(answer.content)
    if path in TABLES:
        assert body.items


def test_the_list_of_tested_routes_is_the_list_of_routes(client: TestClient) -> None:
    paths = client.get("/v1/openapi.json").json()["paths"]
    reads = {path for path, methods in paths.items() if "get" in methods}
    tested = {
        p.replace("rice-5kg", "{product_id}").replace("V1-1/2026/1/rice", "{recommendation_id}")
        for p in ROUTES
    }
    files = {p for p in reads if p.startswith("/v1/exports/")}  # tests/serving/test_exports.py
    assert {p.replace(":path", "") for p in reads} - files == tested | {"/v1/planting/what-ifs/{whatif_id}"}


def test_a_forecast_row_holds_its_levels_side_by_side(client: TestClient) -> None:
    row = client.get("/v1/forecasts/rice-5kg", params={"limit": 1}).json()["items"][0]
    assert row["demand_kg"] == {"0.1": 31.4, "0.5": 33.0, "0.9": 34.6}
    assert row["expected_kg"] == 34.5
    assert (row["channel_id"], row["forecast_date"], row["cutoff"]) == (
        "douyin-1",
        "2026-05-04",
        "2026-05-03",
    )


def test_filters_leave_exactly_what_they_name(client: TestClient) -> None:
    wish = {
        "channel_id": "taobao-1",
        "region_id": "zhejiang",
        "from": "2026-05-05",
        "to": "2026-05-06",
        "levels": "0.5",
    }
    body = client.get("/v1/forecasts", params=wish).json()
    assert body["total"] == 2
    assert [(r["product_id"], r["forecast_date"], r["demand_kg"]) for r in body["items"]] == [
        ("rice-5kg", "2026-05-05", {"0.5": 24.0}),
        ("rice-5kg", "2026-05-06", {"0.5": 25.0}),
    ]


def test_only_the_newest_forecast_of_a_day_is_served(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    older = county["demand_forecast"].with_columns(
        pl.col("cutoff").dt.offset_by("-1d"),
        demand_kg=pl.lit(1.0),
        forecast_date=pl.col("forecast_date").dt.offset_by("-1d"),
    )
    publish("two", {"demand_forecast": pl.concat([older, county["demand_forecast"]])})
    with TestClient(create_app(settings)) as client:
        rows = client.get("/v1/forecasts", params={"product_id": "crab"}).json()["items"]
    assert [r["demand_kg"]["0.5"] for r in rows] == [1.0] + [43.0 + day for day in range(14)]


def test_an_older_release_gives_its_forecasts_without_a_mean(
    publish: Callable[..., Path], older: dict[str, pl.DataFrame], settings: Settings
) -> None:
    publish("older", older)
    with TestClient(create_app(settings)) as client:
        rows = client.get("/v1/forecasts").json()["items"]
    assert {row["expected_kg"] for row in rows} == {None}
    assert rows[0]["demand_kg"]


def test_recommendations_filter_by_village_and_carry_both_languages(client: TestClient) -> None:
    body = client.get(
        "/v1/recommendations/planting", params={"village": "V1", "crop": "rice", "year": 2026}
    ).json()
    assert [r["plot_id"] for r in body["items"]] == ["V1-1", "V1-2"]
    assert [r["text_zh"] for r in body["items"][0]["reasons"]] == ["受水田面积限制", "次优:玉米"]
    assert body["items"][0]["reasons"][0]["text_en"] == "limited by paddy area"


@pytest.mark.parametrize("path", TABLES)
def test_an_unknown_parameter_is_named_with_the_known_ones(client: TestClient, path: str) -> None:
    body = problem(client, f"{path}?prodct_id=x", 422)
    assert "prodct_id" in str(body["detail"])
    assert {"limit", "cursor"} <= set(body["known"])


def test_a_parameter_given_twice_is_refused(client: TestClient) -> None:
    assert "2 times" in str(
        problem(client, "/v1/forecasts?product_id=crab&product_id=rice-5kg", 422)["detail"]
    )


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/v1/forecasts/durian", 404, "durian"),
        ("/v1/forecasts/%3Cb%3Enew%3C%2Fb%3E", 404, "nothing is at"),
        ("/v1/forecasts?product_id=durian", 404, "durian"),
        ("/v1/forecasts?channel_id=jd", 404, "jd"),
        ("/v1/seasons?family=durian", 404, "durian"),
        ("/v1/forecasts?levels=0.1,0.77", 422, "0.77"),
        ("/v1/forecasts?from=yesterday", 422, "yesterday"),
        ("/v1/forecasts?from=2026-05-09&to=2026-05-01", 422, "2026-05-09"),
        ("/v1/forecasts?limit=0", 422, "limit"),
        ("/v1/forecasts?cursor=zzz", 422, "zzz"),
        ("/v1/recommendations/planting?year=abc", 422, "abc"),
        ("/v1/recommendations/planting?village=V9", 404, "V9"),
        ("/v1/recommendations/planting/V9-1/2026/1/rice", 404, "V9-1/2026/1/rice"),
        ("/v1/products?family=nuts", 404, "nuts"),
        ("/v1/plots?village=V9", 404, "V9"),
        ("/v1/nothing", 404, "/v1/nothing"),
    ],
)
def test_an_error_names_the_thing(client: TestClient, path: str, status: int, named: str) -> None:
    assert named in str(problem(client, path, status)["detail"])


def test_a_known_product_without_forecast_is_told_apart_from_an_unknown_one(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    county["demand_forecast"] = county["demand_forecast"].filter(pl.col("product_id") != "crab")
    publish("some", county)
    with TestClient(create_app(settings)) as client:
        assert "is known, but no forecast" in str(problem(client, "/v1/forecasts/crab", 404)["detail"])


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..%2f..%2fcurrent",
        "' or 1=1 --",
        "%00",
        "a" * 5000,
        "<script>alert(1)</script>",
        "\u202e",
        "NaN",
    ],
)
def test_a_malicious_id_is_a_plain_404_or_422(client: TestClient, name: str) -> None:
    for path in ("/v1/forecasts/", "/v1/recommendations/planting/"):
        answer = client.get(path + quote(name, safe=""))
        assert answer.status_code in {404, 422}
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 2000
    assert client.get("/v1/forecasts", params={"product_id": name}).status_code in {404, 422}


def test_following_the_cursor_meets_every_row_exactly_once(client: TestClient) -> None:
    whole = client.get("/v1/forecasts", params={"limit": 1000}).json()["items"]
    seen, cursor = [], ""
    while True:
        wish = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        body = client.get("/v1/forecasts", params=wish).json()
        seen += body["items"]
        if (cursor := body["next_cursor"]) is None:
            break
    assert seen == whole
    assert len(seen) == body["total"] == 4 * 14


def test_a_json_page_never_exceeds_the_cap(client: TestClient) -> None:
    assert len(client.get("/v1/sales", params={"limit": 50_000}).json()["items"]) == 4 * 60
    assert problem(client, "/v1/sales?limit=100001", 422)


def test_a_cursor_of_other_filters_is_refused(client: TestClient) -> None:
    cursor = client.get("/v1/forecasts", params={"limit": 3}).json()["next_cursor"]
    assert "other filters" in str(
        problem(client, f"/v1/forecasts?product_id=crab&cursor={cursor}", 422)["detail"]
    )


@pytest.mark.parametrize("path", [*TABLES, "/v1/releases/current", "/v1/plans/planting"])
def test_an_answer_the_caller_has_is_not_sent_again(client: TestClient, path: str) -> None:
    etag = client.get(path).headers["etag"]
    assert "2026-05-03-r1" in etag
    for wanted in (etag, f'W/{etag}, "other"', "*"):
        again = client.get(path, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_csv_comes_with_a_mark_guarded_formulas_and_its_own_etag(client: TestClient) -> None:
    answer = client.get("/v1/intake/unmapped", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "'=HYPERLINK(1)" in answer.text
    assert answer.headers["etag"] != client.get("/v1/intake/unmapped").headers["etag"]


def test_csv_flattens_the_levels_and_links_to_the_next_page(client: TestClient) -> None:
    answer = client.get(
        "/v1/forecasts", params={"limit": 5}, headers={"Accept": "text/csv, application/json;q=0.5"}
    )
    frame = pl.read_csv(io.BytesIO(answer.content))
    assert frame.height == 5
    assert {"demand_kg_0.1", "demand_kg_0.5", "demand_kg_0.9", "expected_kg"} <= set(frame.columns)
    assert 'rel="next"' in answer.headers["link"]


@pytest.mark.parametrize("path", TABLES)
def test_every_table_comes_as_csv(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/csv"})
    assert pl.read_csv(io.BytesIO(answer.content), infer_schema=False).height > 0


def test_the_publishing_run_counts_as_completed_in_its_own_release(client: TestClient) -> None:
    run = client.get("/v1/runs").json()["items"][0]
    assert run["status"] == "completed"
    assert {s["step"]: s["status"] for s in run["steps"]}["publish"] == "completed"
    assert run["started_at"] == "2026-05-03T22:00:00Z"


def test_openapi_gives_examples_and_problems(client: TestClient) -> None:
    spec = client.get("/v1/openapi.json").json()
    levels = next(p for p in spec["paths"]["/v1/forecasts"]["get"]["parameters"] if p["name"] == "levels")
    assert "0.1,0.5,0.9" in str(levels)
    assert "application/problem+json" in spec["paths"]["/v1/forecasts"]["get"]["responses"]["422"]["content"]
    forecast = spec["components"]["schemas"]["DemandForecast"]["properties"]
    assert forecast["demand_kg"]["examples"]
    assert forecast["expected_kg"]["examples"]
    assert {"type": "null"} in forecast["expected_kg"]["anyOf"]


def test_oversized_requests_are_refused_by_size(client: TestClient) -> None:
    assert "8192" in str(problem(client, "/v1/forecasts?product_id=" + "a" * 9000, 414)["detail"])
    assert client.get("/v1/health", headers={"X-Long": "a" * 20_000}).status_code == 431
    assert client.delete("/v1/health", headers={"Content-Length": "70000"}).status_code == 413
    assert client.delete("/v1/health", headers={"Content-Length": "0"}).status_code == 405


def test_the_manual_names_every_path_and_every_kind_of_problem(client: TestClient) -> None:
    manual = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
    for path in client.get("/v1/openapi.json").json()["paths"]:
        assert f"`{path.replace(':path', '')}`" in manual, path
    for path in re.findall(r"`(/v1/[a-z/]+)`", manual):
        assert client.get(path).status_code in {200, 405}, path
    for kind in TITLES:
        assert f"| `{kind}` |" in manual, kind


def test_both_outputs_stand_side_by_side_where_both_were_published(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    both = county["demand_forecast"].with_columns(
        in_stock_kg=pl.col("demand_kg") * 0.75,
        in_stock_expected_kg=pl.col("expected_kg") * 0.75,
        has_stock_record=pl.col("channel_id") == "taobao-1",
    )
    publish("both", {**county, "demand_forecast": both})
    with TestClient(create_app(settings)) as client:
        answer = client.get("/v1/forecasts/rice-5kg", params={"levels": "0.1,0.9"}).json()
        text = client.get("/v1/forecasts/rice-5kg", headers={"Accept": "text/csv"}).text
    row = answer["items"][0]
    assert row["demand_kg"] == {"0.1": 31.4, "0.9": 34.6}
    assert row["in_stock_kg"] == {"0.1": pytest.approx(31.4 * 0.75), "0.9": pytest.approx(34.6 * 0.75)}
    assert (row["in_stock_expected_kg"], row["has_stock_record"]) == (pytest.approx(34.5 * 0.75), False)
    assert "in_stock_kg_0.1" in text.splitlines()[0]


def test_a_release_with_demand_alone_says_nothing_of_sales_in_stock(client: TestClient) -> None:
    row = client.get("/v1/forecasts/rice-5kg", params={"limit": 1}).json()["items"][0]
    assert (row["in_stock_kg"], row["in_stock_expected_kg"], row["has_stock_record"]) == (None, None, None)
