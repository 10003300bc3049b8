"""What a plan says otherwise than the one before it, line by line, and what changed in the world to make it so."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from models.planning import wording_changes as words
from models.planning.mixing import LINE
from models.planning.problem import Problem
from models.planning.reasons import recommendation_ids

Row = dict[str, Any]
FACT_SCHEMA = pl.Schema({"kind": pl.String, "subject": pl.String, "value": pl.Float64, "mark": pl.String})
CHANGE_SCHEMA = pl.Schema(
    {
        "recommendation_id": pl.String, "plot_id": pl.String, "practice_id": pl.String, "crop_id": pl.String,
        "year": pl.Int64, "season": pl.Int64, "old_mu": pl.Float64, "new_mu": pl.Float64, "change_kg": pl.Float64,
        "change_yuan": pl.Float64, "cause": pl.String, "text_zh": pl.String, "text_en": pl.String,
    }
)  # fmt: skip
LEAST_SHARE = 0.005
"""A demand, price or cost that moved by less than this share of itself explains nothing."""
LEAST_MU = 1e-5


def facts(problem: Problem, decided: pl.DataFrame) -> pl.DataFrame:
    """What a plan rests on, as rows that two nights can be compared by: kind, subject, value, mark.

    Kinds: demand (crop/year/season: kg), cost (practice: yuan a mu), price and yield (practice/crop), cold (a practice that does
    not ripen), cold_plot (plot/practice: °C by which the plot is too cold for it), field (plot: mu; mark: land class and what stood on it), decision (plot/practice/year/season: mu; `decided`
    as Problem.fixed).
    """
    per = pl.format("{}/{}", "practice_id", "crop_id")
    row = pl.format("{}/{}/{}", "crop_id", "year", "season")
    stood = problem.history.filter(pl.col("area_mu") > 0).with_columns(
        line=pl.format("{}/{}/{}/{}", "year", "season", "crop_id", pl.col("area_mu").round(3))
    )
    marks = {
        plot_id: sha256(";".join(sorted(lines)).encode()).hexdigest()[:12]
        for plot_id, lines in stood.group_by("plot_id").agg("line").iter_rows()
    }
    land = problem.plots.with_columns(
        mark=pl.format(
            "{}/{}", "land_class", pl.col("plot_id").replace_strict(marks, default="", return_dtype=pl.String)
        )
    )
    cold = pl.DataFrame({"subject": sorted(problem.unripe)}, schema={"subject": pl.String})
    parts = [
        _rows("demand", problem.demand, row, "demand_kg"),
        _rows("cost", problem.practices, pl.col("practice_id"), "cost_yuan_per_mu"),
        _rows("price", problem.yields, per, "price_yuan_per_kg"),
        _rows("yield", problem.yields, per, "yield_kg_per_mu"),
        _rows("cold", cold.with_columns(one=pl.lit(1.0)), pl.col("subject"), "one"),
        _rows("cold_plot", _barred(problem), pl.col("subject"), "value"),
        _rows("field", land, pl.col("plot_id"), "area_mu", pl.col("mark")),
        _rows("decision", decided, recommendation_ids(), "max_mu"),
    ]
    return pl.concat(parts).sort("kind", "subject")


def _barred(problem: Problem) -> pl.DataFrame:
    rows = [(f"{plot_id}/{practice_id}", offset) for (plot_id, practice_id), offset in problem.barred.items()]
    return pl.DataFrame(rows, schema={"subject": pl.String, "value": pl.Float64}, orient="row")


def _rows(
    kind: str, frame: pl.DataFrame, subject: pl.Expr, value: str, mark: pl.Expr | None = None
) -> pl.DataFrame:
    chosen = frame.select(
        kind=pl.lit(kind),
        subject=subject,
        value=pl.col(value).cast(pl.Float64),
        mark=pl.lit("") if mark is None else mark,
    )
    return chosen.cast(FACT_SCHEMA)


@dataclass(frozen=True)
class Moved:
    """Facts that differ between two nights: kind → subject → (before, now); None: not there."""

    by_kind: Mapping[str, Mapping[str, tuple[float | None, float | None]]]

    @classmethod
    def between(cls, before: pl.DataFrame, now: pl.DataFrame) -> "Moved":
        """Compare two frames of facts."""
        both = before.join(now, on=["kind", "subject"], how="full", coalesce=True, suffix="_now")
        found: dict[str, dict[str, tuple[float | None, float | None]]] = {}
        for kind, subject, old, mark, new, mark_now in both.iter_rows():
            small = (
                old is not None
                and new is not None
                and abs(new - old) <= LEAST_SHARE * max(abs(old), abs(new))
            )
            if not small or mark != mark_now:
                found.setdefault(kind, {})[subject] = (old, new)
        return cls(found)

    def of(self, kind: str, subject: str) -> tuple[float | None, float | None] | None:
        """Before and now, or None where nothing moved."""
        return self.by_kind.get(kind, {}).get(subject)


@dataclass(frozen=True)
class Before:
    """The plan before: its lines with expected_kg and expected_profit_yuan, its facts, and the last season it covered."""

    lines: pl.DataFrame
    facts: pl.DataFrame
    until: tuple[int, int]


def changes(
    before: Before,
    lines: pl.DataFrame,
    now: pl.DataFrame,
    *,
    first: tuple[int, int],
    names: Mapping[str, tuple[str, str]],
    frozen: pl.DataFrame,
    kept: Mapping[str, float],
) -> pl.DataFrame:
    """Lines that differ from the plan before, each with the cause nearest to it, and lines that stand for a reason.

    Args:
        before: The plan before.
        lines: This plan's (Plan.assignments).
        now: Its facts.
        first: First year and season planned now.
        names: Chinese and English of each crop.
        frozen: Areas that stand because they are sown soon (steady.frozen_areas).
        kept: Per plot left as it was: what the new plan would have gained there (yuan, ≥ 0).

    Returns:
        CHANGE_SCHEMA, the largest yuan first. Causes: decision, field_state, horizon (the season has passed or is new),
        price_cost, demand, knock_on (demand or prices elsewhere moved land); frozen and kept: the area is as before.
    """
    moved = Moved.between(before.facts, now)
    old = _keyed(before.lines).rename(
        {"area_mu": "old_mu", "expected_kg": "old_kg", "expected_profit_yuan": "old_yuan"}
    )
    new = _keyed(lines).rename(
        {"area_mu": "new_mu", "expected_kg": "new_kg", "expected_profit_yuan": "new_yuan"}
    )
    both = old.join(new, on=[*LINE, "crop_id"], how="full", coalesce=True).with_columns(
        pl.col("old_mu", "old_kg", "old_yuan", "new_mu", "new_kg", "new_yuan").fill_null(0.0)
    )
    differ = both.filter((pl.col("new_mu") - pl.col("old_mu")).abs() > LEAST_MU).sort(LINE)
    teller = _Teller(moved, before.until, first, names, _partners(differ))
    rows = [_change(r, *teller.cause(r)) for r in differ.iter_rows(named=True)]
    same = both.filter((pl.col("new_mu") - pl.col("old_mu")).abs() <= LEAST_MU).sort(LINE)
    stands = set(frozen.filter(pl.col("max_mu") > 0).select(LINE).iter_rows())
    for r in same.iter_rows(named=True):
        if tuple(r[c] for c in LINE) in stands:
            rows.append(_change(r, "frozen", *words.frozen(names[r["crop_id"]], r["new_mu"])))
        elif r["plot_id"] in kept:
            rows.append(_change(r, "kept", *words.kept(names[r["crop_id"]], kept[r["plot_id"]])))
    found = pl.DataFrame(rows, schema=CHANGE_SCHEMA, orient="row")
    weight = (pl.col("new_mu") - pl.col("old_mu")).abs() > LEAST_MU
    return found.sort(
        weight, pl.col("change_yuan").abs(), "recommendation_id", descending=[True, True, False]
    )


def _keyed(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select(
        "plot_id", "practice_id", "crop_id", pl.col("year", "season").cast(pl.Int64), "area_mu", "expected_kg",
        "expected_profit_yuan",
    )  # fmt: skip


def _partners(differ: pl.DataFrame) -> dict[tuple[str, int], list[Row]]:
    """Per plot and year the lines that changed: what took land from each other."""
    found: dict[tuple[str, int], list[Row]] = {}
    for r in differ.iter_rows(named=True):
        found.setdefault((r["plot_id"], r["year"]), []).append(r)
    return found


def _change(r: Row, cause: str, text_zh: str, text_en: str) -> tuple[object, ...]:
    name = f"{r['plot_id']}/{r['year']}/{r['season']}/{r['practice_id']}"
    return (
        name, r["plot_id"], r["practice_id"], r["crop_id"], r["year"], r["season"], r["old_mu"], r["new_mu"],
        r["new_kg"] - r["old_kg"], r["new_yuan"] - r["old_yuan"], cause, text_zh, text_en,
    )  # fmt: skip


@dataclass(frozen=True)
class _Teller:
    moved: Moved
    until: tuple[int, int]
    first: tuple[int, int]
    names: Mapping[str, tuple[str, str]]
    partners: Mapping[tuple[str, int], list[Row]]

    def cause(self, r: Row) -> tuple[str, str, str]:
        """The cause nearest to a line: its plot's decisions, its land, the calendar, its money, its demand, those of others."""
        here = (r["year"], r["season"])
        decisions = {s for s in self.moved.by_kind.get("decision", {}) if s.split("/")[0] == r["plot_id"]}
        if decisions:
            return "decision", *words.decision()
        if self.moved.of("field", r["plot_id"]):
            return "field_state", *words.field()
        if cold := self.moved.of("cold", r["practice_id"]):
            return "field_state", *words.cold(is_cold=cold[1] is not None)
        if told := self._cold_plot(r):
            return "field_state", *told
        if here < self.first:
            return "horizon", *words.passed(*here)
        if here > self.until:
            return "horizon", *words.entered(*here)
        near = [r, *(p for p in self.partners[r["plot_id"], r["year"]] if p is not r)]
        return self._money(near) or self._demand(near) or self._elsewhere()

    def _cold_plot(self, r: Row) -> tuple[str, str] | None:
        """What the plot's sensors bar or no longer bar: this line first, else another use of the plot."""
        here = {
            subject.split("/", 1)[1]: moved
            for subject, moved in self.moved.by_kind.get("cold_plot", {}).items()
            if subject.split("/", 1)[0] == r["plot_id"]
        }
        if not here:
            return None
        practice_id = r["practice_id"] if r["practice_id"] in here else min(here)
        return words.cold_plot(practice_id, *here[practice_id])

    def _money(self, near: list[Row]) -> tuple[str, str, str] | None:
        for p in near:
            for kind in ("price", "cost", "yield"):
                subject = p["practice_id"] if kind == "cost" else f"{p['practice_id']}/{p['crop_id']}"
                if found := self.moved.of(kind, subject):
                    return "price_cost", *words.money(self.names[p["crop_id"]], kind, *found)
        return None

    def _demand(self, near: list[Row]) -> tuple[str, str, str] | None:
        found = {
            (p["crop_id"], p["year"], p["season"]): moved
            for p in near
            if (moved := self.moved.of("demand", f"{p['crop_id']}/{p['year']}/{p['season']}"))
        }
        if not found:
            return None
        (crop_id, year, season), moved = next(iter(found.items()))
        return "demand", *words.demand(self.names[crop_id], year, season, *moved)

    def _elsewhere(self) -> tuple[str, str, str]:
        """The demand that moved most, else that something did."""
        moved = self.moved.by_kind.get("demand", {})
        if not moved:
            return "knock_on", *words.elsewhere()
        subject = max(sorted(moved), key=lambda s: abs((moved[s][1] or 0.0) - (moved[s][0] or 0.0)))
        crop_id, year, season = subject.rsplit("/", 2)
        return "knock_on", *words.demand(
            self.names.get(crop_id, (crop_id, crop_id)),
            int(year),
            int(season),
            *moved[subject],
            elsewhere=True,
        )
