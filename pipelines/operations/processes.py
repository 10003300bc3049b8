"""Child processes that are started, ended with all they spawned, and recognised again by pid and time of birth."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

SECOND_LOOK_S = 0.05


@dataclass(frozen=True)
class Known:
    """A process as it can be found again: a pid alone may belong to another one later."""

    pid: int
    born: float
    """Its start (seconds since 1970), as the system tells it."""

    @classmethod
    def of(cls, pid: int) -> "Known | None":
        """The process with this pid, or None when there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def running(self) -> bool:
        """Whether it lives still; one that ended and was not waited for counts as gone."""
        try:
            process = psutil.Process(self.pid)
            return bool(
                abs(process.create_time() - self.born) < 1 and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False


def start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command as leader of a process group of its own; what it prints is read from `stdout`."""
    return subprocess.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def family(process: Known) -> list[Known]:
    """What lives of a process, of all that descends from it and of its process group, also where it ended before them."""
    try:
        below = psutil.Process(process.pid).children(recursive=True) if process.running() else []
    except psutil.NoSuchProcess:
        below = []
    pids = [process.pid, *(child.pid for child in below), *_group(process)]
    found = [one for pid in dict.fromkeys(pids) if (one := Known.of(pid))]
    return [one for one in found if one.running() and (one.pid != process.pid or process.running())]


def _group(process: Known) -> list[int]:
    """Members of the process group that a process led, born no earlier than it."""
    members = []
    for other in psutil.process_iter(["create_time"]):
        one = Known(other.pid, other.info["create_time"])
        if one.born >= process.born - 1 and _group_of(one) == process.pid:
            members.append(one.pid)
    return members


def end(processes: Iterable[Known], *, grace_s: float) -> int:
    """Ask processes and all they spawned to end, kill what does not heed within the grace; returns how many were killed.

    Descendants are noted first, so one that left its parent's process group, or lost its parent, is ended too.
    """
    heads = list(processes)
    everyone = list({member: None for head in heads for member in family(head)})
    asked = {head.pid for head in heads if head.running()}
    for head in heads:
        _signal(head, signal.SIGTERM)
    for one in everyone:
        if one.running() and one.pid not in asked and _group_of(one) not in asked:
            _signal(one, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and any(one.running() for one in everyone):
        time.sleep(SECOND_LOOK_S)
    left = [one for one in everyone if one.running()]
    for one in left:
        _signal(one, signal.SIGKILL)
    return len(left)


def _signal(one: Known, number: signal.Signals) -> None:
    """Signal the process, and its whole group where it leads one."""
    if not one.running():
        return
    try:
        if _group_of(one) == one.pid and one.pid != os.getpgrp():
            os.killpg(one.pid, number)
        else:
            os.kill(one.pid, number)
    except ProcessLookupError:
        return


def _group_of(one: Known) -> int | None:
    try:
        return os.getpgid(one.pid)
    except ProcessLookupError:
        return None
