"""What the planting page shows beside the plan: its value, what-ifs, supplies, changes, commitments that wait."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import planting as reads
from serving.reads import planting_facts, things
from serving.reads.health import cutoff
from serving.web.say import Say
from warehouse.inbox import Message

MOST_CHANGES, MOST_QUESTIONS, MOST_WEEKS, MOST_MATERIALS = 100, 12, 26, 26
CHANGED = ("price", "demand", "weather")


def more(
    release: Release, say: Say, *, whatifs: pl.DataFrame, entries: Sequence[Message], crop: str | None
) -> dict[str, Any]:
    """Values for the sections below the plan.

    Args:
        whatifs: As serving.reads.planting_whatifs.whatifs.
        entries: Messages of kind 'commitment_entry' in the inbox.
        crop: The one shown; None: all.
    """
    return {
        "worth": reads.worth(release)["value"],
        "changes": planting_facts.changes(release, crop=_known(release, crop)).head(MOST_CHANGES).to_dicts(),
        "questions": [_question(release, say, row) for row in whatifs.head(MOST_QUESTIONS).to_dicts()],
        "waiting_commitments": waiting_commitments(release, say, entries),
        **_supplies(release, say, _known(release, crop)),
    }


def waiting_commitments(release: Release, say: Say, entries: Sequence[Message]) -> list[dict[str, Any]]:
    """Entries that the release does not show yet: of each commitment the newest, while it is due ahead."""
    names, past = things.names(release, "crop"), str(cutoff(release) or "")
    held = {row["commitment_id"]: _promise(row) for row in release.frame("commitment").iter_rows(named=True)}
    newest = {str(m.payload["commitment_id"]): m for m in entries}
    return [
        {**m.payload, "author": m.author, "name": say.name(names, str(m.payload["crop_id"]))}
        for key, m in newest.items()
        if (_promise(m.payload) != held.get(key) if m.payload["quantity_kg"] else key in held)
        and str(m.payload["due_to"]) > past
    ]


def _promise(row: Mapping[str, Any]) -> tuple[object, ...]:
    dates = (str(row["due_from"]), str(row["due_to"]))
    return row["crop_id"], float(row["quantity_kg"]), *dates, row["price_yuan_per_kg"]


def imagined(release: Release, say: Say, overrides_json: str) -> list[str]:
    """A question's overrides in words; what is no list of overrides is shown as it is."""
    try:
        overrides = json.loads(overrides_json)
        return [_words(release, say, o) for o in overrides]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [overrides_json[:200]]


def _question(release: Release, say: Say, row: dict[str, Any]) -> dict[str, Any]:
    names = things.names(release, "crop")
    moved = [
        (say.name(names, c["crop_id"]), c["base_mu"], c["whatif_mu"])
        for c in row["crops"] or []
        if abs(c["base_mu"] - c["whatif_mu"]) > 0.05
    ]
    return {**row, "imagined": imagined(release, say, row["overrides_json"]), "moved": moved}


def _words(release: Release, say: Say, o: dict[str, Any]) -> str:
    kind = o["kind"]
    values: dict[str, object] = {name: v for name, v in o.items() if name != "crop_id"}
    if kind in CHANGED:
        values = {"change": say.change(round(o["factor"] - 1, 6))}
    elif kind == "subsidy":
        values = {"yuan": say.yuan(o["yuan_per_mu"])}
    elif kind == "adoption":
        values |= {"kg": say.weight(o["quantity_kg"])}
    told = say.t(f"whatif_plan.{kind}", **values)
    if kind == "heat":
        return told
    crop = o.get("crop_id")
    whose = say.name(things.names(release, "crop"), crop) if crop else say.t("whatif_plan.every_crop")
    return f"{whose}: {told}" if say.language == "en" else f"{whose}：{told}"


def _supplies(release: Release, say: Say, crop: str | None) -> dict[str, Any]:
    """Hours by week, and materials by week and crop, villages added up; accepted lines beside all."""
    rows = release.made(planting_facts.supply_weeks)
    rows = rows.filter(pl.col("crop_id") == crop) if crop else rows
    hours = rows.filter(pl.col("item") == "labour").group_by("week_start")
    labour = hours.agg(pl.col("quantity", "accepted").sum()).sort("week_start")
    most = float(labour["quantity"].max() or 1.0)  # type: ignore[arg-type]
    goods = rows.filter(pl.col("item") != "labour")
    names = things.names(release, "crop")
    return {
        "labour_weeks": [
            row | {"x": 100 * row["quantity"] / most, "accepted_x": 100 * row["accepted"] / most}
            for row in labour.head(MOST_WEEKS).to_dicts()
        ],
        "materials": [
            row | {"name": say.name(names, row["crop_id"])} for row in goods.head(MOST_MATERIALS).to_dicts()
        ],
        "materials_more": goods.height > MOST_MATERIALS,
    }


def _known(release: Release, crop: str | None) -> str | None:
    """The crop, where the release knows it; the page above says so when it does not."""
    return crop if crop in set(release.frame("crop")["crop_id"]) else None
