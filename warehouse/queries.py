"""Reads: a table as it was known at an instant, and the named queries of queries/."""

from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from warehouse.contracts import hashed, quoted
from warehouse.schema import Table, WarehouseError, reason

QUERIES = Path(__file__).parent / "queries"


def select_known(table: Table, *, with_cutoff: bool) -> str:
    """SQL of a table's rows as known by `$known_by`: of each key the newest version, none that came later.

    With a rank the highest rank comes before the newest; among equals the greater `file_id`, then the line
    taken in last. Descriptions (a key without `known_at`) have one version and are shown as they are now.
    """
    if not table.sees_cutoff:
        return f"select * from {table.name}"
    where = " where known_at <= $known_by" if with_cutoff else ""
    if not table.is_versioned or not table.natural_key:
        return f"select * from {table.name}{where}"
    order = [
        *([table.rank] if table.rank else []),
        "known_at",
        *(["file_id"] if table.keeps_ties else []),
        "rowid",
    ]
    best = f"arg_max(rowid, ({', '.join(quoted(name) if name != 'rowid' else name for name in order)}))"
    return (
        f"select * from {table.name} where rowid in "
        f"(select {best} from {table.name}{where} group by {hashed(table.natural_key)})"
    )


def read(connection: duckdb.DuckDBPyConnection, table: Table, known_by: datetime | None) -> pl.DataFrame:
    """The table as known by an instant; see Warehouse.read."""
    if known_by is not None and not table.has_known_at:
        raise WarehouseError(f"table {table.name} has no known_at; read it without known_by")
    with_cutoff = known_by is not None and table.sees_cutoff
    text = select_known(table, with_cutoff=with_cutoff)
    return run(connection, text, {"known_by": known_by} if with_cutoff else {})


def named(name: str) -> str:
    """The text of queries/NAME.sql."""
    path = QUERIES / f"{name}.sql"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in QUERIES.glob("*.sql")))
        raise WarehouseError(f"there is no query '{name}'; there are {known}")
    return path.read_text("utf-8")


def run(connection: duckdb.DuckDBPyConnection, text: str, params: dict[str, object]) -> pl.DataFrame:
    """A query's rows; instants come as Datetime('us', 'UTC')."""
    try:
        frame: pl.DataFrame = connection.sql(text, params=params).pl()
    except duckdb.Error as error:
        raise WarehouseError(f"the query failed: {reason(error)}") from error
    return frame
