"""What the harvest page shows of the cutting plan: cuts by day and crew with reasons, what cannot be kept, what changed today."""

from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import cutting as reads
from serving.reads import things
from serving.web.say import Say
from serving.web.texts import catalogue

MOST = 400
SHOWN_REASONS = 6


def harvest_plan(release: Release, say: Say, village: str, crop: str, crew: str) -> dict[str, Any]:
    """Values for harvest_plan.html; '' is all."""
    names, regions = things.names(release, "crop"), things.names(release, "region")
    every = reads.recommendations(release)
    rows = reads.recommendations(release, village=village or None, crop=crop or None, crew=crew or None)
    short = reads.shortfalls(release, crop=crop or None)
    return {
        "plan": reads.plan(release),
        "crews": every["crew_id"].unique().sort().to_list(),
        "crew": crew,
        "cut_days": _days(release, say, names, rows.head(MOST)),
        "triggers": [r["text_zh"] if say.language == "zh" else r["text_en"] for r in reads.triggers(release).to_dicts()],
        "changed": [
            r | {"name": say.name(names, r["crop_id"])} for r in reads.changes(release).head(MOST).to_dicts()
        ],
        "short": _short(say, names, regions, short),
    }  # fmt: skip


def _days(
    release: Release, say: Say, names: dict[str, dict[str, str]], rows: pl.DataFrame
) -> list[dict[str, Any]]:
    """One entry per day and crew: hours used and to be had, and its cuts."""
    loads = {
        (r["day"], r["subject_id"]): (r["used"], r["limit_of"])
        for r in reads.loads(release).filter(pl.col("kind") == "crew").iter_rows(named=True)
    }
    found = []
    for (day, crew), part in rows.group_by("day", "crew_id", maintain_order=True):
        used, limit = loads.get((day, crew), (None, None))
        cuts = [
            row
            | {
                "name": say.name(names, row["crop_id"]),
                "why": [r["text_zh"] if say.language == "zh" else r["text_en"] for r in row["reasons"] or []][
                    :SHOWN_REASONS
                ],
            }
            for row in part.to_dicts()
        ]
        found.append({"day": day, "crew": crew, "used": used, "limit": limit, "cuts": cuts})
    return sorted(found, key=lambda r: (r["day"], r["crew"]))


def _short(
    say: Say, names: dict[str, dict[str, str]], regions: dict[str, dict[str, str]], rows: pl.DataFrame
) -> list[dict[str, Any]]:
    """What cannot be kept, added up by day, kind, crop, grade, region and cause."""
    keys = ["day", "kind", "crop_id", "grade", "region_id", "cause"]
    summed = (
        rows.group_by(keys)
        .agg(pl.col("kg").sum())
        .sort("day", "kind", "kg", *keys[2:], descending=[False, False, True, *[False] * 4])
    )
    return [
        row
        | {
            "name": say.name(names, row["crop_id"]),
            "region": say.name(regions, row["region_id"]) if row["region_id"] else "",
            "cause": say.t(word) if (word := f"harvest.cause_{row['cause']}") in catalogue() else row["cause"],
        }
        for row in summed.head(MOST).to_dicts()
    ]  # fmt: skip
