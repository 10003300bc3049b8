"""Every standard the night knows: shipped, loaded, or approved by a person; which is in force, and what is wrong with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from models.grading.shipped import shipped
from models.grading.standards import (
    TOLERANCE,
    Standard,
    claimed,
    from_frame,
    in_force,
    looser_limits,
    to_frame,
)
from settings import Settings
from warehouse import Warehouse

SHIPPED, LOADED, APPROVED = "shipped", "loaded", "approved"


@dataclass(frozen=True)
class Known:
    """A standard, where it comes from, what is wrong with it (None: nothing), and whether it is in force."""

    standard: Standard
    origin: str
    fault: str | None
    is_in_force: bool


def latest_answers(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """The newest answer to each proposed standard known by the cutoff."""
    return (
        warehouse.read("standard_approval", known_by=settings.known_by(cutoff))
        .sort("written_at", "approval_id")
        .unique("recommendation_id", keep="last", maintain_order=True)
    )


def hand_over(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> list[str]:
    """Make approved proposals standards, in force from the day after the approval; returns what could not be, in words.

    Every approval is handed over each night: its rows have a fixed key, so twice changes nothing.
    """
    notes = []
    answers = latest_answers(settings, warehouse, cutoff=cutoff).filter(pl.col("answer") == "approve")
    for answer in answers.iter_rows(named=True):
        rows = _proposed(warehouse, answer["recommendation_id"])
        if rows.is_empty():
            notes.append(f"approval of '{answer['recommendation_id']}' names no proposal; it changes nothing")
            continue
        day = answer["written_at"].astimezone(settings.zone).date()
        rows = rows.with_columns(
            valid_from=pl.lit(day + timedelta(days=1)),
            source=pl.lit(f"proposed from sales and inspections, approved by {answer['author']} on {day}"),
            is_verified=pl.lit(True),
            known_at=pl.lit(answer["known_at"]),
        )
        warehouse.upsert("grade_standard", rows)
    return notes


def _proposed(warehouse: Warehouse, recommendation_id: str) -> pl.DataFrame:
    """Rows of grade_standard of a proposal as last published: its limits, and the tolerances of the standard it follows."""
    limits = warehouse.sql(
        "select r.standard, r.version, c.crop_id, c.grade, c.attribute, c.min_value, c.max_value from grade_cut c "
        "join grading_recommendation r using (run_id, cutoff, recommendation_id) "
        "where c.recommendation_id = $id and r.answer = 'new_cuts' "
        "qualify c.cutoff = max(c.cutoff) over () order by c.rank",
        id=recommendation_id,
    )
    known = warehouse.read("grade_standard").filter(pl.col("attribute") == TOLERANCE)
    newest = known.sort("valid_from").unique(["crop_id", "standard", "grade"], keep="last")
    tolerance = limits.select("standard", "version", "crop_id", "grade").join(
        newest.select("standard", "crop_id", "grade", "attribute", "min_value", "max_value"),
        on=["standard", "crop_id", "grade"],
    )
    return pl.concat([limits, tolerance.select(limits.columns)])


def known_standards(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> list[Known]:
    """All of them, by crop and name; in force is what holds on the day after the cutoff and is not looser than it claims."""
    public = shipped()
    approved = _approved(latest_answers(settings, warehouse, cutoff=cutoff))
    own = from_frame(
        warehouse.read("grade_standard").sort("standard", "version", "crop_id", "grade", "attribute")
    )
    found: list[tuple[Standard, str, str | None]] = [(s, SHIPPED, None) for s in public]
    for s in own:
        faults = [f for c in claimed(s, public) for f in looser_limits(s, c)]
        origin = APPROVED if f"{s.crop_id}/{s.version}" in approved else LOADED
        found.append((s, origin, "; ".join(faults) or None))
    holds = in_force([s for s, _, fault in found if fault is None], cutoff + timedelta(days=1))
    return [Known(s, origin, fault, s in holds) for s, origin, fault in found]


def _approved(answers: pl.DataFrame) -> set[str]:
    return set(answers.filter(pl.col("answer") == "approve")["recommendation_id"])


def own_standard(known: Sequence[Known], crop_id: str) -> Known | None:
    """The standard in force that a crop is sorted by: the co-operative's newest, else a public one; None: there is none."""
    mine = [k for k in known if k.standard.crop_id == crop_id and k.is_in_force]
    return max(
        mine, key=lambda k: (k.origin != SHIPPED, k.standard.valid_from, k.standard.name), default=None
    )


def standard_rows(known: Sequence[Known]) -> pl.DataFrame:
    """Rows of published_standard without run and cutoff."""
    parts = [
        to_frame([k.standard]).with_columns(
            origin=pl.lit(k.origin), is_in_force=pl.lit(k.is_in_force), fault=pl.lit(k.fault, pl.String)
        )
        for k in known
    ]
    return pl.concat(parts).sort("crop_id", "standard", "version", "rank", "attribute", "condition")
