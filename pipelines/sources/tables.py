"""Farm tables and plain tables from CSV or xlsx: any table of the schema whose header fits its columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.sources.cells import clean_text
from pipelines.sources.kinds import REJECTED_SCHEMA, Batch, Context, FileRefused, Peek
from pipelines.sources.layout import HEADER_WITHIN, Layout, head_text, layouts, row_layouts
from pipelines.sources.records import FAULT, LINE, read_records
from pipelines.sources.table_cells import converted, event_known_at
from pipelines.sources.table_profile import TableProfile, table_names, table_profiles
from pipelines.sources.text import blocks, encoding_of, read_head
from pipelines.sources.xlsx import is_workbook, read_sheet, sheet_names

ENCODINGS = ("utf-8-sig", "gb18030")
TOTALS = ("合计", "总计", "小计", "汇总", "total", "sum", "Total")
"""A row whose first filled cell begins so is a total, not a fact."""


@dataclass(frozen=True)
class TableSource:
    """One table of the schema."""

    kind: str

    def score(self, peek: Peek) -> tuple[float, str]:
        """By its header, which may stand below title rows."""
        options = row_layouts([peek.sheet_header]) if peek.sheet_header else layouts(head_text(peek.head))
        return _best(options, table_profiles()[self.kind])[0], self.kind

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """The rows below the header, in blocks.

        Raises:
            FileRefused: No header with the needed columns, or bytes that cannot be read.
        """
        declared = table_profiles()[profile]
        for layout, records, other in _blocks(path, declared):
            if layout is None:
                yield Batch(profile, pl.DataFrame(), dropped={other: records.height}, read=records.height)
            else:
                yield _batch(records, layout, declared, context)


def _best(options: Iterator[Layout], profile: TableProfile) -> tuple[float, Layout | None]:
    scored = [(profile.score(layout.names), -layout.header_row, layout) for layout in options]
    best = max(scored, key=lambda s: s[:2], default=(0.0, 0, None))
    return best[0], best[2]


def _found(path: Path, profile: TableProfile, options: Iterator[Layout]) -> Layout:
    _, layout = _best(options, profile)
    lacking = profile.missing(layout.names) if layout else [c.name for c in profile.columns if c.is_needed]
    if layout is None or lacking:
        raise FileRefused(
            "header_missing",
            f"'{path.name}' has no header of table {profile.table} in its first {HEADER_WITHIN} rows; "
            f"missing: {', '.join(lacking)}",
        )
    return layout


def _blocks(path: Path, profile: TableProfile) -> Iterator[tuple[Layout | None, pl.DataFrame, str]]:
    """Text cells below the header under the file's normalised names, with `line_number` and `_fault`."""
    head = read_head(path)
    if is_workbook(head):
        yield from _sheets(path, profile)
        return
    layout = _found(path, profile, layouts(head_text(head)))
    above = 1
    for block in blocks(path, encoding_of(path, head, ENCODINGS)):
        records = read_records(block, layout.names, layout.names, layout.delimiter)
        numbered = records.with_columns(pl.col(LINE) + above)
        above += records.height
        yield layout, numbered.filter(pl.col(LINE) > layout.header_row), ""


def _sheets(path: Path, profile: TableProfile) -> Iterator[tuple[Layout | None, pl.DataFrame, str]]:
    above, has_any = 0, False
    for sheet in sheet_names(path):
        frame = read_sheet(path, sheet)
        heads = [[cell or "" for cell in row] for row in frame.head(HEADER_WITHIN).rows()]
        _, layout = _best(row_layouts(heads), profile)
        numbered = frame.with_row_index(LINE, above + 1).with_columns(
            pl.col(LINE).cast(pl.Int64), pl.lit(None, pl.String).alias(FAULT)
        )
        above += frame.height
        if layout is None or profile.missing(layout.names):
            if frame.height:
                yield None, numbered, f"other_sheet '{sheet}'"
            continue
        has_any = True
        names = {f"column_{i}": name for i, name in enumerate(layout.names, start=1)}
        yield layout, numbered[layout.header_row :].rename(names), ""
    if not has_any:
        _found(path, profile, iter(()))


def _batch(records: pl.DataFrame, layout: Layout, profile: TableProfile, context: Context) -> Batch:
    cells = clean_text(records)
    named = list(layout.names)
    blank = pl.all_horizontal(pl.col(named).is_null()) & pl.col(FAULT).is_null()
    total = pl.coalesce(named).str.contains("^(" + "|".join(TOTALS) + ")").fill_null(value=False)
    dropped = {"blank row": cells.filter(blank).height, "totals row": cells.filter(total & ~blank).height}
    facts = cells.filter(~blank & ~total)
    rows, faults = converted(facts, layout.names, profile, context)
    rows = rows.with_columns(known_at=event_known_at(rows, facts, profile, context))
    return Batch(
        profile.table,
        rows.filter(faults["rule"].is_null()),
        _rejected(facts, faults, named),
        {reason: n for reason, n in dropped.items() if n},
        cells.height,
    )


def _rejected(facts: pl.DataFrame, faults: pl.DataFrame, named: list[str]) -> pl.DataFrame:
    return (
        facts.select(LINE, row_text=pl.struct(named).struct.json_encode())
        .hstack(faults)
        .filter(pl.col("rule").is_not_null())
        .select(REJECTED_SCHEMA.names())
        .cast(REJECTED_SCHEMA)
    )


TABLES: list[TableSource] = [TableSource(table) for table in table_names()]
