"""Measured goods as bars, what moving a limit brings as lines over them, and the cuts: geometry for an SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from serving.web.charts import Mark, path

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 720, 260, 20, 20, 24
BOTTOM = HEIGHT - 26


@dataclass(frozen=True)
class Bar:
    """A step of the attribute: place, width and height of its bar, and what it tells."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class GradeChart:
    """bars: goods by step. lines: (grade, path) of the net where that grade's limit is moved. cuts, present: limits proposed or kept,
    and those of today."""

    width: int
    height: int
    bottom: int
    bars: tuple[Bar, ...]
    lines: tuple[tuple[str, str], ...]
    cuts: tuple[Mark, ...]
    present: tuple[Mark, ...]
    x_marks: tuple[Mark, ...]


def grade_chart(
    curve: pl.DataFrame,
    cuts: Sequence[tuple[str, float]],
    present: Sequence[tuple[str, float]],
    *,
    share_text: str,
    is_upper: bool = False,
) -> GradeChart | None:
    """The chart of one recommendation; None where no curve is published.

    Args:
        curve: Rows of grade_curve of one recommendation.
        cuts, present: (grade, limit).
        is_upper: Limits are upper ones (less is better), and a step reaches down from its value.
        share_text: Sentence with {value} and {share} for each bar.
    """
    if curve.is_empty():
        return None
    first = curve.filter(pl.col("grade") == curve["grade"][0]).sort("at_value")
    at = first["at_value"].to_list()
    step = float(first["at_value"].diff().median() or 1.0)  # type: ignore[arg-type]
    inner = (at[:-1] if is_upper else at[1:]) or at  # the outermost step holds all beyond it
    low, high = float(inner[0]) - step, float(inner[-1]) + step

    def x(value: float) -> float:
        inside = min(max(value, low), high)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (inside - low) / (high - low), 1)

    goods = first["goods_share"].to_list()
    most = max([1e-9, *goods])
    bars = tuple(
        _bar(
            x,
            v - step * is_upper,
            v + step * (not is_upper),
            s,
            most,
            share_text.format(value=f"{v:g}", share=f"{s:.1%}"),
        )
        for v, s in zip(at, goods, strict=True)
    )
    lines = tuple(
        (str(grade), _line(part.sort("at_value"), x))
        for (grade,), part in curve.group_by("grade", maintain_order=True)
    )
    ticks = inner[:: max(1, math.ceil(len(inner) / 8))]
    return GradeChart(
        WIDTH, HEIGHT, BOTTOM, bars, lines, tuple(Mark(x(v), f"{g} {v:g}") for g, v in cuts),
        tuple(Mark(x(v), f"{g} {v:g}") for g, v in present), tuple(Mark(x(v), f"{v:g}") for v in ticks),
    )  # fmt: skip


def _bar(x: Callable[[float], float], low: float, high: float, share: float, most: float, told: str) -> Bar:
    tall = round((BOTTOM - TOP) * 0.55 * share / most, 1)
    place, end = x(low), x(high)
    return Bar(place, round(BOTTOM - tall, 1), round(max(end - place - 1, 1), 1), tall, told)


def _line(part: pl.DataFrame, x: Callable[[float], float]) -> str:
    """The net over the limit, from its own least to its own most, so that the summit is seen."""
    known = part.drop_nulls("net_yuan")
    if known.height < 2:
        return ""
    net = known["net_yuan"].to_list()
    least, span = min(net), max(max(net) - min(net), 1e-9)
    return path(
        [
            (x(v), BOTTOM - (BOTTOM - TOP) * (0.05 + 0.9 * (n - least) / span))
            for v, n in zip(known["at_value"], net, strict=True)
        ]
    )
