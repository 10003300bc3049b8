"""What a load did, file by file, and what to do about the rest."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from pipelines.sources.kinds import FileRefused

if TYPE_CHECKING:
    from pipelines.deliveries import Delivery, Found
    from pipelines.merge import Counts

RULES_TOLD = 3
PIPED_WIDTH = 140
State = Literal["taken", "checked", "known", "refused"]


@dataclass(frozen=True)
class FileReport:
    """What became of one file; lines: read = taken + unchanged + dropped + rejected."""

    path: Path
    state: State
    """taken in; checked and not committed; known from an earlier load; refused as a whole."""
    kind: str = ""
    profile: str = ""
    shop: str = ""
    rule: str = ""
    """Why the whole file was refused."""
    message: str = ""
    read: int = 0
    taken: int = 0
    unchanged: int = 0
    rejected: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, file: "Found", delivery: "Delivery", counts: "Counts", *, state: State) -> "FileReport":
        """The report of a file that was read to its end."""
        profile = delivery.profiles[delivery.files.index(file)]
        return cls(
            file.path,
            state,
            delivery.kind,
            profile,
            delivery.shop if delivery.kind == "orders" else "",
            read=counts.read,
            taken=counts.taken,
            unchanged=counts.unchanged,
            rejected=counts.rejected,
            dropped=dict(counts.dropped),
            rules=dict(counts.rules.most_common()),
            examples=dict(counts.examples),
            notes=dict(counts.notes),
        )

    @classmethod
    def refusal(cls, file: "Found", delivery: "Delivery | None", refusal: FileRefused) -> "FileReport":
        """The report of a file of which nothing was taken."""
        kind = delivery.kind if delivery else ""
        return cls(file.path, "refused", kind, rule=refusal.rule, message=str(refusal))

    @classmethod
    def known(cls, file: "Found", message: str) -> "FileReport":
        """The report of a file whose bytes were taken in before."""
        return cls(file.path, "known", message=message)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    @property
    def next_steps(self) -> list[str]:
        """What to do about this file, most urgent first; empty when nothing."""
        if self.state == "refused":
            return [f"{self.name} was refused ({self.rule}): {self.message}"]
        rules = list(self.rules.items())
        told = [
            f"{self.name}: {number:,} lines refused ({rule}), e.g. {self.examples[rule]}"
            for rule, number in rules[:RULES_TOLD]
        ]
        if more := sum(number for _, number in rules[RULES_TOLD:]):
            others = ", ".join(f"{rule} {number}" for rule, number in rules[RULES_TOLD:])
            told.append(f"{self.name}: {more:,} more lines refused ({others})")
        return told + [f"{self.name}: {number:,} lines: {note}" for note, number in self.notes.items()]


@dataclass(frozen=True)
class LoadReport:
    """What became of every file of a load, in the order in which they were taken."""

    files: tuple[FileReport, ...]

    @property
    def ok(self) -> bool:
        """Whether no file was refused as a whole."""
        return all(file.state != "refused" for file in self.files)

    def __rich__(self) -> Group:
        """A table of the files, then the next steps."""
        steps = [Text(f"• {step}") for file in self.files for step in file.next_steps]
        known = [
            Text(f"{file.name}: {file.message}", style="dim") for file in self.files if file.state == "known"
        ]
        return Group(_table(self), *known, *steps)


def show(report: LoadReport, console: Console | None = None) -> None:
    """Print a load's report; where output is no terminal it is PIPED_WIDTH columns wide."""
    (console or Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)).print(report)


def _table(report: LoadReport) -> Table:
    table = Table(title=_title(report))
    for name in ("file", "what it is", "shop", "state"):
        table.add_column(name, no_wrap=name != "file", overflow="fold")
    for name in ("read", "taken", "unchanged", "dropped", "refused"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("dropped as no fact")
    for file in report.files:
        numbers = (file.read, file.taken, file.unchanged, sum(file.dropped.values()), file.rejected)
        what = file.kind if file.profile == file.kind else f"{file.kind} {file.profile}".strip()
        why = ", ".join(f"{reason} {number:,}" for reason, number in file.dropped.items())
        table.add_row(file.name, what, file.shop, file.state, *(f"{number:,}" for number in numbers), why)
    return table


def _title(report: LoadReport) -> str:
    refused = sum(file.state == "refused" for file in report.files)
    known = sum(file.state == "known" for file in report.files)
    checked = any(file.state == "checked" for file in report.files)
    lines = sum(file.taken for file in report.files)
    word = "would be taken in" if checked else "taken in"
    taken = sum(file.state in ("taken", "checked") for file in report.files)
    return f"{lines:,} lines {word} from {taken} files; files refused: {refused}, known before: {known}"
