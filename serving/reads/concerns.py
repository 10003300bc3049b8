"""What a planner should look at, worst first: each with its facts, its effect and where to act."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import polars as pl

from serving.published import Published, Release
from serving.reads import runs
from serving.reads.forecasts import DAILY, daily_fan
from serving.reads.health import STALE_HOURS, failed_night
from serving.reads.money import causes, crop_prices
from serving.reads.planting import balance, plan
from serving.reads.scores import newest

SERIOUS, WARNING, NOTE = 2, 1, 0
SILENT_HOURS = 24.0
SHOWN_CROPS = 5
SHOWN_FINDINGS = 10
SERIOUS_FACTOR = 2.0
COUNTED_HERE = ("unmapped_money", "rejected_rows", "silent_sensor")
OF_FORECASTS = ("bias_builds_up", "error_rises", "coverage_off", "fallbacks_rise", "model_ages")
LARGE_UNMAPPED_SHARE = 0.05
LARGE_REJECTED_SHARE = 0.01
NOTABLE_GAP_SHARE = 0.05
NOTABLE_SURPLUS_SHARE = 0.2

Fact = tuple[Literal["weight", "yuan", "share", "count", "hours", "text"], object]


@dataclass(frozen=True)
class Concern:
    """One thing to look at. `kind` is its key in the catalogue, `facts` what the sentence names."""

    kind: str
    severity: int
    facts: dict[str, Fact] = field(default_factory=dict)
    crop_id: str | None = None
    kg: float | None = None
    yuan: float | None = None
    page: str = ""
    """Where to act: a page of this service and its anchor."""
    cause: tuple[str, str] | None = None
    """Why, in Chinese and English, where the night told."""


def concerns(published: Published, release: Release, now: datetime) -> list[Concern]:
    """Everything that needs attention, by severity, then money, then kilograms."""
    found = [*_service(published, release, now), *release.made(_of_release)]
    return sorted(found, key=lambda c: (-c.severity, -(c.yuan or 0.0), -(c.kg or 0.0)))


def _service(published: Published, release: Release, now: datetime) -> Iterator[Concern]:
    if published.trouble:
        yield Concern("release_broken", SERIOUS, {"detail": ("text", published.trouble.detail)}, page="/runs")
    if failed := failed_night(published):
        step, _, why = failed.detail.partition(": ")
        facts: dict[str, Fact] = {"step": ("text", step if why else "?"), "detail": ("text", failed.detail)}
        yield Concern("run_failed", SERIOUS, facts, page="/runs")
    if (hours := (now - release.written_at).total_seconds() / 3600) > STALE_HOURS:
        yield Concern("stale", SERIOUS, {"hours": ("hours", hours)}, page="/runs")


def _of_release(release: Release) -> list[Concern]:
    makers = (_run, _findings, _unmapped, _rejected, _forecast, _score, _plan, _balance, _sensors)
    return [concern for make in makers for concern in make(release)]


def _run(release: Release) -> Iterator[Concern]:
    last = runs.last_run(release)
    if last and last["status"] == "failed":
        failed = [s["step"] for s in last["steps"] or [] if s["status"] == "failed"]
        facts: dict[str, Fact] = {
            "step": ("text", ", ".join(failed) or "?"),
            "detail": ("text", last["detail"] or ""),
        }
        yield Concern("run_failed", SERIOUS, facts, page="/runs")


def _findings(release: Release) -> Iterator[Concern]:
    """What the nightly check found and no other read of this file counts."""
    found = release.frame("finding").filter(pl.col("kind").is_in(COUNTED_HERE).not_()).sort("rank")
    for row in found.head(SHOWN_FINDINGS).iter_rows(named=True):
        facts: dict[str, Fact] = {"zh": ("text", row["text_zh"]), "en": ("text", row["text_en"])}
        far = row["value"] > SERIOUS_FACTOR * row["allowed"]
        page = "/demand#accuracy" if row["kind"] in OF_FORECASTS else "/runs"
        yield Concern("finding", SERIOUS if far else WARNING, facts, page=page)


def _unmapped(release: Release) -> Iterator[Concern]:
    rows = release.frame("unmapped_sales")
    if rows.is_empty():
        return
    money = float(rows["goods_yuan"].sum())
    facts: dict[str, Fact] = {"n": ("count", rows.height)}
    if rows["share"].null_count() == rows.height:
        yield Concern("unmapped_money", WARNING, facts, yuan=money, page="/runs#unmapped")
        return
    share = float(rows["share"].sum())
    severity = SERIOUS if share >= LARGE_UNMAPPED_SHARE else WARNING
    yield Concern(
        "unmapped", severity, {**facts, "share": ("share", share)}, yuan=money, page="/runs#unmapped"
    )


def _rejected(release: Release) -> Iterator[Concern]:
    rows = runs.rejected(release)
    refused = int(rows["lines"].sum())
    if not refused:
        return
    read = int(release.frame("load_summary")["rows_read"].sum())
    severity = SERIOUS if read and refused / read > LARGE_REJECTED_SHARE else WARNING
    facts: dict[str, Fact] = {"rows": ("count", refused), "rule": ("text", rows["rule"][0])}
    yield Concern("rejected", severity, facts, page="/runs#rejected")


def _forecast(release: Release) -> Iterator[Concern]:
    rows = release.made(daily_fan).table.frame
    if rows.is_empty():
        yield Concern("no_forecast", SERIOUS, page="/demand")
        return
    series = rows.group_by(DAILY).agg(pl.col("fallback_reason").is_not_null().any())
    if n := int(series["fallback_reason"].sum()):
        facts: dict[str, Fact] = {"n": ("count", n), "of": ("count", series.height)}
        yield Concern("fallback", NOTE, facts, page="/demand")


def _score(release: Release) -> Iterator[Concern]:
    score = newest(release)
    if score and score.naive is not None and score.ours > score.naive:
        facts: dict[str, Fact] = {"ours": ("share", score.ours), "naive": ("share", score.naive)}
        yield Concern("worse_than_naive", WARNING, facts, page="/demand")


def _plan(release: Release) -> Iterator[Concern]:
    newest_plan = plan(release)
    if newest_plan is None:
        return
    if newest_plan["status"] == "infeasible":
        yield Concern("plan_infeasible", SERIOUS, page="/planting")
    if broken := newest_plan["rules_broken"]:
        yield Concern("plan_broken", SERIOUS, {"n": ("count", broken)}, page="/planting")


def _balance(release: Release) -> Iterator[Concern]:
    rows = balance(release)
    if rows.is_empty():
        return
    prices, why = release.made(crop_prices), release.made(causes)
    kg = ["demand_kg", "committed_kg", "supply_kg", "surplus_kg", "unserved_kg"]
    crops = (
        rows.filter(pl.col("year") == pl.col("year").min())
        .group_by("crop_id", maintain_order=True)
        .agg(pl.col(kg).sum(), pl.col("year").first(), worst=pl.col("season").sort_by("unserved_kg").last())
    )
    for row in crops.sort("unserved_kg", descending=True).head(SHOWN_CROPS).iter_rows(named=True):
        cause = why.get((row["crop_id"], row["year"], row["worst"]))
        yield from _shortage(row, prices.get(row["crop_id"]), cause)
    for row in crops.sort("surplus_kg", descending=True).head(SHOWN_CROPS).iter_rows(named=True):
        if row["supply_kg"] and (share := row["surplus_kg"] / row["supply_kg"]) > NOTABLE_SURPLUS_SHARE:
            facts: dict[str, Fact] = {"share": ("share", share)}
            money = _worth(row["surplus_kg"], prices.get(row["crop_id"]))
            yield Concern(
                "surplus", NOTE, facts, row["crop_id"], row["surplus_kg"], money, "/planting#balance"
            )


def _worth(kg: float, yuan_per_kg: float | None) -> float | None:
    return None if yuan_per_kg is None else kg * yuan_per_kg


def _shortage(
    row: dict[str, float | str], price: float | None, cause: tuple[str, str] | None
) -> Iterator[Concern]:
    crop, missing = str(row["crop_id"]), float(row["unserved_kg"])
    committed, supply, demand = float(row["committed_kg"]), float(row["supply_kg"]), float(row["demand_kg"])
    facts: dict[str, Fact]
    if committed > supply:
        facts = {"committed": ("weight", committed), "supply": ("weight", supply)}
        short = committed - supply
        yield Concern(
            "commitment", SERIOUS, facts, crop, short, _worth(short, price), "/planting#balance", cause
        )
    elif demand and missing / demand > NOTABLE_GAP_SHARE:
        facts = {"share": ("share", missing / demand)}
        yield Concern(
            "unserved", WARNING, facts, crop, missing, _worth(missing, price), "/planting#balance", cause
        )


def _sensors(release: Release) -> Iterator[Concern]:
    rows = runs.sensors(release)
    silent = rows.filter(pl.col("silent_hours") > SILENT_HOURS)["sensor_id"].n_unique()
    faulty = rows.filter(runs.has_fault())["sensor_id"].n_unique()
    if silent:
        facts: dict[str, Fact] = {"n": ("count", silent), "hours": ("hours", SILENT_HOURS)}
        yield Concern("silent", WARNING, facts, page="/fields#sensors")
    if faulty:
        yield Concern("faulty", NOTE, {"n": ("count", faulty)}, page="/fields#sensors")
