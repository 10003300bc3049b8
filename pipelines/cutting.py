"""The cutting plan of the night, and of an hour that left its band: solved, told with reasons, written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
import polars.selectors as cs

from models.harvest.cutting import plan_cuts
from models.harvest.cutting_problem import CutPlan
from models.harvest.cutting_told import reasons, recommended, shortfalls
from pipelines.cutting_inputs import Cutting, cutting_inputs
from settings import Settings
from warehouse import Warehouse

NIGHT, HOUR = "night", "hour"
TIME_LIMIT_S = 20.0
DECIMALS = 3
TABLES = (
    "cutting_plan", "harvest_recommendation", "harvest_reason", "harvest_serve", "harvest_shortfall", "harvest_load",
    "harvest_trigger", "harvest_change",
)  # fmt: skip
THREATS = ("frost", "heat", "water", "disease")


@dataclass(frozen=True)
class Hour:
    """What an hour knows beside the night: orders of the day so far (queries/open_orders.sql), kg cut today per plot and crop."""

    ordered: pl.DataFrame
    cut_today: pl.DataFrame


def plan_cutting(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str, now: datetime, fields: pl.DataFrame,
    known_by: datetime, hour: Hour | None = None,
) -> str:  # fmt: skip
    """Solve and write the tables of the cutting plan in place of the cutoff's former rows; one line for people.

    Args:
        fields: field_state rows; the newest day of a plot counts. What frost or heat has struck is cut within a day or lost.
        hour: None: the night's own plan.
    """
    for table in TABLES:
        warehouse.replace(table, warehouse.read(table).clear(), cutoff=cutoff)
    ripe = _ripe(warehouse, cutoff, fields, hour)
    asked = cutting_inputs(
        settings, warehouse, ripe, cutoff=cutoff, known_by=known_by, ordered=hour.ordered if hour else None
    )
    if asked is None:
        return "no cutting plan: nothing ripens, or no crew or no cold room is known"
    plan = plan_cuts(asked.problem, asked.params, seed=settings.seed, time_limit_s=TIME_LIMIT_S)
    tables = _tables(asked, plan, fields, cause=HOUR if hour else NIGHT, now=now)
    for name, rows in tables.items():
        written = rows.with_columns(cs.float().round(DECIMALS), run_id=pl.lit(run_id))
        warehouse.replace(name, written, cutoff=cutoff)
    return _said(tables["cutting_plan"].row(0, named=True), tables["harvest_shortfall"], plan)


def _ripe(warehouse: Warehouse, cutoff: date, fields: pl.DataFrame, hour: Hour | None) -> pl.DataFrame:
    """plot_id, crop_id, ripe_on, ripe_kg of tonight's outlook, less what was cut today."""
    first = cutoff + timedelta(days=1)
    rows = warehouse.sql(
        "select plot_id, crop_id, forecast_date as ripe_on, sum(expected_kg) as ripe_kg from harvest_day "
        "where cutoff = $cutoff group by all order by all",
        cutoff=cutoff,
    )
    if hour is not None:
        cut = hour.cut_today.with_columns(ripe_on=pl.lit(first))
        rows = rows.join(cut, on=["plot_id", "crop_id", "ripe_on"], how="left").with_columns(
            ripe_kg=(pl.col("ripe_kg") - pl.col("cut_kg").fill_null(0.0)).clip(lower_bound=0.0)
        )
    struck = _newest(fields).filter((pl.col("level_frost") == 2) | (pl.col("level_heat") == 2))["plot_id"]
    is_struck = pl.col("plot_id").is_in(struck.to_list()) & (pl.col("ripe_on") == first)
    return rows.select("plot_id", "crop_id", "ripe_on", "ripe_kg", is_struck=is_struck).filter(
        pl.col("ripe_kg") > 0
    )


def _newest(fields: pl.DataFrame) -> pl.DataFrame:
    return fields.sort("day").unique("plot_id", keep="last", maintain_order=True)


def _tables(
    asked: Cutting, plan: CutPlan, fields: pl.DataFrame, *, cause: str, now: datetime
) -> dict[str, pl.DataFrame]:
    problem = asked.problem
    cuts = recommended(plan, problem)
    newest = _newest(fields).select("plot_id", *(pl.col(f"level_{k}").alias(k) for k in THREATS))
    levels: Mapping[str, Mapping[str, int]] = {
        r["plot_id"]: {k: r[k] for k in THREATS} for r in newest.iter_rows(named=True)
    }
    serves = plan.serves.join(
        problem.orders.select("order_id", "region_id", "is_promised"), on="order_id", how="left"
    )
    return {
        "cutting_plan": _whole(asked, plan, cause, now),
        "harvest_recommendation": cuts.drop("hours_to_table"),
        "harvest_reason": reasons(cuts, problem, plan.crew_days, levels),
        "harvest_serve": _named(serves, asked),
        "harvest_shortfall": _named(shortfalls(plan, problem), asked),
        "harvest_load": _loads(plan),
    }


def _whole(asked: Cutting, plan: CutPlan, cause: str, now: datetime) -> pl.DataFrame:
    orders = asked.problem.orders
    promised = orders.filter("is_promised").select("order_id", "order_kg")
    kept = plan.serves.join(promised, on="order_id", how="semi")["served_kg"].sum()
    row = {
        "written_at": now, "first_day": asked.problem.first_day, "days": asked.params.days, "cause": cause,
        "status": plan.status, "value_yuan": plan.value_yuan, "bound_yuan": plan.bound_yuan, "gap": plan.gap,
        "cut_kg": float(plan.cuts["cut_kg"].sum()), "promised_kg": float(promised["order_kg"].sum()), "kept_kg": float(kept),
        "note": "; ".join(asked.notes),
    }  # fmt: skip
    return pl.DataFrame([row])


def _named(rows: pl.DataFrame, asked: Cutting) -> pl.DataFrame:
    """`grade` as people name it; a rank without a name is no grade."""
    grades = [asked.names.get((c, g or "")) for c, g in rows.select("crop_id", "grade").iter_rows()]
    return rows.with_columns(grade=pl.Series(grades, dtype=pl.String))


def _loads(plan: CutPlan) -> pl.DataFrame:
    crews = plan.crew_days.select(
        "day", pl.lit("crew").alias("kind"), pl.col("crew_id").alias("subject_id"), pl.col("used_hours").alias("used"),
        pl.col("limit_hours").alias("limit_of"), pl.lit(None, pl.Float64).alias("shipped_kg"),
    )  # fmt: skip
    rooms = plan.room_days.select(
        "day", pl.lit("cold_room").alias("kind"), pl.col("cold_room_id").alias("subject_id"),
        pl.col("stored_kg").alias("used"), pl.col("capacity_kg").alias("limit_of"), "shipped_kg",
    )  # fmt: skip
    return pl.concat([crews, rooms]).sort("day", "kind", "subject_id")


def _said(whole: dict[str, object], short: pl.DataFrame, plan: CutPlan) -> str:
    asked, kept = float(str(whole["promised_kg"])), float(str(whole["kept_kg"]))
    share = kept / asked if asked else math.nan
    word = f"{share:.0%} of {asked:,.0f} kg promised kept" if asked else "nothing promised"
    lost = float(short.filter(pl.col("kind") == "ripe")["kg"].sum())
    return (
        f"cutting plan {whole['status']} in {plan.seconds:.1f} s, gap {plan.gap:.1%}: "
        f"{plan.cuts['cut_kg'].sum():,.0f} kg to cut, {word}, {lost:,.0f} kg ripe lost"
    )
