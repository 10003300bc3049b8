import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from warehouse import Warehouse, WarehouseBusyError, WarehouseError
from warehouse.migrate import BASELINE, bring_up, code_version

OLD_SCHEMA = """
create table if not exists schema_version (
    version integer primary key, schema_sha256 text not null, applied_at timestamptz not null);
create table if not exists crop (crop_id text primary key, kg double not null);
"""
NEW_SCHEMA = OLD_SCHEMA.replace("kg double not null", "name text, kg double not null").replace(
    "name text, kg double not null", "kg double not null, name text"
)


def folder_of(tmp_path: Path, **steps: str) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir(exist_ok=True)
    for name, text in steps.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text, "utf-8")
    return folder


def schema_at(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "schema.sql"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file made when the schema was OLD_SCHEMA, with one crop in it."""
    path = tmp_path / "old.duckdb"
    with duckdb.connect(path) as con:
        bring_up(con, path, schema_file=schema_at(tmp_path, OLD_SCHEMA), migrations=folder_of(tmp_path))
        con.execute("insert into crop values ('rice', 5)")
    return path


def test_a_new_file_has_every_table_of_the_schema_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "w.duckdb"
    with Warehouse.open(path) as wh:
        tables = wh.tables()
        assert {"order_line", "product", "demand_forecast", "schema_version"} <= set(tables)
        assert wh.columns("listing")["net_weight_kg"] == "DOUBLE"
        assert wh.sql("select version from schema_version").item() == code_version()
    with Warehouse.open(path) as wh:
        assert wh.tables() == tables


def test_keys_come_from_the_primary_key_or_from_the_schema_files_comment(wh: Warehouse) -> None:
    assert wh.natural_key("daily_sale") == ("product_id", "channel_id", "region_id", "sale_date")
    assert wh.natural_key("order_line") == ("platform", "shop", "order_id", "line_id")
    assert wh.natural_key("demand_forecast") == ()


def test_a_file_open_in_another_process_is_refused_with_its_path_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseBusyError, match=r"w\.duckdb is open in another process; wait until"):
            Warehouse.open(path)
        other.communicate(b"", timeout=20)


def test_a_file_that_is_no_warehouse_is_refused(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "other.duckdb") as con:
        con.execute("create table t (a integer)")
    with pytest.raises(WarehouseError, match="no schema version, so no Anxu warehouse"):
        Warehouse.open(tmp_path / "other.duckdb")
    (tmp_path / "text.duckdb").write_text("not a database at all, but long enough to be read as one" * 100)
    with pytest.raises(WarehouseError, match=r"text\.duckdb cannot be opened"):
        Warehouse.open(tmp_path / "text.duckdb")


def test_a_file_newer_than_the_code_is_refused_naming_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with Warehouse.open(path) as wh:
        wh.append("schema_version", wh.read("schema_version").with_columns(version=pl.lit(99, pl.Int32)))
    with pytest.raises(
        WarehouseError, match=rf"schema version 99, this code knows up to {code_version()}; install"
    ):
        Warehouse.open(path)


def test_an_older_file_is_upgraded_step_by_step_and_keeps_its_rows(old: Path, tmp_path: Path) -> None:
    steps = folder_of(
        tmp_path,
        m0002_name="alter table crop add column name text;",
        m0003_fill="update crop set name = upper(crop_id);",
    )
    with duckdb.connect(old) as con:
        assert bring_up(con, old, schema_file=schema_at(tmp_path, NEW_SCHEMA), migrations=steps) == 3
        assert con.execute("from crop").fetchall() == [("rice", 5.0, "RICE")]
        versions = con.execute("select version from schema_version order by version").fetchall()
    assert versions == [(BASELINE,), (2,), (3,)]


def test_a_migration_that_fails_leaves_the_file_at_the_last_whole_version(old: Path, tmp_path: Path) -> None:
    steps = folder_of(
        tmp_path,
        m0002_name="alter table crop add column name text;",
        m0003_bad="update crop set kg = 0; select no_such_column from crop;",
    )
    schema = schema_at(tmp_path, NEW_SCHEMA)
    with duckdb.connect(old) as con:
        with pytest.raises(WarehouseError, match=r"migration 0003_bad\.sql failed .* stays at version 2"):
            bring_up(con, old, schema_file=schema, migrations=steps)
        assert con.execute("select max(version), (select kg from crop) from schema_version").fetchall() == [
            (2, 5.0)
        ]


def test_a_schema_text_that_no_migration_brings_along_is_refused(old: Path, tmp_path: Path) -> None:
    with (
        duckdb.connect(old) as con,
        pytest.raises(WarehouseError, match=r"differ in crop\.name VARCHAR; add a numb"),
    ):
        bring_up(con, old, schema_file=schema_at(tmp_path, NEW_SCHEMA), migrations=folder_of(tmp_path))


def test_a_gap_in_the_numbers_of_migrations_is_refused(old: Path, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"numbered \[3\]; number them from 2 without gaps"):
        code_version(folder_of(tmp_path, m0003_late="select 1;"))
