"""The supervisor, tried on children that do nothing, end at once, do not answer or do not heed."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.operations.processes import Known, end, start
from pipelines.operations.state import AlreadyUp, bring_down, only_one, read_state, write_state
from pipelines.operations.supervisor import Pace, Part, Standing, Supervisor

SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
PARENT = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print(p.pid, flush=True); p.wait()"
QUICK = Pace(
    look=0.02, probe=0.02, starts_within=20.0, most_backoff=0.2, settled=0.2, grace=20.0, ill_probes=2
)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "did not come true in time"
        time.sleep(0.01)


@contextmanager
def supervised(tmp_path: Path, *parts: Part, pace: Pace = QUICK) -> Iterator[Supervisor]:
    supervisor = Supervisor(parts, log_dir=tmp_path / "logs", pace=pace)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_a_part_starts_only_when_what_it_needs_is_well(tmp_path: Path) -> None:
    is_well = threading.Event()
    first = Part("first", python(SLEEP), well=is_well.is_set)
    second = Part("second", python(SLEEP), needs=("first",))
    with supervised(tmp_path, second, first) as supervisor:
        until(lambda: supervisor.standings["first"].state == "starting")
        time.sleep(0.1)
        assert supervisor.standings["second"].state == "waiting"
        is_well.set()
        until(supervisor.all_well)


def test_a_part_that_ends_is_started_again_with_a_growing_pause(tmp_path: Path) -> None:
    with supervised(tmp_path, Part("brief", python("raise SystemExit(3)"))) as supervisor:
        brief = supervisor.standings["brief"]
        brief.backoff = 0.05
        until(lambda: brief.restarts >= 3)
        assert "exit code 3" in brief.detail
        assert brief.backoff == QUICK.most_backoff


def test_a_part_that_stops_answering_is_restarted_as_another_process(tmp_path: Path) -> None:
    answering = threading.Event()
    answering.set()
    with supervised(tmp_path, Part("mute", python(SLEEP), well=answering.is_set)) as supervisor:
        mute = supervisor.standings["mute"]
        mute.backoff = 0.01
        until(supervisor.all_well)
        before = mute.known
        answering.clear()
        until(lambda: mute.state == "backoff" or mute.restarts > 0)
        answering.set()
        until(supervisor.all_well)
        assert mute.known != before
        assert before is not None
        assert not before.running()
        assert "did not answer" in mute.detail


def test_a_part_that_never_answers_is_restarted_after_its_time(tmp_path: Path) -> None:
    pace = Pace(look=0.02, starts_within=0.1, most_backoff=0.1, grace=20.0)
    with supervised(tmp_path, Part("never", python(SLEEP), well=lambda: False), pace=pace) as supervisor:
        supervisor.standings["never"].backoff = 0.01
        until(lambda: supervisor.standings["never"].restarts >= 1)
        assert "of its start" in supervisor.standings["never"].detail


def test_stopping_ends_grandchildren_and_what_does_not_heed(tmp_path: Path) -> None:
    pace = Pace(look=0.02, grace=0.5)
    deaf, parent = Part("deaf", python(DEAF)), Part("parent", python(PARENT))
    with supervised(tmp_path, deaf, parent, pace=pace) as supervisor:
        logs = tmp_path / "logs"
        until(lambda: supervisor.all_well() and all(_printed(logs / f"{n}.log") for n in ("deaf", "parent")))
        pids = [one.known.pid for one in supervisor.standings.values() if one.known]
        everyone = [Known.of(pid) for pid in (*pids, int((logs / "parent.log").read_text()))]
        assert all(one and one.running() for one in everyone)
    assert not any(one and one.running() for one in everyone)
    assert {one.state for one in supervisor.standings.values()} == {"stopped"}


def test_what_a_part_left_behind_when_it_died_is_ended_too(tmp_path: Path) -> None:
    process = start(python(PARENT), {})
    assert process.stdout is not None
    grandchild = Known.of(int(process.stdout.readline()))
    known = Known.of(process.pid)
    assert known is not None
    assert grandchild is not None
    process.kill()
    process.wait()
    assert grandchild.running()
    end([known], grace_s=5)
    assert not grandchild.running()
    process.stdout.close()


def test_a_pid_that_belongs_to_another_process_now_is_left_alone() -> None:
    mine = Known.of(os.getpid())
    assert mine is not None
    other = Known(mine.pid, mine.born - 100)
    assert not other.running()
    assert end([other], grace_s=0) == 0


def test_a_second_supervisor_of_the_county_is_refused(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(AlreadyUp, match="anxu down"), only_one(tmp_path):
        pass


def test_orphans_of_a_crashed_supervisor_are_ended_by_the_next_and_by_down(tmp_path: Path) -> None:
    gone = Known(2**22 - 7, 1.0)
    for ending in ("next", "down"):
        process = start(python(SLEEP), {})
        standing = Standing(
            Part("left", python(SLEEP)), state="well", process=process, known=Known.of(process.pid)
        )
        write_state(tmp_path, gone, [standing])
        state = read_state(tmp_path)
        assert state is not None
        assert not state.running
        assert [orphan.pid for orphan in state.orphans()] == [process.pid]
        if ending == "next":
            with only_one(tmp_path):
                assert process.wait(timeout=30)
        else:
            assert bring_down(tmp_path, within_s=30)
        assert process.wait(timeout=30)
        assert read_state(tmp_path) is None
        assert process.stdout is not None
        process.stdout.close()


def test_down_without_up_says_so(tmp_path: Path) -> None:
    assert not bring_down(tmp_path, within_s=1)


def _printed(path: Path) -> bool:
    return path.exists() and bool(path.read_text().strip())
