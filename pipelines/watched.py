"""The watched folder: which files are ready, which wait, and where they go once they are in."""

import time
from datetime import date
from pathlib import Path

from pipelines.deliveries import Delivery, Found, files_below
from pipelines.load_report import FileReport, LoadReport

TAKEN, REFUSED = "taken", "refused"
HALF_WAITS_SECONDS = 24 * 3600
"""So long one report of a Taobao pair waits for the other."""
REASON = ".reason.txt"


def ready_files(inbox: Path, settle_seconds: float) -> list[Found]:
    """The files of the watched folder that are complete: not *.part, and the same size and time for `settle_seconds`.

    Waits that long at most once, when something is newer.
    """
    waiting = _waiting(inbox)
    newest = max((stat[1] for stat in waiting.values()), default=0.0)
    if (age := time.time() - newest) < settle_seconds:
        time.sleep(settle_seconds - max(age, 0))
        later = _waiting(inbox)
        waiting = {file: stat for file, stat in later.items() if waiting.get(file) == stat}
    return list(waiting)


def waits_for_half(delivery: Delivery) -> bool:
    """Whether half of a Taobao pair is still young enough to wait for its other half."""
    youngest = max(file.path.stat().st_mtime for file in delivery.files)
    return delivery.lacks_half and time.time() - youngest < HALF_WAITS_SECONDS


def move_away(inbox: Path, loaded: LoadReport, day: date) -> None:
    """Move what is in (or was in before) to taken/DAY, what was refused to refused, with the reason beside it."""
    for file in loaded.files:
        inside = file.path.relative_to(inbox)
        if file.state == "refused":
            target = _free(inbox / REFUSED / inside)
            target.with_name(target.name + REASON).write_text(_reason(file), "utf-8")
        else:
            target = _free(inbox / TAKEN / day.isoformat() / inside)
        file.path.replace(target)


def _waiting(inbox: Path) -> dict[Found, tuple[int, float]]:
    found = [f for f in files_below([inbox]) if f.path.relative_to(inbox).parts[0] not in (TAKEN, REFUSED)]
    stats = {file: file.path.stat() for file in found} if inbox.is_dir() else {}
    return {file: (stat.st_size, stat.st_mtime) for file, stat in stats.items()}


def _free(target: Path) -> Path:
    """The target, or the same name with a number where that is taken."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, free = 1, target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return free


def _reason(file: FileReport) -> str:
    return f"{file.name} was refused: {file.rule}\n{file.message}\n"
