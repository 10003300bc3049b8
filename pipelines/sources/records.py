"""From a block of delimited text to a frame of text cells: fast for well-formed blocks, patient for the others."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

import polars as pl

FAULT = "_fault"
"""Column with the rule that a line broke as a record; null where it is a record."""
LINE = "line_number"
MOST_LINES_IN_A_CELL = 20


def read_records(block: bytes, names: Sequence[str], keep: Sequence[str], delimiter: str) -> pl.DataFrame:
    """One row per record of `block` with the columns `keep` as text, `line_number` from 0, and `_fault`.

    `names` are the file's columns in order. Blank lines are rows of nulls; short records are filled with nulls. A
    record with more cells than the header has the fault `too_many_cells`; a quote that is opened and not closed
    within 20 lines costs its own line only (`unclosed_quote`).
    """
    if not block:
        return pl.DataFrame(schema={LINE: pl.Int64, **dict.fromkeys([*keep, FAULT], pl.String)})
    try:
        return _fast(block, names, keep, delimiter)
    except pl.exceptions.ComputeError:  # not RFC 4180 throughout: a stray quote somewhere
        return _patient(block.decode(), names, keep, delimiter)


def _fast(block: bytes, names: Sequence[str], keep: Sequence[str], delimiter: str) -> pl.DataFrame:
    records = pl.scan_csv(
        io.BytesIO(block),
        has_header=False,
        separator=delimiter,
        schema=dict.fromkeys([*names, FAULT], pl.String),
        infer_schema=False,
        missing_columns="insert",
        extra_columns="ignore",
        row_index_name=LINE,
    )
    fault = pl.when(pl.col(FAULT).is_not_null()).then(pl.lit("too_many_cells")).alias(FAULT)
    return records.select(pl.col(LINE).cast(pl.Int64), *keep, fault).collect()


def _patient(text: str, names: Sequence[str], keep: Sequence[str], delimiter: str) -> pl.DataFrame:
    at = [names.index(name) for name in keep]
    cells: list[list[str | None]] = [[] for _ in keep]
    faults: list[str | None] = []
    for record, fault in _records(text.split("\n"), delimiter):
        long = len(record) > len(names) and any(record[len(names) :])
        faults.append(fault or ("too_many_cells" if long else None))
        for column, index in zip(cells, at, strict=True):
            column.append(record[index] if index < len(record) else None)
    columns = {name: pl.Series(values, dtype=pl.String) for name, values in zip(keep, cells, strict=True)}
    frame = pl.DataFrame({**columns, FAULT: pl.Series(faults, dtype=pl.String)})
    return frame.with_row_index(LINE).with_columns(pl.col(LINE).cast(pl.Int64))


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[list[str], str | None]]:
    """Records of the lines with the fault of each; an unclosed quote gives up its line and reading goes on below."""
    if lines and not lines[-1]:
        lines = lines[:-1]
    start = 0
    while start < len(lines):
        reader = csv.reader((line + "\n" for line in islice(lines, start, None)), delimiter=delimiter)
        done = 0
        while (record := _next(reader)) is not None and reader.line_num - done <= MOST_LINES_IN_A_CELL:
            if reader.line_num == done:  # the end
                return
            if start + reader.line_num == len(lines) and record and record[-1].endswith("\n"):
                break  # the last quote is open
            done = reader.line_num
            yield record, None
        yield [], "unclosed_quote"
        start += done + 1


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The next record; [] at the end; None when a cell outgrows the reader's limit."""
    try:
        return next(reader, [])
    except csv.Error:
        return None
