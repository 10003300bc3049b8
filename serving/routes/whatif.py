"""Demand if price, campaigns or live-stream slots were otherwise."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from serving.answers import plain
from serving.reads import whatif as reads
from serving.reads.whatif_body import body as as_json
from serving.routes.deps import LIMITS, PROBLEMS, Current, problem_shape
from serving.routes.messages import ANSWERS
from serving.schemas_whatif import WhatIf, WhatIfAsk

REFUSED: dict[int | str, dict[str, Any]] = {
    **ANSWERS,
    422: PROBLEMS[422],
    503: problem_shape("No release is published, or it carries no model files"),
}
router = APIRouter(prefix="/v1", tags=["demand"], dependencies=LIMITS, responses=REFUSED)


@router.post("/what-if", response_model=WhatIf)
def what_if(release: Current, body: WhatIfAsk) -> Response:
    """Baseline, changed forecast, uplift and post-event dip per node and day; nothing is kept."""
    found = reads.answer(release, body)
    return plain(as_json(release, found))
