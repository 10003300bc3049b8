"""What OpenAPI says of every path: how one tells who one is, and the refusals that stand in front of all routes."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from serving.problems import MEDIA_TYPE
from serving.roles import ANYONE, WRITES, allowed
from serving.sessions import COOKIE

SCHEMES: dict[str, dict[str, str]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `anxu key add`; only in this header",
    },
    "key_as_password": {
        "type": "http",
        "scheme": "basic",
        "description": "The key as password, any name: for calendars and spreadsheets",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "Of a person who logged in at /login; writes only from the page itself",
    },
}
EVERYWHERE = {
    "400": "A key in the query, a host name this service is not called by, or a body that cannot be read",
    "414": "The query string is over 8 KiB",
    "429": "Too many requests; Retry-After says how long to wait",
    "431": "The headers are over 16 KiB",
    "503": "No release is published, or keys and users cannot be read",
}
NAMED = {
    "401": "No key and no session, or one that is not known",
    "403": "The role may not; `way_out` names those that may",
}
OF_WRITES = {
    "403": "The role may not, or a page of another site tried to write",
    "411": "The request names no content-length",
    "413": "The body is too large",
}


def document(app: FastAPI) -> None:
    """Let the app's OpenAPI name security schemes and those refusals; what a route says itself stays."""
    build: Callable[[], dict[str, Any]] = app.openapi

    def documented() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = build()
            schema.setdefault("components", {})["securitySchemes"] = SCHEMES
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _amend(operation, method.upper(), path)
        return build()

    app.openapi = documented  # type: ignore[method-assign]


def _amend(operation: dict[str, Any], method: str, path: str) -> None:
    roles = allowed(method, path)
    refusals = dict(EVERYWHERE)
    if roles != ANYONE:
        operation["security"] = [{name: []} for name in SCHEMES] + [{}]
        operation["x-roles"] = sorted(roles)
        refusals |= NAMED
    if method in WRITES:
        refusals |= OF_WRITES
    shape = {"schema": {"$ref": "#/components/schemas/ProblemBody"}}
    for status, description in refusals.items():
        said = {"description": description, "content": {MEDIA_TYPE: shape}}
        operation["responses"].setdefault(status, said)
