"""`anxu bench sensors`: faults of real logger files found and counted, and faults put in found again."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from benchmarks import sensor_truth
from benchmarks.sensor_county import county_case
from benchmarks.sensor_faults import CLASSES, Faulty, faulty
from benchmarks.sensor_scores import recall_and_precision, score
from pipelines.clean import clean_readings
from pipelines.ingest import load
from settings import Settings
from warehouse import Warehouse

RECALL, PRECISION, KEPT = 0.95, 0.90, 0.995
SEEDS, COUNTIES = 4, 2
DEVICE = pl.col("sensor_id").str.split("/").list.first().str.extract(r"([^-/]+)$")


@dataclass
class Figures:
    """Rows and limits in the form of every benchmark."""

    rows: list[dict[str, object]] = field(default_factory=list)
    must: list[dict[str, object]] = field(default_factory=list)

    def row(self, segment: str, metric: str, value: float) -> None:
        """One figure."""
        self.rows.append({"segment": segment, "metric": metric, "method": "anxu", "value": value})

    def equal(self, segment: str, what: str, found: float, true: float) -> None:
        """A count that must equal what the file holds."""
        self.row(segment, f"{what} found", found)
        self.row(segment, f"{what} in the file", true)
        self.must.append(
            {"what": f"{segment}: {what}", "value": found, "limit": true, "holds": found == true}
        )

    def at_least(self, what: str, value: float, limit: float) -> None:
        """A share that must reach its limit."""
        self.must.append({"what": what, "value": value, "limit": limit, "holds": value >= limit})


def run(data: Path, *, seed: int = 101, series: int = 12) -> dict[str, object]:
    """Measure cleaning.

    Args:
        data: Folder of logger files in the layouts of `sensors-hast`.
        seed: First of four seeds of the made-up sensors and of two sample counties; limits were chosen on 1–6.
        series: Made-up devices per seed.

    Returns:
        `bench`, `data`, `seed`, `rows` and `must` in the common form.

    Raises:
        FileNotFoundError: The folder is missing or holds no CSV file.
    """
    files = sorted(p for p in data.glob("*.csv*") if p.is_file()) if data.is_dir() else []
    if not files:
        raise FileNotFoundError(f"no CSV files in '{data}': give the folder of logger files with --data")
    figures = Figures()
    with tempfile.TemporaryDirectory() as home:
        _real(figures, files, Settings(home=Path(home)))
    counties = (county_case(seed + i) for i in range(COUNTIES))
    _put_in(figures, "sample county", counties, is_must=True)
    _put_in(
        figures, "made-up sensors", (faulty(seed + i, devices=series) for i in range(SEEDS)), is_must=True
    )
    small = (faulty(seed + i, devices=series, spike_size=0.5) for i in range(SEEDS))
    _put_in(figures, "spikes of half the size", small, is_must=False)
    return {"bench": "sensors", "data": data.name, "seed": seed, "rows": figures.rows, "must": figures.must}


def _real(figures: Figures, files: list[Path], settings: Settings) -> None:
    now = datetime.now(UTC)
    with Warehouse.open(settings.warehouse_path) as warehouse:
        report = load(settings, warehouse, files, history=True, now=now)
        if refused := [f.name for f in report.files if f.state == "refused"]:
            raise ValueError(f"files {', '.join(refused)} were refused; see `anxu load --check`")
        clean_readings(warehouse, known_by=now)
        faults = warehouse.read("sensor_fault").with_columns(device=DEVICE)
        readings = warehouse.read("reading")
        raw = warehouse.sql(
            "select split_part(sensor_id, '/', 1) as sensor_id, f.name, count(distinct line_number)::bigint as rows "
            "from raw_reading join source_file f using (file_id) where quantity <> 'clock_offset_s' group by all"
        )
    for path in files:
        if any(line.startswith("#") for line, _ in zip(sensor_truth.lines(path), range(50), strict=False)):
            _packet_file(figures, path, faults, readings)
    _logger_files(figures, [p for p in files if "," in next(sensor_truth.lines(p))], faults, readings, raw)


def _packet_file(figures: Figures, path: Path, faults: pl.DataFrame, readings: pl.DataFrame) -> None:
    truth, segment = sensor_truth.packets(path), path.name
    of_file = faults.filter(pl.col("sensor_id") == f"file:{path.name}")
    figures.equal(segment, "unreadable lines", _sum(of_file, "unreadable"), truth.unreadable)
    figures.equal(segment, "log-start lines", _sum(of_file, "log_start"), truth.log_starts)
    mine = faults.filter(pl.col("device").is_in(list(truth.times)))
    made_up = set(mine.filter(pl.col("fault") == "made_up_id")["device"])
    figures.equal(segment, "made-up ids", len(made_up & truth.made_up), len(truth.made_up))
    figures.equal(segment, "real ids called made up", len(made_up - truth.made_up), 0)
    humidity = mine.filter(pl.col("quantity") == "rel_humidity_pct")
    figures.equal(segment, "repeated timestamps", _sum(humidity, "duplicate"), truth.repeated)
    words = sum(truth.words.values())
    figures.equal(segment, "sentinels", _sum(humidity, "sentinel"), words)
    good = pl.DataFrame(
        sorted(truth.good_hours()), schema={"device": pl.String, "at": pl.Int64}, orient="row"
    )
    kept = (
        readings.filter(pl.col("flag").is_null(), pl.col("quantity") != "battery_v")
        .select("quantity", device=DEVICE, at=pl.col("measured_at").dt.epoch("s"))
        .join(good, on=["device", "at"], how="semi")
        .group_by("device", "at")
        .agg(pl.col("quantity").n_unique().alias("kept"))
        .filter(pl.col("kept") == 2)
    )
    share = kept.height / max(1, good.height)
    figures.row(segment, "good hourly rows", good.height)
    figures.row(segment, "good hourly rows kept, share", round(share, 5))
    figures.at_least(f"{segment}: good hourly rows kept", share, KEPT)


def _sum(faults: pl.DataFrame, kind: str) -> int:
    return sum(faults.filter(pl.col("fault") == kind)["readings"].to_list())


def _logger_files(
    figures: Figures, paths: list[Path], faults: pl.DataFrame, readings: pl.DataFrame, raw: pl.DataFrame
) -> None:
    """Soil loggers: a file with both clocks tells the truth for the others of the same logger."""
    loggers: dict[str, dict[Path, sensor_truth.LoggerFile]] = {}
    for path in paths:
        cells = [cell.strip() for cell in next(sensor_truth.lines(path)).split(",")]
        if "Port 1" in cells:
            loggers.setdefault(cells[cells.index("Port 1") - 1], {})[path] = sensor_truth.logger_file(path)
    for logger, files in loggers.items():
        for path, file in files.items():
            read = raw.filter(pl.col("name") == path.name, pl.col("sensor_id") == logger)["rows"].to_list()
            figures.equal(path.name, "logger rows read", sum(read), file.rows)
        mine = pl.col("sensor_id").str.starts_with(f"{logger}/")
        _clock(figures, logger, files, faults.filter(mine, pl.col("fault") == "clock"))
        good = readings.filter(mine)
        bad = good.filter(pl.col("flag").is_not_null(), pl.col("flag") != "frozen").height
        figures.row(logger, "readings kept, share", round(1 - bad / max(1, good.height), 5))


def _clock(
    figures: Figures, logger: str, files: dict[Path, sensor_truth.LoggerFile], clock: pl.DataFrame
) -> None:
    """Every row of every series of a logger whose clock was wrong must be found, and moved where a file has both."""
    offset = next((file.offset_s for file in files.values() if file.moved), 0.0)
    wrong = sum(file.rows for path, file in files.items() if offset or file.outside(path.name))
    counts = clock.group_by("sensor_id", "quantity").agg(pl.col("readings").sum())["readings"].to_list()
    figures.equal(logger, "rows with the wrong clock, in every series", min(counts, default=0), wrong)
    if offset:
        moved = clock["detail"].str.extract(r"moved by (-?\d+) s").drop_nulls().to_list()
        figures.equal(logger, "clock moved by (s)", max((int(s) for s in moved), default=0), int(offset))


def _put_in(figures: Figures, segment: str, cases: Iterator[Faulty], *, is_must: bool) -> None:
    counts = score(cases)
    for kind in CLASSES:
        recall, precision = recall_and_precision(counts[kind])
        figures.row(segment, f"{kind}: put in", counts[kind][0])
        figures.row(segment, f"{kind}: recall", round(recall, 4))
        figures.row(segment, f"{kind}: precision", round(precision, 4))
        if is_must:
            figures.at_least(f"{segment}: {kind} recall", recall, RECALL)
            figures.at_least(f"{segment}: {kind} precision", precision, PRECISION)
