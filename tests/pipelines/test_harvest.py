"""The night's step `harvest` on the farm of two villages, with a year of weather."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.harvest import foresee_harvest
from tests.pipelines.conftest import Farm

CUTOFF = date(2025, 6, 30)
CROPS = (
    "crop_id,name_zh,name_en,family,kind,is_legume,keeps_days,base_temp_c,mature_gdd_c_d\n"
    "leek,韭葱,leek,Amaryllidaceae,vegetable,0,10,,\nkale,羽衣甘蓝,kale,Brassicaceae,vegetable,0,10,,\n"
    "bean,豆,bean,Fabaceae,vegetable,1,200,5,1500\n"
)
CUTS = "harvest_id,plot_id,crop_id,harvested_at,harvested_kg\n"
KNOWN = datetime(2025, 1, 1, tzinfo=UTC)


def weather(last: date, *, mean_c: float = 18.0) -> pl.DataFrame:
    """Hourly records from 2024-07-01 to the evening of `last`, the same each day."""
    hours = pl.datetime_range(
        datetime(2024, 6, 30, 16, tzinfo=UTC), datetime(last.year, last.month, last.day, 15, tzinfo=UTC), "1h", eager=True
    )  # fmt: skip
    swing = 6 * np.sin(np.arange(len(hours)) / 24 * 2 * np.pi)
    return pl.DataFrame({"observed_at": hours}).with_columns(
        station_id=pl.lit("s"), air_temp_c=mean_c + pl.Series(swing), rel_humidity_pct=pl.lit(70.0), rain_mm=pl.lit(0.0),
        known_at=pl.col("observed_at"),
    )  # fmt: skip


@pytest.fixture
def grown(farm: Farm) -> Farm:
    """The farm with weather to the cutoff and beans in the ground since March."""
    farm.fill(crop=CROPS)
    station = {"station_id": "s", "name": "s", "lat_deg": 31.0, "lon_deg": 120.0, "known_at": KNOWN}
    farm.wh.append("weather_station", pl.DataFrame([station]))
    farm.wh.append("weather_observed", weather(CUTOFF))
    return farm


def tell(farm: Farm, cutoff: date = CUTOFF) -> str:
    return foresee_harvest(farm.county, farm.wh, cutoff=cutoff, run_id="r", now=KNOWN)


def outlook(farm: Farm) -> dict[str, dict[str, object]]:
    return {r["plot_id"]: r for r in farm.wh.read("harvest_outlook").iter_rows(named=True)}


def cut(farm: Farm, plot: str, day: date, kg: float, name: str = "h") -> None:
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    row = {"harvest_id": f"{name}-{plot}-{day}", "plot_id": plot, "crop_id": "bean", "harvested_at": at,
           "harvested_kg": kg, "known_at": at}  # fmt: skip
    farm.wh.append("harvest_event", pl.DataFrame([row]))


def test_a_county_without_plots_has_no_harvest(farm: Farm) -> None:
    assert tell(farm) == "no plots"


def test_stage_and_ready_date_follow_the_warmth_since_sowing(grown: Farm) -> None:
    assert "2 plantings stand" in tell(grown)
    row = outlook(grown)["N1"]
    days = (CUTOFF - date(2025, 3, 10)).days + 1
    assert row["heat_c_d"] == pytest.approx(days * 13.0, rel=0.02)
    assert row["stage"] == "flowering"
    assert row["ready_p10"] <= row["ready_p50"] <= row["ready_p90"]  # type: ignore[operator]
    assert abs((row["ready_p50"] - CUTOFF).days - (1500 / 13 - days)) <= 12  # type: ignore[operator]
    assert 0 < row["season_p10_kg"] < row["season_p50_kg"] < row["season_p90_kg"]  # type: ignore[operator]
    assert row["season_p50_kg"] == pytest.approx(10 * 200, rel=0.1)


def test_a_stage_seen_in_the_field_puts_the_warmth_right(grown: Farm) -> None:
    seen = {"plot_id": "N1", "crop_id": "bean", "seen_on": CUTOFF, "stage": "emerged", "known_at": KNOWN}
    grown.wh.append("stage_seen", pl.DataFrame([seen]))
    tell(grown)
    rows = outlook(grown)
    assert rows["N1"]["from_observed"]
    assert not rows["N2"]["from_observed"]
    assert rows["N1"]["stage"] == "emerged"
    assert rows["N1"]["ready_p50"] > rows["N2"]["ready_p50"]  # type: ignore[operator]


def test_a_season_that_was_cut_is_over_and_stands_beside_what_was_told(grown: Farm) -> None:
    tell(grown)
    before = outlook(grown)["N2"]["season_expected_kg"]
    cut(grown, "N2", CUTOFF + timedelta(days=1), 1200.0, "report:1")
    later = CUTOFF + timedelta(days=2)
    grown.wh.append("weather_observed", weather(later).filter(pl.col("observed_at").dt.date() > CUTOFF))
    tell(grown, later)
    rows = grown.wh.sql("select * from harvest_actual where cutoff = $c order by plot_id", c=later)
    assert rows["is_finished"].to_list() == [False, True]
    assert rows["told_on"].to_list() == [CUTOFF, CUTOFF]
    actual = rows.row(1, named=True)
    assert actual["cut_kg"] == actual["reported_kg"] == 1200.0
    assert actual["told_kg"] == pytest.approx(before)
    standing = grown.wh.sql("select plot_id from harvest_outlook where cutoff = $c", c=later)
    assert standing["plot_id"].to_list() == ["N1"]


def test_later_cuts_and_weather_change_nothing_told_earlier(grown: Farm) -> None:
    tell(grown)
    first = grown.wh.read("harvest_outlook").sort("plot_id")
    cut(grown, "N1", CUTOFF + timedelta(days=5), 900.0)
    grown.wh.append("weather_observed", weather(CUTOFF + timedelta(days=20), mean_c=30).filter(
        pl.col("observed_at").dt.date() > CUTOFF + timedelta(days=1)))  # fmt: skip
    tell(grown)
    assert grown.wh.read("harvest_outlook").sort("plot_id").equals(first)


def test_a_sensor_that_went_silent_is_held_against_its_plot(grown: Farm) -> None:
    sensor = {"sensor_id": "d", "plot_id": "N1", "known_at": KNOWN}
    grown.wh.append("sensor", pl.DataFrame([sensor]))
    last = CUTOFF - timedelta(days=12)
    dry = [
        {"sensor_id": "d", "quantity": "soil_vwc", "measured_at": at, "value": 0.13, "known_at": at}
        for hour in range(24)
        if (at := datetime(last.year, last.month, last.day, hour, tzinfo=UTC) - timedelta(hours=8))
    ]
    grown.wh.append("reading", pl.DataFrame(dry))
    assert "1 with silent sensors" in tell(grown)
    fields = grown.wh.read("field_state").filter(pl.col("day") == CUTOFF).sort("plot_id")
    assert fields.height == 2
    one, other = fields.iter_rows(named=True)
    assert (one["source_water"], one["level_water"], one["silent_days"]) == ("held", 2, 12)
    assert (other["source_water"], other["silent_days"]) == ("station", None)


def test_without_weather_dates_go_by_the_calendar_and_stages_are_not_told(farm: Farm) -> None:
    farm.fill()
    tell(farm)
    rows = outlook(farm)
    assert rows["N1"]["stage"] is None
    assert rows["N1"]["ready_p50"] is not None
    assert set(farm.wh.read("field_state")["source_frost"]) == {"none"}
    assert set(farm.wh.read("field_state")["level_frost"]) == {1}
