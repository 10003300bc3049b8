"""Answer people's what-ifs on the planting plan: the same planning code in a world with overrides, beside the plan as it is."""

from dataclasses import replace
from datetime import date
from time import perf_counter
from typing import Any

import polars as pl

from models.planning.imagine import BadOverride, Imagined, parse
from models.planning.mixing import LINE
from models.planning.problem import Infeasible, Stop
from pipelines.plan import NIGHTLY
from pipelines.plan_inputs import PlanInputs, plan_inputs
from pipelines.plan_made import Last, Made, make_plan
from pipelines.plan_solved import Asked, Record, solved, unrecorded, unsolved
from settings import Settings
from warehouse import Warehouse

ANSWERS, CROPS = "planting_whatif_answer", "planting_whatif_crop"
MEASURES = (
    "profit_yuan", "expected_yuan", "cvar_yuan", "service_share", "promise_share", "waste_kg", "unserved_kg",
    "labour_hours", "moved_mu",
)  # fmt: skip


def solve_whatifs(
    settings: Settings,
    warehouse: Warehouse,
    *,
    cutoff: date,
    run_id: str,
    stop: Stop = NIGHTLY,
    record: Record = unrecorded,
) -> int:
    """Answer every question known by the cutoff that has no answer yet; returns how many.

    Without a plan of the cutoff nothing is answered: the questions wait. An answer of this cutoff that is there stays. `record`
    is told of each solve.
    """
    answered = warehouse.sql(
        f"select distinct whatif_id from {ANSWERS} where cutoff <= $cutoff", cutoff=cutoff
    )
    asked = warehouse.read("planting_whatif", known_by=settings.known_by(cutoff))
    waiting = asked.join(answered, on="whatif_id", how="anti").sort("written_at", "whatif_id")
    base = _base(warehouse, cutoff)
    if waiting.is_empty() or base is None:
        return 0
    answers = [
        _answer(settings, warehouse, question, base, _asked(settings, question, cutoff, run_id, stop), record)
        for question in waiting.iter_rows(named=True)
    ]
    for table, place in ((ANSWERS, 0), (CROPS, 1)):
        before = warehouse.sql(f"select * from {table} where cutoff = $cutoff", cutoff=cutoff)
        new = pl.concat([a[place] for a in answers]).with_columns(run_id=pl.lit(run_id))
        kept = before.select(new.columns) if before.height else new.clear()
        warehouse.replace(table, pl.concat([kept, new], how="vertical_relaxed"), cutoff=cutoff)
    return waiting.height


Base = tuple[pl.DataFrame, dict[str, Any]]


def _base(warehouse: Warehouse, cutoff: date) -> Base | None:
    """The plan's lines, and its measures."""
    lines = warehouse.sql(
        "select * from planting_recommendation where cutoff = $cutoff order by all", cutoff=cutoff
    )
    plan = warehouse.sql("select * from planting_plan where cutoff = $cutoff", cutoff=cutoff)
    value = warehouse.sql("select * from planting_value where cutoff = $cutoff", cutoff=cutoff)
    if lines.is_empty() or value.is_empty():
        return None
    measures = {**plan.row(0, named=True), **value.row(0, named=True), "moved_mu": 0.0}
    measures["labour_hours"] = _hours(lines, warehouse.read("practice"))
    return lines.with_columns(pl.col("year", "season").cast(pl.Int64)), measures


def _answer(
    settings: Settings,
    warehouse: Warehouse,
    question: dict[str, Any],
    base: Base,
    asked: Asked,
    record: Record,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides of one question, and its crops."""
    lines, measures = base
    here = {"whatif_id": question["whatif_id"]}
    as_is = _row(here, "base", "solved", "", measures, 0)
    crops = pl.DataFrame(
        schema={"whatif_id": pl.String, "crop_id": pl.String, "base_mu": pl.Float64, "whatif_mu": pl.Float64}
    )
    began = perf_counter()
    try:
        inputs = _inputs(settings, warehouse, Imagined(parse(question["overrides_json"])), asked.cutoff)
    except BadOverride as bad:
        return pl.concat([as_is, _row(here, "whatif", "refused", str(bad), {}, None)]), crops
    try:
        made = make_plan(
            settings,
            warehouse,
            inputs,
            cutoff=asked.cutoff,
            run_id=asked.what,
            stop=asked.stop,
            last=Last(lines, (int(measures["last_year"]), 4)),
        )
    except Infeasible as nothing:
        record(unsolved(asked, inputs, str(nothing), perf_counter() - began))
        return pl.concat([as_is, _row(here, "whatif", "infeasible", str(nothing), {}, None)]), crops
    record(solved(asked, inputs, made, perf_counter() - began))
    moved = _moved(lines, made.plan.assignments)
    found = _measures(made, moved, inputs)
    notes = "; ".join(n for n in made.notes if n not in made.weighed.notes and "is left out" in n)
    anew = _row(here, "whatif", "solved", notes, found, moved.height)
    return pl.concat([as_is, anew]), _by_crop(lines, made.plan.assignments).with_columns(
        whatif_id=pl.lit(question["whatif_id"])
    )


def _asked(settings: Settings, question: dict[str, Any], cutoff: date, run_id: str, stop: Stop) -> Asked:
    title = f"what-if {cutoff}: {question['name']}"
    return Asked(question["whatif_id"], title, cutoff, run_id, settings.seed, stop)


def _inputs(settings: Settings, warehouse: Warehouse, imagined: Imagined, cutoff: date) -> PlanInputs:
    """The night's inputs in the imagined world; decisions on crops that fail there give way.

    Raises:
        BadOverride: An override names a crop that nobody knows.
    """
    if unknown := imagined.unknown_crops(warehouse.read("crop")):
        raise BadOverride(f"no crop '{unknown[0]}' is known; name one of table crop")
    inputs = plan_inputs(settings, warehouse, cutoff=cutoff, imagined=imagined)
    if inputs is None:
        raise BadOverride("there is nothing to plan: load plots and practices first")
    failed = imagined.failed(inputs.problem, inputs.params)
    others = inputs.problem.fixed.join(failed, on=LINE, how="anti")
    return replace(inputs, problem=replace(inputs.problem, fixed=pl.concat([others, failed])))


def _measures(made: Made, moved: pl.DataFrame, inputs: PlanInputs) -> dict[str, Any]:
    return {
        **made.value.row(0, named=True),
        "profit_yuan": made.report.profit_yuan,
        "labour_hours": _hours(made.plan.assignments, inputs.problem.practices),
        "moved_mu": float(moved["mu"].sum()) / 2,
    }


def _hours(lines: pl.DataFrame, practices: pl.DataFrame) -> float:
    """Hours of growing; practices whose hours are not known count none."""
    known = lines.join(practices.select("practice_id", "labour_hours_per_mu"), on="practice_id")
    return float((known["area_mu"] * known["labour_hours_per_mu"].fill_null(0.0)).sum())


def _moved(base: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Lines that stand otherwise, with the mu between."""
    both = base.select(*LINE, old="area_mu").join(
        new.select(*LINE, new="area_mu"), on=LINE, how="full", coalesce=True
    )
    difference = (pl.col("new").fill_null(0.0) - pl.col("old").fill_null(0.0)).abs()
    return both.with_columns(mu=difference).filter(pl.col("mu") > 1e-5)


def _by_crop(base: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    old, now = (f.group_by("crop_id").agg(mu=pl.sum("area_mu")) for f in (base, new))
    both = (
        old.join(now, on="crop_id", how="full", coalesce=True, suffix="_now").fill_null(0.0).sort("crop_id")
    )
    return both.select(pl.lit("").alias("whatif_id"), "crop_id", base_mu="mu", whatif_mu="mu_now")


def _row(
    here: dict[str, str],
    side: str,
    status: str,
    detail: str,
    measures: dict[str, Any],
    moved_lines: int | None,
) -> pl.DataFrame:
    values = {name: measures.get(name) for name in MEASURES}
    row = {**here, "side": side, "status": status, "detail": detail, **values, "moved_lines": moved_lines}
    overrides = {**dict.fromkeys(MEASURES, pl.Float64), "moved_lines": pl.Int64}
    return pl.DataFrame([row], schema_overrides=overrides)
