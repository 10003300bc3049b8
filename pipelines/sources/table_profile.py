"""Which plain tables may be loaded and what their columns may be called (profiles/tables.toml and the schema)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from pipelines.sources.profile import PROFILES, normal
from warehouse import Warehouse

GIVEN = ("known_at", "file_id")
"""Columns that the delivery fills, not the file."""


@dataclass(frozen=True)
class Declared:
    """What profiles/tables.toml says of one table."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    constant: Mapping[str, str] = field(default_factory=dict)
    event: str = ""
    delay_hours: int = 1
    ahead_days: int = 0
    decided: tuple[str, ...] = ()
    """Header names of the day a plan was made: it was known from then on."""


@dataclass(frozen=True)
class Column:
    """One column of the schema."""

    name: str
    type: str
    is_needed: bool
    """Not null and without a default."""


@dataclass(frozen=True)
class TableProfile:
    """One loadable table: the schema's columns and every name and unit they may come under."""

    table: str
    columns: tuple[Column, ...]
    declared: Declared
    aliases: Mapping[str, tuple[str, float]]
    """Normalised header name → (column, scale)."""
    words: Mapping[str, Mapping[str, str]]

    def matched(self, header: Sequence[str]) -> dict[str, tuple[str, float]]:
        """Header name → (column, scale); the first that fits a column takes it."""
        found: dict[str, tuple[str, float]] = {}
        taken: set[str] = set()
        own = [name for name in header if name in self.aliases and self.aliases[name][0] == name]
        for name in [*own, *header]:
            target = self.aliases.get(name)
            if target and name not in found and target[0] not in taken:
                found[name] = target
                taken.add(target[0])
        return found

    def missing(self, header: Sequence[str]) -> list[str]:
        """Columns that the table needs and neither the header nor the declaration gives."""
        have = {column for column, _ in self.matched(header).values()} | set(self.declared.constant)
        instead = {name for name, other in self.declared.instead.items() if other in have}
        return [c.name for c in self.columns if c.is_needed and c.name not in have | instead]

    def score(self, header: Sequence[str]) -> float:
        """How well a normalised header fits (0–1); under 0.5 when a needed column is missing."""
        names = [name for name in header if name and not name.startswith("column_")]
        matched = self.matched(names)
        known = len(matched) / max(1, len(names))
        needed = [c.name for c in self.columns if c.is_needed]
        lacking = self.missing(names)
        if lacking:
            return 0.5 * known * (1 - len(lacking) / max(1, len(needed)))
        return 0.6 + 0.4 * known if len(matched) >= 2 else 0.3


def table_names() -> list[str]:
    """The loadable tables, in the order of the declaration."""
    return list(_declaration()["tables"])


@cache
def table_profiles() -> dict[str, TableProfile]:
    """Every loadable table by name."""
    raw = _declaration()
    tables = TypeAdapter(dict[str, Declared]).validate_python(raw["tables"])
    schema = _schema()
    return {
        name: TableProfile(name, schema[name], declared, _aliases(schema[name], declared, raw), raw["words"])
        for name, declared in tables.items()
    }


@cache
def _declaration() -> dict[str, Any]:
    return tomllib.loads((PROFILES / "tables.toml").read_text("utf-8"))


def _aliases(
    columns: tuple[Column, ...], declared: Declared, raw: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> dict[str, tuple[str, float]]:
    """Names from the most general to the most particular: a later one replaces an earlier one."""
    names = [c.name for c in columns]
    found: dict[str, tuple[str, float]] = {}
    for group in (raw["names"], declared.names):
        found |= {normal(a): (column, 1.0) for column in names for a in group.get(column, ())}
    for column in names:
        found |= {normal(a): (column, float(scale)) for a, scale in raw["scaled"].get(column, {}).items()}
    for column, also in declared.names.items():
        found |= {normal(a): (column, 1.0) for a in also}
    return found | {name: (name, 1.0) for name in names}


@cache
def _schema() -> dict[str, tuple[Column, ...]]:
    """The columns of every table, read back from an empty warehouse."""
    with Warehouse.open(":memory:") as warehouse:
        rows = warehouse.sql(
            "select table_name, column_name, data_type, is_nullable, column_default from duckdb_columns() "
            "where schema_name = 'main' and database_name = current_database() order by table_name, column_index"
        )
    found: dict[str, list[Column]] = {}
    for table, name, kind, is_nullable, default in rows.iter_rows():
        if name not in GIVEN:
            found.setdefault(table, []).append(Column(name, kind, not is_nullable and default is None))
    return {table: tuple(columns) for table, columns in found.items()}
