"""What to cut on which day, for whom, and what cannot be kept."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import own
from serving.answers import single, table
from serving.reads import cutting as reads
from serving.routes.deps import LIMITS, PROBLEMS, TABULAR, Asker, Current, IdQuery, Paging
from serving.schemas import PageOf
from serving.schemas_cutting import (
    Cutting,
    HarvestChange,
    HarvestRecommendation,
    HarvestServe,
    HarvestShortfall,
)

router = APIRouter(prefix="/v1", tags=["harvest"], dependencies=LIMITS)
DayQuery = Annotated[date | None, Query(description="of the next 14; all when left out")]


@router.get("/recommendations/harvest", response_model=PageOf[HarvestRecommendation], responses=TABULAR)
async def recommendations(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    plot: IdQuery = None,
    village: IdQuery = None,
    crop: IdQuery = None,
    crew: IdQuery = None,
    day: DayQuery = None,
) -> Response:
    """Cuts of the next 14 days with their reasons in Chinese and English, by day, the most money first."""
    rows = reads.recommendations(release, plot=plot, village=village, crop=crop, crew=crew, day=day)
    return table(request, release, own(who, rows), page.limit, page.cursor)


@router.get("/harvest/plan", response_model=Cutting, responses=PROBLEMS)
async def plan(request: Request, release: Current) -> Response:
    """The cutting plan as a whole, why it was solved again within the day, hours of crews and loads of cold rooms."""
    body = {
        "release_id": release.id,
        "plan": reads.plan(release),
        "triggers": reads.triggers(release).to_dicts(),
        "loads": reads.loads(release).to_dicts(),
    }
    return single(request, release, body)


@router.get("/harvest/serves", response_model=PageOf[HarvestServe], responses=TABULAR)
async def serves(
    request: Request, release: Current, page: Paging, crop: IdQuery = None, promised: bool | None = None
) -> Response:
    """Which cut or stock serves which order, promise or expected demand, by day of shipping."""
    rows = reads.serves(release, crop=crop, promised=promised)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/harvest/shortfalls", response_model=PageOf[HarvestShortfall], responses=TABULAR)
async def shortfalls(
    request: Request,
    release: Current,
    page: Paging,
    kind: Literal["order", "ripe"] | None = None,
    crop: IdQuery = None,
) -> Response:
    """Promises that cannot be kept and ripe kilograms that will be lost, each with its cause."""
    rows = reads.shortfalls(release, kind=kind, crop=crop)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/harvest/changes", response_model=PageOf[HarvestChange], responses=TABULAR)
async def changes(request: Request, release: Current, who: Asker, page: Paging) -> Response:
    """What an hour of the day changed in the night's cutting plan; empty when nothing left its band."""
    return table(request, release, own(who, reads.changes(release)), page.limit, page.cursor)
