"""Days, festivals, closed days."""

from datetime import date, timedelta

import polars as pl
import pytest

from features.calendar import calendar_days, closed_days, day_grid
from features.festivals import FESTIVALS, lunar_day, term_days


def on(day: date) -> dict[str, object]:
    return calendar_days(day, day).row(0, named=True)


@pytest.mark.parametrize(
    ("year", "new_year", "dragon_boat", "mid_autumn"),
    [
        (2024, date(2024, 2, 10), date(2024, 6, 10), date(2024, 9, 17)),
        (2026, date(2026, 2, 17), date(2026, 6, 19), date(2026, 9, 25)),
        (2028, date(2028, 1, 26), date(2028, 5, 28), date(2028, 10, 3)),
    ],
)
def test_lunar_festivals_fall_on_their_published_days(
    year: int, new_year: date, dragon_boat: date, mid_autumn: date
) -> None:
    assert FESTIVALS["spring_festival"](year) == new_year
    assert FESTIVALS["dragon_boat"](year) == dragon_boat
    assert FESTIVALS["mid_autumn"](year) == mid_autumn


def test_a_solar_term_holds_from_its_day_to_the_next_across_the_year_end() -> None:
    assert term_days(2025)[6] == date(2025, 4, 4)
    assert on(date(2025, 4, 4))["solar_term"] == 6
    assert (on(date(2026, 1, 2))["solar_term"], on(date(2026, 1, 2))["days_in_term"]) == (23, 12)
    assert max(calendar_days(date(2024, 1, 1), date(2026, 12, 31))["days_in_term"].to_list()) <= 16


def test_a_leap_month_keeps_its_number_and_is_marked() -> None:
    day = on(date(2025, 7, 25))
    assert (day["lunar_month"], day["lunar_day"], day["is_leap_month"]) == (6, 1, True)


def test_a_make_up_saturday_is_a_work_day_and_a_bridge_monday_is_off() -> None:
    make_up, new_year = on(date(2026, 2, 14)), on(date(2026, 2, 17))
    assert make_up["is_makeup_workday"]
    assert not make_up["is_day_off"]
    assert new_year["is_day_off"]
    assert new_year["is_holiday"]
    assert not new_year["is_projected"]


def test_a_year_without_a_notice_is_projected_by_the_standing_rule() -> None:
    eve, make_up = on(date(2028, 1, 25)), calendar_days(date(2028, 1, 1), date(2028, 12, 31))
    assert eve["is_projected"]
    assert eve["is_holiday"]
    assert not make_up["is_makeup_workday"].any()


def test_distances_are_signed_and_cut() -> None:
    assert on(date(2026, 2, 14))["days_from_spring_festival"] == -3
    assert on(date(2026, 7, 1))["days_from_spring_festival"] == 45
    assert on(date(2025, 12, 30))["days_from_spring_festival"] == -45


def test_the_lunar_twin_lies_as_far_from_the_festival_a_year_before() -> None:
    twin = on(lunar_day(2026, 1, 1) - timedelta(days=5))["lunar_twin"]
    assert twin == lunar_day(2025, 1, 1) - timedelta(days=5)


@pytest.mark.parametrize(("month", "day", "year"), [(8, 15, 2025), (8, 15, 2026), (5, 5, 2026), (1, 1, 2027)])
def test_a_festival_is_the_twin_of_the_same_one_though_a_leap_month_lies_between(
    month: int, day: int, year: int
) -> None:
    assert on(lunar_day(year, month, day))["lunar_twin"] == lunar_day(year - 1, month, day)


def sales(*rows: tuple[str, str, date, float]) -> pl.DataFrame:
    columns = {"product_id": pl.String, "channel_id": pl.String, "sale_date": pl.Date, "sold_kg": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        region_id=pl.lit("r"), orders=pl.lit(1)
    )


MAY = date(2026, 5, 1)


def test_the_grid_runs_from_the_first_sale_to_the_cutoff_with_zeros_between() -> None:
    sold = sales(
        ("a", "shop", MAY, 2.0),
        ("a", "shop", MAY + timedelta(days=3), 1.0),
        ("b", "shop", MAY + timedelta(days=1), 5.0),
        ("b", "shop", MAY + timedelta(days=2), 5.0),
        ("a", "shop", MAY + timedelta(days=9), 99.0),
    )
    grid = day_grid(sold, cutoff=MAY + timedelta(days=3))
    assert grid.filter(pl.col("product_id") == "a")["sold_kg"].to_list() == [2, 0, 0, 1]
    assert grid.filter(pl.col("product_id") == "b")["date"].to_list()[0] == MAY + timedelta(days=1)
    assert grid["date"].max() == MAY + timedelta(days=3)


def test_a_day_on_which_a_busy_channel_sold_nothing_is_closed_not_zero() -> None:
    sold = sales(*(("a", "shop", MAY + timedelta(days=i), 1.0) for i in (0, 1, 2, 3, 5)))
    grid = day_grid(sold, cutoff=MAY + timedelta(days=5))
    assert grid["sold_kg"].to_list() == [1, 1, 1, 1, None, 1]


def test_an_empty_day_of_a_channel_that_seldom_sells_is_a_zero() -> None:
    sold = sales(*(("a", "shop", MAY + timedelta(days=i), 1.0) for i in (0, 7, 14)))
    assert (
        closed_days(sold, cutoff=MAY + timedelta(days=14))
        .filter(pl.col("date") > MAY + timedelta(days=1))
        .is_empty()
    )
    assert day_grid(sold, cutoff=MAY + timedelta(days=14))["sold_kg"][10] == 0
