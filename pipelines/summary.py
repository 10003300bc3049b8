"""What a night came to, gathered from the warehouse: the figures a person looks at first."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from settings import Settings
from warehouse import Warehouse


@dataclass(frozen=True)
class NightSummary:
    """The result of one run."""

    cutoff: date
    intake: pl.DataFrame
    """kind, files, rows_read, rows_taken, rows_unchanged, rows_dropped, rows_rejected."""
    refusals: pl.DataFrame
    """The most frequent reasons of refused lines: kind, rule, lines, example_detail."""
    error: pl.DataFrame
    """metric, anxu, seasonal_naive (backtest of the champion, over all series)."""
    unmapped_share: float
    """Share of paid money whose article no listing maps, 0–1."""
    unmapped_articles: int
    plan: pl.DataFrame
    """The one row of planting_plan; empty when nothing could be planned."""
    largest: pl.DataFrame
    """The ten largest recommendations by area with their first reason."""
    findings: pl.DataFrame


def night_summary(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, error: pl.DataFrame
) -> NightSummary:
    """Gather the result of the run that ended with `cutoff`; `error` comes from the registry."""
    known_by = settings.known_by(cutoff)
    unmapped = warehouse.unmapped_sales(known_by=known_by)
    return NightSummary(
        cutoff=cutoff,
        intake=warehouse.query("intake_by_kind"),
        refusals=warehouse.query("rejected_summary").head(5),
        error=error,
        unmapped_share=warehouse.unmapped_share(known_by=known_by),
        unmapped_articles=unmapped.height,
        plan=warehouse.sql("select * from planting_plan where cutoff = $cutoff", cutoff=cutoff),
        largest=warehouse.query("largest_recommendations", cutoff=cutoff),
        findings=warehouse.sql("select * from finding where cutoff = $cutoff order by rank", cutoff=cutoff),
    )
