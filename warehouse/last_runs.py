"""How the newest run of each flow stands, in a small file beside the warehouse: readable while a flow holds the warehouse,
and where a run failed so that no release tells of it."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import psutil

FILE = "last_runs.json"
KILLED = "ended without finishing: killed"


@dataclass(frozen=True)
class LastRun:
    """The newest run of a flow."""

    flow: str
    run_id: str
    cutoff: date
    started_at: datetime
    finished_at: datetime | None
    status: str
    """running, completed or failed."""
    detail: str
    """Where it failed and why; '' otherwise."""
    pid: int
    born: float
    """Start of the process that ran it (seconds since 1970)."""


def write_last_run(
    home: Path,
    *,
    flow: str,
    run_id: str,
    cutoff: date,
    started_at: datetime,
    finished_at: datetime | None,
    status: str,
    detail: str,
) -> None:
    """Note how this process's run stands, in place of the flow's earlier one; written whole, by rename."""
    born = psutil.Process().create_time()
    run = LastRun(flow, run_id, cutoff, started_at, finished_at, status, detail, os.getpid(), born)
    known = {one.flow: _plain(one) for one in read_last_runs(home).values()}
    text = json.dumps(known | {flow: _plain(run)}, ensure_ascii=False, indent=1)
    beside = home / f"{FILE}.new"
    beside.write_text(text, "utf-8")
    beside.replace(home / FILE)


def read_last_runs(home: Path) -> dict[str, LastRun]:
    """Flow → its newest run; a run said to be running whose process is gone is told as failed, killed.

    A file that a power cut left unreadable counts as none: the next run writes it anew.
    """
    try:
        found = json.loads((home / FILE).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {flow: _run(about) for flow, about in found.items()}


def _run(about: dict[str, object]) -> LastRun:
    finished = about["finished_at"]
    run = LastRun(
        flow=str(about["flow"]),
        run_id=str(about["run_id"]),
        cutoff=date.fromisoformat(str(about["cutoff"])),
        started_at=datetime.fromisoformat(str(about["started_at"])),
        finished_at=datetime.fromisoformat(str(finished)) if finished else None,
        status=str(about["status"]),
        detail=str(about["detail"]),
        pid=int(str(about["pid"])),
        born=float(str(about["born"])),
    )
    if run.status == "running" and not _lives(run.pid, run.born):
        return LastRun(**{**asdict(run), "status": "failed", "detail": KILLED})
    return run


def _lives(pid: int, born: float) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - born) < 1 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _plain(run: LastRun) -> dict[str, object]:
    finished = run.finished_at.isoformat() if run.finished_at else None
    return {
        **asdict(run),
        "cutoff": run.cutoff.isoformat(),
        "started_at": run.started_at.isoformat(),
        "finished_at": finished,
    }
