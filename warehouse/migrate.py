"""Bring a warehouse file to the schema of this code: new, older step by step, or refused when newer."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.schema import SCHEMA_FILE, WarehouseError, reason

MIGRATIONS = Path(__file__).parent / "migrations"
BASELINE = 1
"""The version of a file made before the first migration; migrations count from 2."""

_NUMBERED = re.compile(r"^(\d{4})_\w+\.sql$")
_DRIFT = """
    select table_name, column_name, data_type, is_nullable from duckdb_columns()
    where database_name = current_database() and table_oid in (select table_oid from duckdb_tables())
"""


def code_version(migrations: Path = MIGRATIONS) -> int:
    """The schema version of this code: the highest migration number, or the baseline."""
    return max([BASELINE, *_steps(migrations)])


def bring_up(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    schema_file: Path = SCHEMA_FILE,
    migrations: Path = MIGRATIONS,
) -> int:
    """Create or upgrade the schema of an open file and return its version.

    Each migration runs in its own transaction together with its line in `schema_version`, so a file
    killed half-way is at a whole version. The schema text is applied again only when it changed.

    Raises:
        WarehouseError: The file is newer than the code, is no Anxu warehouse, or differs from the schema
            text in a column that no migration brings.
    """
    text = schema_file.read_text("utf-8")
    digest, target = hashlib.sha256(text.encode()).hexdigest(), code_version(migrations)
    found = _stamp(connection, path)
    if found is None:
        _apply(connection, path, text, target, digest, is_new=True)
        return target
    version, applied = found
    if version > target:
        raise WarehouseError(
            f"warehouse {path} has schema version {version}, this code knows up to {target}; "
            "install the newer Anxu that wrote it, or restore a backup made by this one"
        )
    for number in range(version + 1, target + 1):
        _step(connection, path, number, migrations)
    if version < target or applied != digest:
        _apply(connection, path, text, target, digest, is_new=False)
    return target


def _steps(migrations: Path) -> dict[int, Path]:
    found = {int(m[1]): p for p in sorted(migrations.glob("*.sql")) if (m := _NUMBERED.match(p.name))}
    if found and sorted(found) != list(range(BASELINE + 1, max(found) + 1)):
        raise WarehouseError(
            f"migrations in {migrations} are numbered {sorted(found)}; number them from {BASELINE + 1} without gaps"
        )
    return found


def _stamp(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[int, str] | None:
    """The file's version and the digest of its schema text; None for a file without tables."""
    names = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if not names:
        return None
    rows = (
        connection.execute(
            "select version, schema_sha256 from schema_version order by version desc limit 1"
        ).fetchall()
        if "schema_version" in names
        else []
    )
    if not rows:
        raise WarehouseError(
            f"{path} is a DuckDB file with {len(names)} tables and no schema version, so no Anxu warehouse; "
            "name another path"
        )
    return int(rows[0][0]), str(rows[0][1])


def _step(connection: duckdb.DuckDBPyConnection, path: Path, number: int, migrations: Path) -> None:
    step = _steps(migrations)[number]
    connection.execute("begin")
    try:
        connection.execute(step.read_text("utf-8"))
        _write_stamp(connection, number, "")
        connection.execute("commit")
    except duckdb.Error as error:
        connection.execute("rollback")
        raise WarehouseError(
            f"warehouse {path}: migration {step.name} failed ({reason(error)}); the file stays at version {number - 1}; "
            "restore a backup or correct the migration"
        ) from error


def _apply(
    connection: duckdb.DuckDBPyConnection, path: Path, text: str, version: int, digest: str, *, is_new: bool
) -> None:
    connection.execute("begin")
    try:
        connection.execute(text)
        if not is_new:
            _refuse_drift(connection, path, text)
        _write_stamp(connection, version, digest)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _write_stamp(connection: duckdb.DuckDBPyConnection, version: int, digest: str) -> None:
    connection.execute(
        "insert into schema_version values ($version, $digest, $now) "
        "on conflict do update set schema_sha256 = excluded.schema_sha256, applied_at = excluded.applied_at",
        {"version": version, "digest": digest, "now": datetime.now(UTC)},
    )


def _refuse_drift(connection: duckdb.DuckDBPyConnection, path: Path, text: str) -> None:
    with duckdb.connect() as fresh:
        fresh.execute(text)
        wanted = set(fresh.execute(_DRIFT).fetchall())
    have = set(connection.execute(_DRIFT).fetchall())
    if odd := sorted(f"{row[0]}.{row[1]} {row[2]}" for row in wanted ^ have):
        raise WarehouseError(
            f"warehouse {path} and the schema text differ in {', '.join(odd[:6])}; "
            "add a numbered migration that brings older files along, or start a new county folder"
        )
