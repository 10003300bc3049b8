"""The published cutting plan: what to cut with reasons, what serves whom, what cannot be kept, what changed within the day."""

from datetime import date
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads.things import matching, placed

REASON = ["rank", "kind", "text_zh", "text_en"]


def recommendations(
    release: Release, *, plot: str | None = None, village: str | None = None, crop: str | None = None,
    crew: str | None = None, day: date | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Cuts proposed, by day and rank, with their place and reasons; None is all."""
    rows = release.made(_recommendations)
    return matching(rows, plot_id=plot, village_id=village, crop_id=crop, crew_id=crew, day=day)


def plan(release: Release) -> dict[str, Any] | None:
    """The plan as a whole; None: none is published."""
    rows = release.frame("cutting_plan")
    return rows.row(0, named=True) if rows.height else None


def loads(release: Release) -> pl.DataFrame:
    """Hours of crews and kilograms in cold rooms by day."""
    return release.frame("harvest_load").sort("day", "kind", "subject_id")


def triggers(release: Release) -> pl.DataFrame:
    """What left its band within the day, since the night's plan."""
    return release.frame("harvest_trigger").sort("kind", "subject_id")


def shortfalls(release: Release, *, kind: str | None = None, crop: str | None = None) -> pl.DataFrame:
    """What cannot be kept, broken promises first, by day."""
    rows = release.frame("harvest_shortfall").sort("kind", "day", "subject_id", "crop_id")
    return matching(rows, kind=kind, crop_id=crop)


def serves(release: Release, *, crop: str | None = None, promised: bool | None = None) -> pl.DataFrame:
    """Which cut or stock serves which order, by day of shipping."""
    rows = release.frame("harvest_serve").sort("ship_on", "order_id", "cut_on", "cold_room_id", "grade")
    return matching(rows, crop_id=crop, is_promised=promised)


def changes(release: Release) -> pl.DataFrame:
    """Plot, crop and day of which the plan changed within the day, with its place."""
    return placed(release, release.frame("harvest_change")).sort("day", "plot_id", "crop_id")


def _recommendations(release: Release) -> pl.DataFrame:
    reasons = (
        release.frame("harvest_reason").sort("recommendation_id", "rank")
        .group_by("recommendation_id", maintain_order=True)
        .agg(reasons=pl.struct(REASON))
    )  # fmt: skip
    return (
        placed(release, release.frame("harvest_recommendation"))
        .join(reasons, on="recommendation_id", how="left", maintain_order="left")
        .sort("day", "rank", "recommendation_id")
    )
