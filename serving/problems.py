"""Every error as application/problem+json (RFC 9457): the thing, the value, the limit and the way out."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TITLES = {
    "no-release": "Nothing is published yet",
    "no-what-if": "What-ifs cannot be answered from this release",
    "not-found": "Not found",
    "unknown-value": "Unknown value",
    "unknown-parameter": "Unknown query parameter",
    "invalid-parameter": "Invalid input",
    "cursor-expired": "The cursor belongs to an earlier release",
    "method-not-allowed": "Method not allowed",
    "conflict": "It stands otherwise already",
    "too-large": "Too large",
    "foreign-origin": "Request from another site",
    "inbox-unavailable": "The inbox cannot be written",
    "key-reused": "The key belongs to another write",
    "unauthenticated": "Nobody is named",
    "forbidden": "Not open to this role",
    "too-often": "Too many requests",
    "key-in-query": "A key in the address",
    "no-accounts": "Keys and users cannot be read",
    "unknown-host": "Not the name of this service",
    "internal": "Internal error",
    "refused": "Refused",
    "unreadable-sheet": "The sheet cannot be read",
    "sheet-rows": "Rows of the sheet do not hold",
    "unknown-file": "Files of this type are not taken",
}
"""Kind → title. A kind is stable: clients may switch on `type`, which is urn:anxu:problem:KIND."""

log = logging.getLogger("anxu.serving")


class Problem(Exception):  # noqa: N818
    """An answer that is not the wished one. `detail` names thing and value, `way_out` what to do."""

    def __init__(self, status: int, kind: str, detail: str, way_out: str, **extra: object) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.way_out, self.extra = status, kind, detail, way_out, extra
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The members of RFC 9457, and `way_out` and what else this kind carries."""
        return {
            "type": f"urn:anxu:problem:{self.kind}",
            "title": TITLES[self.kind],
            "status": self.status,
            "detail": self.detail,
            "way_out": self.way_out,
            **self.extra,
        }

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer, never cached."""
        return Response(
            orjson.dumps(self.body(), default=str),
            self.status,
            {"Cache-Control": "no-store", **self.headers, **(headers or {})},
            MEDIA_TYPE,
        )


def no_release() -> Problem:
    """What every read answers before the first release."""
    return Problem(
        503, "no-release", "no release has been published yet", "run `anxu nightly`, then try again"
    )


def unknown(noun: str, value: str, known: Sequence[str] = (), see: str = "") -> Problem:
    """404 for an id nobody knows; names it, and where the known ones are."""
    way_out = f"see {see}" if see else f"known: {', '.join(known[:20])}" if known else "check the spelling"
    return Problem(404, "not-found", f"{noun} '{value[:120]}' is not known in this release", way_out)


def install(app: FastAPI, page: Callable[[Request, Problem], Response]) -> None:
    """Let every error of the app end in a problem; browsers outside /v1 get it as a page."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = as_problem(error)
        if problem.status == 500:
            log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        if isinstance(error, HTTPException) and problem.status == 404:
            problem.detail = f"nothing is at '{request.url.path[:200]}'"
        if _for_people(request):
            return page(request, problem)
        return problem.response(error.headers if isinstance(error, HTTPException) else None)

    for kind in (Problem, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _for_people(request: Request) -> bool:
    return not request.url.path.startswith("/v1") and "text/html" in request.headers.get("accept", "")


def as_problem(error: Exception) -> Problem:
    """The problem that an exception means to a caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        kind = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}.get(
            error.status_code, "refused"
        )
        return Problem(
            error.status_code, kind, str(error.detail), "see /v1/openapi.json for paths and methods"
        )
    return Problem(500, "internal", "the service failed on this request", "try again; the log has the cause")


def _of_validation(error: RequestValidationError) -> Problem:
    errors = [
        {
            "where": ".".join(str(part) for part in e["loc"]),
            "message": e["msg"],
            "value": str(e.get("input"))[:120],
        }
        for e in error.errors()
    ]
    detail = "; ".join(f"{e['where']} = {e['value']!r}: {e['message']}" for e in errors[:5])
    return Problem(422, "invalid-parameter", detail, "put right the named values", errors=errors)
