"""The harvest page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.routes.deps import Current
from serving.web.harvest_page import harvest_page
from serving.web.harvest_plan import harvest_plan
from serving.web.render import reader, render

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]


@router.get("/harvest")
def read_harvest(
    request: Request, release: Current, village: Choice = "", crop: Choice = "", crew: Choice = ""
) -> Response:
    """What to cut by crew, what ripens when, what threatens it, and what came of what was told."""
    say = reader(request)
    planned = harvest_plan(release, say, village, crop, crew)
    return render(request, "harvest", say, **planned, **harvest_page(release, say, village, crop))
