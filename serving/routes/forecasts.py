"""Demand ahead and behind: days, weeks, sales."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.answers import table
from serving.reads import forecasts as reads
from serving.routes.deps import LIMITS, TABULAR, Current, IdQuery, Paging
from serving.schemas import DemandForecast, PageOf, Sale, SeasonForecast

router = APIRouter(prefix="/v1", tags=["demand"], dependencies=LIMITS, responses=TABULAR)
From = Annotated[date | None, Query(alias="from", description="first day", examples=["2026-05-04"])]
To = Annotated[date | None, Query(description="last day", examples=["2026-05-31"])]
Levels = Annotated[
    str | None,
    Query(max_length=120, description="quantile levels, comma-separated", examples=["0.1,0.5,0.9"]),
]


@router.get("/forecasts", response_model=PageOf[DemandForecast])
async def forecasts(
    request: Request,
    release: Current,
    page: Paging,
    product_id: IdQuery = None,
    channel_id: IdQuery = None,
    region_id: IdQuery = None,
    start: From = None,
    to: To = None,
    levels: Levels = None,
) -> Response:
    """The newest demand forecast, one row per product, channel, region and day."""
    wish = reads.Wish(product_id, channel_id, region_id, start, to, levels)
    return table(request, release, reads.daily(release, wish), page.limit, page.cursor)


@router.get("/forecasts/{product_id}", response_model=PageOf[DemandForecast])
async def forecast_of_product(
    request: Request,
    release: Current,
    page: Paging,
    product_id: str,
    channel_id: IdQuery = None,
    region_id: IdQuery = None,
    start: From = None,
    to: To = None,
    levels: Levels = None,
) -> Response:
    """The newest demand forecast of one product."""
    wish = reads.Wish(product_id, channel_id, region_id, start, to, levels)
    return table(request, release, reads.of_product(release, product_id, wish), page.limit, page.cursor)


@router.get("/seasons", response_model=PageOf[SeasonForecast])
async def seasons(
    request: Request,
    release: Current,
    page: Paging,
    family: IdQuery = None,
    channel_id: IdQuery = None,
    region_id: IdQuery = None,
    start: From = None,
    to: To = None,
    levels: Levels = None,
) -> Response:
    """The newest season forecast, one row per product family, channel, region and week."""
    wish = reads.Wish(family, channel_id, region_id, start, to, levels)
    return table(request, release, reads.weekly(release, wish), page.limit, page.cursor)


@router.get("/sales", response_model=PageOf[Sale])
async def sales(
    request: Request,
    release: Current,
    page: Paging,
    product_id: IdQuery = None,
    channel_id: IdQuery = None,
    region_id: IdQuery = None,
    start: From = None,
    to: To = None,
) -> Response:
    """What was sold, one row per product, channel, region and day of the last months."""
    wish = reads.Wish(product_id, channel_id, region_id, start, to)
    return table(request, release, reads.sales(release, wish), page.limit, page.cursor)
