"""What people decide or override, kept durably until the next flow takes it in, once and only once."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import polars as pl

from warehouse import Warehouse
from warehouse.sqlite_file import durable

KINDS = {
    "demand_override": "override_id",
    "decision": "decision_id",
    "override_withdrawal": "withdrawal_id",
    "standard_approval": "approval_id",
    "harvest_report": "report_id",
    "commitment_entry": "entry_id",
    "planting_whatif": "whatif_id",
}
"""Kind of message (the table it goes to) → the column that carries the message id."""

_SCHEMA = """
    create table if not exists message (
        message_id   text primary key,
        kind         text not null,
        payload_json text not null,
        author       text not null,
        written_at   text not null,
        taken_by     text
    );
    create table if not exists once (
        once_key     text primary key,
        asked        text not null,
        message_id   text not null
    );
"""

_INSERT = "insert into message values (?, ?, ?, ?, ?, null)"


class InboxError(RuntimeError):
    """A message cannot be kept; the message says what is wrong with it."""


class OtherAsked(InboxError):  # noqa: N818
    """The same once-key was used for something else."""


@dataclass(frozen=True)
class OnceKey:
    """What makes a message sent twice one message: the sender's key, and a digest of what was asked with it."""

    key: str
    asked: str


@dataclass(frozen=True)
class Message:
    """One thing a person wrote."""

    message_id: str
    kind: str
    payload: Mapping[str, Any]
    author: str
    written_at: datetime


@dataclass(frozen=True)
class Inbox:
    """A SQLite file that service and flows open at the same time (WAL); each call is one connection."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        inbox = cls(path)
        with durable(inbox.path) as connection:
            connection.executescript(_SCHEMA)
        return inbox

    def write(self, kind: str, payload: Mapping[str, Any], author: str, once: OnceKey | None = None) -> str:
        """Keep a message and return its id; when it returns, the message survives a power cut.

        With a once-key that was used before nothing is kept and the id of the message kept then is returned.

        Raises:
            InboxError: Unknown kind, no author, or a payload that is no JSON object.
            OtherAsked: The once-key was used for something else.
        """
        text = _checked(kind, payload, author)
        message_id = uuid4().hex
        with durable(self.path) as connection:
            if once and (before := _claimed(connection, once, message_id)):
                return before
            connection.execute(_INSERT, (message_id, kind, text, author, datetime.now(UTC).isoformat()))
        return message_id

    def write_all(self, kind: str, payloads: Sequence[Mapping[str, Any]], author: str) -> list[str]:
        """Keep all messages or none and return their ids in order; raises as `write`."""
        texts = [_checked(kind, payload, author) for payload in payloads]
        now = datetime.now(UTC).isoformat()
        rows = [(uuid4().hex, kind, text, author, now) for text in texts]
        with durable(self.path) as connection:
            connection.executemany(_INSERT, rows)
        return [row[0] for row in rows]

    def answered(self, once: OnceKey) -> str | None:
        """The id of the message that was kept for a once-key, or None; raises OtherAsked."""
        with durable(self.path) as connection:
            return _same(connection, once)

    def pending(self) -> list[Message]:
        """Messages no flow has taken in yet, oldest first."""
        with durable(self.path) as connection:
            rows = connection.execute(
                "select message_id, kind, payload_json, author, written_at from message "
                "where taken_by is null order by written_at, message_id"
            ).fetchall()
        return [_message(row) for row in rows]

    def written(self, kind: str, since: datetime) -> list[Message]:
        """Messages of a kind written at `since` or later, taken in or not, oldest first."""
        with durable(self.path) as connection:
            rows = connection.execute(
                "select message_id, kind, payload_json, author, written_at from message "
                "where kind = ? and written_at >= ? order by written_at, message_id",
                (kind, since.astimezone(UTC).isoformat()),
            ).fetchall()
        return [_message(row) for row in rows]

    def mark_taken(self, ids: Iterable[str], run_id: str) -> int:
        """Note which run took messages in; those already taken keep their run. Returns how many were noted."""
        with durable(self.path) as connection:
            return connection.executemany(
                "update message set taken_by = ? where message_id = ? and taken_by is null",
                [(run_id, message_id) for message_id in ids],
            ).rowcount


def _checked(kind: str, payload: Mapping[str, Any], author: str) -> str:
    """The payload as JSON; raises InboxError."""
    if kind not in KINDS:
        raise InboxError(f"message kind '{kind}' is not one of {', '.join(KINDS)}")
    if not author.strip():
        raise InboxError(f"a {kind} has no author; say who decides")
    try:
        return json.dumps(dict(payload), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InboxError(f"the payload of a {kind} is no JSON object: {error}") from error


def _claimed(connection: sqlite3.Connection, once: OnceKey, message_id: str) -> str | None:
    """Take the once-key for a message, in the caller's transaction; or the id of the message that has it."""
    new = connection.execute(
        "insert or ignore into once values (?, ?, ?)", (once.key, once.asked, message_id)
    ).rowcount
    return None if new else _same(connection, once)


def _same(connection: sqlite3.Connection, once: OnceKey) -> str | None:
    row = connection.execute("select asked, message_id from once where once_key = ?", (once.key,)).fetchone()
    if row is None:
        return None
    if row[0] != once.asked:
        raise OtherAsked("the once-key was used for something else; take a new key for a new message")
    return str(row[1])


def _message(row: tuple[str, str, str, str, str]) -> Message:
    message_id, kind, payload, author, written = row
    return Message(message_id, kind, json.loads(payload), author, datetime.fromisoformat(written))


def take_in_inbox(warehouse: Warehouse, inbox: Inbox, run_id: str, now: datetime) -> int:
    """Put pending messages into their tables and mark them; returns how many were new to the warehouse.

    The message id is the key, so a run killed between the two files takes nothing in twice. `known_at` is
    the time of writing. A message that breaks a rule of its table goes to `rejected_row` (file_id
    'inbox:ID', line 0) and is marked as well.
    """
    messages = inbox.pending()
    with warehouse.transaction():
        new = sum(
            _take_in_kind(warehouse, kind, [m for m in messages if m.kind == kind], now) for kind in KINDS
        )
    inbox.mark_taken([m.message_id for m in messages], run_id)
    return new


def _take_in_kind(warehouse: Warehouse, kind: str, messages: list[Message], now: datetime) -> int:
    own = {KINDS[kind], "author", "written_at", "known_at"}
    fields = [name for name in warehouse.columns(kind) if name not in own]
    refused = [
        _refusal(m, "field_unknown", f"{', '.join(odd)} is no field of a {kind}; it has {', '.join(fields)}")
        for m in messages
        if (odd := sorted(set(m.payload) - set(fields)))
    ]
    good = [m for m in messages if set(m.payload) <= set(fields)]
    taken = warehouse.take_in(kind, _frame(kind, fields, good), "inbox")
    refused += [
        _refusal(good[row["line_number"] - 1], row["rule"], row["detail"])
        for row in taken.rejected_frame.iter_rows(named=True)
    ]
    if refused:
        rows = pl.DataFrame(refused).with_columns(table_name=pl.lit(kind), rejected_at=pl.lit(now))
        warehouse.upsert("rejected_row", rows)
    return taken.taken


def _frame(kind: str, fields: list[str], messages: list[Message]) -> pl.DataFrame:
    """Messages as rows of text, which the table's rules then read; line numbers count from 1."""
    columns = {name: [_text(m.payload.get(name)) for m in messages] for name in fields}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(fields, pl.String))
    written = pl.Series([m.written_at for m in messages], dtype=pl.Datetime("us", "UTC"))
    return frame.with_columns(
        pl.Series(KINDS[kind], [m.message_id for m in messages]),
        pl.Series("author", [m.author for m in messages]),
        pl.int_range(1, len(messages) + 1).alias("line_number"),
        written_at=written,
        known_at=written,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)


def _refusal(message: Message, rule: str, detail: str) -> dict[str, object]:
    return {
        "file_id": f"inbox:{message.message_id}",
        "line_number": 0,
        "rule": rule,
        "detail": detail,
        "row_text": json.dumps(dict(message.payload), ensure_ascii=False),
    }
