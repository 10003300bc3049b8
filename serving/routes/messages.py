"""What people decide or override: on disk before the answer, taken in by the next run, once."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.access import signed
from serving.answers import plain
from serving.problems import unknown
from serving.published import Release
from serving.reads import planting
from serving.routes.deps import LIMITS, PROBLEMS, Asker, Current, problem_shape
from serving.routes.once import Once, reused, seen, unwritable
from serving.schemas_writes import Accepted, Decision
from settings import Settings
from warehouse.inbox import Inbox, OnceKey, OtherAsked

ANSWERS: dict[int | str, dict[str, Any]] = {
    400: problem_shape("The body cannot be read"),
    403: problem_shape("A page of another site tried to write"),
    404: PROBLEMS[404],
    411: problem_shape("The request names no content-length"),
    413: problem_shape("The body is too large"),
    422: PROBLEMS[422],
    503: problem_shape("No release is published, or the inbox cannot be written"),
}
router = APIRouter(prefix="/v1", tags=["decisions"], dependencies=LIMITS, responses=ANSWERS)


@router.post("/decisions", status_code=202, response_model=Accepted)
def decision(request: Request, release: Current, who: Asker, once: Once, body: Decision) -> Response:
    """Accept, change or refuse a planting recommendation."""
    if before := seen(request, "decision", once):
        return before
    _recommended(release, body.recommendation_id)
    payload = body.model_dump(mode="json", exclude={"author"})
    return plain(keep(request.app.state.settings, "decision", payload, signed(who, body.author), once), 202)


def _recommended(release: Release, recommendation_id: str) -> None:
    if release.frame("planting_recommendation").is_empty():
        raise unknown(
            "recommendation", recommendation_id, see="/v1/recommendations/planting (it is empty now)"
        )
    planting.one(release, recommendation_id)


def keep(
    settings: Settings, kind: str, payload: Mapping[str, object], author: str, once: OnceKey | None = None
) -> dict[str, object]:
    """Write to the inbox and say so once it is on disk; with a once-key that was used before, say so again.

    Raises:
        Problem: 503 when the inbox cannot be written, 422 for a once-key of another write; then nothing was kept.
    """
    try:
        message_id = Inbox.open(settings.inbox_path).write(kind, payload, author, once)
    except OtherAsked as error:
        raise reused() from error
    except (OSError, sqlite3.Error) as error:
        raise unwritable(settings, error) from error
    return {"message_id": message_id, "kind": kind, "status": "waiting"}
