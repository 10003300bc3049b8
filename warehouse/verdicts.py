"""Judge staged rows against what is known: SQL over key and content hashes, no row passes through Python."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from warehouse.contracts import hashed, quoted
from warehouse.frames import ask
from warehouse.schema import Table


@dataclass(frozen=True)
class Judged:
    """What is to become of staged rows."""

    judged: pa.Table
    """row, verdict, for rows whose key is known or repeated; rows that are not here are new."""
    repeated: pa.Table
    """row, last_row (the line that stands), for rows whose key comes more than once in the delivery."""


def judge(connection: duckdb.DuckDBPyConnection, table: Table, staged: pa.Table) -> Judged:
    """One verdict per staged row whose key is known or repeated.

    Verdicts: new (write it), unchanged (it adds nothing), corrects (the version of the same instant),
    confirms (a description, said again later), twice (a later line of the file says otherwise).
    """
    rank = f"{quoted(table.rank)}::bigint" if table.rank else "0::bigint"
    tie = "file_id" if table.keeps_ties else "''"
    said = f"known_at, {rank} as rank, content_hash, {tie} as tie"
    known = _known(connection, table, staged, said)
    several = ask(
        connection, "select key_hash from staged group by key_hash having count(*) > 1", staged=staged
    )
    repeated = ask(connection, _REPEATED.format(said=said), staged=staged, several=several)
    text = (_VERSIONED if table.is_versioned else _DESCRIBED).format(said=said, ties=table.keeps_ties)
    judged = ask(
        connection,
        f"{text} union all {_TWICE}",
        staged=staged,
        several=several,
        known=known,
        repeated=repeated,
    )
    return Judged(judged, repeated)


def _known(connection: duckdb.DuckDBPyConnection, table: Table, staged: pa.Table, said: str) -> pa.Table:
    """Every version of the delivered keys; bounds on the key let DuckDB skip blocks that hold none of them."""
    keys = [c.name for c in table.columns if c.name in table.merge_key and not c.is_nullable]
    ends = ", ".join(f"min({quoted(k)}) as low_{n}, max({quoted(k)}) as high_{n}" for n, k in enumerate(keys))
    bounds = ask(connection, f"select {ends} from staged", staged=staged).to_pylist()[0] if keys else {}
    within = " and ".join(f"{quoted(key)} between $low_{n} and $high_{n}" for n, key in enumerate(keys))
    return ask(
        connection,
        f"select key_hash, {said} from (select *, {hashed(table.merge_key)} as key_hash, "
        f"{hashed(table.content)} as content_hash from {table.name} where {within or True}) "
        "where key_hash in (select key_hash from staged)",
        bounds,
        staged=staged,
    )


# Lines of one file that share a key; of those that share the instant too, the last stands.
_REPEATED = """
    select row, key_hash, {said},
        last_value(row) over same as last_row, last_value(content_hash) over same as last_content
    from staged semi join several using (key_hash)
    window same as (partition by key_hash, known_at, rank order by row
                    rows between unbounded preceding and unbounded following)
"""

_TWICE = """
    select row, case when content_hash = last_content then 'unchanged' else 'twice' end as verdict
    from repeated where row <> last_row
"""

# A row adds nothing when the version visible at its instant says the same or has a higher rank; one of
# the same instant and rank corrects that version unless the table keeps both. A key that comes once is
# held against its known versions; one that comes more often is walked through in time.
_VERSIONED = """
    with once as (
        select s.row, any_value(s.rank) as rank, any_value(s.content_hash) as content_hash,
            max(k.rank) as rank_before,
            arg_max(k.content_hash, (k.rank, k.known_at, k.tie)) as content_before,
            bool_or(k.known_at = s.known_at and k.rank = s.rank) as is_same_instant,
            bool_or(k.known_at = s.known_at and k.rank = s.rank and k.content_hash = s.content_hash)
                as is_same_version
        from (select row, key_hash, {said} from staged anti join several using (key_hash)) s
        join known k on k.key_hash = s.key_hash and k.known_at <= s.known_at
        group by s.row
    ), history as (
        select null::bigint as row, key_hash, known_at, rank, content_hash, tie
        from known semi join several using (key_hash)
        union all
        select row, key_hash, known_at, rank, content_hash, tie from repeated where row = last_row
    ), numbered as (
        select *, row_number() over (
            partition by key_hash order by known_at, row is not null, rank desc, tie) as step
        from history
    ), walked as (
        select row, rank, content_hash, max(rank) over before as rank_before,
            arg_max(content_hash, (rank, step)) over before as content_before,
            bool_or(row is null) over (partition by key_hash, known_at, rank) as is_same_instant,
            bool_or(row is null) over (partition by key_hash, known_at, rank, content_hash) as is_same_version
        from numbered
        window before as (
            partition by key_hash order by step rows between unbounded preceding and 1 preceding)
    )
    select row, case
        when is_same_version or rank < rank_before then 'unchanged'
        when rank = rank_before and content_hash = content_before then 'unchanged'
        when is_same_instant and not {ties} then 'corrects'
        else 'new' end as verdict
    from (from once union all by name from walked) where row is not null
"""

# Of a description only what became known last stands; the same words known later confirm it.
_DESCRIBED = """
    with once as (
        select row, key_hash, {said}, true as is_last
        from staged anti join several using (key_hash)
    ), repeatedly as (
        select row, key_hash, known_at, rank, content_hash, tie,
            row = arg_max(row, (known_at, row)) over (partition by key_hash) as is_last
        from repeated where row = last_row
    )
    select l.row, case
        when not is_last or k.known_at > l.known_at then 'unchanged'
        when k.key_hash is null then 'new'
        when k.content_hash = l.content_hash and k.known_at = l.known_at then 'unchanged'
        when k.content_hash = l.content_hash then 'confirms'
        else 'corrects' end as verdict
    from (from once union all by name from repeatedly) l left join known k using (key_hash)
"""
