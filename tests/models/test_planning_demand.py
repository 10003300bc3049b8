"""From forecasts and promises to crop demand per season; which season is still open."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from models.planning.demand import crop_days, crop_demand, less_standing
from models.planning.seasons import first_open_season, selling_days

PRACTICES = pl.DataFrame(
    [
        ("leek-1", "leek", "dry", 1, 60, 120, 152, 273),
        ("leek-2", "leek", "dry", 2, 200, 258, 274, 151),
        ("bean-2", "bean", "dry", 2, 290, 310, 105, 145),
    ],
    schema=[
        "practice_id",
        "crop_id",
        "land_class",
        "season",
        "sow_from_doy",
        "sow_to_doy",
        "sell_from_doy",
        "sell_to_doy",
    ],
    orient="row",
).with_columns(is_perennial=False)
YIELDS = pl.DataFrame(
    {"practice_id": ["leek-1", "leek-2", "bean-2"], "crop_id": ["leek", "leek", "bean"]}
).with_columns(yield_kg_per_mu=100.0)
NO_PROMISES = pl.DataFrame(
    schema={
        "commitment_id": pl.String, "kind": pl.String, "crop_id": pl.String, "quantity_kg": pl.Float64,
        "due_from": pl.Date, "due_to": pl.Date,
    }
)  # fmt: skip
NOT_EXPECTED = pl.DataFrame(schema={"crop_id": pl.String, "season": pl.Int64, "year_kg": pl.Float64})
NO_CATCHMENT = pl.DataFrame(schema={"channel_id": pl.String, "factor": pl.Float64})


def every_day(kg: float, crop_id: str = "leek", days: int = 365) -> pl.DataFrame:
    dates = [date(2025, 1, 1) + timedelta(days=n) for n in range(days)]
    return pl.DataFrame({"crop_id": crop_id, "sale_date": dates, "kg": kg, "is_scaled": False})


def wanted(daily: pl.DataFrame, **other: Any) -> dict[tuple[str, int, int], tuple[float, float, str]]:
    given = {
        "commitments": NO_PROMISES,
        "expected": NOT_EXPECTED,
        "years": [2026, 2027],
        "first_season": 1,
        **other,
    }
    demand = crop_demand(daily, practices=PRACTICES, yields=YIELDS, **given).demand
    return {(r[0], r[1], r[2]): (r[3], r[4], r[5]) for r in demand.rows()}


def promise(kind: str, kg: float, first: date, last: date, crop_id: str = "leek") -> pl.DataFrame:
    return pl.DataFrame([("p1", kind, crop_id, kg, first, last)], schema=NO_PROMISES.schema, orient="row")


def test_a_years_forecast_is_shared_by_the_selling_windows_and_stands_for_each_year() -> None:
    found = wanted(every_day(1.0))
    assert found["leek", 2026, 1] == (122.0, 0.0, "forecast")
    assert found["leek", 2026, 2] == (243.0, 0.0, "forecast")
    assert found["leek", 2027, 1] == found["leek", 2026, 1]


def test_a_week_is_spread_over_its_days_and_a_family_over_its_products() -> None:
    weekly = pl.DataFrame(
        {"family": ["greens"], "channel_id": ["till"], "week_start": [date(2026, 5, 4)], "demand_kg": [70.0]}
    )
    share = pl.DataFrame({"family": ["greens"] * 2, "product_id": ["big", "small"], "share": [0.75, 0.25]})
    made_of = pl.DataFrame({"product_id": ["big"], "crop_id": ["leek"], "crop_kg_per_product_kg": [1.2]})
    daily = crop_days(weekly, share, made_of, NO_CATCHMENT)
    assert daily["kg"].to_list() == pytest.approx([70 * 0.75 * 1.2 / 7] * 7)
    scaled = crop_days(weekly, share, made_of, pl.DataFrame({"channel_id": ["till"], "factor": [2.0]}))
    assert scaled["kg"].sum() == pytest.approx(2 * daily["kg"].sum())
    assert scaled["is_scaled"].all()


def test_contracts_come_on_top_and_preorders_are_part_of_the_forecast() -> None:
    summer = (date(2026, 7, 1), date(2026, 7, 10))
    assert wanted(every_day(1.0), commitments=promise("contract", 50.0, *summer))["leek", 2026, 1][:2] == (
        172.0,
        50.0,
    )
    assert wanted(every_day(1.0), commitments=promise("preorder", 50.0, *summer))["leek", 2026, 1][:2] == (
        122.0,
        50.0,
    )
    assert wanted(every_day(1.0), commitments=promise("preorder", 150.0, *summer))["leek", 2026, 1][:2] == (
        150.0,
        150.0,
    )


def test_a_promise_of_spring_is_sown_the_year_before() -> None:
    spring = promise("contract", 30.0, date(2027, 4, 20), date(2027, 5, 10), crop_id="bean")
    assert wanted(every_day(1.0), commitments=spring)["bean", 2026, 2] == (30.0, 30.0, "commitment")
    late = promise("contract", 40.0, date(2027, 1, 5), date(2027, 1, 5))
    assert wanted(every_day(1.0), commitments=late)["leek", 2026, 2][1] == 40.0


def test_what_no_planting_of_the_plan_can_serve_is_told() -> None:
    given = {
        "practices": PRACTICES,
        "yields": YIELDS,
        "expected": NOT_EXPECTED,
        "years": [2026],
        "first_season": 1,
    }
    outside = promise("contract", 30.0, date(2026, 8, 1), date(2026, 8, 2), crop_id="bean")
    assert (
        "due outside every selling window"
        in crop_demand(every_day(1.0), commitments=outside, **given).notes[-1]
    )
    stands = promise("contract", 30.0, date(2026, 1, 5), date(2026, 1, 6))
    assert (
        "come from what stands already" in crop_demand(every_day(1.0), commitments=stands, **given).notes[-1]
    )
    short = crop_demand(every_day(1.0, days=200), commitments=NO_PROMISES, **given)
    assert "covers 200 days of 365" in short.notes[0]
    bean = crop_demand(every_day(1.0, "bean"), commitments=NO_PROMISES, **given)
    assert bean.notes == (
        "324 kg of crop 'bean' are asked for on days when no practice sells it; they are not planned for",
    )


def test_expected_sales_stand_only_for_crops_without_forecast() -> None:
    expected = pl.DataFrame({"crop_id": ["leek", "bean"], "season": [1, 2], "year_kg": [999.0, 70.0]})
    found = wanted(every_day(1.0), expected=expected)
    assert found["bean", 2026, 2] == (70.0, 0.0, "expected sales")
    assert found["leek", 2026, 1][0] == 122.0


def test_days_that_two_seasons_sell_are_shared() -> None:
    both = PRACTICES.with_columns(sell_from_doy=pl.lit(1), sell_to_doy=pl.lit(366)).filter(
        pl.col("crop_id") == "leek"
    )
    days = selling_days(both, YIELDS.filter(pl.col("crop_id") == "leek"))
    assert days["part"].unique().to_list() == [0.5]


def test_recorded_plantings_serve_their_part_of_the_demand() -> None:
    demand = pl.DataFrame(
        {"crop_id": ["leek"], "year": [2026], "season": [1], "demand_kg": [500.0], "committed_kg": [50.0]}
    )
    planting = pl.DataFrame(
        [("N1", "leek", None, 2026, 1, 2.0)],
        schema=["plot_id", "crop_id", "practice_id", "year", "season", "area_mu"], orient="row",
        schema_overrides={"practice_id": pl.String},
    )  # fmt: skip
    plots = pl.DataFrame({"plot_id": ["N1"], "land_class": ["dry"]})
    left = less_standing(demand, planting=planting, plots=plots, practices=PRACTICES, yields=YIELDS)
    assert left.select("demand_kg", "committed_kg").row(0) == (300.0, 0.0)


def sown(*rows: tuple[int, int, float]) -> pl.DataFrame:
    frame = pl.DataFrame(
        rows, schema={"year": pl.Int64, "season": pl.Int64, "area_mu": pl.Float64}, orient="row"
    )
    return frame.with_columns(practice_id=pl.lit(None, pl.String))


def test_the_first_planned_season_is_the_first_that_can_still_be_sown() -> None:
    last_year = [(2025, 1, 10.0), (2025, 2, 10.0)]
    assert first_open_season(PRACTICES, sown(*last_year), date(2026, 2, 1)) == (2026, 1)
    assert first_open_season(PRACTICES, sown(*last_year), date(2026, 6, 1)) == (2026, 2)
    assert first_open_season(PRACTICES, sown(*last_year), date(2026, 12, 1)) == (2027, 1)
    begun = [*last_year, (2026, 2, 4.0)]
    assert first_open_season(PRACTICES, sown(*begun), date(2026, 9, 1)) == (2026, 2)
    done = [*last_year, (2026, 2, 9.0)]
    assert first_open_season(PRACTICES, sown(*done), date(2026, 9, 1)) == (2027, 1)
    assert first_open_season(PRACTICES, sown((2026, 2, 1.0)), date(2026, 6, 1)) == (2027, 1)
