"""Requests that mean harm: they are refused or taken as the plain text they are."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from settings import Settings

from .conftest import put_release, whole_county

PATHS = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/anxu.toml",
    "....//anxu.toml",
    "..\\..\\anxu.toml",
    "%00",
    "app.css%00.html",
    "/etc/passwd",
    "file:///etc/passwd",
]
SQL = [
    "' or '1'='1",
    "x'; drop table message; --",
    '" union select * from once --',
    "%27%20or%201%3D1",
    "1);--",
]
FORMULAS = ['=HYPERLINK("http://e/","x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/c calc'!A0"]
LEAK = re.compile(r"Traceback|root:x:|sqlite3|polars\.|File \"")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("county"))


@pytest.fixture(scope="module")
def service(county: Settings) -> Iterator[TestClient]:
    (county.home / "anxu.toml").write_text("port = 8000\n", "utf-8")
    put_release(county.releases_dir, "r1", whole_county())
    with TestClient(create_app(county), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "under", ["/static/", "/v1/forecasts/", "/v1/harvest/photos/", "/v1/recommendations/planting/"]
)
def test_a_path_that_climbs_reaches_no_file(service: TestClient, under: str, path: str) -> None:
    answer = service.get(under + path)
    assert answer.status_code in {404, 405, 422}
    assert "port = 8000" not in answer.text
    assert not LEAK.search(answer.text)


def test_a_photo_is_kept_under_no_other_name_than_a_uuid(service: TestClient, county: Settings) -> None:
    before = sorted(county.home.rglob("*"))
    for path in PATHS:
        answer = service.put(
            f"/v1/harvest/photos/{path}",
            content=b"\xff\xd8\xff\xe0x\xff\xd9",
            headers={"Content-Type": "image/jpeg"},
        )
        assert 400 <= answer.status_code < 500, path
    assert sorted(county.home.rglob("*")) == before


def string_queries(service: TestClient) -> list[tuple[str, str]]:
    """(path, parameter) of every text parameter of every read."""
    spec = service.get("/v1/openapi.json").json()["paths"]
    return [
        (path, p["name"])
        for path, methods in spec.items()
        for p in methods.get("get", {}).get("parameters", ())
        if p["in"] == "query" and "{" not in path
    ]


@pytest.mark.slow
def test_sql_and_formulas_in_any_parameter_are_text_that_matches_nothing(service: TestClient) -> None:
    found = string_queries(service)
    assert len(found) > 40
    for path, name in found:
        for value in (SQL[0], SQL[1], FORMULAS[0], "\x00", "😀" * 30):
            answer = service.get(path, params={name: value})
            assert answer.status_code in {200, 404, 422}, (path, name, value)
            is_table = answer.status_code == 200 and "application/json" in answer.headers["content-type"]
            assert not is_table or not answer.json().get("total"), (path, name, value)
            assert not LEAK.search(answer.content.decode("utf-8", "replace"))


@pytest.mark.parametrize("text", [*SQL, *FORMULAS])
def test_what_is_written_is_kept_letter_for_letter_and_runs_nowhere(
    service: TestClient, county: Settings, text: str
) -> None:
    body = {
        "product_id": "rice-5kg", "starts_on": "2026-05-05", "ends_on": "2026-05-06", "factor": 1.1, "author": f"A {text}",
        "reason": f"because {text}", "expires_on": "2026-05-07",
    }  # fmt: skip
    answer = service.post("/v1/overrides", json=body)
    if answer.status_code == 422:
        assert "author" in answer.text or "reason" in answer.text
        return
    assert answer.status_code == 202
    with sqlite3.connect(county.inbox_path) as inbox:
        (kept,) = inbox.execute(
            "select author from message where message_id = ?", (answer.json()["message_id"],)
        ).fetchone()
    assert kept.strip() == body["author"].strip()


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_begins_a_formula(county: Settings, service: TestClient, text: str) -> None:
    body = {
        "product_id": "rice-5kg", "starts_on": "2026-05-05", "ends_on": "2026-05-06", "factor": 1.1, "author": text.strip() or "x",
        "reason": text.strip(), "expires_on": "2026-05-07",
    }  # fmt: skip
    service.post("/v1/overrides", json=body)
    for path in ("/v1/overrides", "/v1/products", "/v1/recommendations/planting", "/v1/runs"):
        answer = service.get(path, headers={"Accept": "text/csv"})
        cells = re.split(r'[,\n]"?', answer.text.lstrip("\ufeff"))
        assert not [c for c in cells if re.match(r"[=+@\t\r]|-(?![\d.])", c)], path


@pytest.mark.parametrize(
    ("host", "taken"),
    [("127.0.0.1:8000", True), ("localhost", True), ("[::1]:8000", True), ("192.168.1.5:8000", True), ("testserver", True),
     ("evil.example", False), ("localhost.evil.example:8000", False), ("127.0.0.1.evil.example", False), ("", False),
     ("127.0.0.1:8000@evil.example", False)],
)  # fmt: skip
def test_only_names_of_this_service_are_answered(service: TestClient, host: str, taken: bool) -> None:
    answer = service.get("/v1/health", headers={"Host": host})
    assert answer.status_code == (200 if taken else 400)
    assert taken or answer.json()["type"].endswith(":unknown-host")


def test_a_configured_name_is_answered(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, hosts=("Anxu.Coop.local",))
    with TestClient(create_app(settings), base_url="http://anxu.coop.local:8000") as client:
        assert client.get("/v1/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/csv;q=1e999, */*;q=x"},
        {"Accept": "a/" + "b" * 5000},
        {"If-None-Match": '"' + "x" * 3000},
        {"Cookie": "anxu_session=../../x; ;;=; lang=<i>odd"},
        {"Authorization": "Basic " + "A" * 3000},
        {"Authorization": "Bearer \x01"},
        {"Accept-Language": "zh;q=abc,,,*"},
        {
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "host=evil.example",
        },
        {"Range": "bytes=0-99999999999999999999"},
    ],
)
def test_odd_headers_break_nothing_and_come_back_nowhere(
    service: TestClient, headers: dict[str, str]
) -> None:
    for path in ("/v1/forecasts?limit=1", "/", "/v1/products", "/static/app.css"):
        answer = service.get(path, headers=headers)
        assert answer.status_code < 500, path
        assert "evil.example" not in answer.text + str(answer.headers)
        assert "<i>odd" not in answer.text
