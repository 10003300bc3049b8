"""Thermal time from sowing to harvest in a usual year, against closed forms."""

from math import ceil
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.planning.heat import heat_fit

CROPS = pl.DataFrame({"crop_id": ["maize"], "base_temp_c": [8.0], "mature_gdd_c_d": [1000.0]})


def practice(**other: Any) -> pl.DataFrame:
    row = {
        "practice_id": "m", "crop_id": "maize", "land_class": "dry_flat", "is_perennial": False,
        "sow_from_doy": 60, "sow_to_doy": 100, "sell_from_doy": 274, "sell_to_doy": 273,
    }  # fmt: skip
    return pl.DataFrame([{**row, **other}])


def climate(warm_c: float, *, station: str = "s", frost: range = range(0)) -> pl.DataFrame:
    """Every day alike, but for nights of frost, which leave the mean as it is."""
    day = pl.DataFrame({"day_of_year": range(1, 366)}, schema={"day_of_year": pl.Int32})
    cold = pl.when(pl.col("day_of_year").is_in(frost)).then(-1.0).otherwise(5.0)
    return day.select(
        "day_of_year", station_id=pl.lit(station), air_temp_min_c_mean=pl.lit(warm_c - 4),
        air_temp_max_c_mean=pl.lit(warm_c + 4), air_temp_min_c_p10=cold,
    )  # fmt: skip


def judged(practices: pl.DataFrame, *stations: pl.DataFrame, crops: pl.DataFrame = CROPS) -> dict[str, Any]:
    return heat_fit(practices, crops, pl.concat(stations)).row(0, named=True)


@given(
    warm_c=st.integers(-5, 30),
    base_c=st.integers(0, 12),
    needed=st.integers(1, 9000),
    sown=st.integers(1, 365),
)
def test_under_constant_warmth_a_crop_is_ripe_after_what_it_needs_over_the_days_heat(
    warm_c: int, base_c: int, needed: int, sown: int
) -> None:
    crop = pl.DataFrame(
        {"crop_id": ["maize"], "base_temp_c": [float(base_c)], "mature_gdd_c_d": [float(needed)]}
    )
    found = judged(
        practice(sow_from_doy=sown, sell_from_doy=None, sell_to_doy=None), climate(float(warm_c)), crops=crop
    )
    daily = max(0, warm_c - base_c)
    days = ceil(needed / daily) if daily else None
    ripens = days is not None and days <= 365
    assert found["fits"] == ripens
    assert found["ripe_doy"] == ((sown + days - 2) % 365 + 1 if days is not None and ripens else None)
    assert found["heat_c_d"] == pytest.approx(365 * daily)


def test_the_harvest_must_be_in_before_the_first_frost_of_autumn_not_of_spring() -> None:
    nights = climate(18.0, frost=range(290, 366)), climate(18.0, station="t", frost=range(1, 91))
    found = judged(practice(), nights[0])
    assert (found["in_by_doy"], found["ended_by"], found["heat_c_d"]) == (289, "frost", 2300.0)
    assert (found["late_heat_c_d"], found["ripe_doy"], found["fits"]) == (1900.0, 159, True)
    assert judged(practice(), nights[1])["in_by_doy"] == 365


def test_the_last_day_of_sale_ends_it_where_that_comes_before_the_frost() -> None:
    found = judged(practice(sell_from_doy=100, sell_to_doy=150), climate(18.0, frost=range(290, 366)))
    assert (found["in_by_doy"], found["ended_by"], found["heat_c_d"]) == (150, "sale", 910.0)
    assert not found["fits"]
    assert found["ripe_doy"] == 159


def test_a_crop_sold_before_its_sowing_day_stands_over_winter() -> None:
    autumn = practice(sow_from_doy=288, sow_to_doy=312, sell_from_doy=105, sell_to_doy=145)
    found = judged(autumn, climate(18.0, frost=range(290, 366)))
    assert (found["in_by_doy"], found["ended_by"]) == (145, "sale")
    assert found["heat_c_d"] == 10.0 * (365 - 287 + 145)
    assert found["late_heat_c_d"] == found["heat_c_d"] - 240.0


def test_sown_into_the_frost_there_is_no_heat_at_all() -> None:
    found = judged(practice(sow_from_doy=300, sow_to_doy=None, sell_from_doy=310, sell_to_doy=40),
                   climate(18.0, frost=range(290, 366)))  # fmt: skip
    assert (found["heat_c_d"], found["late_heat_c_d"], found["fits"]) == (0.0, None, False)


def test_several_stations_are_averaged() -> None:
    found = judged(practice(), climate(12.0), climate(24.0, station="t"))
    assert found["heat_c_d"] == pytest.approx(judged(practice(), climate(18.0))["heat_c_d"])


@pytest.mark.parametrize(
    "rows",
    [
        practice(land_class="greenhouse"),
        practice(is_perennial=True),
        practice(crop_id="leek"),
        practice(sow_from_doy=None),
    ],
    ids=["sheltered", "perennial", "unknown crop", "no sowing day"],
)
def test_what_cannot_be_judged_has_no_row(rows: pl.DataFrame) -> None:
    assert heat_fit(rows, CROPS, climate(18.0), sheltered={"greenhouse"}).is_empty()


def test_a_day_that_is_not_known_is_not_guessed() -> None:
    gap = climate(18.0).filter(~pl.col("day_of_year").is_between(120, 125))
    short = practice(sell_from_doy=90, sell_to_doy=110)
    assert heat_fit(practice(), CROPS, gap).is_empty()
    assert judged(short, gap)["heat_c_d"] == 510.0
    assert heat_fit(practice(), CROPS, gap.clear()).is_empty()
