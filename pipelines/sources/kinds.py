"""What every connector takes and gives: a peek at a file, and batches of rows for warehouse tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import polars as pl

REJECTED_SCHEMA = pl.Schema(
    {"line_number": pl.Int64, "rule": pl.String, "detail": pl.String, "row_text": pl.String}
)
"""Refused lines: line (1 is the header's), short rule name, value + limit + way out, JSON without personal data."""


@dataclass(frozen=True)
class Peek:
    """The head of a file: enough to say what it is, never the whole of it."""

    path: Path
    head: bytes
    """At most the first 64 KiB, unpacked when the file is gzipped."""
    sheet_header: tuple[str, ...] = ()
    """The first row of the first sheet, for xlsx."""


@dataclass(frozen=True)
class Context:
    """What the caller knows about a delivery."""

    file_id: str
    arrived_at: datetime
    """When the file came (aware). `known_at` of its facts unless `is_history`."""
    is_history: bool
    timezone: str
    """Zone of timestamps that carry none."""
    shop: str = ""
    buyer_secret: bytes = b""
    max_unpacked_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True)
class Batch:
    """Rows for one table from one stretch of a file."""

    table: str
    rows: pl.DataFrame
    """Columns of the table as in the schema (types may be wider), plus `line_number`; must hold `known_at`."""
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Lines that are no facts by rule: reason → lines."""
    read: int = 0
    """Lines of the file this batch accounts for; for a file that feeds two tables, counted once."""


class FileRefused(Exception):  # noqa: N818
    """The whole file cannot be read: the message names what, the limit and the way out."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Source(Protocol):
    """One kind of file."""

    @property
    def kind(self) -> str:
        """What it is called in reports: orders, readings, weather, or a table's name."""
        ...

    def score(self, peek: Peek) -> tuple[float, str]:
        """How well the head fits (0–1), and the profile that fits best."""
        ...

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """Stream the file as batches; raises FileRefused when nothing of it can be read."""
        ...
