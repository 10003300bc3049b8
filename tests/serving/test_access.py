"""Nobody is asked until a key or user is made; then everybody is, and a role does what the table says, no more."""

import logging
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from anxu import app as anxu
from serving.access import STRANGERS_PER_MINUTE
from serving.accounts import Account, AccountError, Accounts
from serving.app import OpenToAll, create_app, refuse_open
from serving.roles import ADMINS, ALL, ANYONE, HARVESTERS, PLANNERS, READERS, STEWARDS, Role, allowed
from settings import Settings

from .conftest import put_release, whole_county

DECISION = {"recommendation_id": "V1-1/2026/1/rice", "answer": "accept", "author": "someone else"}
PASSWORD = "correct horse 电池"
EXPECTED: dict[tuple[str, str], Any] = {
    ("GET", "/v1/health"): ANYONE,
    ("GET", "/v1/openapi.json"): ANYONE,
    ("GET", "/static/{name}"): ANYONE,
    ("GET", "/login"): ANYONE,
    ("POST", "/login"): ANYONE,
    ("POST", "/logout"): ALL,
    ("GET", "/v1/me"): ALL,
    ("GET", "/v1/crops"): ALL,
    ("GET", "/v1/plots"): ALL,
    ("GET", "/v1/sensors"): ALL,
    ("GET", "/v1/recommendations/planting"): ALL,
    ("GET", "/v1/recommendations/planting/{recommendation_id:path}"): ALL,
    ("POST", "/v1/what-if"): READERS,
    ("POST", "/v1/decisions"): PLANNERS,
    ("POST", "/v1/overrides"): PLANNERS,
    ("GET", "/v1/decisions"): READERS,
    ("GET", "/v1/planting/what-ifs"): READERS,
    ("GET", "/v1/planting/value"): READERS,
    ("POST", "/v1/planting/what-ifs"): PLANNERS,
    ("POST", "/v1/overrides/{override_id}/withdrawal"): PLANNERS,
    ("POST", "/demand/override"): PLANNERS,
    ("POST", "/demand/withdrawal"): PLANNERS,
    ("GET", "/"): READERS,
    ("GET", "/demand"): READERS,
    ("GET", "/planting"): READERS,
    ("GET", "/bestsellers"): READERS,
    ("GET", "/runs"): READERS,
    ("GET", "/v1/forecasts"): READERS,
    ("GET", "/v1/forecasts/{product_id}"): READERS,
    ("GET", "/v1/sales"): READERS,
    ("GET", "/v1/seasons"): READERS,
    ("GET", "/v1/overrides"): READERS,
    ("GET", "/v1/runs"): READERS,
    ("GET", "/v1/intake/files"): READERS,
    ("GET", "/v1/releases/current"): READERS,
    ("GET", "/v1/releases"): READERS,
    ("GET", "/v1/exports/planting"): ALL,
    ("GET", "/v1/exports/tasks"): ALL,
    ("GET", "/v1/exports/calendar"): ALL,
    ("GET", "/v1/exports/rejected"): READERS,
    ("POST", "/v1/imports/planting"): PLANNERS,
    ("POST", "/planting/sheet"): PLANNERS,
    ("POST", "/v1/intake/files"): STEWARDS,
    ("POST", "/runs/upload"): STEWARDS,
}
"""What the table must say, written out; for other routes it is enough that the service does what the table says."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("county"), rate_per_minute=0)


@pytest.fixture(scope="module")
def keys(settings: Settings) -> dict[Role, str]:
    """A key of every role; the member's plot is V1-1."""
    accounts = Accounts(settings.access_path)
    return {role: accounts.add_key(role, role, ["V1-1"] if role == Role.MEMBER else None)[1] for role in Role}


@pytest.fixture(scope="module")
def guarded(settings: Settings, keys: dict[Role, str]) -> Iterator[TestClient]:
    """The small county with keys."""
    put_release(settings.releases_dir, "r1", whole_county())
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


def routes(client: TestClient) -> list[tuple[str, str]]:
    """(method, path template) of everything the app answers, pages too."""
    found = [("GET", "/v1/openapi.json")]
    waiting = list(client.app.routes)  # type: ignore[attr-defined]
    for route in waiting:
        if router := getattr(route, "original_router", None):
            waiting.extend(router.routes)
        elif isinstance(route, APIRoute):
            found += [(method, route.path) for method in route.methods]
    return sorted(found)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def filled(path: str) -> str:
    ids = {"product_id": "rice-5kg", "recommendation_id:path": "V1-1/2026/1/rice", "name": "app.css"}
    return re.sub(r"{([^}]*)}", lambda m: ids.get(m.group(1), "x"), path)


def test_the_table_says_what_was_agreed(guarded: TestClient) -> None:
    assert {pair: allowed(pair[0], filled(pair[1])) for pair in EXPECTED} == EXPECTED
    assert set(EXPECTED) <= set(routes(guarded))


def test_every_pair_of_role_and_route_is_answered_as_the_table_says(
    guarded: TestClient, keys: dict[Role, str]
) -> None:
    found = routes(guarded)
    assert len(found) > 40
    for method, path in found:
        roles = allowed(method, filled(path))
        for role in Role:
            answer = guarded.request(method, filled(path), headers=bearer(keys[role]))
            is_let_in = roles == ANYONE or role in roles
            told = answer.headers.get("content-type", "")
            is_refused = answer.status_code == 403 and answer.json()["type"].endswith(":forbidden")
            assert is_refused != is_let_in, (method, path, role, answer.status_code)
            assert answer.status_code not in (401, 500) or path == "/login", (method, path, role)
            assert not is_refused or told == "application/problem+json"
        stranger = guarded.request(method, filled(path), headers={"Accept": "application/json"})
        assert (stranger.status_code == 401) == (roles != ANYONE) or path == "/login", (method, path)


def test_a_route_nobody_named_is_read_by_readers_and_written_by_administrators() -> None:
    assert allowed("GET", "/v1/news/today") == READERS
    assert allowed("POST", "/v1/news") == ADMINS
    assert allowed("DELETE", "/anything") == ADMINS
    assert allowed("POST", "/v1/intake/upload") == STEWARDS
    assert allowed("POST", "/my/reports") == HARVESTERS


@given(st.text("/v1.%~ forecastloginstatic\x00", max_size=30))
def test_only_the_paths_that_say_so_are_open_to_strangers(path: str) -> None:
    opens = ("/login", "/static", "/v1/health", "/v1/openapi.json")
    if allowed("GET", path) == ANYONE:
        assert any(path == o or path.startswith(o + "/") for o in opens)
    if allowed("POST", path) == ANYONE:
        assert path == "/login" or path.startswith("/login/")


def test_a_refusal_is_logged_with_who_and_what(
    guarded: TestClient, keys: dict[Role, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "anxu.access"):
        guarded.post("/v1/decisions", json=DECISION, headers=bearer(keys[Role.VIEWER]))
    (record,) = caplog.records
    assert "refused 403: POST /v1/decisions for key 'viewer' (viewer)" in record.getMessage()
    assert keys[Role.VIEWER] not in caplog.text


def test_a_member_sees_own_plots_only_and_shares_no_kept_answer(
    guarded: TestClient, keys: dict[Role, str]
) -> None:
    for path in ("/v1/plots", "/v1/recommendations/planting", "/v1/sensors"):
        everything = guarded.get(path, headers=bearer(keys[Role.VIEWER]))
        theirs = guarded.get(path, headers=bearer(keys[Role.MEMBER]))
        assert {row["plot_id"] for row in theirs.json()["items"]} == {"V1-1"}
        assert {row["plot_id"] for row in everything.json()["items"]} > {"V1-1"}
        seen = {**bearer(keys[Role.MEMBER]), "If-None-Match": everything.headers["etag"]}
        assert guarded.get(path, headers=seen).status_code == 200
    other = guarded.get("/v1/recommendations/planting/V2-1/2026/2/crab", headers=bearer(keys[Role.MEMBER]))
    assert other.status_code == 404


@pytest.mark.parametrize("query", ["key={}", "api_key={}", "access_token={}", "Token={}", "product_id={}"])
def test_a_key_in_the_address_is_refused_even_a_right_one(
    guarded: TestClient, keys: dict[Role, str], query: str
) -> None:
    answer = guarded.get(f"/v1/forecasts?{query.format(keys[Role.VIEWER])}")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:anxu:problem:key-in-query")
    assert keys[Role.VIEWER] not in answer.text


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer anxu_nope", "Basic !!!", "Basic Og==", "Digest x", "Bearer \xe9"]
)
def test_a_header_that_names_nobody_is_401(guarded: TestClient, header: str) -> None:
    answer = guarded.get("/v1/forecasts", headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]


def test_a_calendar_may_send_its_key_as_basic_password(guarded: TestClient, keys: dict[Role, str]) -> None:
    assert guarded.get("/v1/me", auth=("anyone", keys[Role.PLANNER])).json()["role"] == "planner"


def test_a_revoked_key_is_refused_at_its_next_request(settings: Settings, guarded: TestClient) -> None:
    accounts = Accounts(settings.access_path)
    account, key = accounts.add_key("passing", Role.VIEWER)
    assert guarded.get("/v1/me", headers=bearer(key)).json()["name"] == "passing"
    accounts.end("key", account.id)
    assert guarded.get("/v1/me", headers=bearer(key)).status_code == 401


def test_the_file_holds_no_key_and_no_password_and_is_its_owners_alone(
    settings: Settings, keys: dict[Role, str]
) -> None:
    Accounts(settings.access_path).add_user("kept secret", Role.VIEWER, PASSWORD)
    held = settings.access_path.read_bytes()
    assert not any(key.encode() in held or key[5:].encode() in held for key in keys.values())
    assert PASSWORD.encode() not in held
    assert b"$argon2id$" in held
    assert stat.S_IMODE(os.stat(settings.access_path).st_mode) == 0o600
    assert len(set(keys.values())) == len(Role)
    assert all(len(key) >= 5 + 43 for key in keys.values())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda a: a.add_user("x", Role.VIEWER, "short"), "10 to 200"),
        (lambda a: a.add_user(" ", Role.VIEWER, PASSWORD), "no name"),
        (lambda a: a.add_user("two\nlines", Role.VIEWER, PASSWORD), "no name"),
        (lambda a: a.add_user("x", Role.MEMBER, PASSWORD), "--plots"),
        (lambda a: a.add_key("x", Role.VIEWER, ["V1-1"]), "--plots"),
        (lambda a: a.end("key", "nobody"), "none is there"),
        (lambda a: a.set_password("nobody", PASSWORD), "no user"),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_the_reason(
    settings: Settings, wrong: Callable[[Accounts], Account], named: str
) -> None:
    with pytest.raises(AccountError, match=re.escape(named)):
        wrong(Accounts(settings.access_path))


def test_strangers_and_keys_are_counted_and_told_when_to_come_back(settings: Settings) -> None:
    strict = settings.model_copy(update={"rate_per_minute": 5})
    _, key = Accounts(settings.access_path).add_key("busy", Role.VIEWER)
    with TestClient(create_app(strict)) as client:
        told = [client.get("/v1/me", headers=bearer(key)).status_code for _ in range(6)]
        assert told == [200] * 5 + [429]
        late = client.get("/v1/me", headers=bearer(key))
        assert late.headers["content-type"] == "application/problem+json"
        assert 1 <= int(late.headers["retry-after"]) <= 60
        strangers = [client.get("/v1/me").status_code for _ in range(STRANGERS_PER_MINUTE + 1)]
        assert strangers[:-1] == [401] * STRANGERS_PER_MINUTE
        assert strangers[-1] == 429


def test_a_county_without_accounts_asks_nobody_but_stays_on_its_machine(settings: Settings) -> None:
    fresh = Settings(home=settings.home / "fresh", host="0.0.0.0")
    with TestClient(create_app(fresh)) as client:
        assert client.get("/v1/me").json() == {"name": "", "role": "admin", "kind": "open", "plots": None}
        with pytest.raises(OpenToAll, match="user add"):
            refuse_open(fresh)
        refuse_open(fresh.model_copy(update={"host": "127.0.0.1"}))
        refuse_open(fresh.model_copy(update={"allow_open": True}))
        account, _ = Accounts(fresh.access_path).add_key("first", Role.ADMIN)
        assert client.get("/v1/me").status_code == 401
        refuse_open(fresh)
        Accounts(fresh.access_path).end("key", account.id)
        assert client.get("/v1/me").status_code == 401, "the last key gone does not open the county again"


def test_keys_and_users_are_made_listed_and_ended_at_the_command_line(settings: Settings) -> None:
    home = settings.home / "commands"
    home.mkdir()

    def run(*words: str, typed: str = "") -> Any:
        return CliRunner().invoke(anxu, [*words, "--home", str(home)], input=typed)

    key = run("key", "add", "scanner", "--role", "viewer").stdout.splitlines()[0]
    assert key.startswith("anxu_")
    assert Accounts(home / "access.sqlite").known().keys
    assert "scanner" in run("key", "list").output
    assert key not in run("key", "list").output
    assert run("key", "revoke", "scanner").exit_code == 0
    assert "ended" in run("key", "list").output
    added = run(
        "user", "add", "李明", "--role", "member", "--plots", "V1-1, V1-2", "--stdin", typed=PASSWORD + "\n"
    )
    assert added.exit_code == 0, added.output
    assert "V1-1,V1-2" in run("user", "list").output
    twice = run("user", "add", "李明", "--role", "viewer", "--stdin", typed=PASSWORD + "\n")
    assert twice.exit_code == 1
    assert "there already" in twice.output
    assert run("user", "password", "李明", "--stdin", typed="another password\n").exit_code == 0
    assert run("user", "remove", "李明").exit_code == 0
    assert not Accounts(home / "access.sqlite").known().users
    assert run("user", "add", "x", "--role", "king").exit_code == 2
