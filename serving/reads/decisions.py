"""What people answered to planting recommendations: taken in by a night, or waiting in the inbox."""

from collections.abc import Sequence
from typing import Any

from serving.published import Release
from warehouse.inbox import Message

SHOWN_DAYS = 90
"""How far back the inbox is looked through."""


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
