"""How the nights went: runs, scores, what came in and was refused, sensors."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.access import own
from serving.answers import table
from serving.reads import runs as reads
from serving.routes.deps import LIMITS, TABULAR, Asker, Current, IdQuery, Paging
from serving.schemas import PageOf, Run, Score

router = APIRouter(prefix="/v1", tags=["runs"], dependencies=LIMITS, responses=TABULAR)


@router.get("/runs", response_model=PageOf[Run])
async def runs(request: Request, release: Current, page: Paging) -> Response:
    """Runs of flows with their steps, newest first."""
    return table(request, release, release.made(reads.runs), page.limit, page.cursor)


@router.get("/scores", response_model=PageOf[Score])
async def scores(
    request: Request,
    release: Current,
    page: Paging,
    segment: IdQuery = None,
    lead_days: IdQuery = None,
    metric: IdQuery = None,
    method: IdQuery = None,
) -> Response:
    """Matured forecasts against what was sold, beside the seasonal naive baseline."""
    rows = reads.scores(release, segment=segment, lead_days=lead_days, metric=metric, method=method)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/intake/files", response_model=PageOf[dict[str, Any]])
async def files(request: Request, release: Current, page: Paging) -> Response:
    """Files taken in, newest first, with what became of their rows."""
    return table(request, release, reads.files(release), page.limit, page.cursor)


@router.get("/intake/rejected", response_model=PageOf[dict[str, Any]])
async def rejected(request: Request, release: Current, page: Paging) -> Response:
    """Refused rows by kind of file and rule, with an example."""
    return table(request, release, reads.rejected(release), page.limit, page.cursor)


@router.get("/intake/unmapped", response_model=PageOf[dict[str, Any]])
async def unmapped(request: Request, release: Current, page: Paging) -> Response:
    """Articles that no listing maps to a product, most money first."""
    return table(request, release, reads.unmapped(release), page.limit, page.cursor)


@router.get("/sensors", response_model=PageOf[dict[str, Any]])
async def sensors(request: Request, release: Current, who: Asker, page: Paging) -> Response:
    """The last reading of each sensor and quantity, and its faults."""
    return table(request, release, own(who, reads.sensors(release)), page.limit, page.cursor)
