"""Products, plots, places, crops, channels, regions."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.access import own
from serving.answers import table
from serving.reads import things as reads
from serving.routes.deps import LIMITS, TABULAR, Asker, Current, IdQuery, Paging
from serving.schemas import PageOf, Plot, Product

router = APIRouter(prefix="/v1", tags=["things"], dependencies=LIMITS, responses=TABULAR)


@router.get("/products", response_model=PageOf[Product])
async def products(request: Request, release: Current, page: Paging, family: IdQuery = None) -> Response:
    """Products with what they are made of."""
    return table(request, release, reads.products(release, family), page.limit, page.cursor)


@router.get("/plots", response_model=PageOf[Plot])
async def plots(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    village: IdQuery = None,
    land_class: IdQuery = None,
) -> Response:
    """Plots with the village they lie in."""
    rows = own(who, reads.plots_of(release, village, land_class))
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/crops", response_model=PageOf[dict[str, Any]])
async def crops(request: Request, release: Current, page: Paging) -> Response:
    """Crops that fields bear."""
    return table(request, release, reads.listed(release, "crop"), page.limit, page.cursor)


@router.get("/places", response_model=PageOf[dict[str, Any]])
async def places(request: Request, release: Current, page: Paging) -> Response:
    """County, towns, villages."""
    return table(request, release, reads.listed(release, "place"), page.limit, page.cursor)


@router.get("/channels", response_model=PageOf[dict[str, Any]])
async def channels(request: Request, release: Current, page: Paging) -> Response:
    """Sales channels."""
    return table(request, release, reads.listed(release, "channel"), page.limit, page.cursor)


@router.get("/regions", response_model=PageOf[dict[str, Any]])
async def regions(request: Request, release: Current, page: Paging) -> Response:
    """Selling regions."""
    return table(request, release, reads.listed(release, "region"), page.limit, page.cursor)
