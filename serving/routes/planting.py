"""What to plant, why, and how demand and supply then stand."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import own
from serving.answers import single, table
from serving.problems import unknown
from serving.reads import planting as reads
from serving.routes.deps import LIMITS, PROBLEMS, TABULAR, Asker, Current, IdQuery, Paging
from serving.schemas import PageOf, PlantingPlan, PlantingRecommendation

router = APIRouter(prefix="/v1", tags=["planting"], dependencies=LIMITS)


@router.get("/recommendations/planting", response_model=PageOf[PlantingRecommendation], responses=TABULAR)
async def recommendations(
    request: Request,
    release: Current,
    who: Asker,
    page: Paging,
    plot: IdQuery = None,
    crop: IdQuery = None,
    year: Annotated[int | None, Query(ge=1990, le=2100)] = None,
    season: Annotated[int | None, Query(ge=1, le=4)] = None,
    village: IdQuery = None,
) -> Response:
    """Recommendations with their reasons in Chinese and English, by year, village, plot, season."""
    rows = reads.chosen(release, reads.Planted(plot, crop, year, season, village))
    return table(request, release, own(who, rows), page.limit, page.cursor)


@router.get(
    "/recommendations/planting/{recommendation_id:path}",
    response_model=PlantingRecommendation,
    responses=PROBLEMS,
)
async def recommendation(request: Request, release: Current, who: Asker, recommendation_id: str) -> Response:
    """One recommendation; its id holds slashes: plot/year/season/practice."""
    found = reads.one(release, recommendation_id)
    if who.plots is not None and found["plot_id"] not in who.plots:
        raise unknown("recommendation", recommendation_id, see="/v1/recommendations/planting")
    return single(request, release, found)


@router.get("/plans/planting", response_model=PlantingPlan, responses=PROBLEMS)
async def plan(request: Request, release: Current) -> Response:
    """The newest plan: status, profit, bound, gap; and demand against supply per crop, year and season."""
    body = {
        "release_id": release.id,
        "plan": reads.plan(release),
        "value": reads.value(release),
        "balance": reads.balance(release).to_dicts(),
    }
    return single(request, release, body)
