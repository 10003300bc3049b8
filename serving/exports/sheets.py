"""Frames → workbooks and CSV with Chinese headers, safe to open: no text runs as a formula, not even after an edit."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from serving.answers import FORMULA, csv

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 100_000
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
WIDEST = 46


@dataclass(frozen=True)
class Sheet:
    """One sheet: rows under a header; `filled` are the columns people write in, the others are locked then."""

    name: str
    rows: pl.DataFrame
    """Columns already named as the header says, instants as local time."""
    filled: Sequence[str] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Column → what a cell of it may hold."""


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """An xlsx of the sheets: header in bold and frozen, filters, dates as dates, locked but for what is filled in."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, OPTIONS) as book:
        formats = {
            "head": book.add_format({"bold": True, "bg_color": "#E8F1EA", "bottom": 1, "text_wrap": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "fill": book.add_format({"locked": False, "bg_color": "#FFF8E1"}),
        }
        for sheet in sheets:
            _write(book.add_worksheet(sheet.name[:31]), sheet, formats)
    return buffer.getvalue()


def named(rows: pl.DataFrame, headers: Mapping[str, str], zone: str) -> pl.DataFrame:
    """The columns of `headers` (column → header), in that order; instants become local time without a zone."""
    return rows.select(
        (
            pl.col(c).dt.convert_time_zone(zone).dt.replace_time_zone(None)
            if _is_instant(rows, c)
            else pl.col(c)
        ).alias(h)
        for c, h in headers.items()
    )


def text(rows: pl.DataFrame) -> bytes:
    """The same as CSV: UTF-8 with a byte order mark, formulas guarded."""
    return csv(rows)


def _is_instant(rows: pl.DataFrame, column: str) -> bool:
    dtype = rows.schema[column]
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def _write(page: Worksheet, sheet: Sheet, formats: Mapping[str, Format]) -> None:
    rows = sheet.rows
    page.freeze_panes(1, 0)
    for at, name in enumerate(rows.columns):
        page.write_string(0, at, name, formats["head"])
        page.set_column(at, at, _width(rows[name], name))
        cells = formats["fill"] if name in sheet.filled else None
        for line, value in enumerate(rows[name], start=1):
            _cell(page, line, at, value, formats, cells)
        if name in sheet.choices and rows.height:
            listed = {"validate": "list", "source": list(sheet.choices[name]), "ignore_blank": True}
            page.data_validation(1, at, rows.height, at, listed)
    if rows.width:
        page.autofilter(0, 0, max(rows.height, 1), rows.width - 1)
    if sheet.filled:
        page.protect("", {"autofilter": True, "sort": True, "format_columns": True})


def _cell(
    page: Worksheet, line: int, at: int, value: object, formats: Mapping[str, Format], cells: Format | None
) -> None:
    if value is None:
        if cells:
            page.write_blank(line, at, None, cells)
    elif isinstance(value, bool):
        page.write_string(line, at, "true" if value else "false", cells)
    elif isinstance(value, int | float):
        page.write_number(line, at, value, cells)
    elif isinstance(value, datetime):
        page.write_datetime(line, at, value, formats["time"])
    elif isinstance(value, date):
        page.write_datetime(line, at, datetime.combine(value, datetime.min.time()), formats["date"])
    else:
        words = str(value)
        page.write_string(line, at, f"'{words}" if re.match(FORMULA, words) else words, cells)


def _width(values: pl.Series, name: str) -> float:
    """Wide enough for the header and the longest of the first cells; a Chinese character counts double."""
    seen = [name, *(str(v) for v in values.head(200) if v is not None)]
    return min(WIDEST, 2 + max(sum(2 if ord(c) > 0x2E7F else 1 for c in word) for word in seen))
