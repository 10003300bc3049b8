"""The benchmark's file: the same for the same seed, and such that a load takes every line."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.order_file import write_order_file
from pipelines.ingest import load
from settings import Settings
from warehouse import Warehouse


def test_a_longer_file_begins_with_the_shorter_one(tmp_path: Path) -> None:
    short = write_order_file(tmp_path / "short.csv", rows=50, seed=3).read_bytes()
    assert write_order_file(tmp_path / "long.csv", rows=80, seed=3).read_bytes().startswith(short)
    assert write_order_file(tmp_path / "other.csv", rows=50, seed=4).read_bytes() != short


def test_every_line_of_the_file_is_taken_or_cancelled(tmp_path: Path) -> None:
    file = write_order_file(tmp_path / "orders.csv", rows=500, seed=1, encoding="gb18030")
    with Warehouse.open(tmp_path / "w.duckdb") as warehouse:
        [report] = load(
            Settings(home=tmp_path), warehouse, [file], now=datetime(2026, 1, 2, tzinfo=UTC)
        ).files
    assert (report.read, report.rejected) == (500, 0)
    assert report.taken == 500 - report.dropped["cancelled"]
