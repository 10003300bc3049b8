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
    repeated: pa.Table | None
    """row, last_row (the line that stands), for rows whose key comes more than once in the delivery, if any."""


def judge(connection: duckdb.DuckDBPyConnection, table: Table, staged: pa.Table) -> Judged:
    """One verdict per staged row whose key is known or repeated.

    Verdicts: new (write it), unchanged (it adds nothing), corrects (the version of the same instant),
    confirms (a description, said again later), twice (a later line of the file says otherwise).
    """
    rank = f"{quoted(table.rank)}::bigint" if table.rank else "0::bigint"
    tie = "file_id" if table.keeps_ties else "''"
    said = f"known_at, {rank} as rank, content_hash, {tie} as tie"
    bounds, any_repeated = _bounds(connection, table, staged)
    known = _known(connection, table, staged, said, bounds)
    several = repeated = None
    if not any_repeated and not known.num_rows:
        return Judged(pa.table({"row": pa.array([], pa.int64()), "verdict": pa.array([], pa.string())}), None)
    if any_repeated:
        several = ask(
            connection, "select key_hash from staged group by key_hash having count(*) > 1", staged=staged
        )
        repeated = ask(connection, _REPEATED.format(said=said), staged=staged, several=several)
    once, repeatedly = (_VERSION, _VERSIONS) if table.is_versioned else (_DESCRIPTION, _DESCRIPTIONS)
    text = once.format(said=said, ties=table.keeps_ties, apart=_APART if any_repeated else "")
    if any_repeated:
        text = f"{text} union all {repeatedly.format(ties=table.keeps_ties)} union all {_TWICE}"
    judged = ask(connection, text, staged=staged, several=several, known=known, repeated=repeated)
    return Judged(judged, repeated)


def _bounds(
    connection: duckdb.DuckDBPyConnection, table: Table, staged: pa.Table
) -> tuple[dict[str, object], bool]:
    """The least and greatest of each key column that is never empty, and whether a key comes twice."""
    keys = [c.name for c in table.columns if c.name in table.merge_key and not c.is_nullable]
    ends = "".join(f', min({quoted(k)}) as "low {k}", max({quoted(k)}) as "high {k}"' for k in keys)
    text = f"select count(*) > count(distinct key_hash) as any_repeated{ends} from staged"
    found = ask(connection, text, staged=staged).to_pylist()[0]
    any_repeated = bool(found.pop("any_repeated"))
    return found, any_repeated


def _known(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    staged: pa.Table,
    said: str,
    bounds: dict[str, object],
) -> pa.Table:
    """Every version of the delivered keys; bounds on the key let DuckDB skip blocks that hold none of them."""
    names = [end.removeprefix("low ") for end in bounds if end.startswith("low ")]
    within = " and ".join(f"{quoted(k)} between $low_{n} and $high_{n}" for n, k in enumerate(names))
    ends = {f"{end}_{n}": bounds[f"{end} {k}"] for n, k in enumerate(names) for end in ("low", "high")}
    return ask(
        connection,
        f"select key_hash, {said} from (select *, {hashed(table.merge_key)} as key_hash, "
        f"{hashed(table.content)} as content_hash from {table.name} where {within or True}) "
        "where key_hash in (select key_hash from staged)",
        ends,
        staged=staged,
    )


_APART = "anti join several using (key_hash)"

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
# the same instant and rank corrects that version unless the table keeps both.
_VERDICT = """
    case when is_same_version or rank < rank_before then 'unchanged'
        when rank = rank_before and content_hash = content_before then 'unchanged'
        when is_same_instant and not {ties} then 'corrects'
        else 'new' end as verdict
"""

# A key that comes once is held against its known versions.
_VERSION = f"""
    select row, {_VERDICT} from (
        select s.row, any_value(s.rank) as rank, any_value(s.content_hash) as content_hash,
            max(k.rank) as rank_before,
            arg_max(k.content_hash, (k.rank, k.known_at, k.tie)) as content_before,
            bool_or(k.known_at = s.known_at and k.rank = s.rank) as is_same_instant,
            bool_or(k.known_at = s.known_at and k.rank = s.rank and k.content_hash = s.content_hash)
                as is_same_version
        from (select row, key_hash, {{said}} from staged {{apart}}) s
        join known k on k.key_hash = s.key_hash and k.known_at <= s.known_at
        group by s.row
    )
"""

# A key that comes more often is walked through in time, its known versions and its lines.
_VERSIONS = f"""
    select row, {_VERDICT} from (
        select row, rank, content_hash, max(rank) over before as rank_before,
            arg_max(content_hash, (rank, step)) over before as content_before,
            bool_or(row is null) over (partition by key_hash, known_at, rank) as is_same_instant,
            bool_or(row is null) over (partition by key_hash, known_at, rank, content_hash) as is_same_version
        from (
            select *, row_number() over (
                partition by key_hash order by known_at, row is not null, rank desc, tie) as step
            from (
                select null::bigint as row, key_hash, known_at, rank, content_hash, tie
                from known semi join several using (key_hash)
                union all
                select row, key_hash, known_at, rank, content_hash, tie from repeated where row = last_row
            )
        )
        window before as (
            partition by key_hash order by step rows between unbounded preceding and 1 preceding)
    ) where row is not null
"""

# Of a description only what became known last stands; the same words known later confirm it.
_DESCRIBED = """
    case when k.known_at > s.known_at then 'unchanged'
        when k.key_hash is null then 'new'
        when k.content_hash = s.content_hash and k.known_at = s.known_at then 'unchanged'
        when k.content_hash = s.content_hash then 'confirms'
        else 'corrects' end
"""

_DESCRIPTION = f"""
    select s.row, {_DESCRIBED} as verdict
    from (select row, key_hash, {{said}} from staged {{apart}}) s left join known k using (key_hash)
"""

_DESCRIPTIONS = f"""
    select s.row, case when is_last then {_DESCRIBED} else 'unchanged' end as verdict
    from (
        select *, row = arg_max(row, (known_at, row)) over (partition by key_hash) as is_last
        from repeated where row = last_row
    ) s left join known k using (key_hash)
"""
