"""A write sent twice is one write: the Idempotency-Key header."""

import hashlib
import logging
import sqlite3
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request
from starlette.responses import Response

from serving.access import who_asks
from serving.answers import plain
from serving.problems import Problem
from settings import Settings
from warehouse.inbox import Inbox, OnceKey, OtherAsked

log = logging.getLogger("anxu.serving")


async def once_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=8,
            max_length=200,
            description="your own id of this write; sent again with the same body it is kept once",
            examples=["5f0c9c1e-6a0e-4a35-8f0e-2b7f1f0f8a11"],
        ),
    ] = None,
) -> OnceKey | None:
    """The key of the request, of this sender and path alone, with a digest of the body; None without the header."""
    if idempotency_key is None:
        return None
    whose = orjson.dumps([who_asks(request.scope).id, request.url.path, idempotency_key])
    asked = hashlib.sha256(await request.body()).hexdigest()
    return OnceKey(hashlib.sha256(whose).hexdigest(), asked)


Once = Annotated[OnceKey | None, Depends(once_key)]


def seen(request: Request, kind: str, once: OnceKey | None) -> Response | None:
    """The answer given before to a write with this key, or None.

    Raises:
        Problem: 422 when the key came with another body, 503 when the inbox cannot be read.
    """
    settings: Settings = request.app.state.settings
    if once is None or not settings.inbox_path.exists():
        return None
    try:
        message_id = Inbox.open(settings.inbox_path).answered(once)
    except OtherAsked as error:
        raise reused() from error
    except (OSError, sqlite3.Error) as error:
        raise unwritable(settings, error) from error
    if message_id is None:
        return None
    answer = plain({"message_id": message_id, "kind": kind, "status": "waiting"}, 202)
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def reused() -> Problem:
    """422: one key for two writes."""
    return Problem(
        422,
        "key-reused",
        "this Idempotency-Key was used here for another body",
        "take a new key for a new write; keep the body when you send one again",
    )


def unwritable(settings: Settings, error: Exception) -> Problem:
    """503: nothing was kept."""
    log.error("the inbox cannot be used", exc_info=error)
    return Problem(
        503,
        "inbox-unavailable",
        f"nothing was kept: {settings.inbox_path.name} cannot be written ({error})",
        "check disk and permissions (`anxu doctor`), then send it again",
    )
