"""What the night reckoned beside the plan, and the record of what people decided."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.answers import single, table
from serving.reads import decisions as decision_reads
from serving.reads import planting
from serving.reads import planting_facts as reads
from serving.routes.deps import LIMITS, PROBLEMS, TABULAR, Current, IdQuery, Paging
from serving.routes.written import written
from serving.schemas import PageOf
from serving.schemas_planting import (
    DecisionRecord,
    DecisionScore,
    PlantingChange,
    PlantingValue,
    SupplyNeed,
)

router = APIRouter(prefix="/v1", tags=["planting"], dependencies=LIMITS)


@router.get("/planting/changes", response_model=PageOf[PlantingChange], responses=TABULAR)
async def changes(
    request: Request,
    release: Current,
    page: Paging,
    plot: IdQuery = None,
    crop: IdQuery = None,
    cause: Annotated[str | None, Query(max_length=40, examples=["field_state"])] = None,
) -> Response:
    """What the plan says otherwise than the last one, and why; the largest yuan first."""
    rows = reads.changes(release, plot=plot, crop=crop, cause=cause)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/planting/supplies", response_model=PageOf[SupplyNeed], responses=TABULAR)
async def supplies(
    request: Request,
    release: Current,
    page: Paging,
    village: IdQuery = None,
    crop: IdQuery = None,
    item: Annotated[str | None, Query(max_length=120, examples=["labour"])] = None,
    first: Annotated[date | None, Query(alias="from", description="first Monday")] = None,
    last: Annotated[date | None, Query(alias="to", description="last Monday")] = None,
    accepted: Annotated[bool | None, Query(description="left out: accepted lines and others")] = None,
) -> Response:
    """Seed, seedlings and labour that the plan's lines need, by week and village."""
    rows = reads.supplies(release, reads.Needed(village, crop, item, first, last, accepted))
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/planting/decisions", response_model=PageOf[DecisionScore], responses=TABULAR)
async def scores(
    request: Request,
    release: Current,
    page: Paging,
    stage: Annotated[str | None, Query(max_length=40, examples=["past"])] = None,
    answer: Annotated[str | None, Query(max_length=40, examples=["refuse"])] = None,
) -> Response:
    """What people's decisions were worth (yuan), the largest gain first."""
    rows = reads.decision_scores(release, stage=stage, answer=answer)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/planting/value", response_model=PlantingValue, responses=PROBLEMS)
async def value(request: Request, release: Current) -> Response:
    """What the plan is worth against demand and yields that nobody knows yet."""
    return single(request, release, {"release_id": release.id, **planting.worth(release)})


@router.get("/decisions", response_model=PageOf[DecisionRecord], responses=TABULAR)
def decisions(
    request: Request,
    release: Current,
    page: Paging,
    author: Annotated[str | None, Query(max_length=120)] = None,
    answer: Annotated[str | None, Query(max_length=40, examples=["change"])] = None,
    state: Annotated[str | None, Query(max_length=40, examples=["in_force"])] = None,
) -> Response:
    """Who answered what to which recommendation, and what came of it, newest first; never cached."""
    messages = written(request, "decision", decision_reads.SHOWN_DAYS)
    rows = decision_reads.record(release, messages, author=author, answer=answer, state=state)
    return table(request, release, rows, page.limit, page.cursor, changes=True)
