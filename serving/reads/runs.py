"""How the nights went: runs with steps, what came in, what was refused, scores, sensors."""

from typing import Any

import polars as pl

from serving.published import Release

FAULTY_SHARE = 0.05
STEP = ["step", "started_at", "finished_at", "status", "detail"]


def runs(release: Release) -> pl.DataFrame:
    """One row per run, newest first, with its `steps` in order (list of struct).

    The publishing run is inside its own release, where its last step cannot be finished yet: it counts as completed.
    """
    published = str(release.manifest.get("run_id", ""))
    own = (pl.col("run_id") == published) & (pl.col("status") == "running")
    steps = (
        release.frame("run_step")
        .with_columns(status=pl.when(own).then(pl.lit("completed")).otherwise("status"))
        .sort("started_at", "step")
        .group_by("run_id", maintain_order=True)
        .agg(steps=pl.struct(STEP))
    )
    return (
        release.frame("run")
        .with_columns(status=pl.when(own).then(pl.lit("completed")).otherwise("status"))
        .join(steps, on="run_id", how="left")
        .sort("started_at", descending=True)
    )


def last_run(release: Release) -> dict[str, Any] | None:
    """The newest run with its steps, or None."""
    found = release.made(runs)
    return found.row(0, named=True) if found.height else None


def files(release: Release) -> pl.DataFrame:
    """One row per file taken in, newest first."""
    return release.frame("load_summary").sort("arrived_at", "name", descending=[True, False])


def rejected(release: Release) -> pl.DataFrame:
    """One row per kind of file and rule broken, most rows first."""
    return release.frame("rejected_summary").sort("lines", descending=True, nulls_last=True)


def rejected_rows(
    release: Release, *, kind: str | None = None, rule: str | None = None, file_id: str | None = None
) -> pl.DataFrame:
    """One row per refused line and rule, newest first: file, line, reason, and the row as delivered (JSON)."""
    rows = release.frame("rejected_row")
    for column, wanted in (("kind", kind), ("rule", rule), ("file_id", file_id)):
        rows = rows.filter(pl.col(column) == wanted) if wanted is not None else rows
    return rows


def unmapped(release: Release) -> pl.DataFrame:
    """One row per article that no listing maps, most money first; `share` is of all money (null: not known)."""
    return release.frame("unmapped_sales").sort("goods_yuan", descending=True, nulls_last=True)


def sensors(release: Release) -> pl.DataFrame:
    """One row per sensor and quantity: last reading, flagged readings; `silent_hours` behind the newest of all sensors."""
    newest = pl.col("last_at").max()
    return (
        release.frame("sensor_state")
        .with_columns(silent_hours=((newest - pl.col("last_at")).dt.total_minutes() / 60).round(1))
        .sort("sensor_id", "quantity")
    )


def has_fault() -> pl.Expr:
    """Whether a row of `sensors` has more than FAULTY_SHARE of its last 30 days' readings flagged."""
    return (pl.col("flagged_30d") > FAULTY_SHARE * pl.col("readings_30d")).fill_null(False)


def scores(
    release: Release,
    *,
    segment: str | None = None,
    lead_days: str | None = None,
    metric: str | None = None,
    method: str | None = None,
) -> pl.DataFrame:
    """One row per scored cutoff, segment, lead, metric and method, newest first."""
    rows = release.frame("forecast_score")
    for column, value in {
        "segment": segment,
        "lead_days": lead_days,
        "metric": metric,
        "method": method,
    }.items():
        if value is not None:
            rows = rows.filter(pl.col(column) == value)
    order = ["cutoff", "scored_cutoff", "segment", "lead_days", "metric", "method"]
    return rows.sort(order, descending=[True, True, False, False, False, False])
