"""How results read in a terminal: a bar per step, tables that answer the first questions."""

import sys
from types import TracebackType

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from pipelines.load_report import PIPED_WIDTH
from pipelines.summary import NightSummary

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


class Bars:
    """A progress listener that draws one bar per step (one line per step where there is no terminal)."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="✓", table_column=Column(width=1)),
            TextColumn("{task.description}", table_column=Column(width=9, no_wrap=True)),
            BarColumn(bar_width=24, table_column=Column(width=24)),
            TimeElapsedColumn(table_column=Column(width=7, no_wrap=True)),
            TextColumn("{task.fields[note]}", table_column=Column(ratio=1, overflow="fold")),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, step: str, done: float, total: float, note: str) -> None:
        """Move the step's bar; the first report of a step draws it."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=total, note=note)
        self._progress.update(self._tasks[step], completed=done, total=total, note=note)


def table(title: str, frame: pl.DataFrame, columns: dict[str, str]) -> Table:
    """Lay a frame out: `columns` maps column names to headings; numbers stand right with separators."""
    out = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for name, heading in columns.items():
        out.add_column(
            heading, justify="right" if frame.schema[name].is_numeric() else "left", overflow="fold"
        )
    for row in frame.select(list(columns)).iter_rows():
        out.add_row(*(_cell(value) for value in row))
    return out


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def show_night(summary: NightSummary) -> None:
    """Print what a night came to."""
    names = {
        "kind": "file kind",
        "files": "files",
        "rows_read": "lines",
        "rows_taken": "taken",
        "rows_unchanged": "known",
        "rows_dropped": "no fact",
        "rows_rejected": "rejected",
    }
    console.print(table("Taken in so far", summary.intake, names))
    if summary.refusals.height:
        heads = {"kind": "file kind", "rule": "rule", "lines": "lines", "example_detail": "for example"}
        console.print(table("Why lines were rejected", summary.refusals, heads))
    if summary.error.height:
        heads = {"metric": "backtest error", "anxu": "Anxu", "seasonal_naive": "seasonal naive"}
        console.print(table("Forecast error, days ahead", summary.error, heads))
    share = f"{summary.unmapped_share:.2%}"
    console.print(f"[bold]Money that no listing maps[/]: {share} in {summary.unmapped_articles} articles")
    show_plan(summary.plan, summary.largest)
    for text in summary.findings["text_en"].head(5):
        console.print(f"[yellow]look at[/] {text}")


def show_plan(plan: pl.DataFrame, largest: pl.DataFrame) -> None:
    """Print a plan's state and its ten largest lines with their reason."""
    if plan.is_empty():
        console.print("[bold]Planting[/]: no plan; load plots and practices first")
        return
    row = plan.row(0, named=True)
    console.print(
        f"[bold]Planting {row['first_year']}–{row['last_year']}[/]: {row['status']}, profit "
        f"{row['profit_yuan']:,.0f} yuan, bound {row['bound_yuan']:,.0f}, gap {row['gap']:.2%}, "
        f"rules broken {row['rules_broken']}"
    )
    shown = largest.with_columns(
        crop=pl.format("{} {}", "name_zh", "name_en"),
        when=pl.format("{}/{}", "year", "season"),
        reason=pl.format("{}\n{}", pl.col("text_zh").fill_null("–"), pl.col("text_en").fill_null("–")),
        mu=pl.col("area_mu").round(1),
        kg=pl.col("expected_kg").round(0).cast(pl.Int64),
    )
    heads = {
        "plot_id": "plot",
        "crop": "crop",
        "when": "year/season",
        "mu": "mu",
        "kg": "kg",
        "reason": "reason",
    }
    console.print(table("The ten largest planting recommendations", shown, heads))
