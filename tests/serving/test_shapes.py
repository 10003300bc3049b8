"""What the service reads of a release is in the warehouse's schema, under the same name and type."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from serving.shapes import TABLES, conform

SCHEMA = Path(__file__).parents[2] / "warehouse.duckdb.sql"
MADE_FOR_RELEASES = {
    "demand_override",  # with who took it back
    "demand_expected",
    "history_daily",
    "load_summary",
    "rejected_summary",
    "rejected_row",  # with its file
    "unmapped_sales",
    "sensor_state",
    "model_error",
    "forecast_accuracy",
    "forecast_value_added",
    "season_accuracy",
    "override_value",
    "calendar_event",
    "reading_daily",
    "stock_out_daily",
}


@pytest.fixture(scope="module")
def schema() -> dict[str, dict[str, str]]:
    with duckdb.connect() as connection:
        connection.execute(SCHEMA.read_text("utf-8"))
        rows = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns()"
        ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables


@pytest.mark.parametrize("table", sorted(TABLES.keys() - MADE_FOR_RELEASES))
def test_every_column_read_is_in_the_schema(schema: dict[str, dict[str, str]], table: str) -> None:
    kinds = {pl.String(): "VARCHAR", pl.Float64(): "DOUBLE", pl.Date(): "DATE", pl.Int64(): "INTEGER"} | {
        pl.Boolean(): "BOOLEAN"
    }
    for column, dtype in TABLES[table].items():
        assert column in schema[table]
        promised = kinds.get(dtype, "TIMESTAMP WITH TIME ZONE")
        assert schema[table][column] in {promised, "BIGINT" if promised == "INTEGER" else promised}


def test_a_missing_column_is_null_and_an_extra_one_is_left_out() -> None:
    frame = conform("region", pl.DataFrame({"region_id": ["a"], "surprise": [1]}))
    assert frame.to_dicts() == [{"region_id": "a", "name": None}]


def test_text_where_a_number_belongs_is_refused() -> None:
    with pytest.raises(pl.exceptions.PolarsError):
        conform("plot", pl.DataFrame({"plot_id": ["a"], "area_mu": ["eight"]}))
