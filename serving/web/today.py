"""What the first page shows."""

from datetime import datetime
from typing import Any

import polars as pl

from serving.published import Published, Release
from serving.reads import planting, runs, scores, things
from serving.reads.concerns import Concern, concerns
from serving.reads.week import sparks, week
from serving.web.charts import spark
from serving.web.say import Say

MOVERS = 8
FIRST = 7
"""So many concerns are open at once; the rest are one click away."""
TOP = 10


def today(published: Published, release: Release, say: Say, now: datetime) -> dict[str, Any]:
    """Values for today.html."""
    products, crops = things.names(release, "product"), things.names(release, "crop")
    return {
        "last_run": runs.last_run(release),
        "concerns": (written := [_written(c, say, crops) for c in concerns(published, release, now)])[:FIRST],
        "more_concerns": written[FIRST:],
        "score": scores.newest(release),
        "intake": _intake(release),
        "week": release.made(week),
        "movers": _movers(release, say, products),
        "plan": planting.plan(release),
        "planted_mu": _planted_mu(release),
        "top": _top(release),
    }


def _written(concern: Concern, say: Say, crops: dict[str, dict[str, str]]) -> dict[str, Any]:
    facts = {name: say.fact(kind, value) for name, (kind, value) in concern.facts.items()}
    if concern.crop_id:
        facts["crop"] = say.name(crops, concern.crop_id)
    return {
        "severity": ("note", "warning", "serious")[concern.severity],
        "title": say.t(f"concern.{concern.kind}", **facts),
        "action": say.t(f"concern.{concern.kind}_do", **facts),
        "yuan": concern.yuan,
        "kg": concern.kg,
        "page": concern.page,
    }


def _intake(release: Release) -> dict[str, Any] | None:
    files = runs.files(release)
    if files.is_empty():
        return None
    parts = {part: int(files[f"rows_{part}"].sum()) for part in ("taken", "unchanged", "dropped", "rejected")}
    return {
        "files": files.height,
        "when": files["arrived_at"][0],
        "parts": parts,
        "of": max(1, sum(parts.values())),
    }


def _movers(release: Release, say: Say, products: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "name": say.name(products, row["product_id"]),
            "spark": spark(*sparks(release, row["product_id"])),
        }
        for row in release.made(week).products.head(MOVERS).iter_rows(named=True)
    ]


def _planted_mu(release: Release) -> float:
    rows = release.frame("planting_recommendation")
    return float(rows["area_mu"].sum())


def _top(release: Release) -> list[dict[str, Any]]:
    rows = release.made(planting.recommendations)
    first_year = rows.filter(pl.col("year") == pl.col("year").min())
    return first_year.sort("expected_profit_yuan", descending=True, nulls_last=True).head(TOP).to_dicts()
