"""How the fields stand, and when and how much they will bear."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from serving.access import own
from serving.answers import table
from serving.reads import harvest as reads
from serving.routes.deps import LIMITS, TABULAR, Asker, Current, IdQuery, Paging
from serving.schemas import PageOf
from serving.schemas_harvest import FieldState, HarvestActual, HarvestDay, HarvestOutlook, HarvestValue


def wished(plot: IdQuery = None, village: IdQuery = None, crop: IdQuery = None) -> reads.Wish:
    """Read which plot, village and crop are asked for."""
    return reads.Wish(plot, village, crop)


Wished = Annotated[reads.Wish, Depends(wished)]
router = APIRouter(prefix="/v1", tags=["harvest"], dependencies=LIMITS, responses=TABULAR)


@router.get("/fields", response_model=PageOf[FieldState])
async def fields(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    plot: IdQuery = None,
    village: IdQuery = None,
    day: Annotated[date | None, Query(description="of the last fortnight; the newest when left out")] = None,
    level: Annotated[int | None, Query(ge=0, le=2, description="at least so bad: 1 watch, 2 act")] = None,
) -> Response:
    """Frost, heat, water and disease of each plot, the worst first, and what stands on it."""
    rows = reads.fields(release, plot=plot, village=village, day=day, level=level)
    return table(request, release, own(who, rows), page.limit, page.cursor)


@router.get("/harvest/outlook", response_model=PageOf[HarvestOutlook])
async def outlook(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    wish: Wished,
) -> Response:
    """Plantings that stand: stage, ready date and kilograms of the season, the soonest first."""
    rows = reads.outlook(release, wish)
    return table(request, release, own(who, rows), page.limit, page.cursor)


@router.get("/harvest/days", response_model=PageOf[HarvestDay])
async def days(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    wish: Wished,
) -> Response:
    """Kilograms that ripen by planting and day of the next 28."""
    rows = reads.days(release, wish)
    return table(request, release, own(who, rows), page.limit, page.cursor)


@router.get("/harvest/actuals", response_model=PageOf[HarvestActual])
async def actuals(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    wish: Wished,
) -> Response:
    """What was said of each planting of this year and last, and what was cut."""
    rows = reads.actuals(release, wish)
    return table(request, release, own(who, rows), page.limit, page.cursor)


@router.get("/harvest/value", response_model=PageOf[HarvestValue])
async def value(request: Request, release: Current, page: Paging) -> Response:
    """What telling yields adds to last year's mean, by year and crop."""
    return table(request, release, reads.value(release), page.limit, page.cursor)
