"""Plots over time as an SVG: planned windows above, what was planted and cut below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LEFT, RIGHT, TOP, ROW, HEAD = 92, 10, 26, 22, 20
WIDTH = 1080
BACK_DAYS, AHEAD_DAYS = 120, 420


@dataclass(frozen=True)
class Span:
    """A stretch of days on a plot. `kind`: sow, grow, ready (planned); done (planted until last cut); cut (one day)."""

    plot: str
    kind: str
    start: date
    end: date
    colour: int
    label: str


@dataclass(frozen=True)
class Bar:
    """A span in pixels."""

    kind: str
    x: float
    y: float
    width: float
    colour: int
    label: str


@dataclass(frozen=True)
class Row:
    """A line of the chart: a village's name, or a plot's."""

    y: float
    label: str
    is_head: bool


@dataclass(frozen=True)
class Gantt:
    """The whole chart; `now_x` is the cutoff."""

    width: int
    height: int
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    months: tuple[tuple[float, date], ...]
    now_x: float


def gantt(villages: Iterable[tuple[str, Sequence[str]]], spans: Iterable[Span], today: date) -> Gantt:
    """Lay plots out below their village, BACK_DAYS before `today` to AHEAD_DAYS after; spans outside are cut off."""
    first, last = today - timedelta(days=BACK_DAYS), today + timedelta(days=AHEAD_DAYS)
    per_day = (WIDTH - LEFT - RIGHT) / (last - first).days

    def x(day: date) -> float:
        return round(LEFT + per_day * (min(max(day, first), last) - first).days, 1)

    rows, at, y = [], {}, float(TOP)
    for village, plots in villages:
        rows.append(Row(y + HEAD - 6, village, True))
        y += HEAD
        for plot in plots:
            rows.append(Row(y + ROW / 2 + 4, plot, False))
            at[plot] = y
            y += ROW
    bars = [
        Bar(s.kind, x(s.start), at[s.plot], max(2.0, x(s.end) - x(s.start)), s.colour, s.label)
        for s in spans
        if s.plot in at and s.end >= first and s.start <= last
    ]
    months = tuple((x(m), m) for m in _months(first, last))
    return Gantt(WIDTH, int(y + 8), tuple(rows), tuple(bars), months, x(today))


def _months(first: date, last: date) -> list[date]:
    month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
    found = []
    while month <= last:
        found.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    return found
