"""Files for people: workbooks and CSV with Chinese headers, a calendar to subscribe to, a task sheet to print."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.access import own
from serving.answers import CSV, not_modified, validators
from serving.exports import calendar as calendars
from serving.exports import planting_sheet, sheets, tables
from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads import decisions, planting, things
from serving.reads import runs as run_reads
from serving.reads.planting import Planted
from serving.routes.deps import LIMITS, PROBLEMS, Asker, Current, IdQuery
from serving.routes.written import written
from settings import Settings

FILES: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {
        "description": "The file",
        "content": {
            sheets.XLSX: {"schema": {"type": "string", "format": "binary"}},
            CSV: {"schema": {"type": "string"}},
        },
    },
    304: {"description": "The caller has this release's file already"},
}
CALENDAR: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {"description": "A calendar", "content": {calendars.ICS: {"schema": {"type": "string"}}}},
    304: FILES[304],
}
router = APIRouter(prefix="/v1/exports", tags=["exports"], dependencies=LIMITS)
Form = Annotated[
    Literal["xlsx", "csv"], Query(alias="format", description="xlsx, or csv with a byte order mark")
]
Table = Literal["plots", "crops", "products", "plantings", "harvests", "commitments"]
REJECTED = {
    "file_name": "文件",
    "line_number": "行号",
    "kind": "类别",
    "table_name": "表",
    "rule": "规则",
    "detail": "原因",
    "row_text": "原始内容",
    "rejected_at": "拒收时间",
}


@router.get("/planting", responses=FILES)
def planting_file(
    request: Request,
    release: Current,
    who: Asker,
    form: Form = "xlsx",
    crop: IdQuery = None,
    year: Annotated[int | None, Query(ge=1990, le=2100)] = None,
    village: IdQuery = None,
) -> Response:
    """The plan as a sheet to fill in: every line, the answer that stands, and room for another; /v1/imports/planting takes it back."""
    rows = own(who, planting.chosen(release, Planted(None, crop, year, None, village)))
    stands = decisions.answers(release, written(request, "decision", decisions.SHOWN_DAYS))
    sheet = planting_sheet.sheet(rows, stands)
    return _file(sheet, form, f"种植建议-{release.id[:10]}", {"Cache-Control": "no-store"})


@router.get("/rejected", responses=FILES)
def rejected_file(
    request: Request, release: Current, form: Form = "xlsx", rule: IdQuery = None, file_id: IdQuery = None
) -> Response:
    """Refused rows in full, newest first: file, line, rule, reason and the row as delivered."""
    rows = run_reads.rejected_rows(release, rule=rule, file_id=file_id)
    return _held(request, release, sheets.Sheet("拒收行", _named(request, rows, REJECTED)), form)


@router.get("/calendar", responses=CALENDAR)
def calendar(
    request: Request, release: Current, who: Asker, village: IdQuery = None, crew: IdQuery = None
) -> Response:
    """Sowings and harvests of the plan for calendars (RFC 5545), of a village or of a crew's place; own plots of a farm member."""
    if seen := not_modified(request, release, "ics"):
        return seen
    rows, name = own(who, calendars.lines(release)), "按需"
    place = _crew_place(release, crew) if crew else village
    if place:
        names = things.names(release, "place")
        if place not in names:
            raise unknown("village", place, list(names), "/v1/places")
        rows = rows.filter(pl.col("village_id") == place)
        name = f"按需 {names[place]['zh']}" + (f" {crew}" if crew else "")
    return Response(
        calendars.calendar(rows, name, release.written_at),
        200,
        validators(request, release, "ics") | _download("按需.ics"),
        f"{calendars.ICS}; charset=utf-8",
    )


@router.get("/{table}", responses=FILES)
def table_file(request: Request, release: Current, who: Asker, table: Table, form: Form = "xlsx") -> Response:
    """A table of the county with the headers that `anxu load` knows: it takes the file back and finds nothing changed."""
    frame = tables.of(release, table)
    rows = own(who, frame) if "plot_id" in frame.columns else frame
    _, name, headers = tables.TABLES[table]
    return _held(request, release, sheets.Sheet(name, _named(request, rows, headers)), form)


def _crew_place(release: Release, crew: str) -> str:
    place = calendars.of_crew(release, crew)
    if place is None:
        known = release.frame("crew")["crew_id"].to_list()
        raise unknown("crew", crew, known or ["none: no crew with a place is published"])
    return place


def _named(request: Request, rows: pl.DataFrame, headers: Mapping[str, str]) -> pl.DataFrame:
    settings: Settings = request.app.state.settings
    if rows.height > sheets.MOST_ROWS:
        raise Problem(
            413,
            "too-large",
            f"the file would have {rows.height} rows, the limit is {sheets.MOST_ROWS}",
            "narrow it with the filters, or page through the API",
        )
    return sheets.named(rows, headers, settings.timezone)


def _held(request: Request, release: Release, sheet: sheets.Sheet, form: str) -> Response:
    """A file that stays as it is until the next release."""
    if seen := not_modified(request, release, form):
        return seen
    return _file(sheet, form, f"{sheet.name}-{release.id[:10]}", validators(request, release, form))


def _file(sheet: sheets.Sheet, form: str, name: str, headers: dict[str, str]) -> Response:
    body = sheets.text(sheet.rows) if form == "csv" else sheets.workbook([sheet])
    kind = f"{CSV}; charset=utf-8" if form == "csv" else sheets.XLSX
    return Response(body, 200, headers | _download(f"{name}.{form}"), kind)


def _download(name: str) -> dict[str, str]:
    """A name in Chinese for browsers that know RFC 6266, a plain one for the others."""
    suffix = name.rpartition(".")[2]
    return {"Content-Disposition": f"attachment; filename=\"anxu.{suffix}\"; filename*=UTF-8''{quote(name)}"}
