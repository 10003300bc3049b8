import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.sources.farm import SOURCES
from pipelines.sources.kinds import Batch, Context, FileRefused, Peek
from pipelines.sources.readings import measure_of
from pipelines.sources.recognise import recognise
from pipelines.sources.text import read_head

DATA = Path(__file__).parents[1] / "data" / "sensors"
ARRIVED = datetime(2026, 5, 2, 8, tzinfo=UTC)
NINE = datetime(2026, 5, 1, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai."""


def context(*, history: bool = False) -> Context:
    return Context("f1", ARRIVED, history, "Asia/Shanghai")


def parsed(path: Path, *, history: bool = False) -> tuple[pl.DataFrame, list[Batch]]:
    found = recognise(Peek(path, read_head(path)), SOURCES)
    batches = list(found.source.parse(path, found.profile, context(history=history)))
    return pl.concat(b.rows for b in batches), batches


def values(rows: pl.DataFrame) -> dict[tuple[str, str], list[float | None]]:
    grouped = rows.sort("line_number").group_by("sensor_id", "quantity", maintain_order=True).agg("value")
    return {(s, q): v for s, q, v in grouped.iter_rows()}


def rejected(batches: list[Batch]) -> list[tuple[int, str]]:
    return [(line, rule) for b in batches for line, rule, *_ in b.rejected.iter_rows()]


@pytest.mark.parametrize("path", sorted(DATA.iterdir()), ids=lambda p: p.name)
def test_each_line_is_taken_dropped_or_refused(path: Path) -> None:
    _, batches = parsed(path)
    for batch in batches:
        lines = batch.rows["line_number"].n_unique() + batch.rejected.height + sum(batch.dropped.values())
        assert batch.read == lines


def test_uplinks_give_declared_names_with_their_units_and_a_cut_off_line_is_refused() -> None:
    rows, batches = parsed(DATA / "things_stack.jsonl")
    assert values(rows) == {
        ("soil-01", "soil_vwc"): [0.31],
        ("soil-01", "soil_temp_c"): [14.5],
        ("soil-01", "battery_v"): [pytest.approx(3.612)],
    }
    assert rows["measured_at"][0] == datetime(2026, 5, 1, 1, 2, 2, 987654, UTC)
    assert rejected(batches) == [(4, "unreadable"), (5, "unreadable")]
    assert sorted(batches[0].dropped.values()) == [1, 1]


def test_an_array_of_uplinks_is_read_like_lines(tmp_path: Path) -> None:
    lines = (DATA / "things_stack.jsonl").read_text("utf-8").splitlines()[:2]
    path = tmp_path / "up.json"
    path.write_text(f"[{','.join(lines)}]", "utf-8")
    rows, _ = parsed(path)
    assert rows.height == 3


def test_a_broken_array_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    path.write_text("[" + (DATA / "things_stack.jsonl").read_text("utf-8").splitlines()[0], "utf-8")
    with pytest.raises(FileRefused, match="no whole JSON array"):
        parsed(path)


def test_events_without_name_take_the_eui_and_a_time_without_offset_is_refused() -> None:
    rows, batches = parsed(DATA / "chirpstack.jsonl")
    assert values(rows) == {
        ("air-07", "air_temp_c"): [18.25],
        ("air-07", "rel_humidity_pct"): [71],
        ("0016c001f1500813", "co2_ppm"): [None],
    }
    assert rejected(batches) == [(4, "unreadable")]
    assert batches[0].dropped == {"not an uplink": 1}


def test_observations_are_converted_by_their_unit_and_an_unknown_one_is_refused() -> None:
    rows, batches = parsed(DATA / "sensorthings.json")
    assert values(rows) == {
        ("hut-2", "air_temp_c"): [21.5],
        ("hut-3", "air_temp_c"): [pytest.approx(21.5)],
        ("plot-1", "soil_vwc"): [pytest.approx(0.33)],
    }
    assert rejected(batches) == [(4, "unnamed_datastream"), (5, "unknown_unit")]


def test_observations_come_as_csv_too(tmp_path: Path) -> None:
    path = tmp_path / "observations.csv"
    path.write_text(
        "id,result,phenomenonTime,Datastream/id,Datastream/name\n1,20.5,2026-05-01T01:00:00Z,7,hut-2/air temperature\n",
        "utf-8",
    )
    rows, _ = parsed(path)
    assert rows.row(0)[:4] == ("hut-2", "air_temp_c", NINE, 20.5)


def test_a_station_table_is_local_time_by_port_and_skips_extremes() -> None:
    rows, batches = parsed(DATA / "station.dat")
    assert values(rows) == {
        ("ridge", "air_temp_c"): [18.25, None],
        ("ridge", "rel_humidity_pct"): [71.5, 70.2],
        ("ridge", "battery_v"): [12.61, 12.6],
        ("ridge/1", "soil_vwc"): [0.231, 0.23],
        ("ridge/2", "soil_vwc"): [pytest.approx(0.245), pytest.approx(0.244)],
    }
    assert rows["measured_at"].min() == datetime(2026, 5, 1, 0, tzinfo=UTC)
    assert [rule for _, rule in rejected(batches)] == ["unreadable"]


def test_a_binary_station_table_is_refused_politely(tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(b'"TOB1","ridge","CR300"\r\n\x00\x01\x02')
    with pytest.raises(FileRefused, match="convert it to TOA5"):
        parsed(path)


def test_packets_are_scaled_and_other_lines_are_counted_or_refused() -> None:
    rows, batches = parsed(DATA / "packets.raw.csv")
    assert values(rows) == {
        ("lora-7", "air_temp_c"): [pytest.approx(18.3), pytest.approx(-0.01)],
        ("lora-7", "rel_humidity_pct"): [pytest.approx(65.1), pytest.approx(655.35)],
        ("lora-7", "battery_v"): [pytest.approx(3.10), pytest.approx(3.11)],
    }
    assert set(rows["status"]) == {"0x00", "0xa2"}
    assert batches[0].dropped == {"log_start": 1, "comment": 1}
    assert rejected(batches) == [(4, "unreadable"), (6, "unreadable")]


def test_ports_become_sensors_and_a_cut_off_line_is_refused() -> None:
    rows, batches = parsed(DATA / "ports.csv")
    assert set(rows["sensor_id"]) == {"SL100/1", "SL100/2"}
    assert values(rows)["SL100/2", "soil_vwc"] == [0.097, None]
    assert rejected(batches) == [(6, "unreadable")]


def test_a_file_with_both_clocks_gives_the_offset_as_a_reference() -> None:
    rows, _ = parsed(DATA / "ports_both_clocks.csv")
    offsets = rows.filter(pl.col("quantity") == "clock_offset_s")
    assert set(offsets["value"]) == {
        (datetime(2026, 4, 1, 6, 50, tzinfo=UTC) - datetime(2010, 3, 1, 23, 50, tzinfo=UTC)).total_seconds()
    }
    assert set(offsets["sensor_id"]) == {"SL100"}


def test_a_port_with_a_unit_nobody_declared_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ports.csv"
    path.write_text((DATA / "ports.csv").read_text("utf-8").replace("°C Temp", "°R Temp"), "utf-8")
    with pytest.raises(FileRefused, match="column 3: '°R Temp' is not declared"):
        parsed(path)


def test_a_history_load_knows_a_reading_an_hour_after_its_local_day() -> None:
    live, _ = parsed(DATA / "station.dat")
    history, _ = parsed(DATA / "station.dat", history=True)
    assert set(live["known_at"]) == {ARRIVED}
    assert set(history["known_at"]) == {datetime(2026, 5, 1, 17, tzinfo=UTC)}


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "packets.raw.csv.gz"
    whole = gzip.compress((DATA / "packets.raw.csv").read_bytes() * 3000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileRefused, match="copy the file again"):
        parsed(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(b" \n")
    with pytest.raises(FileRefused, match="is empty"):
        parsed(path)


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("TempC_SHT", "air_temp_c"), ("soil_temperature_20cm", "soil_temp_c_20cm"), ("door", None)],
)
def test_a_name_means_a_declared_quantity_or_none(name: str, quantity: str | None) -> None:
    measure = measure_of(name)
    assert (measure and measure.quantity) == quantity
