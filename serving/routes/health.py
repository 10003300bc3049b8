"""Is the service well, and which release does it serve?"""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import plain, single
from serving.published import Published
from serving.reads.health import health
from serving.routes.deps import LIMITS, PROBLEMS, Current
from serving.schemas import CurrentRelease, Health

router = APIRouter(prefix="/v1", tags=["service"], dependencies=LIMITS)


@router.get("/health", response_model=Health)
async def read_health(request: Request) -> Response:
    """Answers 200 as long as the service lives; `status` and `notes` say how well."""
    published: Published = request.app.state.published
    return plain(health(published, datetime.now(UTC)))


@router.get("/releases/current", response_model=CurrentRelease, responses=PROBLEMS)
async def current(request: Request, release: Current) -> Response:
    """The manifest of the release being served and the rows of its tables."""
    body = {
        "release_id": release.id,
        "loaded_at": release.loaded_at,
        "rows": release.rows,
        "manifest": release.manifest,
    }
    return single(request, release, body)
