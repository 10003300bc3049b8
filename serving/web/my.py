"""What the grower's page shows, in the reader's words."""

from typing import Any

from serving.published import Release
from serving.web.say import UNITS, Say


def my(say: Say, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks as serving.reads.tasks.tasks, with name, days and area in the reader's words, and what a report carries along."""
    return [
        {
            "task": row["task"],
            "plot_id": row["plot_id"],
            "village": row["village_name"] or "",
            "crop": (row["crop_name_zh"] if say.language == "zh" else row["crop_name_en"]) or row["crop_id"],
            "area": say.area(row["area_mu"]),
            "days": f"{say.day(row['from'])} – {say.day(row['to'])}",
            "kg": say.weight(row["kg"]) if row.get("kg") is not None else "",
            "crew": row.get("crew_id") or "",
            "is_late": row["is_late"],
            "carried": {
                "plot_id": row["plot_id"],
                "crop_id": row["crop_id"],
                "task": row["task"],
                **(
                    {k: row[k] for k in ("area_mu", "year", "season", "practice_id")}
                    if row["task"] == "sow"
                    else {}
                ),
            },
        }
        for row in rows
    ]


def grades(release: Release) -> list[str]:
    """Grades seen in harvests, most often first."""
    counted = release.frame("harvest_event").drop_nulls("grade")["grade"].value_counts(sort=True, name="n")
    return [str(g) for g in counted.sort("n", "grade", descending=[True, False])["grade"].head(6)]


def kg_per_unit(say: Say) -> tuple[str, float]:
    """The unit weights are typed in, and kg of one of it; nobody weighs a basket in tonnes."""
    unit = say.unit if say.unit != "t" else "kg"
    return unit, 1 / UNITS[unit]
