"""What a night's plan says otherwise than the last one: read that one, compare, and keep this night's facts."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from models.planning.changes import CHANGE_SCHEMA, FACT_SCHEMA, Before, Moved, changes, facts
from models.planning.problem import Params, Problem
from pipelines.plan_made import Last, Made
from warehouse import Warehouse


@dataclass(frozen=True)
class Former:
    """The last plan before a cutoff: what it said, what it rested on, when it was made."""

    before: Before
    cutoff: date

    def last(self, now: pl.DataFrame) -> Last:
        """What binds tonight: everything but plots with other land, warmth or decisions than then (`now`: tonight's facts)."""
        moved = Moved.between(self.before.facts, now)
        plots = set(moved.by_kind.get("field", {})) | {
            s.split("/")[0] for kind in ("decision", "cold_plot") for s in moved.by_kind.get(kind, {})
        }
        return Last(self.before.lines, self.before.until, frozenset(plots), stands=not moved.by_kind)

    def facts_to_keep(self, now: pl.DataFrame) -> pl.DataFrame:
        """Tonight's facts; those of the last plan while nothing moved, so that small steps add up to one that counts."""
        return now if Moved.between(self.before.facts, now).by_kind else self.before.facts


def former_plan(warehouse: Warehouse, *, cutoff: date) -> Former | None:
    """The newest plan with lines of an earlier cutoff, or None."""
    lines = warehouse.sql(
        "select * from planting_recommendation where cutoff < $cutoff qualify cutoff = max(cutoff) over () order by all",
        cutoff=cutoff,
    )
    if lines.is_empty():
        return None
    lines = lines.with_columns(pl.col("year", "season").cast(pl.Int64))
    day = lines["cutoff"][0]
    plan = warehouse.sql("select last_year from planting_plan where cutoff = $day", day=day)
    known = warehouse.sql(
        "select kind, subject, value, mark from planting_input where cutoff = $day", day=day
    )
    until = (int(plan["last_year"][0]) if plan.height else int(lines["year"].max()), 4)  # type: ignore[arg-type]
    return Former(Before(lines, known.cast(FACT_SCHEMA), until), day)


def changed(former: Former | None, made: Made, now: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Rows of `planting_change` without run and cutoff; none where there is no plan before."""
    if former is None:
        return pl.DataFrame(schema={"since": pl.Date, "rank": pl.Int64, **CHANGE_SCHEMA})
    crops = made.problem.crops.select("crop_id", "name_zh", "name_en")
    found = changes(
        former.before, made.plan.assignments, now,
        first=(params.first_year, params.first_season),
        names={r[0]: (r[1], r[2]) for r in crops.iter_rows()},
        frozen=made.frozen, kept=made.kept,
    )  # fmt: skip
    return found.with_columns(since=pl.lit(former.cutoff), rank=pl.int_range(1, pl.len() + 1))


def night_facts(problem: Problem) -> pl.DataFrame:
    """What a plan rests on, decisions of people included (models.planning.changes.facts)."""
    return facts(problem, problem.fixed)


def forget_old_facts(warehouse: Warehouse, *, former: Former | None) -> None:
    """Keep tonight's facts and those of the plan before."""
    if former is not None:
        warehouse.delete_before("planting_input", "cutoff", former.cutoff)
