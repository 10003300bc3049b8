from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.weather import (
    climate_by_day,
    daily_weather,
    extraterrestrial_radiation,
    frost_dates,
    growing_degree_days,
    reference_evapotranspiration,
    rel_humidity_from_dew_point,
    vapour_pressure_deficit,
)


def value(expr: pl.Expr) -> float:
    return float(pl.select(expr).item())


def days(first: date, minima: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "station_id": "s",
            "weather_date": [first + timedelta(days=i) for i in range(len(minima))],
            "air_temp_min_c": minima,
            "air_temp_max_c": [None if m is None else m + 10 for m in minima],
            "rain_mm": [1.0] * len(minima),
        },
        schema_overrides={"air_temp_min_c": pl.Float64, "air_temp_max_c": pl.Float64},
    )


def test_heat_below_the_base_counts_nothing() -> None:
    assert value(growing_degree_days(pl.lit(2.0), pl.lit(8.0), base_c=10)) == 0
    assert value(growing_degree_days(pl.lit(10.0), pl.lit(20.0), base_c=10)) == 5


def test_air_at_its_dew_point_is_saturated_and_has_no_deficit() -> None:
    assert value(rel_humidity_from_dew_point(pl.lit(15.0), pl.lit(15.0))) == pytest.approx(100)
    assert value(vapour_pressure_deficit(pl.lit(15.0), pl.lit(100.0))) == 0


def test_radiation_above_the_atmosphere_is_that_of_the_published_example() -> None:
    # FAO-56, example 8: 3 September, 20° south: 32.2 MJ m⁻² d⁻¹.
    assert value(extraterrestrial_radiation(pl.lit(246), lat_deg=-20)) == pytest.approx(32.2, abs=0.05)


def test_reference_evapotranspiration_is_that_of_the_published_example() -> None:
    # FAO-56, example 20: Lyon in July, 26.6 and 14.8 °C, 45°43′ N: 5.0 mm d⁻¹ (day 196).
    mm = value(reference_evapotranspiration(pl.lit(14.8), pl.lit(26.6), pl.lit(196), lat_deg=45.72))
    assert mm == pytest.approx(5.0, abs=0.06)


def test_a_place_beyond_the_polar_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="lat_deg=70"):
        extraterrestrial_radiation(pl.lit(1), lat_deg=70)


def test_a_day_is_local_and_half_a_day_is_no_day() -> None:
    first = datetime(2026, 5, 1, 16, tzinfo=UTC)  # midnight in Shanghai
    hours = [first + timedelta(hours=i) for i in range(24 + 12)]
    frame = pl.DataFrame(
        {"station_id": "s", "observed_at": hours, "air_temp_c": [float(i) for i in range(36)]}
    )
    out = daily_weather(frame, timezone="Asia/Shanghai")
    assert out["weather_date"].to_list() == [date(2026, 5, 2), date(2026, 5, 3)]
    assert out["air_temp_max_c"].to_list() == [23, None]
    assert out["rain_mm"].to_list() == [None, None]


def test_the_usual_year_wraps_its_end_and_counts_years() -> None:
    two = pl.concat([days(date(2023, 12, 31), [0.0]), days(date(2024, 12, 31), [4.0])])
    usual = climate_by_day(two, window_days=3)
    assert usual["day_of_year"].to_list() == [1, 364, 365]
    assert usual["air_temp_min_c_mean"].to_list() == [2, 2, 2]
    assert usual["years"].to_list() == [2, 2, 2]


def test_an_even_window_is_refused() -> None:
    with pytest.raises(ValueError, match="odd number"):
        climate_by_day(days(date(2026, 1, 1), [0.0]), window_days=4)


def test_frost_dates_are_the_last_of_spring_and_the_first_of_autumn() -> None:
    frame = pl.concat(
        [days(date(2026, 4, 1), [-1.0, 2.0, -0.5, 3.0]), days(date(2026, 10, 20), [1.0, -2.0, -3.0])]
    )
    assert frost_dates(frame).row(0) == ("s", 2026, date(2026, 4, 3), date(2026, 10, 21), 7)


@given(t=st.floats(-30, 45), spread=st.floats(0, 40))
def test_humidity_stays_between_nothing_and_full_and_deficit_is_never_negative(
    t: float, spread: float
) -> None:
    humidity = value(rel_humidity_from_dew_point(pl.lit(t), pl.lit(t - spread)))
    assert 0 <= humidity <= 100
    assert value(vapour_pressure_deficit(pl.lit(t), pl.lit(humidity))) >= 0
