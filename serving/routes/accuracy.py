"""How good forecasts were, before the forecasts' own addresses, which take any product's name."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import table
from serving.reads.accuracy import matching
from serving.routes.deps import LIMITS, TABULAR, Current, IdQuery, Paging
from serving.schemas import PageOf
from serving.schemas_accuracy import Accuracy, NodeStatus, OverrideValue, SeasonAccuracy, ValueAdded

router = APIRouter(prefix="/v1", tags=["accuracy"], dependencies=LIMITS, responses=TABULAR)


@router.get("/forecasts/accuracy", response_model=PageOf[Accuracy])
async def accuracy(
    request: Request,
    release: Current,
    page: Paging,
    segment: IdQuery = None,
    lead_days: IdQuery = None,
    metric: IdQuery = None,
    method: IdQuery = None,
) -> Response:
    """Error, bias and coverage by segment, lead and step, over the forecasts that matured in the last 28 days."""
    wanted = {"segment": segment, "lead_days": lead_days, "metric": metric, "method": method}
    return table(request, release, matching(release, "forecast_accuracy", **wanted), page.limit, page.cursor)


@router.get("/forecasts/value-added", response_model=PageOf[ValueAdded])
async def value_added(
    request: Request,
    release: Current,
    page: Paging,
    segment: IdQuery = None,
    lead_days: IdQuery = None,
    metric: IdQuery = None,
    step: IdQuery = None,
) -> Response:
    """What model, fallback and override each took off the error of seasonal naive."""
    wanted = {"segment": segment, "lead_days": lead_days, "metric": metric, "step": step}
    return table(
        request, release, matching(release, "forecast_value_added", **wanted), page.limit, page.cursor
    )


@router.get("/forecasts/nodes", response_model=PageOf[NodeStatus])
async def nodes(
    request: Request,
    release: Current,
    page: Paging,
    product_id: IdQuery = None,
    channel_id: IdQuery = None,
    state: IdQuery = None,
) -> Response:
    """Which products in a channel, and which series, the model forecasts and which the baseline."""
    rows = matching(release, "node_status", product_id=product_id, channel_id=channel_id, state=state)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/overrides/value", response_model=PageOf[OverrideValue])
async def override_value(
    request: Request, release: Current, page: Paging, product_id: IdQuery = None
) -> Response:
    """Overrides whose days have passed: who, why, and whether they were better."""
    return table(
        request, release, matching(release, "override_value", product_id=product_id), page.limit, page.cursor
    )


@router.get("/seasons/accuracy", response_model=PageOf[SeasonAccuracy])
async def season_accuracy(
    request: Request, release: Current, page: Paging, segment: IdQuery = None, metric: IdQuery = None
) -> Response:
    """Season forecasts by the lead at which planting locks."""
    rows = matching(release, "season_accuracy", segment=segment, metric=metric)
    return table(request, release, rows, page.limit, page.cursor)
