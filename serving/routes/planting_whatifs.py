"""What-ifs on the plan: asked here, solved by the next night with the planner's own code, read side by side."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import signed, who_asks
from serving.answers import plain, table
from serving.problems import unknown
from serving.published import Release
from serving.reads import planting_whatifs as reads
from serving.routes.deps import LIMITS, TABULAR, Current, Paging, problem_shape
from serving.routes.messages import ANSWERS, keep
from serving.routes.once import Once, seen
from serving.routes.written import written
from serving.schemas_imagined import PlantingWhatIf, PlantingWhatIfAsk, PlantingWhatIfs
from serving.schemas_writes import Accepted
from warehouse.inbox import OnceKey

KIND = "planting_whatif"
MANY: dict[int | str, dict[str, Any]] = {409: problem_shape("Too many questions wait already")}
router = APIRouter(prefix="/v1", tags=["planting"], dependencies=LIMITS)


@router.get("/planting/what-ifs", response_model=PlantingWhatIfs, responses=TABULAR)
def listed(
    request: Request,
    release: Current,
    page: Paging,
    state: Annotated[str | None, Query(max_length=40, examples=["solved"])] = None,
) -> Response:
    """Questions of the last weeks with both plans side by side, newest first; never cached, as the inbox changes."""
    rows = reads.whatifs(release, written(request, KIND, reads.SHOWN_DAYS), state=state)
    return table(request, release, rows, page.limit, page.cursor, changes=True)


@router.get("/planting/what-ifs/{whatif_id}", response_model=PlantingWhatIf, responses=TABULAR)
def one(request: Request, release: Current, whatif_id: str) -> Response:
    """One question by its id, the message_id it was kept under."""
    rows = reads.whatifs(release, written(request, KIND, reads.SHOWN_DAYS))
    found = rows.filter(whatif_id=whatif_id)
    if found.is_empty():
        raise unknown("what-if", whatif_id, see="/v1/planting/what-ifs")
    return plain(found.row(0, named=True))


@router.post("/planting/what-ifs", status_code=202, response_model=Accepted, responses=ANSWERS | MANY)
def ask(request: Request, release: Current, once: Once, body: PlantingWhatIfAsk) -> Response:
    """Ask what the plan would be if prices, demand, weather, … were otherwise; the next night solves it."""
    if before := seen(request, KIND, once):
        return before
    return plain(asked(request, release, body, once), 202)


def asked(
    request: Request, release: Release, body: PlantingWhatIfAsk, once: OnceKey | None = None
) -> dict[str, object]:
    """Check a question and keep it.

    Raises:
        Problem: 404 for an unknown crop, 422 for what cannot be answered, 409 when too many wait, 503 when the inbox cannot
            be written.
    """
    rows = reads.whatifs(release, written(request, KIND, reads.SHOWN_DAYS), state="waiting")
    reads.check(release, body, rows.height)
    overrides = [o.model_dump(mode="json", exclude_none=True) for o in body.overrides]
    payload = {
        "name": body.name,
        "overrides_json": json.dumps(overrides, ensure_ascii=False),
        "reason": body.reason,
    }
    return keep(request.app.state.settings, KIND, payload, signed(who_asks(request.scope), body.author), once)
