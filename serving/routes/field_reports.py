"""What people report from the fields and promise by hand: on disk before the answer, taken in by the next night, once."""

import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving.access import signed
from serving.answers import plain
from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads import things
from serving.roles import Who
from serving.routes.deps import LIMITS, Asker, Current
from serving.routes.messages import ANSWERS, keep
from serving.routes.once import Once, seen
from serving.schemas_field import CommitmentEntry, HarvestReport, PhotoKept
from serving.schemas_writes import Accepted
from settings import Settings
from warehouse.inbox import OnceKey

router = APIRouter(prefix="/v1", tags=["fields"], dependencies=LIMITS, responses=ANSWERS)
JPEG = b"\xff\xd8\xff"
PhotoId = Annotated[str, InPath(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


@router.post("/harvest/reports", status_code=202, response_model=Accepted)
def report(request: Request, release: Current, who: Asker, once: Once, body: HarvestReport) -> Response:
    """Report a sowing or a cut done, or why it cannot be; a farm member reports on own plots only."""
    if before := seen(request, "harvest_report", once):
        return before
    of_known_plot(release, who, body.plot_id)
    _of_known_crop(release, body.crop_id)
    payload = body.model_dump(mode="json", exclude={"author"})
    author = signed(who, body.author)
    return plain(keep(request.app.state.settings, "harvest_report", payload, author, once), 202)


@router.put(
    "/harvest/photos/{photo_id}",
    status_code=201,
    response_model=PhotoKept,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def photo(request: Request, photo_id: PhotoId) -> Response:
    """Keep a small photo (JPEG, at most 64 KiB) under an id of yours, a UUID; sent again it is kept once."""
    body = await request.body()
    if not body.startswith(JPEG):
        raise Problem(422, "invalid-parameter", "the body is no JPEG", "send image/jpeg of at most 64 KiB")
    settings: Settings = request.app.state.settings
    await run_in_threadpool(_kept, settings.home / "photos" / f"{photo_id}.jpg", body)
    return plain({"photo": photo_id, "size_bytes": len(body)}, 201)


@router.post("/commitments", status_code=202, response_model=Accepted)
def commitment(request: Request, release: Current, who: Asker, once: Once, body: CommitmentEntry) -> Response:
    """Enter, change or withdraw a commitment; the next night plans with it."""
    if before := seen(request, "commitment_entry", once):
        return before
    return plain(entered(request, release, who, body, once), 202)


def entered(
    request: Request, release: Release, who: Who, body: CommitmentEntry, once: OnceKey | None = None
) -> dict[str, object]:
    """Check a commitment and keep it.

    Raises:
        Problem: 404 for an unknown crop, 503 when the inbox cannot be written.
    """
    _of_known_crop(release, body.crop_id)
    payload = body.model_dump(mode="json", exclude={"author"})
    author = signed(who, body.author)
    return keep(request.app.state.settings, "commitment_entry", payload, author, once)


def of_known_plot(release: Release, who: Who, plot_id: str) -> None:
    """Whether a plot is known, and open to who asks.

    Raises:
        Problem: 404, the same for a plot of others as for one there is not.
    """
    known = plot_id in set(things.plots(release)["plot_id"])
    if not known or (who.plots is not None and plot_id not in who.plots):
        raise unknown("plot", plot_id, see="/v1/plots")


def _of_known_crop(release: Release, crop_id: str) -> None:
    if crop_id not in set(release.frame("crop")["crop_id"]):
        raise unknown("crop", crop_id, see="/v1/crops")


def _kept(path: Path, body: bytes) -> None:
    """Write a photo whole or not at all; one that is there already stays.

    Raises:
        Problem: 503 when it cannot be written.
    """
    if path.exists():
        return
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        raise Problem(
            503,
            "inbox-unavailable",
            f"nothing was kept: {path.parent.name}/ cannot be written ({error})",
            "check disk and permissions (`anxu doctor`), then send it again",
        ) from error
