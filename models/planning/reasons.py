"""Why each line of a plan stands there, and why demand stays unserved: frames of sentences with their value in yuan."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from models.planning import wording
from models.planning.activities import Activities, spread
from models.planning.alternatives import Alternative, alternatives
from models.planning.problem import Params, Plan, Problem
from models.planning.unserved import unserved_causes
from models.planning.wording import Texts

Row = dict[str, Any]
REASON_SCHEMA = pl.Schema(
    {
        "recommendation_id": pl.String, "rank": pl.Int64, "kind": pl.String, "text_zh": pl.String, "text_en": pl.String,
        "value_yuan": pl.Float64,
    }
)  # fmt: skip
LEAST_YUAN = 0.005


@dataclass(frozen=True)
class Freshness:
    """How old the facts behind a plan are, as one phrase in each language."""

    text_zh: str
    text_en: str


def recommendation_ids() -> pl.Expr:
    """plot/year/season/practice: the same line has the same id night after night."""
    return pl.format("{}/{}/{}/{}", "plot_id", "year", "season", "practice_id")


def explain(problem: Problem, params: Params, plan: Plan, freshness: Freshness) -> pl.DataFrame:
    """The reasons of every line, most telling first, then of every unserved demand.

    Kinds: limit (what holds the line; shadow price per mu, or per kg for demand), next_best (what the land's next use would
    lose in all), demand (what the line serves), freshness; 'unserved' under the id unserved/crop/year/season (yuan that one
    kg more would cost).

    Returns:
        recommendation_id, rank (from 1 within an id), kind, text_zh, text_en, value_yuan (null: none).
    """
    acts = spread(problem, params)
    facts = _Facts.of(problem, params, acts, plan)
    others = alternatives(problem, params, acts, plan)
    rows: list[tuple[str, int, str, str, str, float | None]] = []
    lines = plan.assignments.with_columns(recommendation_id=recommendation_ids())
    for line in lines.iter_rows(named=True):
        best, barred = others[line["plot_id"], line["practice_id"], line["year"], line["season"]]
        found = list(_limits(line, facts, barred))
        found += _next_best(line, facts, best)
        found.append(("demand", *_served(line, facts), None))
        found.append(("freshness", *wording.freshness(freshness.text_zh, freshness.text_en), None))
        rows += [(line["recommendation_id"], rank, *reason) for rank, reason in enumerate(found, start=1)]
    for crop_id, year, season, texts, value in unserved_causes(problem, acts, plan, facts.names):
        rows.append((f"unserved/{crop_id}/{year}/{season}", 1, "unserved", *texts, value))
    return pl.DataFrame(rows, schema=REASON_SCHEMA, orient="row")


@dataclass(frozen=True)
class _Facts:
    """Look-ups for the sentences."""

    names: dict[str, Texts]
    classes: dict[str, str]
    land: dict[tuple[str, int, int], float]
    demand: dict[tuple[str, int, int], float]
    legume: dict[str, list[tuple[int, float]]]
    share: dict[tuple[str, str, int, int], float]
    asked: dict[tuple[str, int, int], Row]
    settled: frozenset[tuple[str, str, int, int]]
    group: dict[str, str]
    legumes: frozenset[str]
    params: Params

    @classmethod
    def of(cls, problem: Problem, params: Params, acts: Activities, plan: Plan) -> "_Facts":
        prices = {
            kind: plan.limits.filter((pl.col("kind") == kind) & (pl.col("price_yuan").abs() > LEAST_YUAN))
            for kind in ("land", "demand", "legume", "share_low")
        }
        legume: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for r in prices["legume"].iter_rows(named=True):
            legume[r["plot_id"]].append((r["year"], -r["price_yuan"]))
        name = "crop_id" if params.rotate_by == "crop" else "family"
        return cls(
            names={r[0]: (r[1], r[2]) for r in problem.crops.select("crop_id", "name_zh", "name_en").iter_rows()},
            classes=dict(problem.plots.select("plot_id", "land_class").iter_rows()),
            land={(r["plot_id"], r["year"], r["season"]): r["price_yuan"] for r in prices["land"].iter_rows(named=True)},
            demand={(r["crop_id"], r["year"], r["season"]): r["price_yuan"] for r in prices["demand"].iter_rows(named=True)},
            legume=legume,
            share={
                (r["plot_id"], r["crop_id"], r["year"], r["season"]): -r["price_yuan"]
                for r in prices["share_low"].iter_rows(named=True)
            },
            asked={(r["crop_id"], r["year"], r["season"]): r for r in plan.balance.iter_rows(named=True)},
            settled=frozenset(
                problem.fixed.filter(pl.col("min_mu") > 0).select("plot_id", "practice_id", "year", "season").rows()
            ),
            group=dict(problem.crops.select("crop_id", pl.col(name).alias("group")).iter_rows()),
            legumes=frozenset(problem.crops.filter("is_legume")["crop_id"]),
            params=params,
        )  # fmt: skip


def _limits(
    line: Row, facts: _Facts, barred: Alternative | None
) -> Iterator[tuple[str, str, str, float | None]]:
    """What holds the line where it is, the dearest first."""
    found = [*_settled_or_promised(line, facts), *_land_and_demand(line, facts), *_rules(line, facts)]
    ranked = [reason for _, reason in sorted(found, key=lambda f: -f[0])]
    if not ranked:
        ranked = [(*wording.land_free(line["year"], line["season"]), None)]
    if barred is not None and barred.gain_yuan > 1.0 and barred.crop_id:
        texts = wording.rotation(facts.names[barred.crop_id], barred.gain_yuan, barred.forbidden_by)
        ranked.append((*texts, barred.gain_yuan))
    yield from (("limit", *reason) for reason in ranked)


Weighed = tuple[float, tuple[str, str, float | None]]
FIRST = 1e12


def _settled_or_promised(line: Row, facts: _Facts) -> Iterator[Weighed]:
    if (line["plot_id"], line["practice_id"], line["year"], line["season"]) in facts.settled:
        yield FIRST, (*wording.settled(), None)
    asked = facts.asked.get((line["crop_id"], line["year"], line["season"]))
    if asked and asked["committed_kg"] > 0:
        yield 0.0, (*wording.committed(facts.names[line["crop_id"]], asked["committed_kg"]), None)


def _land_and_demand(line: Row, facts: _Facts) -> Iterator[Weighed]:
    span = range(line["season"], line["last_season"] + 1)
    land = sum(facts.land.get((line["plot_id"], line["year"], s), 0.0) for s in span)
    if land > LEAST_YUAN:
        class_name = facts.classes[line["plot_id"]]
        yield land, (*wording.land_full(class_name, line["year"], line["season"], land), land)
    key = (line["crop_id"], line["year"], line["season"])
    per_kg = facts.demand.get(key, 0.0)
    asked = facts.asked[key]
    if not asked["demand_kg"]:
        yield 0.0, (*wording.no_demand(facts.names[line["crop_id"]]), None)
    elif asked["surplus_kg"] > 0.01 * asked["supply_kg"]:
        texts = wording.over_demand(facts.names[line["crop_id"]], asked["demand_kg"], asked["surplus_kg"])
        yield 0.0, (*texts, None)
    elif per_kg > LEAST_YUAN:
        per_mu = per_kg * line["expected_kg"] / line["area_mu"]
        texts = wording.demand_met(facts.names[line["crop_id"]], asked["demand_kg"], per_kg)
        yield per_mu, (*texts, per_kg)


def _rules(line: Row, facts: _Facts) -> Iterator[Weighed]:
    if line["crop_id"] in facts.legumes:
        years = facts.params.legume_years
        cost = sum(
            p
            for to_year, p in facts.legume.get(line["plot_id"], [])
            if to_year - years < line["year"] <= to_year
        )
        if cost > LEAST_YUAN:
            yield cost, (*wording.legume_kept(cost), cost)
    group = facts.group[line["crop_id"]]
    least = facts.share.get((line["plot_id"], group, line["year"], line["season"]), 0.0)
    if least > LEAST_YUAN:
        yield least, (*wording.share_kept(facts.params.min_share, least), least)


def _next_best(
    line: Row, facts: _Facts, best: Alternative | None
) -> list[tuple[str, str, str, float | None]]:
    if best is None:
        return []
    crop = facts.names[best.crop_id] if best.crop_id else ("休耕", "fallow")
    loss = -best.gain_yuan
    return [("next_best", *wording.next_best(crop, loss / line["area_mu"], loss), loss)]


def _served(line: Row, facts: _Facts) -> Texts:
    asked = facts.asked.get(
        (line["crop_id"], line["year"], line["season"]), {"demand_kg": 0.0, "demand_source": "none"}
    )
    return wording.demand_served(
        facts.names[line["crop_id"]], line["expected_kg"], asked["demand_kg"], line["year"], line["season"],
        asked["demand_source"],
    )  # fmt: skip
