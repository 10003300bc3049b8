"""The grades page: cuts over what was measured, proposals to approve, lots and their labels; and a standard to print."""

import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.access import signed, who_asks
from serving.reads import grading as reads
from serving.routes.demand_page import AUTHOR, author_of
from serving.routes.deps import Current
from serving.routes.messages import keep
from serving.schemas_grading import StandardAnswer
from serving.web.grades import grades, printed
from serving.web.override import fields, valid
from serving.web.render import COOKIE_SECONDS, query_of, reader, render
from settings import Settings
from warehouse.inbox import Inbox, Message

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]
SHOWN_DAYS = 90
log = logging.getLogger("anxu.serving")


@router.get("/grades")
def read_grades(request: Request, release: Current, crop: Choice = "") -> Response:
    """Cut points of a crop and why, the answers for all crops, lots and standards."""
    say = reader(request)
    messages, trouble = _written(request)
    values = grades(release, say, crop, messages)
    return render(request, "grades", say, **values, trouble=trouble, author=author_of(request))


@router.get("/grades/print")
def print_standard(request: Request, release: Current, recommendation_id: Choice) -> Response:
    """One proposed standard on a sheet: limits, evidence, expected premium, room to sign."""
    say = reader(request)
    return render(request, "grades_print", say, **printed(release, say, recommendation_id))


@router.post("/grades/approval")
async def write_answer(request: Request, release: Current) -> Response:
    """Keep an answer typed into the page, then show its crop again."""
    form = fields(await request.body())
    body = {name: form[name] for name in ("recommendation_id", "answer", "reason") if form.get(name)}
    author = signed(who_asks(request.scope), form.get("author", ""))
    answer = valid(StandardAnswer, body | {"author": author})
    found = reads.to_answer(release, answer.recommendation_id)
    payload = answer.model_dump(mode="json", exclude={"author"})
    await run_in_threadpool(keep, request.app.state.settings, "standard_approval", payload, author)
    response = RedirectResponse(f"/grades?{query_of({'crop': found['crop_id']})}#cuts", 303)
    response.set_cookie(AUTHOR, quote(author), COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


def _written(request: Request) -> tuple[list[Message], str | None]:
    """Answers of the last months in the inbox; where it cannot be read, none and a word about it."""
    settings: Settings = request.app.state.settings
    if not settings.inbox_path.exists():
        return [], None
    since = datetime.now(UTC) - timedelta(days=SHOWN_DAYS)
    try:
        return Inbox.open(settings.inbox_path).written("standard_approval", since), None
    except (OSError, sqlite3.Error) as error:
        log.exception("the inbox cannot be read")
        return [], f"{settings.inbox_path.name} cannot be read ({error}); look at `anxu doctor`"
