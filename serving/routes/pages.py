"""The page: rendered from the same reads as the API."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.problems import unknown
from serving.published import Published
from serving.reads.bestsellers import QUESTIONS
from serving.reads.engines import engines
from serving.reads.releases import releases
from serving.routes.deps import Current
from serving.uploads import listed
from serving.web.bestsellers import bestsellers
from serving.web.fields_page import fields_page
from serving.web.nights import nights
from serving.web.render import ASSETS, asset, reader, render
from serving.web.today import today
from settings import Settings

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]


@router.get("/")
def read_today(request: Request, release: Current) -> Response:
    """What needs a decision, how the night went."""
    published: Published = request.app.state.published
    say = reader(request)
    return render(request, "today", say, **today(published, release, say, datetime.now(UTC)))


@router.get("/bestsellers")
def read_bestsellers(request: Request, release: Current, question: Choice = "") -> Response:
    """Which products will sell best, and what to take on."""
    if question and question not in QUESTIONS:
        raise unknown("question", question, list(QUESTIONS))
    say = reader(request)
    return render(request, "bestsellers", say, **bestsellers(release, say, question))


@router.get("/runs")
def read_runs(request: Request, release: Current, sent: Choice = "") -> Response:
    """How the nights went, what was refused, and what waits; `sent` names the file that was just handed in."""
    settings: Settings = request.app.state.settings
    return render(
        request,
        "runs",
        reader(request),
        **nights(release),
        sent=sent,
        waiting=listed(settings.inbox_dir),
        releases=releases(settings.releases_dir, release),
        engines=engines(settings),
    )


@router.get("/fields")
def read_fields(request: Request, release: Current, village: Choice = "") -> Response:
    """What stands in the fields, and what the sensors say."""
    say = reader(request)
    return render(request, "fields", say, **fields_page(release, say, village))


@router.get("/static/{name}")
async def read_asset(name: str) -> Response:
    """A file the page loads; its address carries its version, so it may be kept for a year."""
    if name not in ASSETS:
        raise unknown("file", name, list(ASSETS))
    return Response(
        asset(name)[0], 200, {"Cache-Control": "public, max-age=31536000, immutable"}, ASSETS[name]
    )
