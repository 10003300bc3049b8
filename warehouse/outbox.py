"""What is told to people outside the page: notices, the parcels they go out in, and who has seen them. SQLite, as the inbox."""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self
from uuid import uuid4

from warehouse.sqlite_file import durable

FILE = "messages.sqlite"
SAID_AGAIN_AFTER = timedelta(days=7)
"""A matter that goes on is told again after so many days."""
TOLD_WITHIN = timedelta(days=3)
"""A robot that is new, or was away, is not told what is older."""
_SCHEMA = """
    create table if not exists notice (
        notice_id text primary key, matter text not null, kind text not null, urgent integer not null,
        weight real not null, cutoff text not null, text_zh text not null, text_en text not null,
        page text not null, noted_at text not null, seen_by text, seen_at text
    );
    create table if not exists parcel (
        parcel_id text primary key, robot text not null, urgent integer not null, state text not null
        check (state in ('waiting', 'sending', 'sent', 'failed')), attempts integer not null, unsure integer not null,
        next_try_at text not null, error text not null, made_at text not null, sent_at text
    );
    create table if not exists parcel_notice (
        robot text not null, notice_id text not null references notice, parcel_id text not null references parcel,
        primary key (robot, notice_id)
    );
"""
_NOTICE = (
    "notice_id, matter, kind, urgent, weight, cutoff, text_zh, text_en, page, noted_at, seen_by, seen_at"
)
_PARCEL = "parcel_id, robot, urgent, state, attempts, unsure, next_try_at, error, made_at, sent_at"


class OutboxError(RuntimeError):
    """What was asked of the outbox cannot be done; the message says why."""


@dataclass(frozen=True)
class Said:
    """One matter to tell. `matter` names it from night to night; `weight` orders a digest, worst first."""

    matter: str
    kind: str
    urgent: bool
    weight: float
    cutoff: date
    text_zh: str
    text_en: str
    page: str


@dataclass(frozen=True)
class Notice:
    """What was noted, and who has seen it."""

    notice_id: str
    said: Said
    noted_at: datetime
    seen_by: str | None
    seen_at: datetime | None


@dataclass(frozen=True)
class Parcel:
    """One message to one robot. `unsure`: an earlier try ended without an answer, so it may have arrived."""

    parcel_id: str
    robot: str
    urgent: bool
    state: str
    attempts: int
    unsure: bool
    next_try_at: datetime
    error: str
    made_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True)
class Outbox:
    """The file; each call is one transaction, on disk when it returns."""

    path: Path

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open or make the file in a county folder."""
        outbox = cls(home / FILE)
        with durable(outbox.path) as connection:
            connection.executescript(_SCHEMA)
        return outbox

    @contextmanager
    def sender(self) -> Iterator[bool]:
        """Yield whether this process alone may send; parcels that a killed sender had in hand wait again, marked unsure."""
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            with durable(self.path) as connection:
                connection.execute("update parcel set state = 'waiting', unsure = 1 where state = 'sending'")
            yield True

    def note(self, said: Iterable[Said], now: datetime) -> int:
        """Keep what is new: not what was noted of the same matter in the last days. Returns how many were."""
        with durable(self.path) as connection:
            return sum(_note(connection, one, now) for one in said)

    def pack(self, robot: str, now: datetime, *, only_urgent: bool) -> int:
        """Put what this robot was not told into parcels: each urgent notice alone, the others together. Returns parcels made."""
        with durable(self.path) as connection:
            rows = connection.execute(
                "select notice_id, urgent from notice n where seen_at is null and noted_at >= ? and not exists "
                "(select 1 from parcel_notice p where p.robot = ? and p.notice_id = n.notice_id) order by noted_at, notice_id",
                ((now - TOLD_WITHIN).isoformat(), robot),
            ).fetchall()
            urgent = [[row[0]] for row in rows if row[1]]
            rest = [] if only_urgent else [[row[0] for row in rows if not row[1]]]
            parcels = [(ids, True) for ids in urgent] + [(ids, False) for ids in rest if ids]
            for ids, is_urgent in parcels:
                _pack(connection, robot, ids, is_urgent, now)
            return len(parcels)

    def due(self, robot: str, now: datetime, *, only_urgent: bool) -> list[Parcel]:
        """Parcels waiting for this robot whose time has come, urgent and older ones first."""
        with durable(self.path) as connection:
            rows = connection.execute(
                f"select {_PARCEL} from parcel where robot = ? and state = 'waiting' and next_try_at <= ? and urgent >= ? "
                "order by urgent desc, made_at, parcel_id",
                (robot, now.isoformat(), int(only_urgent)),
            ).fetchall()
        return [_parcel(row) for row in rows]

    def notices_of(self, parcel_id: str) -> list[Notice]:
        """What a parcel tells, worst first."""
        with durable(self.path) as connection:
            rows = connection.execute(
                f"select {_NOTICE} from notice where notice_id in (select notice_id from parcel_notice where parcel_id = ?) "
                "order by weight desc, notice_id",
                (parcel_id,),
            ).fetchall()
        return [_notice(row) for row in rows]

    def begin(self, parcel_id: str) -> None:
        """Note, before anything is sent, that a try is under way."""
        self._set(parcel_id, "state = 'sending', attempts = attempts + 1")

    def sent(self, parcel_id: str, now: datetime) -> None:
        """It arrived; it is never sent again."""
        self._set(parcel_id, "state = 'sent', error = '', sent_at = ?", now.isoformat())

    def later(self, parcel_id: str, error: str, at: datetime, *, unsure: bool) -> None:
        """It did not arrive, or nobody knows; try again at `at`."""
        self._set(
            parcel_id,
            "state = 'waiting', error = ?, next_try_at = ?, unsure = max(unsure, ?)",
            error,
            at.isoformat(),
            int(unsure),
        )

    def failed(self, parcel_id: str, error: str) -> None:
        """It is not tried again by itself."""
        self._set(parcel_id, "state = 'failed', error = ?", error)

    def try_again(self, now: datetime) -> int:
        """Let what failed wait again; returns how many parcels."""
        with durable(self.path) as connection:
            return connection.execute(
                "update parcel set state = 'waiting', attempts = 0, next_try_at = ? where state = 'failed'",
                (now.isoformat(),),
            ).rowcount

    def see(self, start: str, by: str, now: datetime) -> int:
        """Note who has seen the notice whose id begins so ('all': every one); who saw it first stays.

        Raises:
            OutboxError: No name, or no notice, or several begin so.
        """
        if not by.strip():
            raise OutboxError("a notice is seen by somebody: give a name")
        with durable(self.path) as connection:
            if start == "all":
                ids = [r[0] for r in connection.execute("select notice_id from notice where seen_at is null")]
            else:
                ids = [
                    r[0]
                    for r in connection.execute("select notice_id from notice")
                    if start and r[0].startswith(start)
                ]
                if len(ids) != 1:
                    raise OutboxError(f"'{start}' names {len(ids)} notices; see `anxu messages list`")
            return connection.executemany(
                "update notice set seen_by = ?, seen_at = ? where notice_id = ? and seen_at is null",
                [(by.strip(), now.astimezone(UTC).isoformat(), i) for i in ids],
            ).rowcount

    def notices(self, limit: int = 50) -> list[Notice]:
        """The newest notices, newest first."""
        with durable(self.path) as connection:
            rows = connection.execute(
                f"select {_NOTICE} from notice order by noted_at desc, weight desc, notice_id limit ?",
                (limit,),
            ).fetchall()
        return [_notice(row) for row in rows]

    def parcels(self, limit: int = 50, states: Sequence[str] = ()) -> list[Parcel]:
        """The newest parcels, newest first; only those in the given states, if any are given."""
        marks = ",".join("?" * len(states))
        with durable(self.path) as connection:
            rows = connection.execute(
                f"select {_PARCEL} from parcel {f'where state in ({marks})' if states else ''} "
                "order by made_at desc, parcel_id limit ?",
                (*states, limit),
            ).fetchall()
        return [_parcel(row) for row in rows]

    def _set(self, parcel_id: str, what: str, *values: object) -> None:
        with durable(self.path) as connection:
            connection.execute(f"update parcel set {what} where parcel_id = ?", (*values, parcel_id))


def _note(connection: sqlite3.Connection, said: Said, now: datetime) -> bool:
    """Whether it was new."""
    since = (said.cutoff - SAID_AGAIN_AFTER).isoformat()
    known = connection.execute(
        "select 1 from notice where matter = ? and cutoff > ? limit 1", (said.matter, since)
    ).fetchone()
    if known:
        return False
    connection.execute(
        f"insert into notice ({_NOTICE}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null)",
        (
            uuid4().hex,
            said.matter,
            said.kind,
            int(said.urgent),
            said.weight,
            said.cutoff.isoformat(),
            said.text_zh,
            said.text_en,
            said.page,
            now.astimezone(UTC).isoformat(),
        ),
    )
    return True


def _pack(
    connection: sqlite3.Connection, robot: str, notice_ids: Sequence[str], urgent: bool, now: datetime
) -> None:
    parcel_id, at = uuid4().hex, now.astimezone(UTC).isoformat()
    connection.execute(
        f"insert into parcel ({_PARCEL}) values (?, ?, ?, 'waiting', 0, 0, ?, '', ?, null)",
        (parcel_id, robot, int(urgent), at, at),
    )
    connection.executemany(
        "insert into parcel_notice values (?, ?, ?)", [(robot, i, parcel_id) for i in notice_ids]
    )


def _notice(row: tuple[str, str, str, int, float, str, str, str, str, str, str | None, str | None]) -> Notice:
    said = Said(row[1], row[2], bool(row[3]), row[4], date.fromisoformat(row[5]), row[6], row[7], row[8])
    seen_at = datetime.fromisoformat(row[11]) if row[11] else None
    return Notice(row[0], said, datetime.fromisoformat(row[9]), row[10], seen_at)


def _parcel(row: tuple[str, str, int, str, int, int, str, str, str, str | None]) -> Parcel:
    return Parcel(
        parcel_id=row[0],
        robot=row[1],
        urgent=bool(row[2]),
        state=row[3],
        attempts=row[4],
        unsure=bool(row[5]),
        next_try_at=datetime.fromisoformat(row[6]),
        error=row[7],
        made_at=datetime.fromisoformat(row[8]),
        sent_at=datetime.fromisoformat(row[9]) if row[9] else None,
    )
