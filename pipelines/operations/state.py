"""What `anxu up` runs, written to the county folder, so that `anxu down` and `anxu status` find it, also after a crash."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.operations.processes import Known, end
from pipelines.operations.supervisor import Standing

FILE, LOCK = "up.json", "up.lock"


class AlreadyUp(RuntimeError):  # noqa: N818
    """The county is up already; the message names the process and the way out."""


@dataclass(frozen=True)
class PartState:
    """One part as written down."""

    name: str
    state: str
    pid: int | None
    born: float | None
    restarts: int
    address: str
    detail: str
    changed_at: str

    @property
    def known(self) -> Known | None:
        """Its process."""
        return Known(self.pid, self.born) if self.pid and self.born else None


@dataclass(frozen=True)
class UpState:
    """The supervisor and its parts as written down last."""

    supervisor: Known
    parts: tuple[PartState, ...]

    @property
    def running(self) -> bool:
        """Whether the supervisor lives."""
        return self.supervisor.running()

    def orphans(self) -> list[Known]:
        """Parts that live though their supervisor does not."""
        return [] if self.running else [p.known for p in self.parts if p.known and p.known.running()]


def read_state(home: Path) -> UpState | None:
    """What was written last, or None when the county was never up or was stopped."""
    try:
        found = json.loads((home / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return UpState(Known(**found["supervisor"]), tuple(PartState(**part) for part in found["parts"]))


def write_state(home: Path, supervisor: Known, standings: Sequence[Standing]) -> None:
    """Write the standings whole, by rename."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    parts = [
        PartState(
            one.part.name,
            one.state,
            one.known.pid if one.known else None,
            one.known.born if one.known else None,
            one.restarts,
            one.part.address,
            one.detail,
            now,
        )
        for one in standings
    ]
    text = json.dumps({"supervisor": asdict(supervisor), "parts": [asdict(part) for part in parts]}, indent=1)
    beside = home / f"{FILE}.new"
    beside.write_text(text, "utf-8")
    beside.replace(home / FILE)


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the county for one supervisor; what an earlier one that crashed left running is ended first.

    Raises:
        AlreadyUp: Another one holds it.
    """
    with (home / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyUp(f"'{home}' is up already; see `anxu status`, end it with `anxu down`") from error
        if before := read_state(home):
            end(before.orphans(), grace_s=10)
        try:
            yield
        finally:
            (home / FILE).unlink(missing_ok=True)


def bring_down(home: Path, *, within_s: float) -> bool:
    """End the supervisor and wait until it is gone, with all its parts; False when nothing ran.

    A supervisor that does not end in time is killed, and then its parts are ended from here.
    """
    state = read_state(home)
    if state is None:
        return False
    there = [part.known for part in state.parts if part.known and part.known.running()]
    was_up = state.running or bool(there)
    if state.running:
        os.kill(state.supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while state.running and time.monotonic() < deadline:
            time.sleep(0.1)
        end([state.supervisor] if state.running else [], grace_s=0)
    end(there, grace_s=10)
    (home / FILE).unlink(missing_ok=True)
    return was_up
