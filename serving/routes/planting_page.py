"""The planting page: plan, map, time, why, and what people answer to its lines."""

import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.access import signed, who_asks
from serving.problems import unknown
from serving.reads import decisions
from serving.reads import planting as planting_reads
from serving.reads.planting import Planted
from serving.routes.demand_page import AUTHOR, author_of
from serving.routes.deps import Current
from serving.routes.messages import keep
from serving.schemas_writes import Decision
from serving.web.override import fields, valid
from serving.web.planting import planting
from serving.web.render import COOKIE_SECONDS, query_of, reader, render
from settings import Settings
from warehouse.inbox import Inbox, Message

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]
COLOURS = ("crop", "risk")
log = logging.getLogger("anxu.serving")


@router.get("/planting")
def read_planting(
    request: Request,
    release: Current,
    year: Choice = "",
    season: Choice = "",
    crop: Choice = "",
    village: Choice = "",
    colour: Choice = "crop",
) -> Response:
    """What to plant where, when, and why; with `crop` or `risk` as the map's `colour`."""
    if colour not in COLOURS:
        raise unknown("colour", colour, list(COLOURS))
    say = reader(request)
    wish = Planted(None, crop or None, _number("year", year), _number("season", season), None)
    messages, trouble = _written(request)
    values = planting(release, say, wish, village, colour, decisions.answers(release, messages))
    return render(request, "planting", say, **values, trouble=trouble, author=author_of(request))


@router.post("/planting/decision")
async def write_decision(request: Request, release: Current) -> Response:
    """Keep an answer typed into the page, then show its village again."""
    form = fields(await request.body())
    names = ("recommendation_id", "answer", "area_mu", "reason", "author")
    body = {name: form[name] for name in names if name in form}
    if body.get("answer") != "change":
        body.pop("area_mu", None)
    author = signed(who_asks(request.scope), body.get("author", ""))
    decision = valid(Decision, body | {"author": author})
    line = planting_reads.one(release, decision.recommendation_id)
    payload = decision.model_dump(mode="json", exclude={"author"})
    await run_in_threadpool(keep, request.app.state.settings, "decision", payload, author)
    shown = {"year": line["year"], "village": line["village_id"] or "", "crop": form.get("crop", "")[:120]}
    response = RedirectResponse(f"/planting?{query_of(shown)}#recommendations", 303)
    response.set_cookie(AUTHOR, quote(author), COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


def _written(request: Request) -> tuple[list[Message], str | None]:
    """Answers of the last months in the inbox; where it cannot be read, none and a word about it."""
    settings: Settings = request.app.state.settings
    if not settings.inbox_path.exists():
        return [], None
    since = datetime.now(UTC) - timedelta(days=decisions.SHOWN_DAYS)
    try:
        return Inbox.open(settings.inbox_path).written("decision", since), None
    except (OSError, sqlite3.Error) as error:
        log.exception("the inbox cannot be read")
        return [], f"{settings.inbox_path.name} cannot be read ({error}); look at `anxu doctor`"


def _number(noun: str, text: str) -> int | None:
    """A number chosen in a form; '' is none."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise unknown(noun, text)
    return int(text)
