"""What a file is, told from its head; a doubtful one is refused and told what it nearly is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from pipelines.sources.farm import SOURCES
from pipelines.sources.kinds import FileRefused, Peek, Source
from pipelines.sources.orders import Candidate, OrdersSource
from pipelines.sources.profile import ENOUGH
from pipelines.sources.text import ENCODINGS, encoding_of, read_head
from pipelines.sources.xlsx import check_workbook, is_workbook, read_sheet, sheet_names

CLEAR_BY = 0.05
"""The best must score so much more than the next, else it is a tie."""


@runtime_checkable
class Rated(Protocol):
    """A source that can tell how well each of its profiles fits."""

    def candidates(self, peek: Peek) -> list[Candidate]:
        """Every profile, best first."""
        ...


@dataclass(frozen=True)
class Recognised:
    """What a file was recognised as."""

    source: Source
    profile: str
    score: float


def sources() -> list[Source]:
    """Every kind of file that can be taken in."""
    return [OrdersSource(), *SOURCES]


def look(path: Path, most_unpacked_bytes: int) -> Peek:
    """The head of a file; a workbook is checked before anything of it is parsed.

    Raises:
        FileRefused: Empty, cut off, password-protected, or unpacking to too much.
    """
    head = read_head(path)
    if not is_workbook(head):
        return Peek(path, head)
    check_workbook(path, most_unpacked_bytes)
    return Peek(path, head, _first_row(path))


def recognise(peek: Peek, among: Sequence[Source]) -> Recognised:
    """The source and profile that fit best.

    Raises:
        FileRefused: It is no text, none fits well enough, or two fit equally; the message names the three nearest.
    """
    rated = sorted(((*source.score(peek), source) for source in among), key=lambda s: s[0], reverse=True)
    score, profile, source = rated[0]
    near = _nearest(peek, among)
    rivals = [c for c in near if c.profile != profile and c.score > score - CLEAR_BY]
    if score < ENOUGH or rivals:
        if not is_workbook(peek.head):
            encoding_of(peek.path, peek.head, ENCODINGS)  # a file that is no text is told so
        raise _unclear(peek.path, near, is_tie=score >= ENOUGH)
    return Recognised(source, profile, score)


def _first_row(path: Path) -> tuple[str, ...]:
    """The first row with at least two filled cells of the first sheet that has one."""
    for sheet in sheet_names(path):
        for row in read_sheet(path, sheet, 20).rows():
            if sum(cell is not None for cell in row) >= 2:
                return tuple(cell or "" for cell in row)
    return ()


def _nearest(peek: Peek, among: Sequence[Source]) -> list[Candidate]:
    found: list[Candidate] = []
    for source in among:
        if isinstance(source, Rated):
            found += source.candidates(peek)
        else:
            score, profile = source.score(peek)
            found.append(Candidate(profile, f"{source.kind} ({profile})", score, ()))
    return sorted(found, key=lambda c: -c.score)


def _unclear(path: Path, near: list[Candidate], *, is_tie: bool) -> FileRefused:
    told = "; ".join(
        f"{c.title} ({c.score:.2f}{', missing ' + ', '.join(c.missing) if c.missing else ''})"
        for c in near[:3]
    )
    if is_tie:
        return FileRefused(
            "layout_ambiguous",
            f"'{path.name}' fits several layouts equally well: {told}; remove the columns of one",
        )
    return FileRefused(
        "layout_unknown",
        f"'{path.name}' is no layout that is known; nearest: {told}. Export it with these columns, or see "
        "docs/formats-orders.md and docs/formats-fields.md on declaring a layout",
    )
