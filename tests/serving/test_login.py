"""Logging in at the page: a signed cookie that scripts cannot read and other sites cannot use."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from serving.accounts import Accounts
from serving.app import create_app
from serving.roles import Role
from serving.sessions import COOKIE
from settings import Settings
from warehouse.inbox import Inbox

from .conftest import put_release, whole_county

PASSWORD = "correct horse 电池"
DECISION = {"recommendation_id": "V1-1/2026/1/rice", "answer": "accept", "author": "someone else"}
OWN = {"Origin": "http://testserver"}
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("county"))
    accounts = Accounts(settings.access_path)
    accounts.add_user("王丽", Role.PLANNER, PASSWORD)
    accounts.add_user("li", Role.MEMBER, PASSWORD, ["V1-1"])
    put_release(settings.releases_dir, "r1", whole_county())
    return settings


@pytest.fixture(scope="module")
def service(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser(service: TestClient) -> TestClient:
    """A browser without cookies."""
    service.cookies.clear()
    return service


def log_in(browser: TestClient, name: str = "王丽", password: str = PASSWORD, to: str = "/planting") -> int:
    form = {"name": name, "password": password, "next": to}
    answer = browser.post("/login", data=form, headers=OWN)
    assert answer.status_code != 303 or answer.headers["location"] == to
    return answer.status_code


def test_a_page_sends_a_stranger_to_the_log_in_and_back(browser: TestClient) -> None:
    answer = browser.get("/planting?year=2026", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/planting%3Fyear%3D2026")
    form = browser.get(answer.headers["location"], headers=HTML)
    assert 'value="/planting?year=2026"' in form.text
    assert log_in(browser, to="/planting?year=2026") == 303
    assert browser.get("/planting?year=2026", headers=HTML).status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_sites(browser: TestClient) -> None:
    answer = browser.post("/login", data={"name": "王丽", "password": PASSWORD}, headers=OWN)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert PASSWORD not in cookie


@pytest.mark.parametrize(("name", "password"), [("王丽", "wrong horse 电池"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    browser: TestClient, name: str, password: str
) -> None:
    answer = browser.post("/login", data={"name": name, "password": password}, headers=OWN)
    assert answer.status_code == 401
    assert "用户名或密码不对" in answer.text
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""])
def test_the_log_in_leads_nowhere_else(browser: TestClient, to: str) -> None:
    answer = browser.post("/login", data={"name": "王丽", "password": PASSWORD, "next": to}, headers=OWN)
    assert answer.headers["location"] == "/"


def test_what_a_person_writes_carries_their_own_name(browser: TestClient, settings: Settings) -> None:
    assert log_in(browser) == 303
    answer = browser.post("/v1/decisions", json=DECISION, headers=OWN)
    assert answer.status_code == 202, answer.text
    kept = [
        m for m in Inbox.open(settings.inbox_path).pending() if m.message_id == answer.json()["message_id"]
    ]
    assert [m.author for m in kept] == ["王丽"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
def test_a_write_with_a_session_from_elsewhere_is_refused(
    browser: TestClient, headers: dict[str, str]
) -> None:
    assert log_in(browser) == 303
    answer = browser.post("/v1/decisions", json=DECISION, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:anxu:problem:foreign-origin")


def test_a_session_ends_with_log_out_password_and_user(browser: TestClient, settings: Settings) -> None:
    accounts = Accounts(settings.access_path)
    accounts.add_user("passing", Role.VIEWER, PASSWORD)

    def me() -> int:
        return browser.get("/v1/me").status_code

    assert log_in(browser, "passing") == 303
    stolen = browser.cookies[COOKIE]
    assert browser.post("/logout", headers=OWN).status_code == 303
    browser.cookies.set(COOKIE, stolen)
    assert me() == 401
    browser.cookies.clear()
    assert log_in(browser, "passing") == 303
    assert me() == 200
    accounts.set_password("passing", "another password")
    assert me() == 401
    browser.cookies.clear()
    assert log_in(browser, "passing", "another password") == 303
    accounts.end("user", "passing")
    assert me() == 401


def test_a_changed_cookie_is_nobody(browser: TestClient) -> None:
    assert log_in(browser) == 303
    good = browser.cookies[COOKIE]
    body, _, signature = good.rpartition(".")
    for bad in (
        # The first sign: the last one of a signature holds bits that no reader looks at.
        f"{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "x" + good,
        good.split(".")[0],
        "",
        "...",
        "é",
    ):
        browser.cookies.clear()
        assert browser.get("/v1/me", headers={"Cookie": f"{COOKIE}={bad}".encode()}).status_code == 401  # type: ignore[dict-item]


def test_a_member_is_sent_to_own_plots_and_told_what_is_not_open(browser: TestClient) -> None:
    answer = browser.post("/login", data={"name": "li", "password": PASSWORD, "next": "/"}, headers=OWN)
    assert answer.headers["location"] == "/my"
    page = browser.get("/planting", headers=HTML)
    assert page.status_code == 403
    assert "您的角色不能使用此页" in page.text


def test_passwords_are_not_tried_by_the_dozen(browser: TestClient) -> None:
    told = [log_in(browser, "tried", "wrong password") for _ in range(11)]
    assert told == [401] * 10 + [429]
