from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from pipelines.sources.farm import SOURCES
from pipelines.sources.kinds import Batch, Context, FileRefused, Peek
from pipelines.sources.recognise import recognise
from pipelines.sources.text import read_head

ARRIVED = datetime(2026, 5, 1, 2, tzinfo=UTC)
"""Ten in the morning in Shanghai."""
STATION_CSV = """"No","year","month","day","hour","TEMP","PRES","DEWP","RAIN","wd","WSPM","station"
1,2026,3,1,0,-2.3,1020.3,-20.7,0,"WNW",3.1,"Hill"
2,2026,3,1,1,NA,1020.8,-20.5,0,"NNW",1.5,"Hill"
3,2026,13,1,2,1.0,1020.8,-20.5,0,"NNW",1.5,"Hill"
4,2026,3,1,3,warm,1020.8,-20.5,0,"NNW",1.5,"Hill"
"""


def answer(**other: Any) -> dict[str, Any]:
    return {
        "latitude": 33.25,
        "longitude": 118.375,
        "elevation": 18.0,
        "utc_offset_seconds": 28800,
        "hourly_units": {
            "time": "iso8601",
            "temperature_2m": "°C",
            "wind_speed_10m": "km/h",
            "dew_point_2m": "°C",
        },
        "hourly": {
            "time": ["2026-05-01T09:00", "2026-05-01T10:00", "2026-05-01T11:00"],
            "temperature_2m": [16.1, 17.0, None],
            "wind_speed_10m": [3.6, 7.2, 10.8],
            "dew_point_2m": [8.0, 8.1, 8.2],
        },
    } | other


def parsed(path: Path, *, history: bool = False, shop: str = "") -> list[Batch]:
    found = recognise(Peek(path, read_head(path)), SOURCES)
    context = Context("f1", ARRIVED, history, "Asia/Shanghai", shop)
    return list(found.source.parse(path, found.profile, context))


def written(folder: Path, content: object) -> Path:
    path = folder / "weather.json"
    path.write_bytes(orjson.dumps(content))
    return path


def test_hours_up_to_the_issue_are_observed_and_later_ones_forecast(tmp_path: Path) -> None:
    station, observed, forecast = parsed(written(tmp_path, answer()))
    assert station.rows.row(0)[:5] == (
        "openmeteo-33.250-118.375",
        "openmeteo-33.250-118.375",
        33.25,
        118.375,
        18.0,
    )
    assert observed.rows["air_temp_c"].to_list() == [16.1, 17.0]
    assert observed.rows["wind_m_s"].to_list() == pytest.approx([1, 2])
    assert observed.rows["observed_at"][0] == datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert forecast.rows.select("valid_at", "issued_at", "air_temp_c").row(0) == (
        datetime(2026, 5, 1, 3, tzinfo=UTC),
        ARRIVED,
        None,
    )
    assert "dew_point_c" not in forecast.rows.columns
    assert [b.read for b in (station, observed, forecast)] == [0, 2, 1]


def test_a_forecast_in_a_history_load_was_known_when_it_was_issued(tmp_path: Path) -> None:
    issued = datetime(2026, 4, 30, 22, tzinfo=UTC)
    (_, forecast) = parsed(written(tmp_path, answer(issued_at=issued.isoformat())), history=True)
    assert set(forecast.rows["known_at"]) == {issued}
    assert forecast.rows.height == 3


def test_several_places_are_several_stations_with_their_own_lines(tmp_path: Path) -> None:
    batches = parsed(written(tmp_path, [answer(), answer(latitude=34.0)]))
    hours = pl.concat(b.rows.select("station_id", "line_number") for b in batches if b.read)
    assert hours["station_id"].n_unique() == 2
    assert hours["line_number"].to_list() == [1, 2, 3, 4, 5, 6]


def test_a_named_delivery_names_its_station(tmp_path: Path) -> None:
    assert parsed(written(tmp_path, answer()), shop="hill")[0].rows["station_id"][0] == "hill"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"error": True, "reason": "Latitude must be in range"}, "Latitude must be in range"),
        (
            answer(hourly_units={"temperature_2m": "°Ré", "wind_speed_10m": "km/h", "dew_point_2m": "°C"}),
            "'°Ré'",
        ),
        (answer(hourly={"time": ["2026-05-01T09:00"], "temperature_2m": []}), "differ in length"),
    ],
)
def test_what_is_no_weather_is_refused_with_the_reason(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        parsed(written(tmp_path, content))


def test_station_hours_are_local_with_gaps_and_bad_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "hill.csv"
    path.write_text(STATION_CSV, "utf-8")
    station, hours = parsed(path, history=True)
    assert station.rows["station_id"].to_list() == ["Hill"]
    assert hours.rows["observed_at"][0] == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert hours.rows["air_temp_c"].to_list() == [-2.3, None]
    assert hours.rejected.select("line_number", "rule").rows() == [(4, "observed_at_type"), (5, "value_type")]
    assert hours.read == 4
