"""What a folder of logger files holds, counted without our readers: plain Python over the lines.

The layouts are those of `sensors-hast`: a gateway's packets (`*.raw.csv*`) and a soil logger's export with three
heading lines, one of them perhaps with a second clock. Nothing depends on ids, dates or sizes.
"""

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

PACKET = re.compile(
    r"^\s*(\d+),\s*(\d+),\s*(\d+),\s*(-?\d+),\s*(-?\d+),\s*(-?\d+),\s*(-?\d+),\s*0x[0-9a-fA-F]{1,2}\s*$"
)
WORDS = (65535, 9999)
"""Error words of humidity, as delivered."""
HOUR_S = (3500, 7300)
"""A row is hourly when its device's row before or after it is this far away (s); 7,200 s: one was lost."""


@dataclass
class Packets:
    """The gateway file."""

    unreadable: int = 0
    log_starts: int = 0
    words: Counter[int] = field(default_factory=Counter)
    times: dict[str, list[int]] = field(default_factory=dict)
    """Device → times as delivered (Unix s)."""
    bad_rows: set[tuple[str, int]] = field(default_factory=set)
    """(device, time) of rows with an error word."""

    @property
    def made_up(self) -> set[str]:
        """Devices of which every row says a year before 2000."""
        first = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
        return {device for device, times in self.times.items() if max(times) < first}

    @property
    def repeated(self) -> int:
        """Rows whose device and time came before."""
        return sum(len(times) - len(set(times)) for times in self.times.values())

    def good_hours(self) -> set[tuple[str, int]]:
        """(device, time) of rows in hourly operation, of real devices, without an error word."""
        good = set()
        for device, times in self.times.items():
            ordered = sorted(set(times))
            for before, at, after in zip([0, *ordered], ordered, [*ordered[1:], 0], strict=False):
                is_hourly = any(HOUR_S[0] <= step <= HOUR_S[1] for step in (at - before, after - at))
                if is_hourly and device not in self.made_up and (device, at) not in self.bad_rows:
                    good.add((device, at))
        return good


@dataclass
class LoggerFile:
    """One soil logger export."""

    rows: int
    first: datetime
    last: datetime
    moved: int
    """Rows whose second clock differs from the first by more than a day."""
    offset_s: float
    """Median difference of the two clocks; 0 where there is one."""

    def outside(self, name: str) -> bool:
        """Whether the file's name declares months (YYYY-MM_YYYY-MM) that its clock is far from."""
        if (said := re.search(r"(\d{4})-(\d{2})_(\d{4})-(\d{2})", name)) is None:
            return False
        first, last = (datetime(int(said[i]), int(said[i + 1]), 1) for i in (1, 3))  # noqa: DTZ001
        return self.last < first - timedelta(days=31) or self.first > last + timedelta(days=62)


def lines(path: Path) -> Iterator[str]:
    """Lines of a file, gzipped or not."""
    with (
        gzip.open(path, "rt", errors="replace")
        if path.suffix == ".gz"
        else path.open(errors="replace") as stream
    ):
        yield from stream


def packets(path: Path) -> Packets:
    """Count a gateway file line by line."""
    found = Packets()
    for line in lines(path):
        if line.startswith("#"):
            found.log_starts += "Start Log" in line
        elif (match := PACKET.match(line)) is None:
            found.unreadable += bool(line.strip())
        else:
            device, time, humidity = match[1], int(match[3]), int(match[7])
            found.times.setdefault(device, []).append(time)
            if humidity in WORDS:
                found.words[humidity] += 1
                found.bad_rows.add((device, time))
    return found


def logger_file(path: Path) -> LoggerFile:
    """Read the clocks of a soil logger export."""
    rows = list(csv.reader(lines(path)))
    titles, body = rows[2], rows[3:]
    first = titles.index("Original Time") if "Original Time" in titles else titles.index("Measurement Time")
    clock = [datetime.strptime(row[first], "%m/%d/%Y %I:%M %p") for row in body]  # noqa: DTZ007
    true = (
        [datetime.fromisoformat(row[1]) for row in body]
        if first == 0 and titles[1] == "Measurement Time"
        else clock
    )
    offsets = sorted((b - a).total_seconds() for a, b in zip(clock, true, strict=True))
    moved = sum(abs(offset) > 86400 for offset in offsets)
    return LoggerFile(len(body), min(clock), max(clock), moved, offsets[len(offsets) // 2])
