"""Cut points of one crop as rows: the answer, its cuts, the curve behind them, and the reasons."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from models.grading.cuts import CutProblem
from models.grading.propose import (
    KEEP,
    NEW,
    Limits,
    Proposal,
    ProposeParams,
    Sold,
    curve,
    cut_problem,
    propose,
    shares,
)
from models.grading.standards import is_less_better, measured_attribute
from pipelines.grading_facts import GradeFacts
from pipelines.grading_standards import Known
from pipelines.grading_words import answer_words, reason_words

LEAST_PIECES = 60
"""With fewer measured pieces no cut is reckoned."""
Row = dict[str, Any]
Answers = Mapping[str, tuple[str, datetime]]
S, F, N = pl.String(), pl.Float64(), pl.Int64()
RECOMMENDATION = pl.Schema({
    "recommendation_id": S, "crop_id": S, "attribute": S, "answer": S, "standard": S, "version": S, "status": S, "grades": N,
    "pieces": N, "goods_kg": F, "net_yuan": F, "present_yuan": F, "equal_width_yuan": F, "terciles_yuan": F,
    "unsorted_yuan": F, "gain_low_yuan": F, "gain_yuan": F, "gain_high_yuan": F, "moved_share": F, "regret_share": F,
    "text_zh": S, "text_en": S,
})  # fmt: skip
CUT = pl.Schema({
    "recommendation_id": S, "crop_id": S, "grade": S, "rank": N, "attribute": S, "min_value": F, "max_value": F,
    "present_min": F, "present_max": F, "goods_share": F, "goods_kg": F, "demand_kg": F, "price_yuan_per_kg": F,
})  # fmt: skip
CURVE = pl.Schema({
    "recommendation_id": S, "crop_id": S, "grade": S, "at_value": F, "goods_share": F, "net_yuan": F,
})  # fmt: skip
REASON = pl.Schema({
    "recommendation_id": S, "rank": pl.Int32(), "kind": S, "text_zh": S, "text_en": S, "value_yuan": F,
})  # fmt: skip


@dataclass(frozen=True)
class CropAsk:
    """One crop: its names, the standard it is sorted by now (None: none), the seed of resampling."""

    crop_id: str
    name_zh: str
    name_en: str
    own: Known | None
    seed: int


@dataclass(frozen=True)
class Cut:
    """Rows without run and cutoff, and what was left out, in words."""

    recommendations: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RECOMMENDATION))
    cuts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CUT))
    curves: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CURVE))
    reasons: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REASON))
    notes: tuple[str, ...] = ()

    def tables(self) -> dict[str, pl.DataFrame]:
        """Rows by table."""
        return {
            "grading_recommendation": self.recommendations,
            "grade_cut": self.cuts,
            "grade_curve": self.curves,
            "grading_reason": self.reasons,
        }

    def and_of(self, other: "Cut") -> "Cut":
        """Both."""
        return Cut(
            pl.concat([self.recommendations, other.recommendations]),
            pl.concat([self.cuts, other.cuts]),
            pl.concat([self.curves, other.curves]),
            pl.concat([self.reasons, other.reasons]),
            self.notes + other.notes,
        )


@dataclass(frozen=True)
class Weighed:
    """A crop's problem and answer: `sign` −1 where less of the attribute is better, `present` in the problem's sign."""

    ask: CropAsk
    attribute: str
    sign: float
    problem: CutProblem
    present: Limits | None
    sold: tuple[Sold, ...]
    proposal: Proposal
    pieces: int

    @property
    def standard(self) -> tuple[str, str]:
        """Name and version: the proposed one, or the present one."""
        now = self.ask.own
        if self.proposal.answer == KEEP and now is not None:
            return now.standard.standard, now.standard.version
        return (now.standard.standard if now else f"{self.ask.name_zh}分级", self.version)

    @property
    def version(self) -> str:
        """Made of the limits, so the same limits have the same version every night."""
        text = f"{self.attribute}|{'|'.join(f'{g}={x}' for g, x in self.proposal.limits)}"
        return f"p-{hashlib.blake2s(text.encode(), digest_size=4).hexdigest()}"

    def value(self, limit: float | None) -> float | None:
        """A limit of the problem as the attribute's value."""
        return None if limit is None or not np.isfinite(limit) else round(self.sign * limit, 9)


def crop_rows(ask: CropAsk, facts: GradeFacts, prices: pl.DataFrame, answers: Answers) -> Cut:
    """The answer for one crop; a crop that cannot be weighed has a note and no rows."""
    weighed = weigh(ask, facts, prices)
    if isinstance(weighed, str):
        return Cut(notes=(f"{ask.crop_id}: {weighed}",))
    name, version = weighed.standard
    key = f"{ask.crop_id}/{version}"
    row = _recommendation(weighed, key, name, version, _status(weighed, key, answers))
    reasons = [
        {"recommendation_id": key, "rank": n, **r}
        for n, r in enumerate(reason_words(weighed, prices), start=1)
    ]
    return Cut(
        pl.DataFrame([row], schema=RECOMMENDATION),
        pl.DataFrame(_cuts(weighed, key), schema=CUT),
        _curves(weighed, key),
        pl.DataFrame(reasons, schema=REASON),
    )


def weigh(ask: CropAsk, facts: GradeFacts, prices: pl.DataFrame) -> Weighed | str:
    """The crop's problem and its answer; else why there is none, in words."""
    pieces = facts.pieces.filter(crop_id=ask.crop_id)
    if pieces.is_empty():
        return "no piece was measured; load inspections"
    standard = ask.own.standard if ask.own else None
    attribute = measured_attribute(standard) if standard else None
    if standard is not None and attribute is None:
        return f"{standard.name} limits several attributes; cuts are reckoned for one"
    attribute = attribute or pieces["attribute"].mode().sort()[0]
    pieces = pieces.filter(attribute=attribute)
    if pieces.height < LEAST_PIECES:
        return f"{pieces.height} pieces were measured by {attribute}; cuts need {LEAST_PIECES}"
    sign = -1.0 if standard is not None and is_less_better(standard, attribute) else 1.0
    present = _present(ask, attribute, sign)
    sold = _sold(prices, present)
    if not sold:
        return "no grade was sold with money; load orders or daily sales with amounts"
    values = sign * pieces["value"].to_numpy()
    kg = pieces["kg"].to_numpy()
    params = ProposeParams()
    clearance = facts.clearance.filter(crop_id=ask.crop_id)["clearance_yuan_per_kg"]
    problem = cut_problem(
        values, kg * sum(x.kg for x in sold) / kg.sum(), sold,
        clearance_yuan_per_kg=float(clearance[0]) if len(clearance) else 0.0,
        error=params.error_share * float(values.std()), params=params,
    )  # fmt: skip
    now = None if present is None else tuple((g, x) for g, x in present if g in {s.grade for s in sold})
    try:
        found = propose(problem, now, seed=ask.seed, params=params)
    except ValueError as error:
        return str(error)
    return Weighed(ask, attribute, sign, problem, now, sold, found, pieces.height)


def _present(ask: CropAsk, attribute: str, sign: float) -> Limits | None:
    """Limits of the standard in force, best first; the lowest class, which takes the rest, has none."""
    if ask.own is None:
        return None
    standard = ask.own.standard
    found: list[tuple[str, float | None]] = []
    for grade in standard.grades:
        limit = next((x for x in standard.of(grade) if x.attribute == attribute), None)
        side = None if limit is None else limit.high if sign < 0 else limit.low
        found.append((grade, None if side is None or side in (0.0, 100.0) else sign * side))
    return tuple(found)


def _sold(prices: pl.DataFrame, present: Limits | None) -> tuple[Sold, ...]:
    """Grades sold with money, best first: in the standard's order, else by what they bring."""
    rows = prices.filter(pl.col("sold_kg") > 0, pl.col("yuan_per_kg").is_not_null())
    found = {
        r["grade"]: Sold(r["grade"], r["yuan_per_kg"], r["sold_kg"], dict(present or ()).get(r["grade"]))
        for r in rows.sort("yuan_per_kg", descending=True).iter_rows(named=True)
    }
    order = found if present is None else [g for g, _ in present if g in found]
    return tuple(found[g] for g in order)


def _status(weighed: Weighed, key: str, answers: Answers) -> str:
    if weighed.proposal.answer == KEEP:
        return "in_force"
    if weighed.proposal.answer != NEW:
        return "none"
    answered = answers.get(key, ("", None))[0]
    return {"approve": "approved", "refuse": "refused"}.get(answered, "proposed")


def _recommendation(weighed: Weighed, key: str, standard: str, version: str, status: str) -> Row:
    p, (low, middle, high) = weighed.proposal, weighed.proposal.gain_yuan
    zh, en = answer_words(weighed)
    return {
        "recommendation_id": key, "crop_id": weighed.ask.crop_id, "attribute": weighed.attribute, "answer": p.answer,
        "standard": standard, "version": version, "status": status, "grades": len(p.limits), "pieces": weighed.pieces,
        "goods_kg": float(weighed.problem.kg.sum()), "net_yuan": p.net_yuan, "present_yuan": p.present_yuan,
        "equal_width_yuan": p.equal_width_yuan, "terciles_yuan": p.terciles_yuan, "unsorted_yuan": p.unsorted_yuan,
        "gain_low_yuan": low, "gain_yuan": middle, "gain_high_yuan": high, "moved_share": p.moved,
        "regret_share": p.regret, "text_zh": zh, "text_en": en,
    }  # fmt: skip


def _cuts(weighed: Weighed, key: str) -> list[Row]:
    side, other = ("max_value", "min_value") if weighed.sign < 0 else ("min_value", "max_value")
    now, part = dict(weighed.present or ()), shares(weighed.problem, weighed.proposal.limits)
    sold = {s.grade: s for s in weighed.sold}
    return [
        {
            "recommendation_id": key, "crop_id": weighed.ask.crop_id, "grade": grade, "rank": n,
            "attribute": weighed.attribute, side: weighed.value(limit), other: None,
            "present_max" if weighed.sign < 0 else "present_min": weighed.value(now.get(grade)),
            "goods_share": part[grade], "goods_kg": part[grade] * float(weighed.problem.kg.sum()),
            "demand_kg": sold[grade].kg, "price_yuan_per_kg": sold[grade].yuan_per_kg,
        }
        for n, (grade, limit) in enumerate(weighed.proposal.limits, start=1)
    ]  # fmt: skip


def _curves(weighed: Weighed, key: str) -> pl.DataFrame:
    edges, problem = weighed.problem.edges, weighed.problem
    where = np.searchsorted(edges, problem.values, side="right") - 1
    goods = np.bincount(where, problem.kg, minlength=len(edges)) / problem.kg.sum()
    parts = [
        pl.DataFrame({"at_value": weighed.sign * edges, "goods_share": goods, "net_yuan": curve(problem, weighed.proposal.limits, g)})
        .with_columns(pl.col("net_yuan").fill_nan(None), recommendation_id=pl.lit(key), crop_id=pl.lit(weighed.ask.crop_id), grade=pl.lit(g))
        for g, x in weighed.proposal.limits
        if x is not None
    ]  # fmt: skip
    return pl.concat(parts).select(CURVE.names()).cast(CURVE) if parts else pl.DataFrame(schema=CURVE)
