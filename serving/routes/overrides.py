"""Overrides of people: what stands, what waits, and taking one back."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import signed, who_asks
from serving.answers import plain, table
from serving.published import Release
from serving.reads import forecasts
from serving.reads import overrides as reads
from serving.routes.deps import LIMITS, TABULAR, Current, IdQuery, Paging, problem_shape
from serving.routes.messages import ANSWERS, keep
from serving.routes.once import Once, seen
from serving.routes.written import written as lately
from serving.schemas_writes import Accepted, Override, Overrides, Withdrawal
from warehouse.inbox import OnceKey

router = APIRouter(prefix="/v1", tags=["decisions"], dependencies=LIMITS)
TAKEN_BACK: dict[int | str, dict[str, Any]] = {409: problem_shape("It is past or was taken back already")}


@router.get("/overrides", response_model=Overrides, responses=TABULAR)
def listed(
    request: Request,
    release: Current,
    page: Paging,
    product_id: IdQuery = None,
    state: Annotated[str | None, Query(max_length=40, examples=["in_force"])] = None,
) -> Response:
    """Overrides in force, waiting and past, newest first; never cached, as the inbox changes between releases."""
    rows = reads.overrides(release, written(request), product_id=product_id, state=state)
    return table(request, release, rows, page.limit, page.cursor, changes=True)


@router.post("/overrides", status_code=202, response_model=Accepted, responses=ANSWERS)
def override(request: Request, release: Current, once: Once, body: Override) -> Response:
    """Change a forecast: forecast × factor from starts_on to ends_on, until expires_on."""
    if before := seen(request, "demand_override", once):
        return before
    return plain(kept(request, release, body, once), 202)


@router.post(
    "/overrides/{override_id}/withdrawal",
    status_code=202,
    response_model=Accepted,
    responses=ANSWERS | TAKEN_BACK,
)
def withdrawal(
    request: Request, release: Current, once: Once, override_id: str, body: Withdrawal
) -> Response:
    """Take an override back; from the next night on it counts no longer, and an earlier one of its days counts again."""
    if before := seen(request, "override_withdrawal", once):
        return before
    return plain(withdrawn(request, release, override_id, body, once), 202)


def kept(
    request: Request, release: Release, body: Override, once: OnceKey | None = None
) -> dict[str, object]:
    """Check an override and keep it.

    Raises:
        Problem: 404 for an unknown id, 422 for days that are past, 503 when the inbox cannot be written.
    """
    forecasts.daily(release, forecasts.Wish(body.product_id, body.channel_id, body.region_id))
    reads.check(release, body)
    payload = body.model_dump(mode="json", exclude={"author"})
    author = signed(who_asks(request.scope), body.author)
    return keep(request.app.state.settings, "demand_override", payload, author, once)


def withdrawn(
    request: Request, release: Release, override_id: str, body: Withdrawal, once: OnceKey | None = None
) -> dict[str, object]:
    """Check that an override can be taken back and keep the withdrawal; raises as `kept`."""
    reads.to_withdraw(reads.overrides(release, written(request)), override_id)
    payload = {"override_id": override_id, "reason": body.reason}
    author = signed(who_asks(request.scope), body.author)
    return keep(request.app.state.settings, "override_withdrawal", payload, author, once)


def written(request: Request) -> reads.Written:
    """Overrides and withdrawals of the last months in the inbox; raises as serving.routes.written."""
    overrides, withdrawals = (
        lately(request, kind, reads.SHOWN_DAYS) for kind in ("demand_override", "override_withdrawal")
    )
    return reads.Written(overrides, withdrawals)
