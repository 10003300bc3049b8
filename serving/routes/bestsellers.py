"""Which products will sell best, and what to take on."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.answers import table
from serving.reads import bestsellers as reads
from serving.routes.deps import LIMITS, TABULAR, Current, IdQuery, Paging
from serving.schemas import PageOf
from serving.schemas_bestsellers import BestsellerCall, SelectionRecommendation

router = APIRouter(prefix="/v1", tags=["bestsellers"], dependencies=LIMITS, responses=TABULAR)
Question = Annotated[Literal["launch", "listing"] | None, Query()]
Answer = Annotated[Literal["take_on", "keep", "drop"] | None, Query()]


@router.get("/bestsellers", response_model=PageOf[BestsellerCall])
async def bestsellers(
    request: Request, release: Current, page: Paging, question: Question = None, category: IdQuery = None
) -> Response:
    """Calls with their reasons in Chinese and English: launches first, the likeliest first."""
    rows = release.made(reads.calls)
    rows = reads.chosen(release, rows, question=question, category=category, answer=None)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/selections", response_model=PageOf[SelectionRecommendation])
async def selections(
    request: Request, release: Current, page: Paging, question: Question = None, answer: Answer = None
) -> Response:
    """What to take on, keep or drop, with the first quantity: the highest expected margin first."""
    rows = reads.chosen(
        release, release.made(reads.selections), question=question, category=None, answer=answer
    )
    return table(request, release, rows, page.limit, page.cursor)
