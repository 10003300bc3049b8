"""Small drawings for a run's artefacts, as SVG text: no plotting library is loaded in a night."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, MARGIN = 380, 190, 34
COLOURS = ("#222222", "#1b7f5c", "#c2702a", "#4a6fa5", "#8a4f9e", "#999999")


@dataclass(frozen=True)
class Line:
    """One line of a drawing."""

    name: str
    points: Sequence[tuple[float, float]]
    """(x, y), x ascending."""
    dashed: bool = False


def panel(
    title: str, lines: Sequence[Line], *, marks: Sequence[tuple[float, str]] = (), left: int = 0, top: int = 0
) -> str:
    """One set of axes from 0 to the largest y, as an SVG group at (left, top); `marks` are labels on the x axis."""
    xs = [x for line in lines for x, _ in line.points] or [0.0]
    ys = [y for line in lines for _, y in line.points] or [0.0]
    low, width, most = min(xs), max(max(xs) - min(xs), 1e-9), max(max(ys), 1e-9)

    def at(x: float, y: float) -> tuple[float, float]:
        inner_w, inner_h = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
        return MARGIN + (x - low) / width * inner_w, HEIGHT - MARGIN - y / most * inner_h

    parts = [
        f'<g transform="translate({left},{top})">',
        f'<text x="{MARGIN}" y="16" font-weight="bold">{escape(title)}</text>',
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="#bbb"/>',
        f'<text x="{MARGIN - 3}" y="{MARGIN + 4}" text-anchor="end">{most:.3g}</text>',
    ]
    parts += [
        f'<text x="{at(x, 0)[0]:.1f}" y="{HEIGHT - MARGIN + 13}" text-anchor="middle">{escape(t)}</text>'
        for x, t in marks
    ]
    for i, line in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        path = "L".join("{:.1f} {:.1f}".format(*at(x, y)) for x, y in line.points)
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        if path:
            parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>')
        place = MARGIN + i * 84
        parts.append(f'<text x="{place}" y="{HEIGHT - 4}" fill="{colour}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</g>"])


def sheet(
    panels: Sequence[tuple[str, Sequence[Line], Sequence[tuple[float, str]]]], *, columns: int = 2
) -> str:
    """Panels (title, lines, marks) in rows, as one SVG document."""
    rows = -(-len(panels) // columns)
    drawn = [
        panel(title, lines, marks=marks, left=WIDTH * (i % columns), top=HEIGHT * (i // columns))
        for i, (title, lines, marks) in enumerate(panels)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * columns}" height="{max(rows, 1) * HEIGHT}" '
        'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="#fff"/>'
    )
    return "\n".join([head, *drawn, "</svg>"])
