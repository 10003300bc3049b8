"""Order files as a source: recognised by their header, streamed as order lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.sources.kinds import Batch, Context, FileRefused, Peek
from pipelines.sources.layout import HEADER_WITHIN, Layout, best, layouts, row_layouts, valid_part
from pipelines.sources.order_lines import OrderLines
from pipelines.sources.profile import Profile, normal, profiles
from pipelines.sources.records import FAULT, LINE, read_records
from pipelines.sources.text import BLOCK_BYTES, ENCODINGS, blocks, encoding_of, read_head
from pipelines.sources.xlsx import is_workbook, number_columns, read_sheet, sheet_names

PAIR = ("taobao_orders", "taobao_items")
LONG_ID_DIGITS = 16
"""A spreadsheet keeps 15 digits of a number; longer ones must come as text."""


@dataclass(frozen=True)
class Candidate:
    """How well one profile fits a file, and which required columns it misses."""

    profile: str
    title: str
    score: float
    missing: tuple[str, ...]


class OrdersSource:
    """Order files of every declared layout, as csv (also gzipped) or xlsx."""

    kind = "orders"

    def score(self, peek: Peek) -> tuple[float, str]:
        """The best profile of this file and how well it fits (0–1)."""
        first = self.candidates(peek)[0]
        return first.score, first.profile

    def candidates(self, peek: Peek) -> list[Candidate]:
        """Every order profile, best first."""
        if is_workbook(peek.head):
            found = [lay for _, rows in _sheet_heads(peek.path) for lay in row_layouts(rows)]
        else:
            found = [lay for encoding in ENCODINGS for lay in layouts(valid_part(peek.head, encoding))]
        rated = []
        for profile in profiles().values():
            score, layout = best(iter(found), profile)
            missing = profile.missing(layout.names) if layout else profile.missing(())
            rated.append(Candidate(profile.name, profile.title, score, tuple(missing)))
        return sorted(rated, key=lambda c: (-c.score, len(c.missing), c.profile))

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """Stream the file as order lines; half of a Taobao pair alone is refused.

        Raises:
            FileRefused: Nothing can be read: encoding, gzip, workbook, header, or the other half is missing.
        """
        declared = profiles()[profile]
        if declared.layout != "lines":
            raise half_a_pair(path, declared)
        readers: dict[Layout, OrderLines] = {}
        for layout, raw, foreign in raw_blocks(path, declared):
            if layout is None:
                yield Batch("order_line", pl.DataFrame(), dropped={foreign: raw.height}, read=raw.height)
                continue
            if layout not in readers:
                readers[layout] = OrderLines(declared, layout.roles(declared), layout.header_row, context)
            yield from readers[layout].batches(raw)


def half_a_pair(path: Path, profile: Profile) -> FileRefused:
    """The refusal of a Taobao file whose other half did not come."""
    other = profiles()[next(name for name in PAIR if name != profile.name)]
    return FileRefused(
        "other_half_missing",
        f"'{path.name}' is the {profile.title}; its other half, the {other.title}, is missing: export both for the same "
        "days and load them together",
    )


def raw_blocks(
    path: Path, profile: Profile, block_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[Layout | None, pl.DataFrame, str]]:
    """The file's cells below its header as delivered: the profile's columns, `line_number`, `_fault`.

    A sheet without the header comes with layout None, its rows, and the reason why they are dropped.

    Raises:
        FileRefused: No header of this profile is in the first rows, or the bytes cannot be read.
    """
    head = read_head(path)
    if is_workbook(head):
        yield from _workbook_blocks(path, profile)
        return
    layout, encodings = _found_in_text(path, head, profile)
    encoding = encoding_of(path, head, encodings)
    keep = [name for name in layout.names if name in profile.names()]
    above = 1
    for block in blocks(path, encoding, block_bytes):
        records = read_records(block, layout.names, keep, layout.delimiter)
        numbered = records.with_columns(pl.col(LINE) + above)
        above += records.height
        yield layout, numbered.filter(pl.col(LINE) > layout.header_row), ""


def _workbook_blocks(path: Path, profile: Profile) -> Iterator[tuple[Layout | None, pl.DataFrame, str]]:
    above, has_any = 0, False
    for sheet, rows in _sheet_heads(path):
        frame = read_sheet(path, sheet)
        score, layout = best(row_layouts(rows), profile)
        numbered = frame.with_row_index(LINE, offset=above + 1).with_columns(pl.col(LINE).cast(pl.Int64))
        if layout is None or score < _enough(profile, layout):
            if frame.height:
                yield None, numbered, f"other_sheet '{sheet}'"
        else:
            has_any = True
            placed = Layout("", above + layout.header_row, layout.names)
            yield placed, _named(path, sheet, numbered, layout, profile, above), ""
        above += frame.height
    if not has_any:
        _found(path, profile, iter(()))


def _named(
    path: Path, sheet: str, numbered: pl.DataFrame, layout: Layout, profile: Profile, above: int
) -> pl.DataFrame:
    """A sheet's rows below its header under the file's names; ids that are numbers and too long are marked with `.0`."""
    columns = {f"column_{i}": name for i, name in enumerate(layout.names, start=1)}
    keep = [(column, name) for column, name in columns.items() if name in profile.names()]
    ids = {normal(n) for role in ("order_id", "line_id") for n in profile.columns.get(role, ())}
    rounded = set(number_columns(path, sheet, layout.header_row))
    body = numbered.filter(pl.col(LINE) > above + layout.header_row)
    cells = [
        _marked(column).alias(name) if name in ids and column in rounded else pl.col(column).alias(name)
        for column, name in keep
    ]
    return body.select(LINE, *cells, pl.lit(None, pl.String).alias(FAULT))


def _marked(column: str) -> pl.Expr:
    is_long = pl.col(column).str.len_chars() >= LONG_ID_DIGITS
    return pl.when(is_long).then(pl.col(column) + ".0").otherwise(pl.col(column))


def _sheet_heads(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    for sheet in sheet_names(path):
        rows = read_sheet(path, sheet, HEADER_WITHIN).rows()
        yield sheet, [[cell or "" for cell in row] for row in rows]


def _found_in_text(path: Path, head: bytes, profile: Profile) -> tuple[Layout, list[str]]:
    """The header, and the encodings in which it reads so."""
    texts = {encoding: valid_part(head, encoding) for encoding in profile.encodings}
    layout = _found(path, profile, (lay for text in texts.values() for lay in layouts(text)))
    return layout, [encoding for encoding, text in texts.items() if layout in layouts(text)]


def _found(path: Path, profile: Profile, options: Iterator[Layout]) -> Layout:
    score, layout = best(options, profile)
    if layout is None or score < _enough(profile, layout):
        missing = ", ".join(profile.missing(layout.names if layout else ()))
        raise FileRefused(
            "header_missing",
            f"'{path.name}' has no header of the {profile.title} in its first {HEADER_WITHIN} rows; missing: {missing}",
        )
    return layout


def _enough(profile: Profile, layout: Layout) -> float:
    """Once a file is recognised, its header only has to be complete."""
    return 1.0 if profile.missing(layout.names) else 0.0
