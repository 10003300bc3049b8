"""What people answered to planting recommendations: taken in by a night, or waiting in the inbox."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from serving.problems import Problem
from serving.published import Release
from warehouse.inbox import Message

SHOWN_DAYS = 90
"""How far back the inbox is looked through."""
STATES = ("waiting", "in_force", "replaced")
ANSWERS = ("accept", "change", "refuse")
OUTCOME = ["stage", "proposed_mu", "decided_mu", "gained_yuan"]


def answers(release: Release, written: Sequence[Message]) -> dict[str, dict[str, Any]]:
    """Recommendation → its newest answer: `answer`, `area_mu`, `author`, `reason`, `written_at`, `is_taken` (by a night).

    Args:
        written: Messages of kind 'decision' in the inbox, taken in or not.
    """
    held = release.frame("decision")
    known = set(held["decision_id"])
    rows: list[dict[str, Any]] = [row | {"is_taken": True} for row in held.iter_rows(named=True)]
    rows += [
        {
            "recommendation_id": str(m.payload.get("recommendation_id")),
            "answer": m.payload.get("answer"),
            "area_mu": m.payload.get("area_mu"),
            "author": m.author,
            "reason": m.payload.get("reason"),
            "written_at": m.written_at,
            "is_taken": False,
        }
        for m in written
        if m.message_id not in known
    ]
    return {row["recommendation_id"]: row for row in sorted(rows, key=lambda r: r["written_at"])}


def record(
    release: Release,
    written: Sequence[Message],
    *,
    author: str | None = None,
    answer: str | None = None,
    state: str | None = None,
) -> pl.DataFrame:
    """One row per decision, newest first: as table decision, with its `state` and its outcome (null: not judged yet).

    Args:
        release: Its tables decision and planting_decision_score.
        written: Messages of kind 'decision' in the inbox, taken in or not.
        author: Only of this person.
        answer: Only accept, change or refuse.
        state: Only 'waiting' (in no release yet), 'in_force', or 'replaced' (a later answer to the same line counts).

    Raises:
        Problem: 422 for a state or an answer there is not.
    """
    for noun, value, known in (("state", state, STATES), ("answer", answer, ANSWERS)):
        if value is not None and value not in known:
            raise Problem(
                422, "unknown-value", f"{noun} '{value[:40]}' is none", f"known: {', '.join(known)}"
            )
    held = release.frame("decision")
    waiting = _waiting(written, held)
    rows = pl.concat([held.with_columns(is_held=True), waiting.with_columns(is_held=False)])
    last = pl.col("decision_id").sort_by("written_at", "decision_id").last().over("recommendation_id")
    outcome = release.frame("planting_decision_score").select("decision_id", *OUTCOME)
    stands = pl.when(pl.col("is_held")).then(pl.lit("in_force")).otherwise(pl.lit("waiting"))
    found = (
        rows.with_columns(
            state=pl.when(last != pl.col("decision_id")).then(pl.lit("replaced")).otherwise(stands)
        )
        .drop("is_held")
        .join(outcome, on="decision_id", how="left", maintain_order="left")
        .sort("written_at", "decision_id", descending=True)
    )
    for column, wanted in (("author", author), ("answer", answer), ("state", state)):
        found = found.filter(pl.col(column) == wanted) if wanted is not None else found
    return found


def _waiting(written: Sequence[Message], held: pl.DataFrame) -> pl.DataFrame:
    """Messages that the release does not hold, as rows of table decision."""
    known = set(held["decision_id"])
    rows = [
        {
            **{name: m.payload.get(name) for name in ("recommendation_id", "answer", "area_mu", "reason")},
            "decision_id": m.message_id,
            "author": m.author,
            "written_at": m.written_at,
        }
        for m in written
        if m.message_id not in known
    ]
    return pl.DataFrame(rows, schema=held.schema, orient="row")
