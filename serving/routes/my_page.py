"""The grower's page: tasks of own plots, and the service worker that keeps the page where there is no network."""

from datetime import timedelta
from typing import Annotated

import orjson
import polars as pl
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import who_asks
from serving.reads import tasks, things
from serving.reads.health import cutoff
from serving.routes.demand_page import author_of
from serving.routes.deps import Current
from serving.web.my import grades, kg_per_unit, my
from serving.web.render import asset, reader, render

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]
FILES = ("app.css", "my.css", "app.js", "my.js", "icon.svg")


@router.get("/my")
def read_my(request: Request, release: Current, village: Choice = "") -> Response:
    """Tasks of the plots of a farm member; for others of a village, the first one without a choice."""
    say, who = reader(request), who_asks(request.scope)
    villages = [] if who.plots is not None else _villages(things.plots(release))
    (unit, kg), past = kg_per_unit(say), cutoff(release)
    chosen = village or (villages[0][0] if villages else "")
    rows = tasks.tasks(release, who.plots, chosen if villages else "")
    return render(
        request,
        "my",
        say,
        tasks=my(say, rows),
        villages=villages,
        village=chosen,
        grades=grades(release),
        author=author_of(request),
        weight_unit=unit,
        kg_per_unit=kg,
        today=past + timedelta(days=1) if past else None,
    )


@router.get("/my/worker.js")
async def read_worker() -> Response:
    """The service worker: it names the files of this version, so that a new version replaces it."""
    body, version = asset("worker.js")
    files = [f"/static/{name}?v={asset(name)[1]}" for name in FILES]
    told = {"files": files, "version": "-".join([version, *(asset(name)[1] for name in FILES)])}
    text = b"const KEPT = " + orjson.dumps(told) + b";\n" + body
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/my"}
    return Response(text, 200, headers, "text/javascript")


def _villages(plots: pl.DataFrame) -> list[tuple[str, str]]:
    rows = plots.drop_nulls("village_id").select("village_id", "village_name").unique().sort("village_id")
    return [(key, name or key) for key, name in rows.iter_rows()]
