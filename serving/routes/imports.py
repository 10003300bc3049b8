"""Sheets that come back filled in: every row is looked at, and all new answers are kept or none."""

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving.access import signed, who_asks
from serving.answers import plain
from serving.exports import planting_sheet
from serving.exports.workbook import MOST_BYTES, rows_of
from serving.problems import Problem
from serving.published import Release
from serving.reads import decisions, planting
from serving.routes.deps import LIMITS, Current, problem_shape
from serving.routes.messages import ANSWERS
from serving.routes.once import unwritable
from serving.routes.written import written
from serving.schemas_files import SheetTaken
from settings import Settings
from warehouse.inbox import Inbox

MOST_FAULTS = 200
LARGER = {"/v1/imports/planting": MOST_BYTES, "/planting/sheet": MOST_BYTES}
"""Where a body may be larger than elsewhere (serving.guard)."""
router = APIRouter(prefix="/v1/imports", tags=["exports"], dependencies=LIMITS)
BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
REFUSED: dict[int | str, dict[str, Any]] = {
    **ANSWERS,
    422: problem_shape(
        "It is no such sheet, or rows of it do not hold; `errors` lists row, column, value and why"
    ),
}


@router.post("/planting", status_code=202, response_model=SheetTaken, responses=REFUSED, openapi_extra=BYTES)
async def planting_sheet_back(
    request: Request,
    release: Current,
    author: Annotated[
        str, Query(max_length=120, description="who decides; of a person who logged in it is not needed")
    ] = "",
) -> Response:
    """Take the sheet of /v1/exports/planting (xlsx or CSV) back: rows that say something new become decisions, the others are passed over."""
    body = await request.body()
    return plain(await run_in_threadpool(taken, request, release, body, author), 202)


def taken(request: Request, release: Release, body: bytes, author: str) -> dict[str, object]:
    """Read a filled-in sheet and keep what is new in it.

    Raises:
        Problem: 422 for what cannot be read, for rows that do not hold (all are named, nothing is kept) or without an author;
            503 when the inbox cannot be written.
    """
    settings: Settings = request.app.state.settings
    name = signed(who_asks(request.scope), author).strip()
    if not name:
        raise Problem(
            422, "invalid-parameter", "the sheet has no author", "say who decides with ?author=NAME"
        )
    known = frozenset(release.made(planting.recommendations)["recommendation_id"])
    stands = decisions.answers(release, written(request, "decision", decisions.SHOWN_DAYS))
    new, faults, same = planting_sheet.answered(rows_of(body, planting_sheet.KEY), known, stands)
    if faults:
        raise _faulty(faults)
    try:
        ids = Inbox.open(settings.inbox_path).write_all("decision", new, name) if new else []
    except (OSError, sqlite3.Error) as error:
        raise unwritable(settings, error) from error
    return {"kept": len(ids), "unchanged": same, "message_ids": ids, "status": "waiting"}


def _faulty(faults: list[planting_sheet.Fault]) -> Problem:
    first = "; ".join(f"row {f.row}, {f.column} '{f.value[:40]}': {f.message}" for f in faults[:3])
    errors = [
        {"row": f.row, "column": f.column, "value": f.value[:120], "rule": f.rule, "message": f.message}
        for f in faults[:MOST_FAULTS]
    ]
    return Problem(
        422,
        "sheet-rows",
        f"{len(faults)} rows do not hold, nothing was kept: {first}",
        "put the named cells right and send the sheet again",
        errors=errors,
    )
