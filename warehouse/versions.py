"""Merge staged rows into a table: what is a new version, what was known already, what contradicts itself."""

from dataclasses import dataclass

import duckdb
import polars as pl
import pyarrow as pa

from warehouse.contracts import quoted, stage, text_literal
from warehouse.frames import as_polars, ask, tell
from warehouse.schema import LEDGER_COLUMNS, Table, WarehouseError
from warehouse.verdicts import Judged, judge


@dataclass(frozen=True)
class Taken:
    """What became of a delivery, in lines of the file; taken + unchanged + rejected_frame.height = lines."""

    taken: int
    """Lines of which at least one new version was written."""
    unchanged: int
    """Lines that say what was known already, or what a further state has overtaken."""
    rejected_frame: pl.DataFrame
    """One row per refused line: line_number, rule, detail, row_text (contracts.REJECTED_SCHEMA)."""


def take_in(connection: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame, file_id: str) -> Taken:
    """Check rows against the table and merge the good ones; the caller holds the transaction.

    Facts get a new version where they say something else than the version they would follow; descriptions
    (keys without `known_at`) are overwritten by what became known later. Of lines with one key and one
    instant the later stands; an earlier one that says something else is refused (`key_twice`).

    Raises:
        WarehouseError: The table keeps no `known_at`, or the frame has other columns than the table.
    """
    if not table.has_known_at:
        raise WarehouseError(f"table {table.name} keeps no known_at; write it with append, replace or upsert")
    staged, broken = stage(connection, table, rows, file_id)
    verdicts = judge(connection, table, staged)
    found = set(verdicts.judged["verdict"].unique().to_pylist())
    twice = _twice(connection, table, staged, verdicts) if "twice" in found else broken.clear()
    rejected = pl.concat([broken, twice], how="vertical_relaxed").unique(
        "line_number", keep="first", maintain_order=True
    )
    _write(connection, table, staged, verdicts.judged, found)
    lines = rows["line_number"].n_unique()
    simple = found <= {"new"} and not rejected.height
    taken = lines if simple else _lines_written(connection, staged, verdicts.judged, rejected)
    return Taken(taken, lines - taken - rejected.height, rejected)


def _twice(
    connection: duckdb.DuckDBPyConnection, table: Table, staged: pa.Table, verdicts: Judged
) -> pl.DataFrame:
    key = " || ', ' || ".join(
        f"'{name} ' || coalesce('''' || s.{quoted(name)}::text || '''', 'empty')" for name in table.merge_key
    )
    kept = ", ".join(f"{text_literal(n)}, s.{quoted(n)}" for n in table.names if n not in LEDGER_COLUMNS)
    found = ask(
        connection,
        f"select s.line_number, 'key_twice' as rule, {key} || ' comes again in line ' || l.line_number || "
        "' with other content, and that line stands; keep one line per key' as detail, "
        f"json_object({kept})::text as row_text from judged j join staged s on s.row = j.row "
        "join repeated r on r.row = j.row join staged l on l.row = r.last_row "
        "where j.verdict = 'twice' order by s.row",
        staged=staged,
        judged=verdicts.judged,
        repeated=verdicts.repeated,
    )
    return as_polars(found)


def _write(
    connection: duckdb.DuckDBPyConnection, table: Table, staged: pa.Table, judged: pa.Table, found: set[str]
) -> None:
    names = ", ".join(quoted(name) for name in table.names)
    known = " where row not in (select row from judged where verdict <> 'new')" if found - {"new"} else ""
    insert = f"insert into {table.name} ({names}) select {names} from staged{known}"
    tell(connection, insert, staged=staged, judged=judged)
    said = [name for name in table.content if name not in _fixed(table)]
    changes = {"corrects": said if table.is_versioned else [*said, "known_at"], "confirms": ["known_at"]}
    for verdict in found & set(changes):
        tell(connection, _update(table, verdict, changes[verdict]), staged=staged, judged=judged)


def _fixed(table: Table) -> set[str]:
    """Columns of a `unique (…)`: an update that names them is taken for a new key by DuckDB."""
    return {name for names in table.unique for name in names}


def _update(table: Table, verdict: str, names: list[str]) -> str:
    keys = [*table.merge_key, "known_at"] if table.is_versioned else list(table.merge_key)
    same = " and ".join(f"t.{quoted(k)} is not distinct from s.{quoted(k)}" for k in keys)
    values = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in names)
    return (
        f"update {table.name} t set {values} from (select s.* from staged s join judged j on j.row = s.row "
        f"where j.verdict = '{verdict}') s where {same}"
    )


def _lines_written(
    connection: duckdb.DuckDBPyConnection, staged: pa.Table, judged: pa.Table, rejected: pl.DataFrame
) -> int:
    text = (
        "select count(distinct line_number) from staged "
        "where row not in (select row from judged where verdict not in ('new', 'corrects')) "
        "and line_number not in (select line_number from refused)"
    )
    refused = rejected.select("line_number").to_arrow()
    return int(ask(connection, text, staged=staged, judged=judged, refused=refused)[0][0].as_py())
