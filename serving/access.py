"""Who asks, and may they: keys and sessions in front of every route, as plain ASGI."""

import base64
import binascii
import logging
import time
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, quote

import polars as pl
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.accounts import PREFIX, Accounts, Known, digest
from serving.problems import Problem
from serving.roles import ANYONE, NOBODY, OWN_MACHINE, WRITES, Who, allowed, may
from serving.sessions import COOKIE, session
from settings import Settings

WHO = "anxu.who"
KEY_NAMES = frozenset({"key", "api_key", "apikey", "x-api-key", "token", "access_token", "authorization"})
STRANGERS_PER_MINUTE = 120
"""Requests of one address that has not said who it is, so that nobody tries keys by the thousand."""
Page = Callable[[Request, Problem], Response]
log = logging.getLogger("anxu.access")


class Access:
    """Tells who asks by key or session and refuses, logged, what their role may not do.

    Until the first key or user is made everyone is this machine's owner: nothing is asked, nothing is counted.
    """

    def __init__(self, app: ASGIApp, settings: Settings, page: Page) -> None:
        self.app, self.settings, self.page = app, settings, page
        self.accounts = Accounts(settings.access_path)
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        self.strangers = RateLimitItemPerMinute(STRANGERS_PER_MINUTE)
        self.allowance = RateLimitItemPerMinute(max(settings.rate_per_minute, 1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            scope[WHO] = OWN_MACHINE
            self._judge(scope)
        except Problem as problem:
            await self._refusal(scope, problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _judge(self, scope: Scope) -> None:
        """Put who asks into the scope.

        Raises:
            Problem: 400 for a key in the query, 401 unknown, 403 not allowed, 429 too often, 503 accounts unreadable.
        """
        if scope["query_string"]:
            _no_key_in(scope["query_string"].decode("latin-1"))
        known = self._known()
        if not known.is_guarded:
            return
        headers = Headers(scope=scope)
        who = identified(known, headers, self.settings.session_hours * 3600)
        scope[WHO] = who or NOBODY
        self._count(scope[WHO], _address(scope))
        method, path = scope["method"], scope["path"]
        if who is None and allowed(method, path) != ANYONE:
            raise _unknown(headers)
        if not may(scope[WHO], method, path):
            raise forbidden(scope[WHO], method, path)
        if method in WRITES and "cookie" in headers and scope[WHO].kind != "key":
            _same_site(headers)

    def _known(self) -> Known:
        try:
            return self.accounts.known()
        except OSError as error:
            log.error("the accounts cannot be read: %s", error)
            raise Problem(
                503, "no-accounts", f"{self.accounts.path.name} cannot be read", "look at `anxu doctor`"
            ) from error

    def _count(self, who: Who, address: str) -> None:
        if who is NOBODY:
            item, counted = self.strangers, ("address", address)
        elif self.settings.rate_per_minute:
            item, counted = self.allowance, (who.kind, who.id)
        else:
            return
        if not self.limiter.hit(item, *counted):
            wait = max(1, round(self.limiter.get_window_stats(item, *counted).reset_time - time.time()))
            raise too_often(item.amount, "a minute", wait)

    def _refusal(self, scope: Scope, problem: Problem) -> Response:
        request = Request(scope)
        who: Who = scope[WHO]
        log.warning(
            "refused %s: %s %s for %s '%s' (%s) at %s",
            problem.status,
            scope["method"],
            quote(scope["path"][:200]),
            who.kind,
            who.name,
            who.role,
            _address(scope),
        )
        for_people = not scope["path"].startswith("/v1") and "text/html" in request.headers.get("accept", "")
        if for_people and problem.status == 401:
            return RedirectResponse(f"/login?next={quote(_here(scope))}", 303)
        return self.page(request, problem) if for_people and problem.status == 403 else problem.response()


def identified(known: Known, headers: Headers, session_s: float) -> Who | None:
    """Who a request's key or session names, or None. A key goes before a session; a wrong key is nobody."""
    if given := headers.get("authorization"):
        key = _key_of(given)
        return known.keys.get(digest(key)) if key else None
    cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    found = session(known, cookie, session_s) if cookie else None
    return found.who if found else None


def who_asks(scope: MutableMapping[str, Any]) -> Who:
    """Who asks, as `Access` found out; without it in front, the owner of the machine."""
    who: Who = scope.get(WHO, OWN_MACHINE)
    return who


def signed(who: Who, author: str) -> str:
    """The author to keep: of a person who logged in their own name, whatever was typed; of a key what it says."""
    return who.name if who.is_person else author


def own(who: Who, rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows with a `plot_id`, those that who asks may see."""
    return rows if who.plots is None else rows.filter(pl.col("plot_id").is_in(sorted(who.plots)))


def forbidden(who: Who, method: str, path: str) -> Problem:
    """403: the role is not of those that may."""
    roles = allowed(method, path)
    names = ", ".join(sorted(roles)) if roles != ANYONE else ""
    return Problem(
        403,
        "forbidden",
        f"role '{who.role}' may not {method} {path[:120]}",
        f"ask an administrator for another role; it is open to: {names}",
    )


def too_often(amount: int, per: str, wait_s: int) -> Problem:
    """429 with Retry-After."""
    problem = Problem(429, "too-often", f"more than {amount} requests {per}", f"wait {wait_s} s")
    problem.headers["Retry-After"] = str(wait_s)
    return problem


def _unknown(headers: Headers) -> Problem:
    said = "its key is not known or was revoked" if "authorization" in headers else "it names nobody"
    problem = Problem(
        401,
        "unauthenticated",
        f"the request is not taken: {said}",
        "send `Authorization: Bearer KEY` (anxu key add), or log in at /login",
    )
    problem.headers["WWW-Authenticate"] = 'Bearer realm="anxu", Basic realm="anxu"'
    return problem


def _key_of(authorization: str) -> str | None:
    """The key of `Bearer KEY`, or of `Basic` with the key as password, which calendars can send."""
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer":
        return value.strip() or None
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _no_key_in(query: str) -> None:
    if PREFIX not in query and "key" not in query.lower() and "token" not in query.lower():
        return
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.lower() in KEY_NAMES or (value.startswith(PREFIX) and len(value) > 40):
            raise Problem(
                400,
                "key-in-query",
                f"query parameter '{name[:60]}' looks like a key, which ends in logs",
                "revoke it if it is one, and send `Authorization: Bearer KEY`",
            )


def _same_site(headers: Headers) -> None:
    """A write with a cookie must come from our own page; browsers say so, and scripts of other sites cannot."""
    if headers.get("sec-fetch-site") == "same-origin":
        return
    if "sec-fetch-site" not in headers and headers.get("origin", "").split("://")[-1] == headers.get("host"):
        return
    raise Problem(
        403,
        "foreign-origin",
        "a write with a session must come from this service's own page",
        "use the page, or a key instead of a session",
    )


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "?"


def _here(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    path: str = scope["path"]
    return f"{path}?{query}" if query else path
