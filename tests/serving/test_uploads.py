"""A file handed in is whole on disk before the answer, lies where the night looks, and is taken in once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipelines.ingest import watch_once
from serving.app import create_app
from settings import Settings
from warehouse import Warehouse

from .conftest import put_release, whole_county

CROPS = "作物编号,作物名称,科,作物类型,豆类,耐储天数\nrice,水稻,Poaceae,粮食,false,300\n".encode()
NOW = datetime(2026, 5, 4, 2, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county", max_upload_mb=1)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    put_release(settings.releases_dir, "r1", whole_county())
    with TestClient(create_app(settings)) as client:
        yield client


def night(settings: Settings) -> list[tuple[str, str, str]]:
    with Warehouse.open(settings.warehouse_path) as warehouse:
        loaded = watch_once(settings, warehouse, NOW, settle_seconds=0)
        return [(file.name, file.kind, file.state) for file in loaded.files]


def handed_in(
    client: TestClient, name: str, body: bytes = CROPS, shop: str = ""
) -> tuple[int, dict[str, object]]:
    answer = client.post("/v1/intake/files", params={"name": name, "shop": shop}, content=body)
    return answer.status_code, answer.json()


def waiting(settings: Settings) -> list[str]:
    return sorted(p.name for p in settings.inbox_dir.rglob("*") if p.is_file() and "taken" not in p.parts)


def test_a_file_handed_in_is_recognised_and_taken_in_once(client: TestClient, settings: Settings) -> None:
    status, told = handed_in(client, "作物.csv")
    assert (status, told["is_new"]) == (202, True)
    assert handed_in(client, "same bytes.csv")[1]["is_new"] is False
    assert waiting(settings) == ["作物.csv"]
    assert night(settings) == [("作物.csv", "crop", "taken")]
    assert handed_in(client, "again.csv")[0] == 202
    assert night(settings) == [("again.csv", "", "known")]
    with Warehouse.open(settings.warehouse_path) as warehouse:
        assert warehouse.read("crop").height == 1


def test_what_the_night_refuses_is_told_with_the_reason(client: TestClient, settings: Settings) -> None:
    handed_in(client, "news.csv", b"colour,taste\nred,sweet\n")
    (file,) = client.get("/v1/intake/waiting").json()["items"]
    assert (file["name"], file["state"], file["reason"]) == ("news.csv", "waiting", None)
    assert night(settings) == [("news.csv", "", "refused")]
    (file,) = client.get("/v1/intake/waiting").json()["items"]
    assert file["state"] == "refused"
    assert "layout_unknown" in file["reason"]
    assert "layout_unknown" in client.get("/runs").text


def test_the_shop_of_an_order_file_is_its_folder(client: TestClient, settings: Settings) -> None:
    handed_in(client, "orders.csv", b"x,y\n1,2\n", shop="qinghe-taobao")
    (path,) = (p for p in settings.inbox_dir.rglob("*.csv"))
    assert path.parent.name == "qinghe-taobao"


@pytest.mark.parametrize(
    "name",
    [
        "../up.csv",
        "/etc/passwd.csv",
        "a/b.csv",
        "a\\b.csv",
        ".hidden.csv",
        "nul\0.csv",
        "x" * 200 + ".csv",
        "",
    ],
)
def test_a_name_that_is_no_plain_name_is_refused(client: TestClient, settings: Settings, name: str) -> None:
    assert handed_in(client, name)[0] == 422
    assert waiting(settings) == []


@pytest.mark.parametrize("shop", ["..", "a/b", "taken", "refused", "2026-05-01"])
def test_a_shop_that_is_no_shop_is_refused(client: TestClient, settings: Settings, shop: str) -> None:
    assert handed_in(client, "a.csv", shop=shop)[0] == 422
    assert waiting(settings) == []


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("run.exe", b"MZ", 415),
        ("page.html", b"<html>", 415),
        ("book.xlsx", b"no zip", 415),
        ("data.csv", b"\0\1\2", 415),
        ("data.csv", b"", 422),
        ("big.csv", b"a,b\n" * (1 << 18) + b"x", 413),
    ],
)
def test_unknown_types_empty_and_oversized_files_are_refused_and_leave_nothing(
    client: TestClient, settings: Settings, name: str, body: bytes, status: int
) -> None:
    assert handed_in(client, name, body)[0] == status
    assert waiting(settings) == []


def test_the_page_takes_a_file_and_says_that_it_waits(client: TestClient, settings: Settings) -> None:
    answer = client.post("/runs/upload", files={"file": ("作物.csv", CROPS)}, data={"shop": ""})
    assert answer.status_code == 200, answer.text
    assert "作物.csv 已收下" in answer.text
    assert waiting(settings) == ["作物.csv"]


def test_an_inbox_that_cannot_be_written_is_said_so(client: TestClient, settings: Settings) -> None:
    settings.inbox_dir.write_text("in the way")
    status, told = handed_in(client, "a.csv")
    assert (status, told["type"]) == (503, "urn:anxu:problem:inbox-unavailable")


def test_every_release_is_listed_and_the_served_one_marked(client: TestClient) -> None:
    items = client.get("/v1/releases").json()["items"]
    assert [(r["release_id"], r["is_current"]) for r in items] == [("2026-05-03-r1", True)]
