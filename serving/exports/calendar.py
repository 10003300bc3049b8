"""The plan as a calendar: sowings and harvests of the plots as all-day events that calendars subscribe to."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from icalendar import Calendar, Event

from serving.published import Release
from serving.reads import fieldwork
from serving.reads.health import cutoff

ICS = "text/calendar"
TASKS = {"sow": ("播种", "sow_from", "sow_to"), "harvest": ("采收", "ready_from", "ready_to")}
BEHIND_DAYS = 31


def lines(release: Release) -> pl.DataFrame:
    """The planned lines whose days are not long over, as serving.reads.fieldwork.lines."""
    past = cutoff(release) or date.min
    return release.made(fieldwork.lines).filter(pl.col("ready_to") >= past - timedelta(days=BEHIND_DAYS))


def of_crew(release: Release, crew_id: str) -> str | None:
    """The place a crew belongs to, or None where the release knows no such crew."""
    found = release.frame("crew").filter(pl.col("crew_id") == crew_id)["place_id"]
    return str(found[0]) if len(found) and found[0] else None


def calendar(rows: pl.DataFrame, name: str, made_at: datetime) -> bytes:
    """RFC 5545: one event per village, practice, year, season and task, plots and mu in its words; the id of an event is lasting.

    Args:
        rows: As `lines`.
        name: What calendars call it.
        made_at: DTSTAMP of every event.
    """
    book = Calendar()
    book.add("prodid", "-//Anxu//Anxu 按需//ZH")
    book.add("version", "2.0")
    book.add("method", "PUBLISH")
    book.add("x-wr-calname", name)
    book.add("refresh-interval", timedelta(hours=12), parameters={"VALUE": "DURATION"})
    for task in TASKS:
        for event in _events(rows, task, made_at):
            book.add_component(event)
    return bytes(book.to_ical())


def _events(rows: pl.DataFrame, task: str, made_at: datetime) -> Iterator[Event]:
    word, first, last = TASKS[task]
    keys = ["village_id", "crop_id", "practice_id", "year", "season", first, last]
    open_ = rows.filter(~pl.col("is_planted")) if task == "sow" else rows
    grouped = (
        open_.drop_nulls([first, last])
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("village_name", "crop_name_zh").first(),
            pl.col("plot_id").unique().sort(),
            pl.col("area_mu", "expected_kg").sum(),
        )
        .sort(first, "village_id", "crop_id", "practice_id", "year", "season")
    )
    for row in grouped.iter_rows(named=True):
        yield _event(row, task, word, row[first], row[last], made_at)


def _event(row: dict[str, Any], task: str, word: str, first: date, last: date, made_at: datetime) -> Event:
    event = Event()
    ids = (row["village_id"] or "", row["practice_id"], row["year"], row["season"], task)
    event.add("uid", "-".join(str(part) for part in ids) + "@anxu")
    event.add("dtstamp", made_at)
    event.add("dtstart", first)
    event.add("dtend", last + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    event.add("summary", f"{word} {row['crop_name_zh'] or row['crop_id']} {row['area_mu']:.1f} 亩")
    event.add("location", row["village_name"] or row["village_id"] or "")
    kg = f"\n预计 {row['expected_kg']:,.0f} 公斤" if row["expected_kg"] else ""
    event.add("description", f"地块：{'、'.join(row['plot_id'])}{kg}")
    return event
