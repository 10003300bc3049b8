"""Values → the geometry of SVG charts; templates draw it, so no markup is made here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Mark:
    """A place on an axis with what is written there."""

    at: float
    label: str


@dataclass(frozen=True)
class Hover:
    """A column of the chart that tells its values."""

    x: float
    width: float
    text: str


@dataclass(frozen=True)
class FanChart:
    """History, what is ahead and nested bands, in pixels of a `width` × `height` box."""

    width: int
    height: int
    left: int
    bottom: float
    history: str
    ahead: str
    thin: str
    """A second line ahead; empty without one."""
    bands: tuple[str, ...]
    cutoff_x: float
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    hovers: tuple[Hover, ...] = field(repr=False)
    events: tuple[Mark, ...] = ()
    """Marked days: a festival, a campaign."""
    shades: tuple[tuple[float, float], ...] = ()
    """(x, width) of stretches that are shaded."""


@dataclass(frozen=True)
class FanData:
    """What a fan chart shows, already in the reader's unit: one label per position, history first, then forecast."""

    labels: Sequence[str]
    """Hover text of each position."""
    ticks: Sequence[tuple[int, str]]
    """Positions marked on the axis, and what is written there."""
    history: Sequence[float]
    ahead: Sequence[float]
    """The main line over the forecast positions."""
    bands: Sequence[tuple[Sequence[float], Sequence[float]]]
    """(low, high) over the forecast positions, widest first."""
    thin: Sequence[float] = ()
    """A second line over the forecast positions; may be left out."""
    events: Sequence[tuple[int, str]] = ()
    """Positions that are marked, and what is written there; of two that would overlap the first is written."""
    shades: Sequence[int] = ()
    """Positions that are shaded."""


def fan(data: FanData, *, width: int, height: int, max_ticks: int) -> FanChart:
    """The geometry of a fan chart; the y axis starts at 0."""
    left, right, top, bottom = 52, 12, 14, height - 26
    n = max(len(data.history) + len(data.ahead), 2)
    highs = (v for _, high in data.bands for v in high)
    steps = nice_steps(max([1e-9, *data.history, *data.ahead, *data.thin, *highs]))

    def x(i: float) -> float:
        return left + (width - left - right) * i / (n - 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / steps[-1]

    first = len(data.history)
    ahead = [x(first + i) for i in range(len(data.ahead))]
    bands = tuple(
        path(
            [*zip(ahead, map(y, high), strict=True), *reversed([*zip(ahead, map(y, low), strict=True)])],
            closed=True,
        )
        for low, high in data.bands
    )
    thinned = data.ticks[:: max(1, math.ceil(len(data.ticks) / max_ticks))]
    return FanChart(
        width,
        height,
        left,
        bottom,
        path([(x(i), y(v)) for i, v in enumerate(data.history)]),
        path([*zip(ahead, map(y, data.ahead), strict=True)]),
        path([*zip(ahead, map(y, data.thin), strict=True)] if data.thin else []),
        bands,
        round(x(first - 0.5), 1) if first and data.ahead else -1.0,
        tuple(Mark(round(x(i), 1), label) for i, label in thinned),
        tuple(Mark(round(y(v), 1), _short(v)) for v in steps),
        tuple(Hover(round(x(i - 0.5), 1), round(x(1) - x(0), 2), text) for i, text in enumerate(data.labels)),
        _apart([Mark(round(x(i), 1), label) for i, label in data.events]),
        tuple((round(x(i - 0.5), 1), round(x(1) - x(0), 2)) for i in data.shades),
    )


def _apart(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The marks, each with its word only where the word before leaves room."""
    found: list[Mark] = []
    free = -math.inf
    for mark in sorted(marks, key=lambda m: m.at):
        fits = mark.at >= free
        found.append(mark if fits else Mark(mark.at, ""))
        if fits:
            free = mark.at + 8 + 6.5 * sum(2 if ord(c) > 0x2E7F else 1 for c in mark.label)
    return tuple(found)


def spark(
    history: Sequence[float], ahead: Sequence[float], *, width: int = 120, height: int = 28
) -> tuple[str, str]:
    """Two paths of a small line: what was, and (joined to it) what is forecast."""
    values = [*history, *ahead]
    most = max([1e-9, *values])
    places = [
        (2 + (width - 4) * i / max(1, len(values) - 1), height - 3 - (height - 6) * v / most)
        for i, v in enumerate(values)
    ]
    return path(places[: len(history)]), path(places[max(0, len(history) - 1) :])


def path(points: Points, *, closed: bool = False) -> str:
    """SVG path data through the points; empty without any."""
    if not points:
        return ""
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points) + ("Z" if closed else "")


def nice_steps(most: float, wanted: int = 4) -> list[float]:
    """Axis values from 0 to at least `most` in steps of 1, 2, 2.5 or 5 times a power of ten."""
    raw = most / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= raw * (1 - 1e-9))
    return [step * i for i in range(math.ceil(most / step - 1e-9) + 1)]


def _short(value: float) -> str:
    for limit, sign in ((1e6, "M"), (1e4, "k")):
        if value >= limit:
            scale = 1e6 if sign == "M" else 1e3
            return f"{value / scale:g}{sign}"
    return f"{value:,.6g}"


@dataclass(frozen=True)
class Dot:
    """A plot (or village) on the map."""

    x: float
    y: float
    r: float
    colour: int
    """Index of the palette; -1 is 'other'."""
    label: str


def place_dots(
    lat: Sequence[float], lon: Sequence[float], size: Sequence[float], *, width: int = 640, height: int = 420
) -> list[tuple[float, float, float]]:
    """Degrees → (x, y, r) in a box: plate carrée at the middle latitude, one scale both ways, radius by area."""
    middle = math.radians((min(lat) + max(lat)) / 2)
    xs = [value * math.cos(middle) for value in lon]
    spread = max((max(xs) - min(xs)) / (width - 48), (max(lat) - min(lat)) / (height - 48), 1e-9)
    x0, y0 = (min(xs) + max(xs)) / 2, (min(lat) + max(lat)) / 2
    biggest = max(size) or 1.0
    crowd = min(14.0, 0.42 * math.sqrt(width * height / len(lat)))
    return [
        (
            round(width / 2 + (px - x0) / spread, 1),
            round(height / 2 - (py - y0) / spread, 1),
            round(max(2.0, crowd * math.sqrt(s / biggest)), 1),
        )
        for px, py, s in zip(xs, lat, size, strict=True)
    ]
