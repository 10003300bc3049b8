"""Where to cut grades and why, which standards hold, what lots are; and a person's answer to a proposed standard."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import signed
from serving.answers import plain, table
from serving.reads import grading as reads
from serving.routes.deps import LIMITS, TABULAR, Asker, Current, IdQuery, Paging, problem_shape
from serving.routes.messages import ANSWERS, keep
from serving.routes.once import Once, seen
from serving.schemas import PageOf
from serving.schemas_grading import GradeShare, GradingRecommendation, Lot, StandardAnswer, StandardLimit
from serving.schemas_writes import Accepted

router = APIRouter(prefix="/v1", tags=["grading"], dependencies=LIMITS)
Answer = Annotated[Literal["new_cuts", "keep", "do_not_grade"] | None, Query()]
Origin = Annotated[Literal["shipped", "loaded", "approved"] | None, Query()]
NOT_PROPOSED: dict[int | str, dict[str, Any]] = {
    409: problem_shape("The recommendation proposes no standard")
}


@router.get("/grading", response_model=PageOf[GradingRecommendation], responses=TABULAR)
async def recommendations(
    request: Request, release: Current, page: Paging, crop: IdQuery = None, answer: Answer = None
) -> Response:
    """Cut points and proposed standards by crop with prices and reasons; proposals that wait for an answer first."""
    rows = reads.of_crop(release.made(reads.recommendations), crop, "/v1/grading", answer=answer)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/grading/lots", response_model=PageOf[Lot], responses=TABULAR)
async def lots(
    request: Request, release: Current, page: Paging, crop: IdQuery = None, lot: IdQuery = None
) -> Response:
    """Lots packed lately: shares by grade with their uncertainty, the label each may carry, and where it should go."""
    rows = reads.of_crop(release.made(reads.lots), crop, "/v1/grading/lots", lot_id=lot)
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/grading/mix", response_model=PageOf[GradeShare], responses=TABULAR)
async def mix(request: Request, release: Current, page: Paging, crop: IdQuery = None) -> Response:
    """The share of each grade in harvests, by crop and land class: what planting counts on."""
    rows = reads.of_crop(reads.mix(release), crop, "/v1/grading/mix")
    return table(request, release, rows, page.limit, page.cursor)


@router.get("/standards", response_model=PageOf[StandardLimit], responses=TABULAR)
async def standards(
    request: Request,
    release: Current,
    page: Paging,
    crop: IdQuery = None,
    origin: Origin = None,
    in_force: bool | None = None,
) -> Response:
    """Classes and limits of every standard: shipped with the service, loaded, or approved by a person."""
    rows = reads.of_crop(reads.standards(release), crop, "/v1/standards", origin=origin, is_in_force=in_force)
    return table(request, release, rows, page.limit, page.cursor)


@router.post(
    "/standards/approvals", status_code=202, response_model=Accepted, responses=ANSWERS | NOT_PROPOSED
)
def approval(request: Request, release: Current, who: Asker, once: Once, body: StandardAnswer) -> Response:
    """Approve or refuse a proposed standard; approved, it is in force from the next day, once a night has taken it in."""
    if before := seen(request, "standard_approval", once):
        return before
    reads.to_answer(release, body.recommendation_id)
    payload = body.model_dump(mode="json", exclude={"author"})
    kept = keep(request.app.state.settings, "standard_approval", payload, signed(who, body.author), once)
    return plain(kept, 202)
