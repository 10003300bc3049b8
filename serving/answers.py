"""Rows → an HTTP answer: JSON or CSV by Accept, with the release's ETag."""

import io
from typing import Any

import orjson
import polars as pl
import polars.selectors as cs
from fastapi import Request
from starlette.responses import Response

from serving.access import who_asks
from serving.paging import DEFAULT_ROWS, MAX_CSV_ROWS, MAX_ROWS, Page, cut
from serving.published import Release

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
SUFFIX = {JSON: "json", CSV: "csv", PARQUET: "parquet"}
FORMULA = r"^[=+\-@\t\r]"
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY


def table(
    request: Request,
    release: Release,
    matched: pl.DataFrame,
    limit: int | None,
    cursor: str | None,
    *,
    changes: bool = False,
) -> Response:
    """A page of `matched` (JSON, or CSV or Parquet when the Accept header prefers it), or 304 when the caller has it.

    `changes`: the rows change within a release, so the answer carries no validator and is never kept.
    """
    kind = preferred(request.headers.get("accept", ""))
    if not changes and (seen := not_modified(request, release, kind)):
        return seen
    most, usual = (MAX_ROWS, DEFAULT_ROWS) if kind == JSON else (MAX_CSV_ROWS, MAX_CSV_ROWS)
    wished = limit or usual
    page = cut(matched, request, release, min(wished, most), cursor)
    headers = {"Cache-Control": "no-store"} if changes else validators(request, release, kind)
    if page.next_cursor:
        headers["Link"] = f'<{request.url.include_query_params(cursor=page.next_cursor)}>; rel="next"'
    if kind == CSV:
        return Response(csv(page.rows), 200, headers, "text/csv; charset=utf-8")
    if kind == PARQUET:
        return Response(parquet(page.rows), 200, headers, PARQUET)
    return Response(orjson.dumps(_envelope(release, page), option=OPTIONS), 200, headers, JSON)


def single(request: Request, release: Release, body: object) -> Response:
    """One object as JSON, or 304 when the caller has it."""
    if seen := not_modified(request, release, JSON):
        return seen
    return Response(orjson.dumps(body, option=OPTIONS), 200, validators(request, release, JSON), JSON)


def plain(body: object, status: int = 200) -> Response:
    """One object that no release stands behind; never cached."""
    return Response(orjson.dumps(body, option=OPTIONS), status, {"Cache-Control": "no-store"}, JSON)


def etag(request: Request, release: Release, kind: str) -> str:
    """The validator of every answer made from a release: release, format, and who of those that see less than all."""
    who = who_asks(request.scope)
    seen_by = f".{who.id}" if who.plots is not None else ""
    return f'"{release.id}{seen_by}.{SUFFIX.get(kind, kind)}"'


def validators(request: Request, release: Release, kind: str) -> dict[str, str]:
    """Headers that let a caller keep the answer and ask whether it still holds."""
    return {
        "ETag": etag(request, release, kind),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
    }


def not_modified(request: Request, release: Release, kind: str) -> Response | None:
    """304 when If-None-Match names what would be sent (RFC 9110, 13.1.2), else None."""
    wanted = request.headers.get("if-none-match")
    if wanted is None:
        return None
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    if "*" in tags or etag(request, release, kind) in tags:
        return Response(status_code=304, headers=validators(request, release, kind))
    return None


def preferred(accept: str) -> str:
    """CSV or Parquet when the Accept header ranks it above the others, else JSON."""
    weights = dict.fromkeys(SUFFIX, 0.0)
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in weights:
            weights[name] = max([_weight(p) for p in parameters if p.startswith("q=")], default=1.0)
    return max(weights, key=lambda kind: weights[kind])  # the first of equals: JSON


def csv(rows: pl.DataFrame) -> bytes:
    """CSV with a byte order mark for spreadsheets; text that would run as a formula gets a leading apostrophe."""
    flat = rows.drop(cs.by_dtype(pl.List)) if any(isinstance(t, pl.List) for t in rows.dtypes) else rows
    for name, dtype in flat.schema.items():
        if isinstance(dtype, pl.Struct):
            flat = flat.with_columns(
                pl.col(name).struct.rename_fields([f"{name}_{f.name}" for f in dtype.fields])
            ).unnest(name)
    texts = [name for name, dtype in flat.schema.items() if dtype in (pl.String, pl.Categorical)]
    guarded = flat.with_columns(guard(pl.col(name).cast(pl.String)).alias(name) for name in texts)
    return guarded.write_csv(include_bom=True).encode()


def parquet(rows: pl.DataFrame) -> bytes:
    """Parquet with every column as it is, lists and structs too."""
    file = io.BytesIO()
    rows.write_parquet(file, compression="zstd")
    return file.getvalue()


def guard(text: pl.Expr) -> pl.Expr:
    """Text that a spreadsheet would run as a formula, made plain by a leading apostrophe."""
    return pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text)


def _envelope(release: Release, page: Page) -> dict[str, Any]:
    return {
        "release_id": release.id,
        "total": page.total,
        "next_cursor": page.next_cursor,
        "items": page.rows.to_dicts(),
    }


def _weight(parameter: str) -> float:
    try:
        return float(parameter[2:])
    except ValueError:
        return 0.0
