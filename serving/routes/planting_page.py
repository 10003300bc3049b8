"""The planting page: plan, map, time, why, and what people answer to its lines."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.access import signed, who_asks
from serving.problems import Problem, unknown
from serving.reads import decisions
from serving.reads import planting as planting_reads
from serving.reads import planting_whatifs as whatifs
from serving.reads.planting import Planted
from serving.roles import may
from serving.routes.demand_page import AUTHOR, author_of
from serving.routes.deps import Asker, Current
from serving.routes.field_reports import entered
from serving.routes.messages import keep
from serving.routes.planting_whatifs import asked
from serving.routes.written import written
from serving.schemas_writes import Decision
from serving.web.override import fields, valid
from serving.web.planting import planting
from serving.web.planting_asks import commitment_of, whatif_of
from serving.web.planting_more import more
from serving.web.render import COOKIE_SECONDS, query_of, reader, render
from warehouse.inbox import Message

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]
COLOURS = ("crop", "risk")
SHOWN = ("decision", "planting_whatif", "commitment_entry")
"""Kinds of messages that the page shows before a night takes them in."""


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
    inbox, trouble = _written(request)
    values = planting(release, say, wish, village, colour, decisions.answers(release, inbox["decision"]))
    values |= more(
        release,
        say,
        whatifs=whatifs.whatifs(release, inbox["planting_whatif"]),
        entries=inbox["commitment_entry"],
        crop=crop or None,
    )
    may_write = may(who_asks(request.scope), "POST", "/planting/what-if")
    return render(
        request, "planting", say, **values, trouble=trouble, author=author_of(request), may_write=may_write
    )


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
    return _back(f"/planting?{query_of(shown)}#recommendations", author)


@router.post("/planting/what-if")
async def ask_whatif(request: Request, release: Current) -> Response:
    """Keep a question typed into the page, then show the questions again."""
    body = whatif_of(fields(await request.body()) | _signed(request))
    await run_in_threadpool(asked, request, release, body)
    return _back("/planting#whatifs", body.author)


@router.post("/planting/commitment")
async def enter_commitment(request: Request, release: Current, who: Asker) -> Response:
    """Keep a commitment typed into the page, then show the commitments again."""
    body = commitment_of(fields(await request.body()) | _signed(request))
    await run_in_threadpool(entered, request, release, who, body)
    return _back("/planting#commitments", body.author)


def _signed(request: Request) -> dict[str, str]:
    """The name of who logged in; a name typed by others stays as it is."""
    who = who_asks(request.scope)
    return {"author": who.name} if who.is_person else {}


def _back(to: str, author: str) -> Response:
    response = RedirectResponse(to, 303)
    response.set_cookie(AUTHOR, quote(author), COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


def _written(request: Request) -> tuple[dict[str, list[Message]], str | None]:
    """What people wrote lately, by kind; where the inbox cannot be read, none of it and a word about it."""
    try:
        return {kind: written(request, kind, decisions.SHOWN_DAYS) for kind in SHOWN}, None
    except Problem as problem:
        return {kind: [] for kind in SHOWN}, f"{problem.detail}; {problem.way_out}"


def _number(noun: str, text: str) -> int | None:
    """A number chosen in a form; '' is none."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise unknown(noun, text)
    return int(text)
