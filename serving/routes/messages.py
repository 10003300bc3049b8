"""What people decide or override: on disk before the answer, taken in by the next run, once."""

import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.access import signed
from serving.answers import plain
from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads import planting
from serving.routes.deps import LIMITS, PROBLEMS, Asker, Current, problem_shape
from serving.schemas_writes import Accepted, Decision
from settings import Settings
from warehouse.inbox import Inbox

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
log = logging.getLogger("anxu.serving")


@router.post("/decisions", status_code=202, response_model=Accepted)
def decision(request: Request, release: Current, who: Asker, body: Decision) -> Response:
    """Accept, change or refuse a planting recommendation."""
    _recommended(release, body.recommendation_id)
    payload = body.model_dump(mode="json", exclude={"author"})
    return plain(keep(request.app.state.settings, "decision", payload, signed(who, body.author)), 202)


def _recommended(release: Release, recommendation_id: str) -> None:
    if release.frame("planting_recommendation").is_empty():
        raise unknown(
            "recommendation", recommendation_id, see="/v1/recommendations/planting (it is empty now)"
        )
    planting.one(release, recommendation_id)


def keep(settings: Settings, kind: str, payload: Mapping[str, object], author: str) -> dict[str, object]:
    """Write to the inbox and say so once it is on disk.

    Raises:
        Problem: 503 when the inbox cannot be written; then nothing was kept.
    """
    try:
        message_id = Inbox.open(settings.inbox_path).write(kind, payload, author)
    except (OSError, sqlite3.Error) as error:
        log.exception("the inbox cannot be written")
        raise Problem(
            503,
            "inbox-unavailable",
            f"nothing was kept: {settings.inbox_path.name} cannot be written ({error})",
            "check disk and permissions (`anxu doctor`), then send it again",
        ) from error
    return {"message_id": message_id, "kind": kind, "status": "waiting"}
