"""What the checker reads a plan with: rows, look-ups, and how seasons follow each other."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

TOLERANCE_MU = 1e-6 + 1e-9
Row = dict[str, Any]
Broken = tuple[str, str, str]
"""Rule, plot, detail."""


@dataclass(frozen=True)
class Rules:
    """The rules a plan must keep; meanings as in the planner's parameters, restated here on purpose.

    `legume_from`: first year of the first legume window; `legume_classes` None: every land class.
    """

    first_year: int
    last_year: int
    first_season: int = 1
    repeat: str = "next"
    rotate_by: str = "crop"
    may_repeat: frozenset[str] = frozenset()
    surplus: str = "salvage"
    legume_years: int = 3
    legume_from: int = 0
    legume_classes: frozenset[str] | None = None
    min_share: float = 0.0
    one_crop: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True)
class Land:
    """Facts by id."""

    plots: dict[str, Row]
    practices: dict[str, Row]
    crops: dict[str, Row]
    seasons: dict[str, list[int]]
    """Seasons in use per land class, ascending."""


def seasons_in_use(practices: pl.DataFrame) -> dict[str, list[int]]:
    """Per land class the seasons that any of its practices takes, ascending."""
    used: dict[str, set[int]] = defaultdict(set)
    for r in practices.iter_rows(named=True):
        used[r["land_class"]].update(range(r["season"], r["last_season"] + 1))
    return {land_class: sorted(seasons) for land_class, seasons in used.items()}


def planned_row(row: Row, land: Land) -> Row:
    """A line of the plan with its practice's last season."""
    return {**row, "last_season": land.practices[row["practice_id"]]["last_season"], "is_planned": True}


def past_row(row: Row, land: Land) -> Row:
    """A planting of the past with its last season: its practice's, else the longest that fits, else its own season."""
    known = land.practices.get(row["practice_id"] or "")
    land_class = land.plots[row["plot_id"]]["land_class"]
    fitting = [
        p["last_season"]
        for p in land.practices.values()
        if (p["crop_id"], p["land_class"], p["season"]) == (row["crop_id"], land_class, row["season"])
    ]
    last = known["last_season"] if known else max(fitting, default=row["season"])
    return {**row, "last_season": last, "is_planned": False}


def group_of(r: Row, land: Land, rules: Rules) -> str:
    """What may not follow itself: the crop, or its family."""
    return str(r["crop_id"] if rules.rotate_by == "crop" else land.crops[r["crop_id"]]["family"])


def step_of(land: Land, land_class: str, year: int, season: int) -> int:
    """The number of a season counted over the years in those seasons only that the land class uses."""
    used = land.seasons.get(land_class, [1])
    return year * len(used) + max(0, sum(s <= season for s in used) - 1)


def standing_areas(past: list[Row], land: Land) -> dict[tuple[str, str], float]:
    """Area under each perennial in its plot's last known year."""
    perennial = {(p["crop_id"], p["land_class"]) for p in land.practices.values() if p["is_perennial"]}
    last: dict[str, int] = {}
    for r in past:
        last[r["plot_id"]] = max(last.get(r["plot_id"], 0), r["year"])
    found: dict[tuple[str, str], float] = {}
    for r in past:
        kind = (r["crop_id"], land.plots[r["plot_id"]]["land_class"])
        if r["year"] == last[r["plot_id"]] and kind in perennial:
            key = (r["plot_id"], r["crop_id"])
            found[key] = max(found.get(key, 0.0), r["area_mu"])
    return found
