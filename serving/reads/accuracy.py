"""How good forecasts were: by segment and lead, step by step, per node and per override."""

from dataclasses import dataclass

import polars as pl

from serving.published import Release
from serving.reads.scores import BASELINE

STEPS = (BASELINE, "model", "before_override", "anxu")
GAINS = {"model": "model", "before_override": "fallback", "anxu": "override"}
"""Method → the step that led to it."""
LEADS = ("1-7", "8-14", "15-28", "all")


def matching(release: Release, table: str, **wanted: str | int | None) -> pl.DataFrame:
    """Rows of a published table whose columns hold what is wanted; None is all."""
    rows = release.frame(table)
    for column, value in wanted.items():
        if value is not None:
            rows = rows.filter(pl.col(column) == value)
    return rows


@dataclass(frozen=True)
class Step:
    """One step on the way to the published forecast, over everything at one lead."""

    method: str
    wql: float | None
    wape: float | None
    bias: float | None
    gain_share: float | None
    """Share of the baseline's WQL that the step took off; None for the baseline."""


def steps(release: Release, segment: str, lead_days: str) -> list[Step]:
    """The four steps of a segment and lead; none where it was not scored."""
    rows = matching(release, "forecast_accuracy", segment=segment, lead_days=lead_days)
    figures = {(m, k): v for m, k, v in rows.select("method", "metric", "value").iter_rows()}
    added = matching(release, "forecast_value_added", segment=segment, lead_days=lead_days, metric="wql")
    gains = dict(added.select("step", "gain_share").iter_rows())
    if (STEPS[-1], "wql") not in figures:
        return []
    return [
        Step(
            method,
            wql=figures.get((method, "wql")),
            wape=figures.get((method, "wape")),
            bias=figures.get((method, "bias")),
            gain_share=gains.get(GAINS.get(method, "")),
        )
        for method in STEPS
    ]


def longest_lead(release: Release, segment: str) -> str | None:
    """The lead to show first: all days where whole forecasts have matured, else the shortest bucket scored."""
    there = set(matching(release, "forecast_accuracy", segment=segment, method="anxu")["lead_days"])
    return "all" if "all" in there else next((lead for lead in LEADS if lead in there), None)


def by_segment(release: Release, segments: list[str], lead_days: str) -> list[dict[str, object]]:
    """Per segment that was scored: WAPE and bias of ours and of the baseline, and the whole gain in WQL."""
    rows = matching(release, "forecast_accuracy", lead_days=lead_days).filter(
        pl.col("segment").is_in(segments)
    )
    totals = matching(release, "forecast_value_added", lead_days=lead_days, metric="wql", step="total")
    gain = dict(totals.select("segment", "gain_share").iter_rows())
    found = []
    for segment in segments:
        own = rows.filter(pl.col("segment") == segment)
        figures = {(m, k): v for m, k, v in own.select("method", "metric", "value").iter_rows()}
        if ("anxu", "wape") in figures:
            found.append(
                {
                    "segment": segment,
                    "wape": figures["anxu", "wape"],
                    "bias": figures.get(("anxu", "bias")),
                    "naive_wape": figures.get((BASELINE, "wape")),
                    "naive_bias": figures.get((BASELINE, "bias")),
                    "gain_share": gain.get(segment),
                }
            )
    return found
