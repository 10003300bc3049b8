"""One delivery into the warehouse: its batches, its refused lines, its row in the ledger."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import polars as pl

from pipelines.deliveries import Delivery, Found
from pipelines.grading_intake import judge_graded
from pipelines.load_report import FileReport
from pipelines.sources.kinds import Batch, Context
from pipelines.sources.profile import profiles
from pipelines.sources.taobao import Half, parse_pair
from warehouse import Warehouse

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""A shop is a name, not a fact of a day: its row is the same whichever file names it first."""
ROWS_AT_ONCE = 100_000
"""Rows held before they are merged: fewer cost time, more cost memory."""


@dataclass
class Counts:
    """What became of the lines of one file: read = taken + unchanged + dropped + rejected."""

    read: int = 0
    taken: int = 0
    unchanged: int = 0
    rejected: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    """Rule → what the first line that broke it was told."""
    notes: Counter[str] = field(default_factory=Counter)
    """Things taken in that want a look: unknown status words, lines without money."""


def merge(wh: Warehouse, delivery: Delivery, contexts: Mapping[Found, Context]) -> dict[Found, Counts]:
    """Take in every batch of a delivery and write its ledger rows; the caller holds the transaction.

    Raises:
        FileRefused: A file cannot be read to its end.
    """
    counts = {file: Counts() for file in delivery.files}
    if delivery.kind == "orders":
        _know_channel(wh, delivery)
    for file, batch in _gathered(_batches(delivery, contexts)):
        _take_batch(wh, file, batch, counts[file], contexts[file])
    for file, profile in zip(delivery.files, delivery.profiles, strict=True):
        wh.append("source_file", _ledger_row(file, profile, delivery, counts[file], contexts[file]))
    return counts


def taken_before(wh: Warehouse, file_id: str) -> datetime | None:
    """When a file with these bytes was taken in; None when it never was."""
    found = wh.sql("select arrived_at from source_file where file_id = $file_id", file_id=file_id)
    return found["arrived_at"][0] if found.height else None


def keep_refusal(wh: Warehouse, file: Found, problem: FileReport, now: datetime) -> None:
    """Keep one row (line 0) for a refused file; the same refusal again adds none."""
    known = wh.sql(
        "select 1 from rejected_row where file_id = $file_id and line_number = 0 and rule = $rule",
        file_id=file.file_id,
        rule=problem.rule,
    )
    if known.height or not file.file_id:
        return
    row = pl.DataFrame(
        {"line_number": [0], "rule": [problem.rule], "detail": [problem.message], "row_text": ["{}"]}
    )
    wh.append("rejected_row", _rejected_rows(row, file.file_id, problem.kind, now))


def _batches(delivery: Delivery, contexts: Mapping[Found, Context]) -> Iterator[tuple[Found, Batch]]:
    if not delivery.is_pair:
        file = delivery.files[0]
        for batch in delivery.source.parse(file.path, delivery.profiles[0], contexts[file]):
            yield file, batch
        return
    halves = {
        Half(file.path, profile, contexts[file]): file
        for file, profile in zip(delivery.files, delivery.profiles, strict=True)
    }
    for half, batch in parse_pair(list(halves)):
        yield halves[half], batch


def _gathered(batches: Iterator[tuple[Found, Batch]]) -> Iterator[tuple[Found, Batch]]:
    """The same in fewer, larger batches, tables in the order in which they first come: a merge reads the whole table."""
    held: dict[tuple[Found, str, bool], list[Batch]] = {}
    for file, batch in batches:
        held.setdefault((file, batch.table, batch.read > 0), []).append(batch)
        if sum(b.rows.height for several in held.values() for b in several) >= ROWS_AT_ONCE:
            yield from ((key[0], _joined(several)) for key, several in held.items())
            held.clear()
    yield from ((key[0], _joined(several)) for key, several in held.items())


def _joined(several: list[Batch]) -> Batch:
    """One batch of several of the same table."""
    if len(several) == 1:
        return several[0]
    dropped: Counter[str] = Counter()
    for batch in several:
        dropped.update(batch.dropped)
    filled = [batch.rows for batch in several if batch.rows.height] or [several[0].rows]
    return Batch(
        several[0].table,
        pl.concat(filled, how="diagonal_relaxed"),
        pl.concat([batch.rejected for batch in several], how="vertical_relaxed"),
        dropped,
        sum(batch.read for batch in several),
    )


def _take_batch(wh: Warehouse, file: Found, batch: Batch, counts: Counts, context: Context) -> None:
    rejected, taken, unchanged = batch.rejected, 0, 0
    rows, refused = judge_graded(wh, batch.table, batch.rows)
    if refused.height:
        rejected = pl.concat([rejected, refused], how="vertical_relaxed")
    if rows.height:
        merged = wh.take_in(batch.table, rows, file.file_id)
        taken, unchanged = merged.taken, merged.unchanged
        rejected = pl.concat([rejected, merged.rejected_frame], how="vertical_relaxed")
    if rejected.height:
        wh.append("rejected_row", _rejected_rows(rejected, file.file_id, batch.table, context.arrived_at))
    _note(batch, counts)
    if batch.read:  # else lines of the file that another batch accounts for
        counts.read += batch.read
        counts.taken += taken
        counts.unchanged += unchanged
        counts.rejected += rejected.height
        counts.dropped.update(batch.dropped)
    for rule, number in rejected["rule"].value_counts().iter_rows():
        counts.rules[rule] += number
        counts.examples.setdefault(rule, _example(rejected, rule))


def _example(rejected: pl.DataFrame, rule: str) -> str:
    line, detail = rejected.filter(pl.col("rule") == rule).select("line_number", "detail").row(0)
    return f"line {line}: {detail}"


def _note(batch: Batch, counts: Counts) -> None:
    if batch.table != "order_line" or not batch.rows.height:
        return
    unknown = batch.rows.filter(pl.col("status") == "unknown")["raw_status"].value_counts()
    for word, number in unknown.iter_rows():
        counts.notes[f"status '{word}' is not declared: kept as unknown, counted as sold"] += number
    if without := batch.rows["goods_yuan"].null_count():
        counts.notes["no amount in yuan: kept without money"] += without


def _rejected_rows(rejected: pl.DataFrame, file_id: str, table: str, at: datetime) -> pl.DataFrame:
    return rejected.unique(["line_number", "rule"], keep="first", maintain_order=True).select(
        pl.lit(file_id).alias("file_id"),
        pl.col("line_number").cast(pl.Int64),
        "rule",
        "detail",
        "row_text",
        pl.lit(table).alias("table_name"),
        pl.lit(at).dt.convert_time_zone("UTC").alias("rejected_at"),
    )


def _know_channel(wh: Warehouse, delivery: Delivery) -> None:
    """Make the channel of an order file's shop when no channel row names it yet."""
    platform = profiles()[delivery.profiles[0]].platform
    known = wh.sql(
        "select 1 from channel where platform = $platform and shop = $shop",
        platform=platform,
        shop=delivery.shop,
    )
    if known.height:
        return
    name = f"{platform}/{delivery.shop}"
    row = {"channel_id": name, "name": name, "platform": platform, "shop": delivery.shop, "known_at": ALWAYS}
    wh.take_in("channel", pl.DataFrame([{**row, "line_number": 0}]), delivery.files[0].file_id)


def _ledger_row(
    file: Found, profile: str, delivery: Delivery, counts: Counts, context: Context
) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "file_id": file.file_id,
                "name": file.path.name,
                "kind": delivery.kind,
                "profile": profile,
                "shop": delivery.shop if delivery.kind == "orders" else None,
                "size_bytes": file.size_bytes,
                "is_history": context.is_history,
                "arrived_at": context.arrived_at,
                "rows_read": counts.read,
                "rows_taken": counts.taken,
                "rows_unchanged": counts.unchanged,
                "rows_dropped": counts.dropped.total(),
                "rows_rejected": counts.rejected,
                "dropped_json": orjson.dumps(dict(counts.dropped)).decode(),
            }
        ]
    )
