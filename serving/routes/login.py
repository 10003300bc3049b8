"""Log in and out at the page, and who am I for everyone."""

import threading
import time
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.access import too_often, who_asks
from serving.accounts import Accounts, hashed, is_password
from serving.answers import plain
from serving.roles import may
from serving.routes.deps import LIMITS, PROBLEMS
from serving.schemas_access import Me
from serving.sessions import COOKIE, begun, session
from serving.web.override import fields
from serving.web.render import reader, render
from settings import Settings

TRIES = RateLimitItemPerMinute(10, 5)
"""Wrong passwords for one name from one address."""
router = APIRouter()
_limiter = FixedWindowRateLimiter(MemoryStorage())
_hashing = threading.Semaphore(2)
"""A password check takes 64 MiB for a twentieth of a second; more at once wait."""


@router.get(
    "/v1/me", tags=["service"], dependencies=LIMITS, response_model=Me, responses={422: PROBLEMS[422]}
)
async def me(request: Request) -> Response:
    """Who the key or session names, and what the role may see."""
    who = who_asks(request.scope)
    body = {
        "name": who.name,
        "role": who.role,
        "kind": who.kind,
        "plots": sorted(who.plots) if who.plots is not None else None,
    }
    return plain(body)


@router.get("/login", include_in_schema=False)
async def ask(request: Request) -> Response:
    """The log-in form."""
    return _form(request, _inside(request.query_params.get("next", "")))


@router.post("/login", include_in_schema=False)
async def log_in(request: Request) -> Response:
    """Begin a session, or show the form again."""
    form = fields(await request.body())
    name, to = form.get("name", "").strip()[:120], _inside(form.get("next", ""))
    address = request.client.host if request.client else "?"
    if not _limiter.test(TRIES, name, address):
        wait = _limiter.get_window_stats(TRIES, name, address).reset_time - time.time()
        raise too_often(TRIES.amount, "with a wrong password in five minutes", max(1, round(wait)))
    accounts = Accounts(_settings(request).access_path)
    user_id = await run_in_threadpool(_user_of, accounts, name, form.get("password", ""))
    if user_id is None:
        _limiter.hit(TRIES, name, address)
        return _form(request, to, name, status=401)
    who = accounts.known().users[user_id][0]
    response = RedirectResponse(to if may(who, "GET", to.partition("?")[0]) else "/my", 303)
    response.set_cookie(
        COOKIE,
        begun(accounts.known(), user_id),
        int(_settings(request).session_hours * 3600),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout", include_in_schema=False)
async def log_out(request: Request) -> Response:
    """End the session, here and for whoever holds its cookie."""
    accounts, settings = Accounts(_settings(request).access_path), _settings(request)
    lasts = settings.session_hours * 3600
    if found := session(accounts.known(), request.cookies.get(COOKIE, ""), lasts):
        await run_in_threadpool(accounts.end_session, found.session_id, time.time() + lasts)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return response


def _user_of(accounts: Accounts, name: str, password: str) -> str | None:
    """The id of the user, or None; as slow for an unknown name as for a wrong password."""
    users = accounts.known().users
    user_id = next((i for i, (who, _, _) in users.items() if who.name == name), None)
    secret = users[user_id][2] if user_id else _nobodys()
    with _hashing:
        fits = is_password(secret, password[:1000])
    return user_id if fits else None


@cache
def _nobodys() -> str:
    return hashed("nobody has this password")


def _form(request: Request, to: str, name: str = "", *, status: int = 200) -> Response:
    values: dict[str, Any] = {"next": to, "name": name, "is_wrong": status != 200}
    return render(request, "login", reader(request), status=status, **values)


def _inside(target: str) -> str:
    """Where to go after: a path of this service, else the first page."""
    is_inside = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_inside else "/"


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
