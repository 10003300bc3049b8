"""Cursor paging: a page is a slice of what a query matched, and a cursor holds only for its release and query."""

import base64
import hashlib
from dataclasses import dataclass

import orjson
import polars as pl
from fastapi import Request

from serving.problems import Problem
from serving.published import Release

MAX_ROWS = 1_000
"""Hard cap of a JSON page."""
MAX_CSV_ROWS = 100_000
"""Hard cap of a CSV page."""
DEFAULT_ROWS = 100


@dataclass(frozen=True)
class Page:
    """A stretch of the matched rows."""

    rows: pl.DataFrame
    total: int
    next_cursor: str | None


def cut(matched: pl.DataFrame, request: Request, release: Release, limit: int, cursor: str | None) -> Page:
    """The page that starts at the cursor; following `next_cursor` meets every row exactly once.

    Raises:
        Problem: 422 for a cursor that is none or was made for another query, 410 for one of an earlier release.
    """
    query = fingerprint(request)
    first = _offset(cursor, release.id, query) if cursor else 0
    rows = matched.slice(first, limit)
    after = first + rows.height
    following = _cursor(release.id, query, after) if rows.height and after < matched.height else None
    return Page(rows, matched.height, following)


def fingerprint(request: Request) -> str:
    """Path and filters of a request, without paging and without order, in a few letters."""
    items = sorted((k, v) for k, v in request.query_params.multi_items() if k not in {"cursor", "limit"})
    return hashlib.blake2s(orjson.dumps([request.url.path, items]), digest_size=6).hexdigest()


def _cursor(release_id: str, query: str, offset: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([release_id, query, offset])).decode().rstrip("=")


def _offset(cursor: str, release_id: str, query: str) -> int:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        found = None
    match found:
        case [str(of_release), str(of_query), int(offset)] if offset >= 0:
            pass
        case _:
            raise Problem(
                422,
                "invalid-parameter",
                f"cursor '{cursor[:60]}' is none of this service",
                "start without a cursor",
            )
    if of_query != query:
        raise Problem(
            422,
            "invalid-parameter",
            "the cursor was made for other filters or another path",
            "keep the filters of the first page, or start without a cursor",
        )
    if of_release != release_id:
        raise Problem(
            410,
            "cursor-expired",
            f"the cursor belongs to release '{of_release[:80]}', now '{release_id}' is served",
            "start again without a cursor",
            release_id=release_id,
        )
    return offset
