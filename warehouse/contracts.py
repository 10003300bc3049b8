"""A frame against its table: which rows break which rule, judged by the constraints the schema declares."""

from dataclasses import dataclass

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.frames import as_polars, ask
from warehouse.schema import LEDGER_COLUMNS, Column, Table, WarehouseError

REJECTED_SCHEMA = pl.Schema(
    {"line_number": pl.Int64, "rule": pl.String, "detail": pl.String, "row_text": pl.String}
)
"""Refused rows: line, short rule name, value + limit + way out, and the row as JSON."""

WAY_OUT = "correct the line and load the file again"


@dataclass(frozen=True)
class Rule:
    """One thing a row must hold: a short name, SQL that is true where it is broken, SQL that explains."""

    name: str
    broken: str
    detail: str


def stage(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame, file_id: str
) -> tuple[pa.Table, pl.DataFrame]:
    """Part a delivery into the rows that keep every rule and the refused ones.

    The first holds the table's columns in its types, `line_number`, `row` (ascending in the order delivered)
    and two 64-bit hashes: `key_hash` of the merge key and `content_hash` of what the row says. A null where
    the schema has a default takes the default. A row that breaks several rules is refused once, with the
    first: type, missing, check, reference, uniqueness.

    Raises:
        WarehouseError: The frame has no `line_number`, or columns that the table does not have.
    """
    _refuse_other_columns(table, rows)
    delivered = rows.to_arrow()
    types = _types(connection, delivered)
    typed = _typed(table, types, file_id)
    rules = [*_type_rules(table, types), *_missing_rules(table), *_check_rules(table)]
    rules += [*_reference_rules(table), *_unique_rules(table, types)]
    broken = " or ".join(f"({rule.broken})" for rule in rules) or "false"
    names = ", ".join(dict.fromkeys(("line_number", *(quoted(n) for n in table.names))))
    judged = ask(
        connection,
        f"select {names}, {hashed(table.merge_key)} as key_hash, {hashed(table.content)} as content_hash, "
        f"row_number() over () - 1 as row, {broken} as is_broken from ({typed}) t",
        delivered=delivered,
    )
    staged = judged.drop_columns(["is_broken"])
    if not pc.any(judged["is_broken"]).as_py():
        return staged, pl.DataFrame(schema=REJECTED_SCHEMA)
    explained = ask(connection, _explain(typed, rules, broken, types), delivered=delivered)
    return staged.filter(pc.invert(judged["is_broken"])), as_polars(explained)


def hashed(names: tuple[str, ...]) -> str:
    """SQL of one 64-bit hash over columns; nulls count as values."""
    return f"hash({', '.join(quoted(name) for name in names)})" if names else "0::ubigint"


def quoted(name: str) -> str:
    """A column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def _refuse_other_columns(table: Table, rows: pl.DataFrame) -> None:
    if "line_number" not in rows.columns:
        raise WarehouseError(f"rows for table {table.name} have no line_number; number them as in the file")
    if other := sorted(set(rows.columns) - set(table.names) - {"line_number"}):
        raise WarehouseError(
            f"table {table.name} has no column {', '.join(other)}; it has {', '.join(table.names)}"
        )


def _types(connection: duckdb.DuckDBPyConnection, delivered: pa.Table) -> dict[str, str]:
    """DuckDB's type of each delivered column."""
    described = ask(connection, "describe from delivered", delivered=delivered)
    return dict(zip(described["column_name"].to_pylist(), described["column_type"].to_pylist(), strict=True))


def _typed(table: Table, types: dict[str, str], file_id: str) -> str:
    """SQL that casts the delivered frame to the table, beside each column as it was delivered."""
    given = {"file_id": text_literal(file_id)} if "file_id" not in types else {}
    parts = [f"{_cast(c, types, given)} as {quoted(c.name)}" for c in table.columns]
    parts += [f"{quoted(c)} as {quoted(_raw(c))}" for c in types if c in table.names]
    if "line_number" not in table.names:
        parts.append("line_number::bigint as line_number")
    return f"select {', '.join(parts)} from delivered"


def _cast(column: Column, types: dict[str, str], given: dict[str, str]) -> str:
    name, kind = quoted(column.name), types.get(column.name)
    if kind is None:
        return f"({given.get(column.name) or column.default or 'null'})::{column.type}"
    value = name if kind == column.type else f"try_cast({name} as {column.type})"
    if column.default and not column.is_nullable:
        return f"case when {name} is null then ({column.default})::{column.type} else {value} end"
    return value


def _raw(name: str) -> str:
    return f"{name} as delivered"


def _type_rules(table: Table, types: dict[str, str]) -> list[Rule]:
    return [
        Rule(
            f"{c.name}_type",
            f"{quoted(c.name)} is null and {quoted(_raw(c.name))} is not null",
            f"{_value(c.name, raw=True)} || ' is no {c.type.lower()}; {WAY_OUT}'",
        )
        for c in table.columns
        if types.get(c.name, c.type) != c.type
    ]


def _missing_rules(table: Table) -> list[Rule]:
    return [
        Rule(f"{c.name}_missing", f"{quoted(c.name)} is null", f"'{c.name} is empty; give it and load again'")
        for c in table.columns
        if not c.is_nullable
    ]


def _check_rules(table: Table) -> list[Rule]:
    return [
        Rule(
            f"{'_'.join(check.columns)}_check",
            f"({check.expression}) is false",
            " || ', ' || ".join(_value(name) for name in check.columns)
            + f" || ' does not hold ' || {text_literal(check.expression)} || '; {WAY_OUT}'",
        )
        for check in table.checks
    ]


def _reference_rules(table: Table) -> list[Rule]:
    return [
        Rule(
            f"{'_'.join(ref.columns)}_known",
            " and ".join(f"{quoted(name)} is not null" for name in ref.columns)
            + f" and ({_list(ref.columns)}) not in (select {_list(ref.target)} from {ref.table})",
            " || ', ' || ".join(_value(name) for name in ref.columns)
            + f" || ' is not in table {ref.table}; load the {ref.table} first'",
        )
        for ref in table.references
    ]


def _unique_rules(table: Table, types: dict[str, str]) -> list[Rule]:
    """For `unique (…)` beside the key: it names one key, and a key keeps it for good."""
    rules, key = [], ", ".join(table.primary_key)
    for names in table.unique:
        if not {*names, *table.primary_key} <= set(types):
            continue
        label, told = "_".join(names), " || ', ' || ".join(_value(name) for name in names)
        same, other_key = _same("o", names), f"not ({_same('o', table.primary_key)})"
        rules += [
            Rule(
                f"{label}_taken",
                f"exists (select 1 from {table.name} o where {same} and {other_key}) or "
                f"exists (select 1 from delivered o where {same} and {other_key})",
                f"{told} || ' belongs to another {key}; give each {key} its own {label}'",
            ),
            Rule(
                f"{label}_fixed",
                f"exists (select 1 from {table.name} o where {_same('o', table.primary_key)} and not ({same}))",
                f"{told} || ' is not what this {key} is known with; give the new one its own {key}'",
            ),
        ]
    return rules


def _same(other: str, names: tuple[str, ...]) -> str:
    return " and ".join(f"{other}.{quoted(name)} = t.{quoted(name)}" for name in names)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)


def _value(name: str, *, raw: bool = False) -> str:
    column = quoted(_raw(name) if raw else name)
    return f"'{name} ' || coalesce('''' || {column}::text || '''', 'empty')"


def _explain(typed: str, rules: list[Rule], broken: str, types: dict[str, str]) -> str:
    name = " ".join(f"when {rule.broken} then {text_literal(rule.name)}" for rule in rules)
    detail = " ".join(f"when {rule.broken} then {rule.detail}" for rule in rules)
    kept = [c for c in types if c not in LEDGER_COLUMNS]
    row = ", ".join(f"{text_literal(c)}, {quoted(_raw(c))}" for c in kept)
    return (
        f"select line_number, case {name} end as rule, case {detail} end as detail, "
        f"json_object({row})::text as row_text from ({typed}) t where {broken}"
    )
