"""People and the plan: what accepted lines need by week, and what decisions were worth."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from models.planning.checker_money import balance_and_profit
from models.planning.decided import COLUMNS, SCORE_SCHEMA, Judged, decision_scores
from models.planning.supplies import supply_needs
from pipelines.plan_made import Made
from settings import Settings
from warehouse import Warehouse


def needs(settings: Settings, warehouse: Warehouse, made: Made, *, cutoff: date) -> pl.DataFrame:
    """Rows of `supply_need` without run and cutoff; a line is accepted when its newest answer is accept or change."""
    answers = latest_decisions(settings, warehouse, cutoff=cutoff)
    yes = answers.filter(pl.col("answer") != "refuse")["recommendation_id"].to_list()
    name = pl.format("{}/{}/{}/{}", "plot_id", "year", "season", "practice_id")
    return supply_needs(
        made.plan.assignments.with_columns(is_accepted=name.is_in(yes)),
        plots=made.problem.plots,
        practices=made.problem.practices,
        materials=warehouse.read("planting_material"),
        cutoff=cutoff,
    )


def latest_decisions(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """The newest answer to each recommendation known by the cutoff."""
    return (
        warehouse.read("decision", known_by=settings.known_by(cutoff))
        .sort("written_at", "decision_id")
        .unique("recommendation_id", keep="last", maintain_order=True)
    )


def scores(
    settings: Settings, warehouse: Warehouse, made: Made, *, cutoff: date, first: tuple[int, int]
) -> pl.DataFrame:
    """Rows of `planting_decision_score` without run and cutoff: decisions of planned and of recorded seasons.

    Ahead, tonight's plan and demand count. Of a season that is recorded, what was planted counts, at the yields that were cut
    of it where any were, against the demand of the last plan that knew the season.
    """
    decisions = latest_decisions(settings, warehouse, cutoff=cutoff)
    if decisions.is_empty():
        return pl.DataFrame(schema=SCORE_SCHEMA)
    asked = made.problem.demand
    ahead = Judged(
        "ahead", made.plan.assignments.select(COLUMNS), lambda x: _profit(_from(x, first), made, asked)
    )
    planted = _planted(settings, warehouse, cutoff)
    cut = _cut_yields(settings, warehouse, made, cutoff)

    def judged(place: dict[str, Any]) -> Judged | None:
        year, season = place["year"], place["season"]
        if (year, season) >= first:
            return ahead
        lines = planted.filter(year=year, season=season)
        if lines.is_empty():
            return None
        demand, yields = _last_demand(warehouse, cutoff, year, season), cut.get(year, made.problem.yields)
        return Judged(
            "past", lines, lambda x: _profit(x.filter(year=year, season=season), made, demand, yields)
        )

    plans: dict[date, pl.DataFrame | None] = {}

    def answered(decision: dict[str, Any]) -> pl.DataFrame | None:
        day = min(decision["written_at"].astimezone(settings.zone).date(), cutoff - timedelta(days=1))
        if day not in plans:
            plans[day] = _plan_by(warehouse, day)
        return plans[day]

    return decision_scores(decisions, answered, judged)


def _from(lines: pl.DataFrame, first: tuple[int, int]) -> pl.DataFrame:
    return lines.filter(pl.col("year") * 10 + pl.col("season") >= first[0] * 10 + first[1])


def _profit(
    lines: pl.DataFrame, made: Made, demand: pl.DataFrame, yields: pl.DataFrame | None = None
) -> float:
    problem = made.problem
    known = lines.join(problem.practices, on="practice_id", how="semi")
    return balance_and_profit(
        list(known.iter_rows(named=True)), problem.practices, problem.yields if yields is None else yields, demand,
        surplus="salvage",
    )[1]  # fmt: skip


def _plan_by(warehouse: Warehouse, day: date) -> pl.DataFrame | None:
    """Lines of the newest plan made by a day."""
    lines = warehouse.sql(
        "select * from planting_recommendation where cutoff <= $day qualify cutoff = max(cutoff) over () order by all",
        day=day,
    )
    return (
        lines.with_columns(pl.col("year", "season").cast(pl.Int64)).select(COLUMNS) if lines.height else None
    )


def _planted(settings: Settings, warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    rows = warehouse.read("planting", known_by=settings.known_by(cutoff))
    known = rows.filter(pl.col("area_mu") > 0).drop_nulls("practice_id")
    return known.with_columns(pl.col("year", "season").cast(pl.Int64)).select(COLUMNS)


def _last_demand(warehouse: Warehouse, cutoff: date, year: int, season: int) -> pl.DataFrame:
    return warehouse.sql(
        "select crop_id, year, season, demand_kg, committed_kg, demand_source from planting_balance "
        "where cutoff < $cutoff and year = $year and season = $season qualify cutoff = max(cutoff) over () order by all",
        cutoff=cutoff,
        year=year,
        season=season,
    )


def _cut_yields(
    settings: Settings, warehouse: Warehouse, made: Made, cutoff: date
) -> dict[int, pl.DataFrame]:
    """Per year the yields that its harvests imply: usual ones times kg cut per kg usual, crop by crop where any was cut."""
    cut = (
        warehouse.read("harvest_event", known_by=settings.known_by(cutoff))
        .group_by("plot_id", "crop_id", year=pl.col("harvested_at").dt.year().cast(pl.Int64))
        .agg(pl.sum("harvested_kg"))
    )
    usual = (
        _planted(settings, warehouse, cutoff)
        .drop("crop_id")
        .join(made.problem.yields.select("practice_id", "crop_id", "yield_kg_per_mu"), on="practice_id")
        .group_by("plot_id", "crop_id", "year")
        .agg(usual_kg=(pl.col("area_mu") * pl.col("yield_kg_per_mu")).sum())
    )
    ratio = (
        cut.join(usual, on=["plot_id", "crop_id", "year"])
        .group_by("crop_id", "year")
        .agg(ratio=pl.col("harvested_kg").sum() / pl.col("usual_kg").sum())
    )
    return {
        key[0]: made.problem.yields.join(
            part.select("crop_id", "ratio"), on="crop_id", how="left"
        ).with_columns(pl.col("yield_kg_per_mu") * pl.col("ratio").fill_null(1.0))
        for key, part in ratio.group_by("year")
    }
