"""Fields decide too: a plot's own sensor keeps a crop off it, and taking the sensor away changes the plan only with that reason."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from models.planning.cold_plots import LEAST_DAYS, barred, plot_offsets
from tests.pipelines.conftest import TABLES, Farm

pytestmark = pytest.mark.slow

CUTOFF = date(2025, 12, 31)
NEXT = date(2026, 1, 1)
START = datetime(2024, 12, 31, 16, tzinfo=UTC)  # midnight of 1 January 2025 in Shanghai
KNOWN = datetime(2025, 12, 31, 1, tzinfo=UTC)
CROPS = (
    TABLES["crop"]
    .replace("keeps_days\n", "keeps_days,base_temp_c,mature_gdd_c_d\n")
    .replace(",0,10\n", ",0,10,5,1700\n")
    .replace(",1,200\n", ",1,200,5,900\n")
)
"""Leek and kale want 1,700 °C·d above 5 °C; the open air gives about 2,000 from day 60 on, a plot 3 °C colder about 1,400."""


def hours(days: int) -> pl.Series:
    return pl.datetime_range(START, START + timedelta(days=days), interval="1h", closed="left", eager=True)


def climate(farm: Farm) -> None:
    """A year of hours: 15 °C from day 80 to day 289, -5 °C otherwise."""
    doy = pl.col("observed_at").dt.convert_time_zone("Asia/Shanghai").dt.ordinal_day()
    farm.wh.append(
        "weather_station", pl.DataFrame([{"station_id": "hill", "name": "Hill", "known_at": KNOWN}])
    )
    rows = pl.DataFrame({"observed_at": hours(365)}).with_columns(
        station_id=pl.lit("hill"),
        known_at=pl.lit(KNOWN),
        air_temp_c=pl.when(doy.is_between(80, 289)).then(15.0).otherwise(-5.0),
    )
    farm.wh.append("weather_observed", rows)


def sensor(farm: Farm, plot_id: str | None, colder_c: float, *, days: int = 120) -> None:
    """A sensor's air temperature in the first days of the year, so much below the station's."""
    row = {"sensor_id": "s1", "plot_id": plot_id, "model": "logger", "known_at": KNOWN}
    farm.wh.upsert("sensor", pl.DataFrame([row], schema_overrides={"plot_id": pl.String}))
    doy = pl.col("measured_at").dt.convert_time_zone("Asia/Shanghai").dt.ordinal_day()
    rows = pl.DataFrame({"measured_at": hours(days)}).with_columns(
        sensor_id=pl.lit("s1"),
        quantity=pl.lit("air_temp_c"),
        value=pl.when(doy.is_between(80, 289)).then(15.0).otherwise(-5.0) - colder_c,
        flag=pl.lit(None, pl.String),
        known_at=pl.lit(KNOWN),
    )
    farm.wh.append("reading", rows)


@pytest.fixture
def cold_farm(farm: Farm) -> Farm:
    """Two nights' worth of forecasts; plot N1 is 3 °C colder than the station."""
    farm.fill(crop=CROPS)
    climate(farm)
    for cutoff in (CUTOFF, NEXT):
        farm.forecast(60.0, 40.0, cutoff)
    return farm


def crops_on(farm: Farm, plot_id: str, cutoff: date) -> set[str]:
    return set(farm.of("planting_recommendation", cutoff).filter(plot_id=plot_id)["crop_id"])


def test_taking_a_sensor_away_changes_the_plan_and_says_that_it_is_why(cold_farm: Farm) -> None:
    sensor(cold_farm, "N1", 3.0)
    cold_farm.plan()
    assert not crops_on(cold_farm, "N1", CUTOFF) & {"leek", "kale"}
    notes = cold_farm.of("recommendation_reason").filter(kind="note")["text_en"].to_list()
    assert (
        "plot 'N1': its own sensors read 3 °C below the stations; too little heat for kale-1, leek-1, which are not planned "
        "there" in notes
    )
    cold_farm.wh.upsert("sensor", cold_farm.wh.read("sensor").with_columns(plot_id=pl.lit(None, pl.String)))
    cold_farm.plan(NEXT)
    assert crops_on(cold_farm, "N1", NEXT) & {"leek", "kale"}
    changes = cold_farm.of("planting_change", NEXT)
    moved = changes.filter(pl.col("old_mu") != pl.col("new_mu"))
    mine = moved.filter(plot_id="N1")
    assert mine.height > 0
    assert set(mine["cause"]) == {"field_state"}
    assert mine["text_en"].str.contains("own sensors .3 °C below the stations. no longer bar").all()
    assert mine["text_zh"].str.contains("传感器").all()
    assert not moved["cause"].is_null().any()
    assert (moved["text_en"].str.len_chars() > 0).all()


def test_a_sensor_that_bars_nothing_can_go_without_a_change(cold_farm: Farm) -> None:
    sensor(cold_farm, "N1", 0.2)
    cold_farm.plan()
    before = cold_farm.of("planting_recommendation").drop("run_id", "cutoff")
    cold_farm.wh.upsert("sensor", cold_farm.wh.read("sensor").with_columns(plot_id=pl.lit(None, pl.String)))
    cold_farm.plan(NEXT)
    assert cold_farm.of("planting_recommendation", NEXT).drop("run_id", "cutoff").equals(before)


def test_a_new_sensor_takes_a_crop_off_its_plot_with_its_reading_as_the_reason(cold_farm: Farm) -> None:
    cold_farm.plan()
    assert crops_on(cold_farm, "N1", CUTOFF) & {"leek", "kale"}
    sensor(cold_farm, "N1", 3.0)
    cold_farm.plan(NEXT)
    gone = cold_farm.of("planting_change", NEXT).filter(plot_id="N1", new_mu=0.0)
    assert set(gone["cause"]) == {"field_state"}
    assert gone["text_en"].str.contains("own sensors read 3 °C below the stations: too little heat").all()


def test_too_few_days_and_a_warmer_plot_bar_nothing() -> None:
    days = [date(2025, 5, 1) + timedelta(days=n) for n in range(LEAST_DAYS)]
    station = pl.DataFrame(
        {"station_id": "hill", "weather_date": days, "air_temp_min_c": 10.0, "air_temp_max_c": 20.0}
    )

    def own(n: int, low: float) -> pl.DataFrame:
        return pl.DataFrame({"plot_id": "N1", "day": days[:n], "low_c": low, "high_c": low + 10.0})

    assert plot_offsets(own(LEAST_DAYS - 1, 7.0), station).is_empty()
    assert plot_offsets(own(LEAST_DAYS, 7.1), station)["offset_c"].to_list() == [-3.0]
    warm = plot_offsets(own(LEAST_DAYS, 12.0), station)
    assert warm["offset_c"].to_list() == [2.0]
    none = pl.DataFrame(
        schema={"crop_id": pl.String, "base_temp_c": pl.Float64, "mature_gdd_c_d": pl.Float64}
    )
    practices = pl.DataFrame(
        schema={"practice_id": pl.String, "crop_id": pl.String, "land_class": pl.String, "is_perennial": pl.Boolean,
                "sow_from_doy": pl.Int64, "sow_to_doy": pl.Int64, "sell_from_doy": pl.Int64, "sell_to_doy": pl.Int64}
    )  # fmt: skip
    climate_rows = pl.DataFrame(
        schema={"day_of_year": pl.Int32, "air_temp_min_c_mean": pl.Float64, "air_temp_max_c_mean": pl.Float64,
                "air_temp_min_c_p10": pl.Float64}
    )  # fmt: skip
    plots = pl.DataFrame({"plot_id": ["N1"], "land_class": ["dry_flat"]})
    assert barred(plots, practices, none, climate_rows, warm) == {}
