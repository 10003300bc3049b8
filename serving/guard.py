"""Sizes and headers of every request and answer, as plain ASGI: it costs microseconds."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})
MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_QUERY_BYTES = 8 * 1024
SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class Guard:
    """Refuses oversized or foreign requests before they reach a route; adds protective headers to answers."""

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str] = (), larger: Mapping[str, int] | None = None
    ) -> None:
        """`hosts`: names this service is called by; `larger`: path → bytes a body may have there instead of MAX_BODY_BYTES."""
        self.app, self.larger = app, larger or {}
        self.hosts = LOCAL_NAMES | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFE_HEADERS)
            await send(message)

        problem = _foreign_name(scope, self.hosts) or refusal(
            scope, self.larger.get(scope["path"], MAX_BODY_BYTES)
        )
        await (problem.response() if problem else self.app)(scope, receive, send_safe)


def _foreign_name(scope: Scope, names: Collection[str]) -> Problem | None:
    """Refuse a host name this service is not called by; addresses are taken, as no name server can point them elsewhere."""
    given = next((v for k, v in scope["headers"] if k == b"host"), b"").decode("latin-1")
    if given in names:
        return None
    name = given.rpartition(":")[0] if given.rpartition(":")[2].isdigit() else given
    if name.lower() in names or _is_address(name.strip("[]")):
        return None
    return Problem(
        400,
        "unknown-host",
        f"this service is not called '{name[:120]}'",
        "use its address, or add the name to `hosts` in anxu.toml",
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def refusal(scope: Scope, most: int = MAX_BODY_BYTES) -> Problem | None:
    """Why a request is not taken at all, or None."""
    if (size := len(scope["query_string"])) > MAX_QUERY_BYTES:
        return _too_large(414, "the query string", size, MAX_QUERY_BYTES)
    if (size := sum(len(k) + len(v) for k, v in scope["headers"])) > MAX_HEADER_BYTES:
        return _too_large(431, "the headers", size, MAX_HEADER_BYTES)
    return _refused_write(Headers(scope=scope), most) if scope["method"] in WRITES else None


def _refused_write(headers: Headers, most: int) -> Problem | None:
    length = headers.get("content-length", "")
    if not length.isdigit():
        return Problem(411, "refused", "the request names no content-length", "send the body with its length")
    if int(length) > most:
        return _too_large(413, "the body", int(length), most)
    origin = headers.get("origin")
    if origin and origin.split("://")[-1] != headers.get("host"):
        return Problem(
            403,
            "foreign-origin",
            f"a page of '{origin[:120]}' may not write here",
            "write from this service's own page, or from a program that sends no Origin header",
        )
    return None


def _too_large(status: int, what: str, size: int, limit: int) -> Problem:
    return Problem(status, "too-large", f"{what} has {size} bytes, the limit is {limit}", "send less")
