"""Keys and users of a county: a small SQLite file beside the warehouse, mode 0600. No key and no password is in it."""

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from serving.roles import Role, Who

PREFIX = "anxu_"
"""Every key begins so, that scanners for secrets find one left in a file."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
SETTLED_SECONDS = 0.1
"""A file changed less long ago is read again: its time may not tell two changes apart."""
_SCHEMA = """
    create table if not exists account (
        id text primary key, kind text not null check (kind in ('key', 'user')), name text not null,
        role text not null, plots text, secret text not null, epoch integer not null default 1,
        made_at text not null, ended_at text
    );
    create unique index if not exists one_live_user on account (name) where kind = 'user' and ended_at is null;
    create table if not exists own_secret (name text primary key, value text not null);
    create table if not exists ended_session (session_id text primary key, until real not null);
    insert or ignore into own_secret values ('session', '{secret}');
    pragma user_version = 1;
"""
_hasher = PasswordHasher()


class AccountError(RuntimeError):
    """An account cannot be made or changed; the message names it and the way out."""


@dataclass(frozen=True)
class Account:
    """A key or a user as listed; never its secret."""

    id: str
    kind: str
    name: str
    role: Role
    plots: frozenset[str] | None
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Known:
    """Everything needed to tell who asks, in memory."""

    keys: Mapping[str, Who] = field(default_factory=dict)
    """SHA-256 of a live key → who."""
    users: Mapping[str, tuple[Who, int, str]] = field(default_factory=dict)
    """Id of a live user → who, epoch of their sessions, password hash."""
    ended: frozenset[str] = frozenset()
    """Sessions that were logged out."""
    session_secret: str = ""
    is_guarded: bool = False
    """Whether a key or user was ever made: from then on nobody is let in unasked, even when all are gone."""


@dataclass
class Accounts:
    """The file, read again when it changes."""

    path: Path
    _known: Known = field(default_factory=Known, repr=False)
    _mark: tuple[int, int] | None = field(default=None, repr=False)

    def known(self) -> Known:
        """What the file holds now; a look at its time unless it changed."""
        try:
            stat = os.stat(self.path)
        except FileNotFoundError:
            if self._known.is_guarded:
                raise
            return self._known
        mark = (stat.st_mtime_ns, stat.st_size)
        if mark != self._mark:
            self._known = self._read()
            self._mark = mark if time.time() - stat.st_mtime > SETTLED_SECONDS else None
        return self._known

    def add_key(self, name: str, role: Role, plots: Iterable[str] | None = None) -> tuple[Account, str]:
        """Make a key of 256 random bits; it is returned here and kept nowhere."""
        key = PREFIX + secrets.token_urlsafe(32)
        return self._add("key", name, role, plots, digest(key)), key

    def add_user(self, name: str, role: Role, password: str, plots: Iterable[str] | None = None) -> Account:
        """Make a user.

        Raises:
            AccountError: The name is taken, the password too short or too long, or a member has no plots.
        """
        try:
            return self._add("user", name, role, plots, hashed(password))
        except sqlite3.IntegrityError as error:
            raise AccountError(
                f"a user '{name}' is there already; choose another name or remove it first"
            ) from error

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password; every session of theirs ends."""
        secret = hashed(password)
        with self._connected() as connection:
            changed = connection.execute(
                "update account set secret = ?, epoch = epoch + 1 where kind = 'user' and name = ? and ended_at is null",
                (secret, name),
            ).rowcount
        if not changed:
            raise AccountError(f"no user '{name}' is there; see `anxu user list`")

    def end(self, kind: str, given: str) -> Account:
        """Revoke the live key or user of this id or name.

        Raises:
            AccountError: None or several fit.
        """
        fits = [a for a in self.listed(kind) if given in (a.id, a.name) and a.ended_at is None]
        if len(fits) != 1:
            what = "several fit: give the id" if fits else "none is there"
            raise AccountError(f"{kind} '{given}': {what}; see `anxu {kind} list`")
        with self._connected() as connection:
            connection.execute(
                "update account set ended_at = ? where id = ?", (datetime.now(UTC).isoformat(), fits[0].id)
            )
        return fits[0]

    def end_session(self, session_id: str, until: float) -> None:
        """Log a session out; `until` is when its cookie would have run out (epoch seconds)."""
        with self._connected() as connection:
            connection.execute("delete from ended_session where until < ?", (time.time(),))
            connection.execute("insert or ignore into ended_session values (?, ?)", (session_id, until))

    def listed(self, kind: str) -> list[Account]:
        """Keys or users, oldest first, revoked ones too."""
        if not self.path.exists():
            return []
        with self._connected() as connection:
            rows = connection.execute(
                "select id, kind, name, role, plots, made_at, ended_at from account where kind = ? "
                "order by made_at, id",
                (kind,),
            ).fetchall()
        return [
            Account(i, k, n, Role(r), _plots(p), datetime.fromisoformat(m), e and datetime.fromisoformat(e))
            for i, k, n, r, p, m, e in rows
        ]

    def _add(self, kind: str, name: str, role: Role, plots: Iterable[str] | None, secret: str) -> Account:
        name = name.strip()
        if not 0 < len(name) <= 120 or not name.isprintable():
            raise AccountError(f"'{name[:40]}' is no name: 1 to 120 printable characters")
        owned = sorted({p.strip() for p in plots or () if p.strip()})
        if (role == Role.MEMBER) != bool(owned):
            raise AccountError("a member needs --plots, the plots that are theirs; other roles see all plots")
        if any("\n" in plot for plot in owned):
            raise AccountError("a plot's id holds no line break")
        account = Account(
            secrets.token_hex(4),
            kind,
            name,
            role,
            _plots("\n".join(owned) or None),
            datetime.now(UTC),
            None,
        )
        with self._connected() as connection:
            connection.execute(
                "insert into account (id, kind, name, role, plots, secret, made_at) values (?, ?, ?, ?, ?, ?, ?)",
                (account.id, kind, name, role.value, "\n".join(owned) or None, secret, account.made_at.isoformat()),
            )  # fmt: skip
        return account

    def _read(self) -> Known:
        with self._connected() as connection:
            rows = connection.execute(
                "select id, kind, name, role, plots, secret, epoch, ended_at from account"
            ).fetchall()
            ended = connection.execute("select session_id from ended_session").fetchall()
            (secret,) = connection.execute("select value from own_secret where name = 'session'").fetchone()
        live = [row for row in rows if row[7] is None]
        who = {
            row[0]: Who(row[0], row[2], Role(row[3]), "key" if row[1] == "key" else "user", _plots(row[4]))
            for row in live
        }
        return Known(
            keys={row[5]: who[row[0]] for row in live if row[1] == "key"},
            users={row[0]: (who[row[0]], row[6], row[5]) for row in live if row[1] == "user"},
            ended=frozenset(row[0] for row in ended),
            session_secret=secret,
            is_guarded=bool(rows),
        )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            if connection.execute("pragma user_version").fetchone() == (0,):
                connection.executescript(_SCHEMA.format(secret=secrets.token_urlsafe(32)))
            with connection:
                yield connection
        finally:
            connection.close()


def digest(key: str) -> str:
    """What is kept of a key: 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def hashed(password: str) -> str:
    """What is kept of a password: argon2id with the parameters of RFC 9106.

    Raises:
        AccountError: It is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, this one {len(password)}"
        )
    return _hasher.hash(password)


def is_password(secret: str, password: str) -> bool:
    """Whether the password fits what is kept of it; as slow for no as for yes."""
    try:
        return _hasher.verify(secret, password)
    except (VerificationError, InvalidHashError):
        return False


def _plots(text: str | None) -> frozenset[str] | None:
    return frozenset(text.split("\n")) if text else None
