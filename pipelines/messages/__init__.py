"""Messages to people: after a night and after a failed one, what needs them goes to the robots of the settings.

Each matter is noted once, packed once for each robot, and a parcel that arrived is never sent again. A try that ended without
an answer is made again: a message that comes twice, marked so, is better than one that never comes.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipelines.messages.notices import failed_runs, of_night
from pipelines.messages.robots import BYTES, TITLE, Text, fitting, plain
from pipelines.messages.sending import pause, send
from settings import Robot, Settings
from warehouse import Warehouse
from warehouse.outbox import Notice, Outbox, Parcel

NEWS_FOR = timedelta(days=3)
"""A night of an older cutoff is a replay or a back-fill: nobody is told."""
SAID = {
    "zh": {"urgent": "运行失败", "digest": "待办与变动", "more": "还有 {n} 条", "unsure": "（可能已发送过）"},
    "en": {"urgent": "a run failed", "digest": "to decide, and changes", "more": "{n} more", "unsure": "(may have come before)"},
}  # fmt: skip
log = logging.getLogger("anxu.messages")


@dataclass(frozen=True)
class Passed:
    """What one passing-on came to."""

    noted: int = 0
    sent: int = 0
    waiting: int = 0
    failed: int = 0


def _clock() -> datetime:
    return datetime.now(UTC)


def pass_on(
    settings: Settings,
    cutoff: date | None = None,
    *,
    clock: Callable[[], datetime] = _clock,
    sleep: Callable[[float], None] = time.sleep,
) -> Passed:
    """Note what is new, and send what is due; without robots in the settings nothing is done.

    Args:
        settings: The county, with its robots.
        cutoff: The night whose results are told; None: only failed runs are looked at, and what waits is sent.
        clock: The time (aware).
        sleep: Waits between tries.
    """
    if not settings.robots:
        return Passed()
    outbox, now = Outbox.open(settings.home), clock()
    said = list(failed_runs(settings))
    if cutoff and now.astimezone(settings.zone).date() - cutoff <= NEWS_FOR:
        with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
            said += of_night(warehouse, cutoff)
    noted = outbox.note(said, now)
    with outbox.sender() as alone:
        if not alone:
            log.info("messages are being sent by another process")
            return Passed(noted)
        results = [
            _deliver(settings, outbox, name, robot, clock, sleep) for name, robot in settings.robots.items()
        ]
    return Passed(noted, *(sum(r[i] for r in results) for i in range(3)))


def is_quiet(robot: Robot, local: datetime) -> bool:
    """Whether it is one of the robot's quiet hours; they may pass midnight."""
    start, end = robot.quiet_from, robot.quiet_until
    if start is None or end is None or start == end:
        return False
    at = local.time()
    return start <= at < end if start < end else at >= start or at < end


def written(parcel: Parcel, notices: list[Notice], robot: Robot, public_url: str) -> Text:
    """A parcel as text in the robot's language, cut to what it takes."""
    words = SAID[robot.language]
    lines = [plain(n.said.text_zh if robot.language == "zh" else n.said.text_en) for n in notices]
    title = f"{TITLE}：{words['urgent' if parcel.urgent else 'digest']}"
    if parcel.unsure:
        title += words["unsure"]
    page = notices[0].said.page if len(notices) == 1 else "/"
    url = f"{public_url.rstrip('/')}{page}" if public_url else ""
    room = BYTES[robot.kind] - len(title.encode()) - 2 * len(url.encode()) - 32
    return Text(title, fitting(lines, room, words["more"]), url)


def _deliver(
    settings: Settings,
    outbox: Outbox,
    name: str,
    robot: Robot,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> tuple[int, int, int]:
    """Pack and send for one robot; returns parcels sent, left waiting, failed."""
    now = clock()
    quiet = is_quiet(robot, now.astimezone(settings.zone))
    outbox.pack(name, now, only_urgent=quiet)
    counts = {"sent": 0, "waiting": 0, "failed": 0}
    for parcel in outbox.due(name, now, only_urgent=quiet):
        outbox.begin(parcel.parcel_id)
        text = written(parcel, outbox.notices_of(parcel.parcel_id), robot, settings.public_url)
        outcome = send(robot, settings.home, text, parcel_id=parcel.parcel_id, clock=clock, sleep=sleep)
        wait = pause(parcel.attempts + 1, outcome)
        if outcome.verdict == "sent":
            outbox.sent(parcel.parcel_id, clock())
            counts["sent"] += 1
            continue
        if wait is None:
            outbox.failed(parcel.parcel_id, outcome.detail)
            counts["failed"] += 1
        else:
            outbox.later(parcel.parcel_id, outcome.detail, clock() + wait, unsure=outcome.unsure)
            counts["waiting"] += 1
        log.warning(
            "robot '%s' was not told: %s (%s)", name, outcome.detail, "given up" if wait is None else "later"
        )
        if outcome.verdict != "refused":  # the next ones would meet the same
            break
    return counts["sent"], counts["waiting"], counts["failed"]
