"""What the first page shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import polars as pl

from serving.published import Published, Release
from serving.reads import planting, runs, scores, things
from serving.reads.concerns import Concern, concerns
from serving.reads.health import cutoff
from serving.reads.since import since
from serving.reads.week import sparks, week
from serving.web.charts import spark
from serving.web.say import Say

MOVERS = 8
FIRST = 7
"""So many concerns are open at once; the rest are one click away."""
TOP = 10
SLOWEST = 4
FLOWING = (
    "orders",
    "daily_sale",
    "stock_day",
    "price_day",
    "readings",
    "weather",
    "weather_observed",
    "weather_forecast",
    "harvest_event",
    "planting",
    "commitment",
)
"""Kinds of files that keep coming; tables of places and things change seldom and are not stale."""
ACTIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    "commitment": (
        ("see_lines", "/planting?crop={crop}#recommendations"),
        ("commitment", "/planting#commitments"),
        ("what_if", "/demand?product={product}#what-if"),
    ),
    "unserved": (
        ("see_lines", "/planting?crop={crop}#recommendations"),
        ("what_if", "/demand?product={product}#what-if"),
        ("adjust", "/demand?product={product}#override"),
    ),
    "surplus": (
        ("see_lines", "/planting?crop={crop}#recommendations"),
        ("commitment", "/planting#commitments"),
        ("see_demand", "/demand?product={product}"),
    ),
    "rejected": (("see_rejected", "/runs#rejected"),),
    "unmapped": (("see_unmapped", "/runs#unmapped"),),
    "unmapped_money": (("see_unmapped", "/runs#unmapped"),),
    "silent": (("see_sensors", "/fields#sensors"),),
    "faulty": (("see_sensors", "/fields#sensors"),),
    "run_failed": (("see_runs", "/runs"),),
    "stale": (("see_runs", "/runs"),),
    "worse_than_naive": (("see_accuracy", "/demand#accuracy"),),
    "fallback": (("see_demand", "/demand"),),
}
"""Kind of concern → what can be done about it: its word and its place. Places that name a product need one made of the crop."""


def today(published: Published, release: Release, say: Say, now: datetime) -> dict[str, Any]:
    """Values for today.html."""
    products, crops = things.names(release, "product"), things.names(release, "crop")
    made_of = dict(
        release.frame("product_crop").sort("product_id").select("crop_id", "product_id").iter_rows()
    )
    written = [_written(c, say, crops, made_of) for c in concerns(published, release, now)]
    return {
        "last_run": runs.last_run(release),
        "concerns": written[:FIRST],
        "more_concerns": written[FIRST:],
        "score": scores.newest(release),
        "intake": _intake(release),
        "week": release.made(week),
        "since": (changed := release.made(since)),
        "since_products": [(say.name(products, p), old, new) for p, old, new in changed.products],
        "fresh": _fresh(release),
        "slowest": _slowest(release),
        "movers": _movers(release, say, products),
        "plan": planting.plan(release),
        "planted_mu": _planted_mu(release),
        "top": _top(release),
    }


def _written(
    concern: Concern, say: Say, crops: dict[str, dict[str, str]], made_of: Mapping[str, str]
) -> dict[str, Any]:
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
        "cause": concern.cause[say.language != "zh"] if concern.cause else None,
        "actions": _actions(concern, made_of),
    }


def _actions(concern: Concern, made_of: Mapping[str, str]) -> list[tuple[str, str]]:
    product = made_of.get(concern.crop_id or "")
    return [
        (word, place.format(crop=quote(concern.crop_id or ""), product=quote(product or "")))
        for word, place in ACTIONS.get(concern.kind, ())
        if product or "{product}" not in place
    ]


def _fresh(release: Release) -> list[dict[str, Any]]:
    """One row per kind of file: the newest arrival, and its days before the cutoff; the stalest first."""
    last = cutoff(release)
    flowing = release.frame("load_summary").filter(pl.col("kind").is_in(FLOWING))
    files = flowing.group_by("kind").agg(pl.col("arrived_at").max())
    rows = files.drop_nulls().sort("arrived_at", "kind").to_dicts()
    for row in rows:
        row["days"] = max(0, (last - row["arrived_at"].date()).days) if last else None
    return rows


def _slowest(release: Release) -> list[tuple[str, Any, Any]]:
    """The steps of the last run that took longest."""
    last = runs.last_run(release)
    steps = [s for s in (last or {}).get("steps") or [] if s["finished_at"]]
    steps.sort(key=lambda s: s["started_at"] - s["finished_at"])
    return [(s["step"], s["started_at"], s["finished_at"]) for s in steps[:SLOWEST]]


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
