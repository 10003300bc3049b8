"""Night after night: an unchanged world keeps its plan, and what changes is told with its cause."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.pipelines.conftest import Farm

FIRST = date(2025, 12, 31)
NEXT = FIRST + timedelta(days=1)
LINE = ["plot_id", "practice_id", "year", "season", "area_mu"]


def two_nights(farm: Farm, *, leek: float = 60.0, kale: float = 40.0) -> pl.DataFrame:
    """Changes of a second night whose forecast is `leek` and `kale` kg a week instead of 60 and 40."""
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    farm.forecast(leek, kale, NEXT)
    farm.plan(NEXT)
    return farm.of("planting_change", NEXT)


def test_the_first_plan_has_nothing_to_compare_with(farm: Farm) -> None:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    assert farm.of("planting_change").is_empty()


def test_an_unchanged_world_gives_an_unchanged_plan(farm: Farm) -> None:
    changes = two_nights(farm)
    assert changes.filter(pl.col("old_mu") != pl.col("new_mu")).is_empty()
    before, now = (farm.of("planting_recommendation", c).select(LINE) for c in (FIRST, NEXT))
    assert before.equals(now)


def test_small_steps_keep_the_plan_until_they_add_up(farm: Farm) -> None:
    two_nights(farm, leek=60.2)
    kept = farm.of("planting_input", NEXT).filter(pl.col("subject") == "leek/2026/1")["value"][0]
    assert kept == pytest.approx(60.0 * 52)


def test_more_demand_moves_land_and_says_so_in_kg_and_yuan(farm: Farm) -> None:
    changes = two_nights(farm, leek=90.0)
    leek = changes.filter(practice_id="leek-1", year=2026).filter(pl.col("new_mu") > pl.col("old_mu"))
    assert leek["cause"].unique().to_list() == ["demand"]
    assert leek["text_en"][0] == "demand for leek in 2026 season 1 went from 3,120 to 4,680 kg"
    assert leek["change_kg"][0] == pytest.approx((leek["new_mu"][0] - leek["old_mu"][0]) * 500)
    assert leek["change_yuan"].sum() > 0
    assert leek["since"].unique().to_list() == [FIRST]


def test_a_decision_is_the_cause_on_its_plot(farm: Farm) -> None:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    line = farm.of("planting_recommendation").filter(year=2026, practice_id="leek-1").row(0, named=True)
    farm.decide(line["recommendation_id"], "refuse")
    farm.forecast(60.0, 40.0, NEXT)
    farm.plan(NEXT)
    changes = farm.of("planting_change", NEXT).filter(plot_id=line["plot_id"], year=2026)
    assert "leek-1" not in set(changes.filter(pl.col("new_mu") > 0)["practice_id"])
    assert set(changes["cause"]) == {"decision"}


def test_a_dearer_practice_is_the_cause_where_it_loses_land(farm: Farm) -> None:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    farm.wh.upsert(
        "practice", farm.wh.read("practice").with_columns(
            cost_yuan_per_mu=pl.when(practice_id="kale-1").then(2000.0).otherwise("cost_yuan_per_mu")
        ),
    )  # fmt: skip
    farm.forecast(60.0, 40.0, NEXT)
    farm.plan(NEXT)
    gone = farm.of("planting_change", NEXT).filter(practice_id="kale-1")
    assert gone["new_mu"].to_list() == [0.0] * gone.height
    assert set(gone["cause"]) == {"price_cost"}
    assert gone["text_en"][0] == "cost of kale went from 100.00 to 2,000.00 yuan a mu"


def test_what_is_sown_soon_stands_although_demand_falls_away(farm: Farm) -> None:
    soon = date(2026, 2, 20)  # leeks are sown from 1 March, kale from 31 March
    farm.fill()
    farm.forecast(60.0, 40.0, soon - timedelta(days=1))
    farm.plan(soon - timedelta(days=1))
    before = farm.of("planting_recommendation", soon - timedelta(days=1)).filter(year=2026)
    farm.forecast(10.0, 10.0, soon)
    farm.plan(soon)
    now = farm.of("planting_recommendation", soon).filter(year=2026)
    was, is_ = (dict(f.group_by("practice_id").agg(pl.sum("area_mu")).iter_rows()) for f in (before, now))
    assert is_["leek-1"] == was["leek-1"] > 0
    assert is_.get("kale-1", 0.0) < was["kale-1"]
    frozen = farm.of("planting_change", soon).filter(cause="frozen")
    assert set(frozen["practice_id"]) <= {"leek-1", "bean-1"}
