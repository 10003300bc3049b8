"""Files for the next night, refused rows in full, and every release there is."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import who_asks
from serving.answers import plain, table
from serving.reads import runs as reads
from serving.reads.releases import releases
from serving.routes.deps import LIMITS, TABULAR, Current, IdQuery, Paging, problem_shape
from serving.routes.imports import BYTES
from serving.routes.messages import ANSWERS
from serving.schemas import PageOf
from serving.schemas_files import FileTaken, RejectedRow, Releases, WaitingFiles
from serving.uploads import Handed, checked_name, checked_shop, hand_in, listed
from settings import Settings

router = APIRouter(prefix="/v1", tags=["runs"], dependencies=LIMITS)
log = logging.getLogger("anxu.access")
REFUSED: dict[int | str, dict[str, Any]] = {
    **{status: told for status, told in ANSWERS.items() if status != 404},
    415: problem_shape("It is of no type that is taken in"),
}
PATHS = ("/v1/intake/files", "/runs/upload")


def larger(settings: Settings) -> dict[str, int]:
    """Where a body may be as large as max_upload_mb (serving.guard); the form adds a little of its own."""
    return {path: (settings.max_upload_mb << 20) + 4096 * (path == "/runs/upload") for path in PATHS}


@router.post(
    "/intake/files", status_code=202, response_model=FileTaken, responses=REFUSED, openapi_extra=BYTES
)
async def upload(
    request: Request,
    name: Annotated[
        str, Query(max_length=300, description="its plain file name", examples=["orders-0503.csv"])
    ],
    shop: Annotated[
        str, Query(max_length=60, description="the shop of an order file", examples=["qinghe-taobao"])
    ] = "",
) -> Response:
    """Put a file into the inbox folder: on disk before the answer, recognised and taken in by the next night, once."""
    settings: Settings = request.app.state.settings
    plain_name, plain_shop = checked_name(name), checked_shop(shop)
    most = settings.max_upload_mb << 20
    handed = await hand_in(settings.inbox_dir, plain_name, plain_shop, request.stream(), most)
    told(request, handed)
    return plain(
        {
            "name": handed.path.name,
            "file_id": handed.file_id,
            "size_bytes": handed.size_bytes,
            "is_new": handed.is_new,
            "status": "waiting",
        },
        202,
    )


@router.get("/intake/waiting", response_model=WaitingFiles)
def waiting(request: Request) -> Response:
    """Files of the inbox folder that wait for the night, and those it refused, with the reason; never cached."""
    settings: Settings = request.app.state.settings
    return plain({"items": listed(settings.inbox_dir)})


@router.get("/intake/rejected/rows", response_model=PageOf[RejectedRow], responses=TABULAR)
def rejected_rows(
    request: Request,
    release: Current,
    page: Paging,
    kind: IdQuery = None,
    rule: IdQuery = None,
    file_id: IdQuery = None,
) -> Response:
    """Refused lines in full, newest first (at most 20,000): file, line, rule, reason, and the row as delivered."""
    rows = reads.rejected_rows(release, kind=kind, rule=rule, file_id=file_id)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/releases", response_model=Releases)
def all_releases(request: Request) -> Response:
    """Every release in the county folder, newest first, and which one is served; never cached."""
    settings: Settings = request.app.state.settings
    return plain({"items": releases(settings.releases_dir, request.app.state.published.current)})


def told(request: Request, handed: Handed) -> None:
    """Who handed in what, for the log."""
    who = who_asks(request.scope)
    log.info(
        "file '%s' (%s, %d bytes) handed in by %s '%s'",
        handed.path.name,
        handed.file_id[:12],
        handed.size_bytes,
        who.kind,
        who.name,
    )
