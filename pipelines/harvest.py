"""The night's word on the harvest: field state, ready dates and kilograms, and how earlier words held."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from models.harvest.added import ALL, against_told, last_year_means, value_by_year
from models.harvest.field_days import calendar
from models.harvest.field_flags import SILENT_DAYS, field_levels
from models.harvest.learn import crop_table_stages, finished, learn
from models.harvest.outlook import Knowledge, Outlook, daily_kg, look_ahead
from models.harvest.yields import SEASON
from pipelines.cutting import plan_cutting
from pipelines.harvest_inputs import SENSOR_DAYS, HarvestInputs, guarded_plots, harvest_inputs
from pipelines.plan_inputs import SHELTERED
from settings import Settings
from warehouse import Warehouse

FIELD_DAYS = 14
AHEAD_DAYS = 240
"""How far a ready date is looked for."""
SHOWN_DAYS = 28
"""Days ahead for which kilograms are told day by day."""
PATHS = 200
STANDING_DAYS = 420
"""A planting without a cut for so long after sowing stands no more, whatever the records lack."""
OVERDUE_DAYS = 30
"""Ripe for longer than this and no cut on record: it is named, and nothing is expected of it."""


@dataclass(frozen=True)
class Foreseen:
    """What the night knows of the harvest; `over`: finished plantings, `outlook`: of those that stand."""

    inputs: HarvestInputs
    knowledge: Knowledge
    over: pl.DataFrame
    outlook: Outlook
    days: pl.DataFrame


def foresee_harvest(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str, now: datetime
) -> str:
    """Write field_state, harvest_outlook, harvest_day, harvest_value and harvest_actual of the cutoff, then the cutting plan
    (pipelines.cutting); one line for people.

    Without plots or plantings nothing is written. Without weather stages are not told and dates go by the calendar.
    """
    inputs = harvest_inputs(settings, warehouse, cutoff)
    if inputs.plots.is_empty():
        return "no plots"
    fields = field_states(inputs, cutoff)
    _write(warehouse, "field_state", fields, cutoff, run_id)
    silent = fields.filter(pl.col("day") == cutoff, pl.col("silent_days") >= SILENT_DAYS).height
    if inputs.plantings.is_empty():
        return f"{inputs.plots.height} plots, {silent} with silent sensors; no plantings on record"
    seen = foresee(inputs, cutoff, seed=settings.seed)
    table = outlook_table(seen, cutoff)
    _write(warehouse, "harvest_outlook", table, cutoff, run_id)
    late = table.filter("is_overdue").select(SEASON)
    _write(warehouse, "harvest_day", seen.days.join(late, on=SEASON, how="anti"), cutoff, run_id)
    value = value_by_year(seen.over)
    _write(warehouse, "harvest_value", value, cutoff, run_id)
    _write(warehouse, "harvest_actual", _actuals(warehouse, seen, cutoff), cutoff, run_id)
    known_by = settings.known_by(cutoff)
    planned = plan_cutting(
        settings, warehouse, cutoff=cutoff, run_id=run_id, now=now, fields=fields, known_by=known_by
    )
    soon = table.filter(
        pl.col("ready_p50") <= cutoff + timedelta(days=FIELD_DAYS), ~pl.col("is_overdue")
    ).height
    return (
        f"{inputs.plots.height} plots, {silent} with silent sensors; {table.height} plantings stand, {soon} to cut within "
        f"{FIELD_DAYS} days, {late.height} overdue{_added(value)}; {planned}"
    )


def field_states(inputs: HarvestInputs, cutoff: date) -> pl.DataFrame:
    """Flags per plot and day of the last FIELD_DAYS, columns of field_state.

    Plots with a sensor look back SENSOR_DAYS, so that a silent one's last word is still held against them. Under cover
    the stations' frost is no more than a watch: the cover keeps off a night or two, nobody knows how much.
    """
    standing = inputs.plantings.filter(pl.col("sown_on") > cutoff - timedelta(days=STANDING_DAYS))
    plots = guarded_plots(inputs.plots, standing, inputs.crops)
    heard = inputs.sensors["plot_id"].unique() if inputs.sensors.height else pl.Series([], dtype=pl.String)
    own = pl.col("plot_id").is_in(heard.to_list())
    parts = []
    for part, back in ((plots.filter(own), SENSOR_DAYS), (plots.filter(~own), FIELD_DAYS)):
        if part.height:
            days = calendar(cutoff - timedelta(days=back - 1), cutoff)
            parts.append(field_levels(part, inputs.sensors, inputs.stations, days))
    table = pl.concat(parts).filter(pl.col("day") > cutoff - timedelta(days=FIELD_DAYS))
    covered = inputs.plots.filter(pl.col("land_class").is_in(SHELTERED))["plot_id"].to_list()
    capped = pl.col("plot_id").is_in(covered) & (pl.col("source_frost") == "station")
    frost = pl.when(capped).then(pl.min_horizontal("level_frost", pl.lit(1))).otherwise("level_frost")
    kinds = [f"level_{k}" for k in ("frost", "heat", "water", "disease")]
    return (
        table.with_columns(level_frost=frost)
        .with_columns(level=pl.max_horizontal(kinds))
        .sort("plot_id", "day")
    )


def foresee(inputs: HarvestInputs, cutoff: date, *, seed: int) -> Foreseen:
    """Learn from what is over and look ahead for what stands."""
    stages = crop_table_stages(inputs.crops)
    past = inputs.temperatures
    knowledge = learn(inputs.plantings, inputs.cuts, past, stages, sheltered=SHELTERED)
    told = finished(inputs.plantings, inputs.cuts, past)
    standing = told.filter(
        ~pl.col("is_finished"), pl.col("sown_on") > cutoff - timedelta(days=STANDING_DAYS)
    ).sort(SEASON)
    outlook = look_ahead(
        standing, knowledge, past, inputs.forecast_c, observed=inputs.seen, sheltered=SHELTERED, days=AHEAD_DAYS,
        paths=PATHS, seed=seed,
    )  # fmt: skip
    days = daily_kg(outlook, knowledge.patterns, past.last, SHOWN_DAYS)
    return Foreseen(inputs, knowledge, told.filter("is_finished"), outlook, days)


def outlook_table(seen: Foreseen, cutoff: date) -> pl.DataFrame:
    """Columns of harvest_outlook, one row per planting that stands."""
    means = last_year_means(seen.over)
    late = ((pl.col("cuts") == 0) & (pl.col("ready_p90") < cutoff - timedelta(days=OVERDUE_DAYS))).fill_null(
        value=False
    )
    return (
        seen.outlook.plantings.join(means, on=["crop_id", "year"], how="left")
        .select(
            *SEASON, "practice_id", "place_id", "area_mu", "sown_on", "stage", "heat_c_d", "from_observed", "unknown_days",
            late.alias("is_overdue"), "cuts", "cut_kg", "first_cut_on", "last_cut_on", "ready_p10", "ready_p50", "ready_p90",
            "season_p10_kg", "season_p50_kg", "season_p90_kg", "season_expected_kg",
            last_year_kg=pl.col("last_year_kg_per_mu") * pl.col("area_mu"),
        )
        .sort(SEASON)
    )  # fmt: skip


def _actuals(warehouse: Warehouse, seen: Foreseen, cutoff: date) -> pl.DataFrame:
    told = warehouse.sql(
        "select plot_id, crop_id, year, season, min(cutoff) as told_on, arg_min(season_expected_kg, cutoff) as told_kg, "
        "arg_min(ready_p50, cutoff) as told_ready_on from harvest_outlook where cutoff <= $cutoff and cuts = 0 group by all",
        cutoff=cutoff,
    )
    reported = seen.inputs.reported.group_by(SEASON).agg(reported_kg=pl.col("kg").sum())
    plantings = pl.concat([seen.over, seen.outlook.plantings.select(seen.over.columns)])
    return against_told(
        plantings,
        told.with_columns(pl.col("year", "season").cast(pl.Int32)),
        reported,
        since_year=cutoff.year - 1,
    )


def _added(value: pl.DataFrame) -> str:
    whole = value.filter(pl.col("crop_id") == ALL).sort("year").tail(1)
    if whole.is_empty():
        return ""
    row = whole.row(0, named=True)
    return f"; yields of {row['year']} told {row['value_added']:+.0%} better than last year's mean"


def _write(warehouse: Warehouse, table: str, rows: pl.DataFrame, cutoff: date, run_id: str) -> None:
    warehouse.replace(table, rows.with_columns(run_id=pl.lit(run_id)), cutoff=cutoff)
