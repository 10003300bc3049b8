"""People and the plan: what is needed by week, and what decisions turned out to be worth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from models.planning.supplies import supply_needs

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.pipelines.conftest import Farm

FIRST = date(2025, 12, 31)
NEXT = FIRST + timedelta(days=1)
MATERIAL = "practice_id,item,quantity_per_mu,unit,weeks_before,source\nleek-1,seedling,2000,pieces,1,test\nkale-1,seed,0.1,kg,4,test\n"


def needs_of(**window: object) -> pl.DataFrame:
    """Needs of 7 mu of one line sown from 1 March 2026 (a Sunday) for two weeks, as seen on 31 December 2025."""
    practice = {"practice_id": "leek-1", "crop_id": "leek", "season": 1, "labour_hours_per_mu": None}
    practice |= {"sow_from_doy": 60, "sow_to_doy": 73, "sell_from_doy": 101} | window
    return supply_needs(
        pl.DataFrame({
            "plot_id": ["N1"], "practice_id": "leek-1", "crop_id": "leek", "year": 2026, "season": 1, "area_mu": 7.0,
            "is_accepted": True,
        }),
        plots=pl.DataFrame({"plot_id": ["N1"], "place_id": ["va"]}),
        practices=pl.DataFrame([practice], schema_overrides={"labour_hours_per_mu": pl.Float64}),
        materials=pl.DataFrame({
            "practice_id": ["leek-1"], "item": "seed", "quantity_per_mu": 2.0, "unit": "kg", "weeks_before": 1,
        }),
        cutoff=FIRST,
    )  # fmt: skip


def test_seed_is_there_a_week_before_each_weeks_sowing() -> None:
    assert needs_of().select("week_start", "village_id", "item", "quantity", "unit").rows() == [
        (date(2026, 2, 16), "va", "seed", pytest.approx(1.0), "kg"),
        (date(2026, 2, 23), "va", "seed", pytest.approx(7.0), "kg"),
        (date(2026, 3, 2), "va", "seed", pytest.approx(6.0), "kg"),
    ]


def test_hours_are_spread_from_sowing_to_the_first_sale() -> None:
    labour = needs_of(labour_hours_per_mu=6.0).filter(item="labour")
    assert labour["quantity"].sum() == pytest.approx(42.0)
    assert (labour["week_start"].min(), labour["week_start"].max()) == (date(2026, 2, 23), date(2026, 4, 6))


def test_the_list_of_a_plan_tells_accepted_lines_from_others(farm: Farm) -> None:
    farm.fill(planting_material=MATERIAL)
    farm.forecast(60.0, 40.0)
    farm.plan()
    line = farm.of("planting_recommendation").filter(year=2026, practice_id="leek-1").row(0, named=True)
    farm.decide(line["recommendation_id"], "accept")
    farm.forecast(60.0, 40.0, NEXT)
    farm.plan(NEXT)
    seedlings = farm.of("supply_need", NEXT).filter(item="seedling", is_accepted=True)
    assert seedlings["quantity"].sum() == pytest.approx(2000 * line["area_mu"])
    assert set(seedlings["village_id"]) <= {"va", "vb"}
    hours = farm.of("supply_need", NEXT).filter(item="labour")
    assert set(hours["is_accepted"]) == {True, False}


def test_a_decision_is_scored_by_the_profit_of_the_plan_that_it_answered(farm: Farm) -> None:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    lines = farm.of("planting_recommendation").filter(year=2026, practice_id="leek-1").sort("area_mu")
    line = lines.row(-1, named=True)
    farm.decide(line["recommendation_id"], "refuse")
    farm.forecast(60.0, 40.0, NEXT)
    farm.plan(NEXT)
    score = farm.of("planting_decision_score", NEXT).row(0, named=True)
    assert (score["stage"], score["answer"], score["decided_mu"]) == ("ahead", "refuse", 0.0)
    assert score["proposed_mu"] == line["area_mu"]
    assert score["proposed_yuan"] == pytest.approx(farm.of("planting_plan")["profit_yuan"][0])
    assert score["gained_yuan"] == pytest.approx(score["decided_yuan"] - score["proposed_yuan"])
    assert score["gained_yuan"] < 0


def test_once_the_season_is_recorded_the_score_is_of_what_was_planted_and_cut(farm: Farm) -> None:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    line = farm.of("planting_recommendation").filter(year=2026, practice_id="leek-1").row(0, named=True)
    farm.decide(line["recommendation_id"], "refuse")
    autumn = date(2026, 10, 1)
    at = pl.datetime(2026, 9, 1, time_zone="UTC")
    for plot_id, crop_id, mu in (("N1", "bean", 10.0), ("N2", "bean", 5.0)):
        farm.wh.append("planting", pl.DataFrame({
            "plot_id": [plot_id], "crop_id": crop_id, "year": 2026, "season": 1, "area_mu": mu,
            "practice_id": f"{crop_id}-1", "sown_on": date(2026, 3, 10),
        }).with_columns(known_at=at))  # fmt: skip
        farm.wh.append("harvest_event", pl.DataFrame({
            "harvest_id": [plot_id], "plot_id": plot_id, "crop_id": crop_id, "harvested_kg": 100.0 * mu, "grade": None,
        }).with_columns(pl.col("grade").cast(pl.String), harvested_at=at, known_at=at))  # fmt: skip
    farm.forecast(60.0, 40.0, autumn)
    farm.plan(autumn)
    score = farm.of("planting_decision_score", autumn).row(0, named=True)
    assert (score["stage"], score["decided_mu"]) == ("past", 0.0)
    assert score["proposed_mu"] == line["area_mu"]
    assert (
        score["gained_yuan"] < -20 * line["area_mu"]
    )  # half a crop of beans that nobody asked for: 50 yuan a mu lost
