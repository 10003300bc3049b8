"""Files from the page: a sheet filled in, a file for the night, and the task sheet that is printed."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.access import signed, who_asks
from serving.exports.workbook import MOST_BYTES
from serving.problems import Problem
from serving.reads import tasks, things
from serving.reads.health import cutoff
from serving.routes.demand_page import AUTHOR
from serving.routes.deps import Asker, Current
from serving.routes.imports import taken
from serving.routes.uploads import told
from serving.uploads import checked_name, checked_shop, hand_in
from serving.web.render import COOKIE_SECONDS, query_of, reader, render
from serving.web.task_sheet import task_sheet
from settings import Settings

router = APIRouter(include_in_schema=False)
PIECE = 1 << 20
Sent = Annotated[UploadFile, File()]
Typed = Annotated[str, Form(max_length=120)]


@router.post("/runs/upload")
async def upload(request: Request, file: Sent, shop: Typed = "") -> Response:
    """Put a file into the inbox folder, then show the runs page with what waits."""
    settings: Settings = request.app.state.settings
    name, folder = checked_name(file.filename or ""), checked_shop(shop.strip())
    handed = await hand_in(settings.inbox_dir, name, folder, _pieces(file), settings.max_upload_mb << 20)
    told(request, handed)
    return RedirectResponse(f"/runs?{query_of({'sent': handed.path.name})}#upload", 303)


@router.post("/planting/sheet")
async def sheet(request: Request, release: Current, file: Sent, author: Typed = "") -> Response:
    """Take a filled-in planting sheet; rows that do not hold are listed and nothing is kept."""
    say = reader(request)
    body = await file.read(MOST_BYTES + 1)
    try:
        result = await run_in_threadpool(taken, request, release, body, author)
    except Problem as problem:
        if problem.kind not in ("sheet-rows", "unreadable-sheet"):
            raise
        errors = problem.extra.get("errors", [])
        return render(
            request, "sheet", say, status=problem.status, problem=problem, errors=errors, result=None
        )
    response = render(request, "sheet", say, problem=None, errors=[], result=result)
    name = signed(who_asks(request.scope), author)
    response.set_cookie(AUTHOR, quote(name), COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


@router.get("/v1/exports/tasks", include_in_schema=True, tags=["exports"])
def printed(
    request: Request,
    release: Current,
    who: Asker,
    village: Annotated[str | None, Query(max_length=120)] = None,
    lang: Annotated[str | None, Query(max_length=5, description="zh or en")] = None,
    unit: Annotated[str | None, Query(max_length=5, description="kg, jin or t")] = None,
    area: Annotated[str | None, Query(max_length=5, description="mu or ha")] = None,
) -> Response:
    """The tasks of a village, or of a farm member's own plots, as a page to print (A4), with a QR code that opens My plots."""
    say = reader(request)
    rows = tasks.tasks(release, who.plots, village or "")
    past = cutoff(release)
    pages = task_sheet(say, rows, things.names(release, "place"), str(request.base_url))
    return render(request, "tasks", say, sheets=pages, past=past)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE):
        yield piece
