"""What routes are given: the current release, known query parameters, paging."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from serving.access import who_asks
from serving.answers import PARQUET
from serving.paging import DEFAULT_ROWS, MAX_CSV_ROWS, MAX_ROWS
from serving.problems import MEDIA_TYPE, Problem, no_release
from serving.published import Published, Release
from serving.roles import Who
from serving.schemas import ProblemBody


def current_release(request: Request) -> Release:
    """The release being served.

    Raises:
        Problem: 503 before the first one.
    """
    published: Published = request.app.state.published
    if published.current is None:
        raise no_release() if published.trouble is None else _broken(published)
    return published.current


def asker(request: Request) -> Who:
    """Who asks."""
    return who_asks(request.scope)


async def known_parameters(request: Request) -> None:
    """Refuse query parameters the route does not know, and one given twice.

    Raises:
        Problem: 422 that names it and lists the known ones.
    """
    if not request.query_params:
        return
    known = _parameters(request)
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            way_out = f"known here: {', '.join(known)}" if known else "this path takes none"
            raise Problem(
                422,
                "unknown-parameter",
                f"query parameter '{name[:60]}' is not known here",
                way_out,
                known=known,
            )
        if given.count(name) > 1:
            raise Problem(
                422,
                "invalid-parameter",
                f"query parameter '{name}' is given {given.count(name)} times",
                "give it once",
            )


def _parameters(request: Request) -> list[str]:
    route = request.scope["route"]
    cache: dict[int, list[str]] = request.app.state.parameters
    if id(route) not in cache:
        fields = get_flat_params(route.dependant) if isinstance(route, APIRoute) else []
        cache[id(route)] = [f.alias for f in fields if type(f.field_info).__name__ == "Query"]
    return cache[id(route)]


def _broken(published: Published) -> Problem:
    trouble = published.trouble
    detail = f"release '{trouble.release_id}' cannot be served: {trouble.detail}" if trouble else "no release"
    return Problem(503, "no-release", detail, "run `anxu nightly`, or `anxu release use` with an older one")


@dataclass(frozen=True)
class PageWish:
    """Which page."""

    limit: int | None
    cursor: str | None


def page_wish(
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=MAX_CSV_ROWS,
            description=f"rows a page; {DEFAULT_ROWS} when left out, at most {MAX_ROWS} (CSV: {MAX_CSV_ROWS})",
        ),
    ] = None,
    cursor: Annotated[str | None, Query(max_length=400, description="next_cursor of the page before")] = None,
) -> PageWish:
    """Read the paging parameters."""
    return PageWish(limit, cursor)


Asker = Annotated[Who, Depends(asker)]
Current = Annotated[Release, Depends(current_release)]
Paging = Annotated[PageWish, Depends(page_wish)]
IdQuery = Annotated[str | None, Query(max_length=120)]
LIMITS = [Depends(known_parameters)]


def problem_shape(description: str) -> dict[str, Any]:
    """How OpenAPI shows an error answer."""
    return {"model": ProblemBody, "description": description, "content": {MEDIA_TYPE: {}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: problem_shape("An id is not known in this release"),
    410: problem_shape("The cursor belongs to an earlier release"),
    422: problem_shape("A parameter is unknown or a value does not hold"),
    503: problem_shape("No release is published yet"),
}
TABULAR: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {
        "description": "A page of rows",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            PARQUET: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    304: {"description": "The caller has this release's answer already"},
}
