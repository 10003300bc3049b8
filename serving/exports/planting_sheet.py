"""The planting plan as a sheet to fill in: out with every line and the answer that stands, back as new answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from serving.exports.sheets import Sheet
from serving.exports.workbook import Row

KEY = "建议编号"
ANSWER, AREA, REASON = "答复", "改后面积(亩)", "说明"
WORDS = {"accept": "采纳", "change": "修改", "refuse": "拒绝"}
SAID = {word: answer for answer, word in WORDS.items()} | {answer: answer for answer in WORDS}
MOST_MU = 100_000
MOST_LETTERS = 500
HEADERS = {
    "recommendation_id": KEY,
    "village_name": "村",
    "plot_id": "地块",
    "crop_name_zh": "作物",
    "year": "年份",
    "season": "季次",
    "area_mu": "面积(亩)",
    "expected_kg": "预计产量(公斤)",
    "expected_profit_yuan": "预计利润(元)",
    "why": "理由",
}
Answers = Mapping[str, Mapping[str, Any]]
"""Recommendation → the answer that stands, as serving.reads.decisions.answers."""


@dataclass(frozen=True)
class Fault:
    """A cell that does not hold."""

    row: int
    column: str
    value: str
    rule: str
    """Short name of what was broken; the page words it."""
    message: str


def sheet(rows: pl.DataFrame, answers: Answers) -> Sheet:
    """A sheet of recommendations (serving.reads.planting.recommendations), answered as they stand."""
    told = rows.with_columns(
        pl.col("area_mu", "expected_kg", "expected_profit_yuan").round(2),
        why=pl.col("reasons").list.eval(pl.element().struct.field("text_zh")).list.join("；"),
    ).select(pl.col(column).alias(header) for column, header in HEADERS.items())
    stands = [answers.get(key) or {} for key in rows["recommendation_id"]]
    filled = told.with_columns(
        pl.Series(ANSWER, [WORDS.get(str(s.get("answer"))) for s in stands], pl.String),
        pl.Series(AREA, [s.get("area_mu") for s in stands], pl.Float64),
        pl.Series(REASON, [s.get("reason") for s in stands], pl.String),
    )
    return Sheet("种植建议", filled, (ANSWER, AREA, REASON), {ANSWER: tuple(WORDS.values())})


def answered(
    rows: Sequence[Row], known: frozenset[str], answers: Answers
) -> tuple[list[dict[str, Any]], list[Fault], int]:
    """What a filled-in sheet says.

    Args:
        rows: Of the sheet.
        known: Every recommendation of the release.
        answers: What stands already.

    Returns:
        Decisions that differ from what stands; cells that do not hold, by row; how many rows say nothing new.
    """
    new, faults, same = list[dict[str, Any]](), list[Fault](), 0
    seen = dict[str, int]()
    for number, row in rows:
        key = row.get(KEY, "")
        told = _read(number, row, key, known)
        if key and key in seen:
            told = Fault(
                number, KEY, key, "twice", f"the line stands in row {seen[key]} too; keep one of them"
            )
        seen.setdefault(key, number)
        if isinstance(told, Fault):
            faults.append(told)
        elif told is None or _stands(told, answers.get(key)):
            same += 1
        else:
            new.append(told)
    return new, faults, same


def _read(
    number: int, row: Mapping[str, str], key: str, known: frozenset[str]
) -> dict[str, Any] | Fault | None:
    """The decision of a row, what is wrong with it, or None where nothing is filled in."""
    said, area, reason = row.get(ANSWER, ""), row.get(AREA, ""), row.get(REASON, "")
    if not (said or area or reason):
        return None
    if key not in known:
        return Fault(
            number, KEY, key, "unknown_line", "this release has no such line; download the sheet again"
        )
    if said not in SAID:
        return Fault(
            number,
            ANSWER,
            said,
            "unknown_answer",
            f"write {', '.join(WORDS.values())}, or leave the row's answer empty",
        )
    answer = SAID[said]
    mu = _number(area)
    if area and mu is None:
        return Fault(number, AREA, area, "no_number", f"write mu as a number from 0 to {MOST_MU}")
    if (answer == "change") != (mu is not None):
        return Fault(
            number, AREA, area, "area_with_change", f"give an area with '{WORDS['change']}', and only then"
        )
    if len(reason) > MOST_LETTERS:
        return Fault(
            number,
            REASON,
            reason[:40],
            "too_long",
            f"{len(reason)} letters, the limit is {MOST_LETTERS}; write less",
        )
    return {"recommendation_id": key, "answer": answer, "area_mu": mu, "reason": reason or None}


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if 0 <= value <= MOST_MU else None


def _stands(told: Mapping[str, Any], held: Mapping[str, Any] | None) -> bool:
    fields = ("answer", "area_mu", "reason")
    return held is not None and all((told[f] or None) == (held.get(f) or None) for f in fields)
