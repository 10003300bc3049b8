"""Take files in: recognise each, in the order in which they need each other, one transaction a delivery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.buyer_secret import buyer_secret
from pipelines.deliveries import Delivery, Found, deliveries, files_below
from pipelines.load_report import FileReport, LoadReport, State
from pipelines.merge import keep_refusal, merge, taken_before
from pipelines.progress import report
from pipelines.sources.kinds import Context, FileRefused
from pipelines.watched import move_away, ready_files, waits_for_half
from settings import Settings
from warehouse import Warehouse

__all__ = ["LOAD_MEMORY_MB", "load", "watch_once"]

LOAD_MEMORY_MB = 256
"""What a warehouse opened for loading needs (Warehouse.open, memory_mb): more would only cache the table."""


class _CheckedOnly(Exception):  # noqa: N818
    """Ends a check: everything was done and is rolled back."""


def load(
    settings: Settings,
    wh: Warehouse,
    paths: Sequence[Path],
    *,
    shop: str | None = None,
    history: bool = False,
    check: bool = False,
    now: datetime,
) -> LoadReport:
    """Take in files and all files below folders; each is recognised by its content.

    A file with bytes that were taken before is passed over. Each delivery (a file, or the two reports of Taobao) is
    one transaction with its row in source_file and its refused lines: all of it is in, or nothing of it. A refused file
    leaves one row in rejected_row (line 0) and may be loaded again.

    Args:
        shop: The shop of all order files; else the folder a file lies in, its name before `__`, or 'default'.
        history: Facts count as known when they happened, not when the file came.
        check: Do everything and commit nothing.
        now: When the files count as arrived (aware).
    """
    ask = _Ask(settings, wh, shop, history, check, now)
    found = files_below(paths)
    if not check:
        return _load(ask, found)
    loaded = LoadReport(())
    try:
        with wh.transaction():
            loaded = _load(ask, found)
            raise _CheckedOnly
    except _CheckedOnly:
        return loaded


def watch_once(
    settings: Settings, wh: Warehouse, now: datetime, *, settle_seconds: float = 2.0
) -> LoadReport:
    """Take in what lies ready in the watched folder, and move it to `taken/DAY` or `refused` (with the reason).

    Ready is what is not named *.part and has kept size and time for `settle_seconds`. Half a Taobao pair waits a day for
    its other half. Files move only after their commit, so an interrupted look changes nothing: the next one finds the
    bytes taken already and moves the file.
    """
    ready = ready_files(settings.inbox_dir, settle_seconds)
    loaded = _load(_Ask(settings, wh, None, False, False, now), ready, may_wait=waits_for_half)
    move_away(settings.inbox_dir, loaded, now.astimezone(settings.zone).date())
    return loaded


@dataclass(frozen=True)
class _Ask:
    """What one load was asked to do."""

    settings: Settings
    wh: Warehouse
    shop: str | None
    history: bool
    check: bool
    now: datetime


def _load(
    ask: _Ask, found: Sequence[Found], may_wait: Callable[[Delivery], bool] = lambda delivery: False
) -> LoadReport:
    grouped, problems = deliveries(
        found, ask.settings, ask.shop, lambda file_id: taken_before(ask.wh, file_id)
    )
    for file, problem in problems:
        _keep_refusal(ask, file, problem)
    reports = [problem for _, problem in problems]
    ready = [delivery for delivery in grouped if not may_wait(delivery)]
    for number, delivery in enumerate(ready):
        report("load", number, len(ready), delivery.files[0].path.name)
        reports += _take(ask, delivery)
    if ready:
        report("load", len(ready), len(ready), f"{len(reports)} files")
    return LoadReport(tuple(reports))


def _take(ask: _Ask, delivery: Delivery) -> list[FileReport]:
    """One delivery, whole or not at all."""
    contexts = {file: _context(ask, delivery, file) for file in delivery.files}
    try:
        with ask.wh.transaction():
            counted = merge(ask.wh, delivery, contexts)
            for file in delivery.files:
                file.check_unchanged()
    except FileRefused as refusal:
        told = [FileReport.refusal(file, delivery, refusal) for file in delivery.files]
        for file, problem in zip(delivery.files, told, strict=True):
            _keep_refusal(ask, file, problem)
        return told
    state: State = "checked" if ask.check else "taken"
    return [FileReport.of(file, delivery, counted[file], state=state) for file in delivery.files]


def _keep_refusal(ask: _Ask, file: Found, problem: FileReport) -> None:
    if problem.state == "refused" and not ask.check:
        keep_refusal(ask.wh, file, problem, ask.now)


def _context(ask: _Ask, delivery: Delivery, file: Found) -> Context:
    settings = ask.settings
    return Context(
        file_id=file.file_id,
        arrived_at=ask.now,
        is_history=ask.history,
        timezone=settings.timezone,
        shop=delivery.shop,
        buyer_secret=buyer_secret(settings.key_path) if delivery.kind == "orders" else b"",
        max_unpacked_bytes=settings.max_unpacked_mb << 20,
    )
