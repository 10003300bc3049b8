"""`anxu bench ingest`: a load with all its rules beside DuckDB's bare copy of the same file into a table."""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.order_file import write_order_file
from pipelines.ingest import LOAD_MEMORY_MB, load
from settings import Settings
from warehouse import Warehouse

MOST_RATIO, MOST_PEAK_MB, MOST_GROWTH = 4.0, 1000.0, 1.3
THREADS = 2
CACHE = Path("bench-cache")
BYTES_PER_ROW = 302
NOW = datetime(2026, 1, 2, 1, tzinfo=UTC)
"""Later than every payment in the files."""


@dataclass(frozen=True)
class Run:
    """One load in a process of its own; peak memory includes the interpreter and its imports."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    lines: int


def run(
    *, rows: int = 1_000_000, runs: int = 3, seed: int = 1, big_gb: float = 5.0, cache: Path = CACHE
) -> dict[str, object]:
    """Measure loading a made-up order file, each run in a fresh process, ours and the yardstick by turns.

    Args:
        rows: Lines of the file in the 27-column Pinduoduo layout.
        runs: Runs of each; ratios are of the two runs of one turn.
        big_gb: Size of a further file that must stream with about the same peak memory; 0 leaves it out, for daily work.
        cache: Folder for the files; the large one is removed again.

    Returns:
        `bench`, `data`, `seed`, `rows` and `must` in the form of every benchmark.
    """
    file = _order_file(cache, rows, seed, "utf-8")
    turns = [(_measured("anxu", file), _measured("duckdb read_csv", file)) for _ in range(runs)]
    ours, bare = [o for o, _ in turns], [b for _, b in turns]
    ratios = [o.seconds / b.seconds for o, b in turns]
    figures = _figures("utf-8", "anxu", ours) + _figures("utf-8", "duckdb read_csv", bare)
    figures.append(_row("utf-8", "ratio_median", "anxu", statistics.median(ratios)))
    figures.append(_row("utf-8", "ratio_min", "anxu", min(ratios)))
    figures += _figures("gb18030", "anxu", [_measured("anxu", _order_file(cache, rows, seed, "gb18030"))])
    peak = max(o.peak_mb for o in ours)
    must = [
        _must("time over the yardstick's, median of turns", statistics.median(ratios), MOST_RATIO),
        _must("peak memory of the load, MB", peak, MOST_PEAK_MB),
        _must("lines of the file not accounted for", max(abs(rows - o.lines) for o in ours), 0),
    ]
    if big_gb:
        _stream(figures, must, cache, round(big_gb * 1e9 / BYTES_PER_ROW), seed, peak)
    return {
        "bench": "ingest",
        "data": f"{rows} lines, {file.stat().st_size / 1e6:.0f} MB",
        "seed": seed,
        "rows": figures,
        "must": must,
    }


def _stream(
    figures: list[dict[str, object]],
    must: list[dict[str, object]],
    cache: Path,
    rows: int,
    seed: int,
    small_peak_mb: float,
) -> None:
    """Load a file larger than memory should ever hold."""
    file = _order_file(cache, rows, seed, "utf-8")
    segment = f"{file.stat().st_size / 1e9:.1f} GB"
    big = _measured("anxu", file)
    file.unlink()
    figures += _figures(segment, "anxu", [big])
    must += [
        _must(f"peak memory of the {segment} load, MB", big.peak_mb, MOST_PEAK_MB),
        _must("peak memory, large file over small", big.peak_mb / small_peak_mb, MOST_GROWTH),
        _must(f"lines of the {segment} file not accounted for", abs(rows - big.lines), 0),
    ]


def _order_file(cache: Path, rows: int, seed: int, encoding: str) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"orders-{rows}-s{seed}{'' if encoding == 'utf-8' else '-' + encoding}.csv"
    return path if path.exists() else write_order_file(path, rows=rows, seed=seed, encoding=encoding)


def _measured(method: str, file: Path) -> Run:
    """Load the file into a new database, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=file.parent) as home:
        command = [sys.executable, "-m", "benchmarks.ingest", method, str(file), home]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return Run(**json.loads(answer.stdout.splitlines()[-1]))


def _child(method: str, file: Path, home: Path) -> Run:
    started = time.perf_counter()
    lines = _ours(file, home) if method == "anxu" else _yardstick(file, home)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, lines)


def _ours(file: Path, home: Path) -> int:
    settings = Settings(home=home)
    with Warehouse.open(settings.warehouse_path, threads=THREADS, memory_mb=LOAD_MEMORY_MB) as warehouse:
        [report] = load(settings, warehouse, [file], now=NOW).files
    return report.taken + report.unchanged + report.rejected + sum(report.dropped.values())


def _yardstick(file: Path, home: Path) -> int:
    with duckdb.connect(home / "copy.duckdb", config={"threads": THREADS}) as connection:
        connection.execute(f"create table orders as from read_csv('{file}', all_varchar = true)")
        return int(connection.execute("select count(*) from orders").fetchall()[0][0])


def _figures(segment: str, method: str, runs: list[Run]) -> list[dict[str, object]]:
    values = {name: [asdict(r)[name] for r in runs] for name in ("seconds", "cpu_seconds", "peak_mb")}
    kept = {"seconds": min, "cpu_seconds": min, "peak_mb": max}
    return [_row(segment, name, method, kept[name](found)) for name, found in values.items()]


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(value, 3)}


def _must(what: str, value: float, limit: float) -> dict[str, object]:
    return {"what": what, "value": round(value, 3), "limit": limit, "holds": value <= limit}


if __name__ == "__main__":  # one load, for `_measured`
    sys.stdout.write(json.dumps(asdict(_child(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))) + "\n")
