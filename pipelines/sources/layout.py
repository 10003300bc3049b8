"""Where a delimited file or a sheet has its header, and which columns of it an order profile reads."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from pipelines.sources.profile import Profile, normal
from pipelines.sources.text import ENCODINGS, first_fault

HEADER_WITHIN = 20
"""A header is looked for in so many first rows."""
DELIMITERS = (",", "\t", ";")


@dataclass(frozen=True)
class Layout:
    """A header found: its place and its normalised names, made unique, in the file's order."""

    delimiter: str
    header_row: int
    """1 is the first row."""
    names: tuple[str, ...]

    def roles(self, profile: Profile) -> dict[str, list[str]]:
        """Role → the columns of this file that can fill it, best first."""
        have = set(self.names)
        found = {r: [normal(n) for n in names if normal(n) in have] for r, names in profile.columns.items()}
        return {role: list(dict.fromkeys(names)) for role, names in found.items()}


def head_text(head: bytes) -> str:
    """The head as text in UTF-8 or GB18030, whichever it is valid in; '' when it is neither."""
    for encoding in ENCODINGS:
        try:
            return codecs.getincrementaldecoder(encoding)("strict").decode(head)
        except UnicodeDecodeError:
            continue
    return ""


def valid_part(head: bytes, encoding: str) -> str:
    """The head as text in `encoding`, up to the first byte that is not valid in it."""
    fault = first_fault(head, encoding, is_end=False)
    return codecs.getincrementaldecoder(encoding)("strict").decode(head[:fault])


def layouts(text: str) -> Iterator[Layout]:
    """Every way to take one of the first rows of a delimited text as its header."""
    yield from _layouts(text)


@lru_cache(maxsize=4)  # every kind of file asks this of the same head
def _layouts(text: str) -> tuple[Layout, ...]:
    found: list[Layout] = []
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        with suppress(csv.Error):  # a cell too long for this delimiter: it is another
            found += row_layouts(
                [row for row, _ in zip(reader, range(HEADER_WITHIN), strict=False)], delimiter
            )
    return tuple(found)


def row_layouts(rows: Sequence[Sequence[str]], delimiter: str = "") -> Iterator[Layout]:
    """Every row of at least two filled cells, taken as a header."""
    for number, row in enumerate(rows[:HEADER_WITHIN], start=1):
        if sum(bool(cell.strip()) for cell in row) >= 2:
            yield Layout(delimiter, number, _unique(row))


def best(options: Iterator[Layout], profile: Profile) -> tuple[float, Layout | None]:
    """The layout that fits the profile best, and how well."""
    scored = [(profile.score(layout.names), -layout.header_row, layout) for layout in options]
    if not scored:
        return 0.0, None
    score, _, layout = max(scored, key=lambda s: s[:2])
    return score, layout


def _unique(row: Sequence[str]) -> tuple[str, ...]:
    """Normalised names; an empty one becomes column_N, a repeated one gets its count behind it."""
    seen: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(row, start=1):
        name = normal(cell) or f"column_{number}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return tuple(names)
