from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.clean import clean_readings, declared_span
from pipelines.ingest import load
from settings import Settings
from warehouse import Warehouse

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
FIRST = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def county(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county")


@pytest.fixture
def wh(county: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(county.warehouse_path) as warehouse:
        yield warehouse


def packets(hours: range, *, node: int = 7, humidity: int = 6500) -> list[str]:
    """One packet an hour, temperature going up and down."""
    at = int(FIRST.timestamp())
    return [
        f"{node}, {h}, {at + 3600 * h}, 310, 427, {1800 + 37 * (h % 11)}, {humidity + 13 * (h % 7)}, 0x00"
        for h in hours
    ]


def deliver(
    folder: Path, county: Settings, wh: Warehouse, name: str, lines: list[str], **options: object
) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    report = load(county, wh, [path], now=NOW, **options)  # type: ignore[arg-type]
    assert [f.state for f in report.files] == ["taken"], report


def counted(wh: Warehouse) -> dict[tuple[str, str], int]:
    faults = wh.read("sensor_fault").filter(pl.col("quantity").is_in(["*", "rel_humidity_pct"]))
    summed = faults.group_by("sensor_id", "fault").agg(pl.col("readings").sum())
    return {(sensor, fault): n for sensor, fault, n in summed.iter_rows()}


def view(wh: Warehouse) -> list[pl.DataFrame]:
    keys = ["sensor_id", "quantity", "measured_at"]
    return [
        wh.read("reading").drop("known_at").sort(keys),
        wh.read("sensor_fault")
        .filter(pl.col("readings") > 0, pl.col("quantity") != "*")
        .drop("known_at")
        .sort(pl.all()),
    ]


def test_readings_faults_and_new_sensors_come_out_and_raw_stays(
    tmp_path: Path, county: Settings, wh: Warehouse
) -> None:
    noise = ["188, 778, 2, 16524, 25896, 368, 386, 0x2c"]
    broken = ["# Start Log", "time request, 7", *packets(range(30)), *packets(range(3)), *noise]
    deliver(tmp_path / "in", county, wh, "node.raw.csv", broken)
    report = clean_readings(wh, known_by=NOW)
    assert counted(wh) == {
        ("file:node.raw.csv", "log_start"): 1,
        ("file:node.raw.csv", "unreadable"): 1,
        ("lora-7", "duplicate"): 3,
        ("lora-188", "made_up_id"): 1,
    }
    assert (report.new_sensors, report.readings, report.flagged) == (("lora-7",), 90, 0)
    assert wh.read("sensor").select("sensor_id", "model").rows() == [("lora-7", "lora_main_node")]
    assert wh.sql("select count(*) as n from raw_reading")["n"][0] == 3 * 34


def test_what_is_declared_of_a_sensor_stands_over_what_its_readings_tell(
    tmp_path: Path, county: Settings, wh: Warehouse
) -> None:
    deliver(tmp_path / "in", county, wh, "node.raw.csv", packets(range(30)))
    clean_readings(wh, known_by=NOW)
    deliver(tmp_path / "in", county, wh, "sensor.csv", ["sensor_id,model,depth_cm", "lora-7,SHT31,5"])
    deliver(tmp_path / "in", county, wh, "more.raw.csv", packets(range(30, 60)))
    clean_readings(wh, known_by=NOW)
    assert wh.read("sensor").select("model", "depth_cm").rows() == [("SHT31", 5.0)]


def test_twice_equals_once(tmp_path: Path, county: Settings, wh: Warehouse) -> None:
    deliver(tmp_path / "in", county, wh, "node.raw.csv", [*packets(range(60)), *packets(range(3))])
    clean_readings(wh, known_by=NOW)
    before = view(wh)
    again = clean_readings(wh, known_by=NOW)
    assert (again.devices, again.written) == (0, 0)
    assert clean_readings(wh, known_by=NOW, since=FIRST).written == 0
    for one, other in zip(before, view(wh), strict=True):
        assert_frame_equal(one, other)


def test_daily_deliveries_cleaned_each_day_end_as_one_delivery_cleaned_once(
    tmp_path: Path, county: Settings
) -> None:
    lines = packets(range(24 * 45))
    lines[700] = (
        lines[700].replace(", 18", ", 48", 1) if ", 18" in lines[700] else lines[700].replace(", 2", ", 5", 1)
    )
    lines[30] = lines[30].rsplit(",", 2)[0] + ", 65535, 0x00"
    views = []
    for name, pieces in (
        ("whole", [lines]),
        ("daily", [lines[:900], lines[900:924], lines[924:990], lines[990:]]),
    ):
        with Warehouse.open(tmp_path / f"{name}.duckdb") as wh:
            for number, piece in enumerate(pieces):
                deliver(tmp_path / name, county, wh, f"{number}.raw.csv", piece, history=True)
                clean_readings(wh, known_by=NOW)
            views.append(view(wh))
    for one, other in zip(*views, strict=True):
        assert_frame_equal(one, other)


def test_a_reference_that_comes_later_puts_the_clock_right(
    tmp_path: Path, county: Settings, wh: Warehouse
) -> None:
    head = [
        "SL9,Port 1,Port 1,Port 1",
        "30 records,5TE,5TE,5TE",
        "Measurement Time,m³/m³ VWC,°C Temp,mS/cm EC Bulk",
    ]
    wrong = [datetime(1996, 3, 1, tzinfo=UTC) + timedelta(hours=h) for h in range(30)]
    rows = [f"{t:%m/%d/%Y %I:%M %p},0.{200 + i},{5 + i % 4}.5,0.2" for i, t in enumerate(wrong)]
    deliver(tmp_path / "in", county, wh, "sl9.csv", [*head, *rows], history=True)
    clean_readings(wh, known_by=NOW)
    assert set(wh.read("reading")["flag"]) == {"clock"}
    both = [head[0].replace("SL9", "blank,SL9"), "blank," + head[1], "Original Time," + head[2]]
    ends = [
        f"{wrong[i]:%m/%d/%Y %I:%M %p},2026-04-0{1 + i // 24} {i % 24:02}:00:00,0.2,5.5,0.2" for i in (0, 29)
    ]
    deliver(tmp_path / "in", county, wh, "sl9_corrected.csv", [*both, *ends], history=True)
    clean_readings(wh, known_by=NOW)
    right = wh.read("reading").filter(pl.col("measured_at") > datetime(2020, 1, 1, tzinfo=UTC))
    assert right.filter(pl.col("quantity") == "soil_temp_c").height == 30
    assert right["flag"].null_count() == right.height
    assert right["measured_at"].min() == datetime(2026, 3, 31, 16, tzinfo=UTC)
    assert clean_readings(wh, known_by=NOW).written == 0


def test_what_is_not_known_yet_is_not_cleaned(tmp_path: Path, county: Settings, wh: Warehouse) -> None:
    deliver(tmp_path / "in", county, wh, "node.raw.csv", packets(range(72)), history=True)
    assert clean_readings(wh, known_by=datetime(2026, 5, 2, 0, tzinfo=UTC)).readings == 3 * 16


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("node_2020-11_2021-03.csv.gz", (date(2020, 11, 1), date(2021, 3, 31))),
        ("node_2020-12_2020-12.csv", (date(2020, 12, 1), date(2020, 12, 31))),
        ("node_2021-13_2021-14.csv", (None, None)),
        ("node.csv", (None, None)),
    ],
)
def test_a_files_name_may_declare_its_months(name: str, span: tuple[date | None, date | None]) -> None:
    assert declared_span(name) == span
