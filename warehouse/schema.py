"""What the warehouse knows of its own tables: read back from DuckDB and the schema file, never restated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

SCHEMA_FILE = Path(__file__).parents[1] / "warehouse.duckdb.sql"

_TABLE = re.compile(r"^create table if not exists (\w+)", re.MULTILINE)
_NOTE = re.compile(r"^-- (key|rank|refers): (.+)$")

LEDGER_COLUMNS = ("known_at", "file_id", "line_number")
"""Columns that say how a fact came, not what it says: two versions that differ only here are the same."""


class WarehouseError(RuntimeError):
    """The warehouse cannot do what was asked; the message names what, the value, the limit and the way out."""


def reason(error: duckdb.Error) -> str:
    """What DuckDB says, without the excerpt of SQL that follows."""
    return str(error).strip().split("\n", 1)[0]


@dataclass(frozen=True)
class Column:
    """One column as DuckDB declares it."""

    name: str
    type: str
    is_nullable: bool
    default: str | None


@dataclass(frozen=True)
class Check:
    """One CHECK: the columns it reads, each once, and its expression."""

    columns: tuple[str, ...]
    expression: str


@dataclass(frozen=True)
class Reference:
    """One FOREIGN KEY, or one noted by `-- refers: COLUMN TABLE` where DuckDB's own would forbid corrections."""

    columns: tuple[str, ...]
    table: str
    target: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table: columns, constraints, and the key that the schema file notes where there is no index."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    checks: tuple[Check, ...]
    references: tuple[Reference, ...]
    noted_key: tuple[str, ...]
    rank: str | None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in the order of the schema."""
        return tuple(column.name for column in self.columns)

    @property
    def has_known_at(self) -> bool:
        """Whether its rows say when they became known."""
        return "known_at" in self.names

    @property
    def is_versioned(self) -> bool:
        """Whether a change is written as a new version; otherwise a key holds one row, overwritten."""
        return self.has_known_at and (not self.primary_key or "known_at" in self.primary_key)

    @property
    def sees_cutoff(self) -> bool:
        """Whether a read with a cutoff hides what became known later: facts and decisions, not descriptions."""
        return self.is_versioned or (self.has_known_at and bool(self.noted_key))

    @property
    def natural_key(self) -> tuple[str, ...]:
        """The key without `known_at`; empty where the schema gives none."""
        return self.noted_key or tuple(name for name in self.primary_key if name != "known_at")

    @property
    def merge_key(self) -> tuple[str, ...]:
        """What identifies a fact when merging: the natural key, else everything the row says."""
        return self.natural_key or tuple(name for name in self.names if name not in LEDGER_COLUMNS)

    @property
    def content(self) -> tuple[str, ...]:
        """The columns whose change makes a new version."""
        skip = {*self.merge_key, *LEDGER_COLUMNS}
        return tuple(name for name in self.names if name not in skip)

    @property
    def keeps_ties(self) -> bool:
        """Whether two files may say different things of one key at one instant; `file_id` then decides."""
        return "file_id" in self.names


def read_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Every table of the open file by name."""
    notes = _notes(SCHEMA_FILE.read_text("utf-8"))
    columns = _rows(
        connection,
        "select table_name, column_name, data_type, is_nullable, column_default from duckdb_columns() "
        "where schema_name = 'main' and database_name = current_database() and table_oid in "
        "(select table_oid from duckdb_tables()) order by table_name, column_index",
    )
    constraints = _rows(
        connection,
        "select table_name, constraint_type, constraint_column_names, expression, referenced_table, "
        "referenced_column_names from duckdb_constraints() where database_name = current_database() "
        "order by table_name, constraint_index",
    )
    return {
        name: _table(
            name,
            [row[1:] for row in columns if row[0] == name],
            [row[1:] for row in constraints if row[0] == name],
            notes.get(name, {}),
        )
        for name in sorted({row[0] for row in columns})
    }


def _rows(connection: duckdb.DuckDBPyConnection, text: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(text).fetchall())


def _table(
    name: str,
    columns: list[tuple[Any, ...]],
    constraints: list[tuple[Any, ...]],
    notes: Mapping[str, tuple[str, ...]],
) -> Table:
    of: dict[str, list[tuple[Any, ...]]] = {}
    for kind, *rest in constraints:
        of.setdefault(str(kind), []).append(tuple(rest))
    primary = [_names(row[0]) for row in of.get("PRIMARY KEY", [])]
    return Table(
        name=name,
        columns=tuple(
            Column(str(c), str(t), bool(n), None if d is None else str(d)) for c, t, n, d in columns
        ),
        primary_key=primary[0] if primary else (),
        unique=tuple(_names(row[0]) for row in of.get("UNIQUE", [])),
        checks=tuple(Check(_names(row[0]), str(row[1])) for row in of.get("CHECK", [])),
        references=(
            *(Reference(_names(row[0]), str(row[2]), _names(row[3])) for row in of.get("FOREIGN KEY", [])),
            *(
                Reference((column,), target, (column,))
                for column, target in map(str.split, notes.get("refers", ()))
            ),
        ),
        noted_key=notes.get("key", ()),
        rank=next(iter(notes.get("rank", ())), None),
    )


def _names(value: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value))


def _notes(text: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """The `-- key:`, `-- rank:` and `-- refers:` comments above each table of the schema text."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    pending: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if note := _NOTE.match(line):
            pending[note[1]] = tuple(name.strip() for name in note[2].split(","))
        elif table := _TABLE.match(line):
            found[table[1]], pending = pending, {}
    return found
