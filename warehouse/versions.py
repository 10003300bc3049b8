"""Merge staged rows into a table: what is a new version, what was known already, what contradicts itself."""

from dataclasses import dataclass

import duckdb
import polars as pl

from warehouse.contracts import hashed, quoted, stage, text_literal
from warehouse.schema import LEDGER_COLUMNS, Table, WarehouseError


@dataclass(frozen=True)
class Taken:
    """What became of a delivery, in lines of the file; taken + unchanged + rejected_frame.height = lines."""

    taken: int
    """Lines of which at least one new version was written."""
    unchanged: int
    """Lines that say what was known already, or what a further state has overtaken."""
    rejected_frame: pl.DataFrame
    """One row per refused line: REJECTED_SCHEMA."""


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
    rejected = stage(connection, table, rows, file_id)
    _judge(connection, table)
    rejected = pl.concat([rejected, _twice(connection, table)], how="vertical_relaxed")
    rejected = rejected.unique("line_number", keep="first", maintain_order=True)
    taken = _write(connection, table, rejected)
    return Taken(taken, rows["line_number"].n_unique() - taken - rejected.height, rejected)


def _judge(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fill `judged` (row of `staged`, verdict) for rows whose key is known or comes more than once."""
    rank = f"{quoted(table.rank)}::bigint" if table.rank else "0::bigint"
    tie = "file_id" if table.keeps_ties else "''"
    connection.execute(
        f"create or replace temp table known as select * from (select {hashed(table.merge_key)} as key_hash, "
        f"known_at, {rank} as rank, {hashed(table.content)} as content_hash, {tie} as tie from {table.name}) "
        "where key_hash in (select key_hash from staged)"
    )
    connection.execute(
        f"""
        create or replace temp table repeated as
        select rowid as row, key_hash, known_at, {rank} as rank, content_hash, {tie} as tie,
            last_value(rowid) over same as last_row, last_value(content_hash) over same as last_content
        from staged
        where key_hash in (select key_hash from known)
            or key_hash in (select key_hash from staged group by key_hash having count(*) > 1)
        window same as (partition by key_hash, known_at, rank order by rowid
                        rows between unbounded preceding and unbounded following)
        """
    )
    connection.execute(_VERSIONED.format(ties=table.keeps_ties) if table.is_versioned else _DESCRIBED)


_TWICE = """
    select row, case when content_hash = last_content then 'unchanged' else 'twice' end as verdict
    from repeated where row <> last_row
"""

# Walks each key in time. A row adds nothing when the version visible at its instant says the same or
# has a higher rank; a row of the same instant corrects that version unless the table keeps both.
_VERSIONED = f"""
    create or replace temp table judged as
    with history as (
        select null::bigint as row, key_hash, known_at, rank, content_hash, tie from known
        union all
        select row, key_hash, known_at, rank, content_hash, tie from repeated where row = last_row
    ), numbered as (
        select *, row_number() over (partition by key_hash order by known_at, row is not null, rank desc, tie) as step,
            bool_or(row is null) over (partition by key_hash, known_at, rank) as is_same_instant,
            bool_or(row is null) over (partition by key_hash, known_at, rank, content_hash) as is_same_version
        from history
    ), walked as (
        select *, max(rank) over before as rank_before,
            arg_max(content_hash, (rank, step)) over before as content_before
        from numbered
        window before as (partition by key_hash order by step rows between unbounded preceding and 1 preceding)
    )
    select row, case
        when is_same_version or rank < rank_before then 'unchanged'
        when rank = rank_before and content_hash = content_before then 'unchanged'
        when is_same_instant and not {{ties}} then 'corrects'
        else 'new' end as verdict
    from walked where row is not null
    union all {_TWICE}
"""

# Of a description only what became known last stands; the same words known later confirm it.
_DESCRIBED = f"""
    create or replace temp table judged as
    with last_of_key as (
        select *, row = arg_max(row, (known_at, row)) over (partition by key_hash) as is_last
        from repeated where row = last_row
    )
    select l.row, case
        when not is_last or k.known_at > l.known_at then 'unchanged'
        when k.key_hash is null then 'new'
        when k.content_hash = l.content_hash and k.known_at = l.known_at then 'unchanged'
        when k.content_hash = l.content_hash then 'confirms'
        else 'corrects' end as verdict
    from last_of_key l left join known k using (key_hash)
    union all {_TWICE}
"""


def _twice(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    key = " || ', ' || ".join(
        f"'{name} ' || coalesce('''' || s.{quoted(name)}::text || '''', 'empty')" for name in table.merge_key
    )
    row = ", ".join(f"{text_literal(n)}, s.{quoted(n)}" for n in table.names if n not in LEDGER_COLUMNS)
    frame: pl.DataFrame = connection.sql(
        f"select s.line_number, 'key_twice' as rule, {key} || ' comes again in line ' || l.line_number || "
        "' with other content, and that line stands; keep one line per key' as detail, "
        f"json_object({row})::text as row_text from judged j join staged s on s.rowid = j.row "
        "join repeated r on r.row = j.row join staged l on l.rowid = r.last_row "
        "where j.verdict = 'twice' order by s.rowid"
    ).pl()
    return frame


def _write(connection: duckdb.DuckDBPyConnection, table: Table, rejected: pl.DataFrame) -> int:
    names = ", ".join(quoted(name) for name in table.names)
    connection.execute(
        f"insert into {table.name} ({names}) select {names} from staged s left join judged j on j.row = s.rowid "
        "where coalesce(j.verdict, 'new') = 'new' order by s.rowid"
    )
    _update(
        connection, table, "corrects", [c for c in table.content if c not in _fixed(table)] + ["known_at"]
    )
    _update(connection, table, "confirms", ["known_at"])
    connection.register("refused", rejected.select("line_number").to_arrow())
    try:
        counted = connection.execute(
            "select count(distinct line_number) from staged s left join judged j on j.row = s.rowid "
            "where coalesce(j.verdict, 'new') in ('new', 'corrects') "
            "and line_number not in (select line_number from refused)"
        ).fetchall()
    finally:
        connection.unregister("refused")
    return int(counted[0][0])


def _fixed(table: Table) -> set[str]:
    """Columns of a `unique (…)`: an update that names them is taken for a new key by DuckDB."""
    return {name for names in table.unique for name in names}


def _update(connection: duckdb.DuckDBPyConnection, table: Table, verdict: str, names: list[str]) -> None:
    if table.is_versioned:
        names = [name for name in names if name != "known_at"]
    keys = [*table.merge_key, "known_at"] if table.is_versioned else list(table.merge_key)
    same = " and ".join(f"t.{quoted(k)} is not distinct from s.{quoted(k)}" for k in keys)
    values = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in names)
    if (
        not names
        or not connection.execute(f"select 1 from judged where verdict = '{verdict}' limit 1").fetchall()
    ):
        return
    connection.execute(
        f"update {table.name} t set {values} from (select s.* from staged s join judged j on j.row = s.rowid "
        f"where j.verdict = '{verdict}') s where {same}"
    )
