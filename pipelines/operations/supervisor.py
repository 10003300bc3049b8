"""A small supervisor: starts parts in their order, looks whether they are well, restarts what is not, stops all.

A part goes waiting → starting → well; one that ends, or does not answer, goes to backoff and is started again.
"""

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.operations.logs import pump
from pipelines.operations.processes import Known, end, start

FIRST_BACKOFF_S = 1.0
log = logging.getLogger("anxu.up")


@dataclass(frozen=True)
class Part:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    well: Callable[[], bool] | None = None
    """Whether it answers; without it a part that lives is well."""
    needs: tuple[str, ...] = ()
    """Parts that must be well before this one is started."""
    address: str = ""
    """Where a person opens it; '' for none."""


@dataclass(frozen=True)
class Pace:
    """How often and how long (seconds)."""

    look: float = 2.0
    probe: float = 10.0
    """Between two questions whether a part that is well still answers."""
    starts_within: float = 180.0
    """A part that does not answer so long after its start is restarted."""
    most_backoff: float = 60.0
    settled: float = 120.0
    """A part that was well so long begins its backoff anew."""
    grace: float = 20.0
    ill_probes: int = 4
    """So many questions in a row without an answer, after it was well, and a part is restarted."""


@dataclass
class Standing:
    """How a part stands."""

    part: Part
    state: str = "waiting"
    process: subprocess.Popen[bytes] | None = None
    known: Known | None = None
    since: float = 0.0
    """When `state` began (monotonic seconds)."""
    restarts: int = 0
    backoff: float = FIRST_BACKOFF_S
    missed: int = 0
    probed: float = 0.0
    detail: str = ""
    """Why it was last restarted."""


class Supervisor:
    """Runs parts until `stop`; `changed` is called with all standings whenever one changes."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        log_dir: Path,
        pace: Pace | None = None,
        changed: Callable[[Sequence[Standing]], None] | None = None,
    ) -> None:
        self.standings = {part.name: Standing(part) for part in parts}
        self._log_dir, self._pace = log_dir, pace or Pace()
        self._changed = changed or (lambda _: None)
        self._stop = threading.Event()

    def run(self) -> None:
        """Look after the parts until `stop` is called, then end them, the last started first."""
        try:
            while not self._stop.is_set():
                self.look()
                self._stop.wait(self._pace.look)
        finally:
            self._end_all()

    def stop(self) -> None:
        """Ask `run` to end; may be called from a signal handler."""
        self._stop.set()

    def all_well(self) -> bool:
        """Whether every part is well."""
        return all(one.state == "well" for one in self.standings.values())

    def look(self) -> None:
        """Look at every part once and do what is due."""
        for one in self.standings.values():
            if self._stop.is_set():
                return
            self._look_at(one)

    def _look_at(self, one: Standing) -> None:
        if one.process and (code := one.process.poll()) is not None:
            self._failed(one, f"ended with exit code {code}")
        elif one.state == "waiting" and self._may_start(one.part):
            self._begin(one)
        elif one.state == "backoff" and self._lasted(one) >= one.backoff and self._may_start(one.part):
            one.restarts += 1
            one.backoff = min(one.backoff * 2, self._pace.most_backoff)
            self._begin(one)
        elif one.state in ("starting", "well"):
            self._look_whether_well(one)

    def _look_whether_well(self, one: Standing) -> None:
        if one.state == "well" and time.monotonic() - one.probed < self._pace.probe:
            return
        one.probed = time.monotonic()
        if one.part.well is None or one.part.well():
            one.missed = 0
            if one.state == "starting":
                self._becomes(one, "well")
            elif self._lasted(one) > self._pace.settled:
                one.backoff = FIRST_BACKOFF_S
            return
        one.missed += 1
        if one.state == "starting" and self._lasted(one) > self._pace.starts_within:
            self._failed(one, f"did not answer within {self._pace.starts_within:.0f} s of its start")
        elif one.state == "well" and one.missed >= self._pace.ill_probes:
            self._failed(one, f"did not answer {one.missed} times in a row")

    def _may_start(self, part: Part) -> bool:
        return all(self.standings[name].state == "well" for name in part.needs)

    def _begin(self, one: Standing) -> None:
        one.process = start(one.part.command, one.part.environment)
        one.known, one.missed = Known.of(one.process.pid), 0
        pump(one.process, self._log_dir / f"{one.part.name}.log")
        self._becomes(one, "starting")

    def _failed(self, one: Standing, why: str) -> None:
        log.warning("%s %s; started again in %.0f s", one.part.name, why, one.backoff)
        if one.known:
            end([one.known], grace_s=self._pace.grace)
        if one.process:
            one.process.wait()
        one.process, one.known, one.detail = None, None, why
        self._becomes(one, "backoff")

    def _end_all(self) -> None:
        """End dependents before what they need: parts are given in the order of their starting."""
        for one in reversed(self.standings.values()):
            if one.process and one.known:
                killed = end([one.known], grace_s=self._pace.grace)
                one.process.wait()
                one.detail = f"{killed} processes did not heed and were killed" if killed else ""
            one.process, one.known = None, None
            self._becomes(one, "stopped")

    def _becomes(self, one: Standing, state: str) -> None:
        log.info("%s is %s", one.part.name, state)
        one.state, one.since = state, time.monotonic()
        self._changed(list(self.standings.values()))

    def _lasted(self, one: Standing) -> float:
        return time.monotonic() - one.since
