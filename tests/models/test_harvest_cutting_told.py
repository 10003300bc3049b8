"""What a cutting plan is asked for, and how it is told: on rows that the eye can check."""

from datetime import date, timedelta

import polars as pl
import pytest

from models.harvest.cutting_asks import expected_tiers, promised_days, rain_chances, stock_left
from models.harvest.cutting_told import changes
from models.harvest.cutting_usual import ASSUMED, cutting_crops

DAY = date(2026, 9, 1)


def test_a_promise_is_spread_over_its_days_and_only_those_ahead_count() -> None:
    rows = pl.DataFrame({
        "commitment_id": ["a", "gone", "later"], "kind": ["contract"] * 3, "crop_id": ["bean"] * 3,
        "quantity_kg": [100.0, 0.0, 50.0], "due_from": [DAY - timedelta(days=2), DAY, DAY + timedelta(days=20)],
        "due_to": [DAY + timedelta(days=2), DAY, DAY + timedelta(days=20)],
    })  # fmt: skip
    found = promised_days(rows, DAY, 14)
    assert found["ship_on"].to_list() == [DAY + timedelta(days=n) for n in range(3)]
    assert found["order_kg"].to_list() == [20.0] * 3


def levels() -> pl.DataFrame:
    return pl.DataFrame({
        "crop_id": ["bean"] * 2, "grade": ["一级", None], "region_id": ["r", "r"], "ship_on": [DAY] * 2,
        "p10_kg": [10.0, 0.0], "p50_kg": [30.0, 10.0], "p90_kg": [60.0, 40.0],
    })  # fmt: skip


def test_expected_demand_comes_in_tiers_the_surest_first() -> None:
    none = pl.DataFrame(schema={"crop_id": pl.String, "ship_on": pl.Date, "taken_kg": pl.Float64})
    rows = expected_tiers(levels(), none)
    graded = rows.filter(pl.col("grade") == "一级").sort("chance", descending=True)
    assert graded.select("order_kg", "chance").rows() == [(10.0, 0.95), (20.0, 0.7), (30.0, 0.3)]
    assert rows["order_id"].is_unique().all()
    assert rows["order_kg"].sum() == pytest.approx(100.0)


def test_what_is_promised_already_is_taken_off_the_surest() -> None:
    taken = pl.DataFrame({"crop_id": ["bean"], "ship_on": [DAY], "taken_kg": [20.0]})
    rows = expected_tiers(levels(), taken)
    graded = rows.filter(pl.col("grade") == "一级").sort("chance", descending=True)
    assert graded.select("order_kg", "chance").rows() == [(15.0, 0.7), (30.0, 0.3)]
    assert rows["order_kg"].sum() == pytest.approx(80.0)


def cut(*rows: tuple[str, int, float]) -> pl.DataFrame:
    table = [("bean", grade, "w", DAY - timedelta(days=ago), kg) for grade, ago, kg in rows]
    return pl.DataFrame(table, schema=["crop_id", "grade", "cold_room_id", "cut_on", "kg"], orient="row")


def kg(amount: float) -> pl.DataFrame:
    return pl.DataFrame({"crop_id": ["bean"], "kg": [amount]})


def test_stock_is_what_waits_as_far_as_more_was_cut_than_sold() -> None:
    rows = cut(("1", 2, 30.0), ("1", 1, 20.0), ("2", 1, 50.0))
    found = stock_left(rows, kg(90.0), kg(40.0))
    assert found["stock_kg"].sum() == pytest.approx(40.0)
    assert found.sort("cut_on", descending=True)["stock_kg"].to_list() == [20.0, 20.0]
    assert set(found["grade"]) == {"1"}


def test_where_more_was_sold_than_cut_nothing_is_in_store() -> None:
    assert stock_left(cut(("1", 1, 20.0)), kg(90.0), kg(40.0)).is_empty()
    assert stock_left(cut(("1", 1, 20.0)), kg(0.0), kg(0.0)).is_empty()


def test_rain_goes_by_the_forecast_then_by_earlier_years_then_is_not_said() -> None:
    forecast = pl.DataFrame({"day": [DAY, DAY + timedelta(days=1)], "rain_mm": [5.0, 0.2]})
    past = pl.DataFrame({"day": [date(2025, 9, d) for d in range(1, 11)], "rain_mm": [2.0] * 4 + [0.0] * 6})
    found = rain_chances(forecast, past, DAY, 3)
    assert found["rain_chance"].to_list() == [0.8, 0.15, 0.4]
    assert rain_chances(forecast.clear(), past.clear(), DAY, 3).is_empty()


def test_a_crop_is_cut_as_its_kind_is_unless_the_co_operative_says_otherwise() -> None:
    crops = pl.DataFrame({"crop_id": ["a", "b"], "kind": ["vegetable", "grain"], "keeps_days": [5, 300]})
    yields = pl.DataFrame(
        {"crop_id": ["a", "b"], "price_yuan_per_kg": [4.0, 3.0], "salvage_yuan_per_kg": [1.0, None]}
    )
    own = pl.DataFrame(
        [{"crop_id": "a", "hold_days": 10, "hours_per_kg": None, "wait_share_per_day": None, "rain_share": None,
          "needs_dry": None, "within_hours": None, "needs_cold": None, "source": "own"}],
        schema_overrides={"hours_per_kg": pl.Float64, "wait_share_per_day": pl.Float64, "rain_share": pl.Float64,
                          "needs_dry": pl.Boolean, "within_hours": pl.Float64, "needs_cold": pl.Boolean},
    )  # fmt: skip
    a, b = cutting_crops(crops, yields, own).iter_rows(named=True)
    assert (a["hold_days"], a["source"], a["needs_cold"], a["within_hours"]) == (10, "own", True, None)
    assert a["wait_share_per_day"] == pytest.approx(0.035)
    assert (b["source"], b["needs_dry"], b["needs_cold"], b["within_hours"]) == (ASSUMED, True, False, -1.0)
    assert b["salvage_yuan_per_kg"] == 0.0


def test_changes_name_what_is_cut_otherwise_and_leave_out_what_is_not() -> None:
    def cuts(*rows: tuple[str, float, str]) -> pl.DataFrame:
        table = [(DAY, plot, "bean", kg, crew) for plot, kg, crew in rows]
        return pl.DataFrame(table, schema=["day", "plot_id", "crop_id", "cut_kg", "crew_id"], orient="row")

    found = changes(
        cuts(("same", 10.0, "k"), ("less", 20.0, "k"), ("gone", 5.0, "k"), ("crew", 8.0, "k")),
        cuts(("same", 10.4, "k"), ("less", 12.0, "k"), ("new", 3.0, "k"), ("crew", 8.0, "m")),
    )
    assert found.select("plot_id", "before_kg", "after_kg", "crews").rows() == [
        ("crew", 8.0, 8.0, "m"), ("gone", 5.0, 0.0, ""), ("less", 20.0, 12.0, "k"), ("new", 0.0, 3.0, "k"),
    ]  # fmt: skip
