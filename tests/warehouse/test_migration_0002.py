"""A county folder of the first released schema opens under this code, and keeps its rows."""

from pathlib import Path

import duckdb

from warehouse import Warehouse
from warehouse.schema import SCHEMA_FILE

ADDED = {
    "stock_day": ("out_mask",),
    "demand_forecast": ("in_stock_kg", "in_stock_expected_kg", "has_stock_record"),
    "season_forecast": ("expected_kg",),
    "forecast_score": ("rows_scored",),
}


def test_a_file_of_version_1_gains_the_columns_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute(SCHEMA_FILE.read_text("utf-8"))
        for table, columns in ADDED.items():
            for column in columns:
                old.execute(f"alter table {table} drop column {column}")
        old.execute("insert into schema_version values (1, 'as released', now())")
        old.execute(
            "insert into forecast_score values ('r1', '2026-08-31', '2026-08-01', 'all', 'all', 'wql', 'anxu', 0.5)"
        )
    with Warehouse.open(path) as warehouse:
        assert all(set(columns) <= warehouse.columns(table).keys() for table, columns in ADDED.items())
        assert warehouse.sql("select value, rows_scored from forecast_score").rows() == [(0.5, None)]
