"""Grade standards as versioned data: which limits a class has, which version holds on a day, what grade an item is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

TOLERANCE = "tolerance_share"
"""Attribute of the share of a lot (0–1) that may miss its class; its upper limit is the tolerance."""
LEAST_OF = ("brix", "weight_", "length_", "diameter_")
"""Attributes (or their beginnings) that are measured sizes or contents: below 0 is no value."""


@dataclass(frozen=True)
class Limit:
    """What a class asks of one attribute: at least `low`, at most `high` (None: no limit).

    `when`: the limit counts in place of the attribute's plain one where another attribute is at most this (name, value).
    """

    grade: str
    attribute: str
    low: float | None = None
    high: float | None = None
    when: tuple[str, float] | None = None

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps the limit."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def said(self) -> str:
        """The limit in words: 'weight_g ≥ 150'."""
        low = "" if self.low is None else f"{self.attribute} ≥ {self.low:g}"
        high = "" if self.high is None else f"{self.attribute} ≤ {self.high:g}"
        return " and ".join(x for x in (low, high) if x)


@dataclass(frozen=True)
class Standard:
    """One version of a standard for one crop; `grades` best first."""

    standard: str
    version: str
    crop_id: str
    valid_from: date
    source: str
    is_verified: bool
    grades: tuple[str, ...]
    limits: tuple[Limit, ...] = field(default=())

    @property
    def name(self) -> str:
        """Standard and version, as shown."""
        return f"{self.standard} ({self.version})"

    def of(self, grade: str) -> tuple[Limit, ...]:
        """The limits of a class.

        Raises:
            ValueError: The standard has no such grade; names those it has.
        """
        if grade not in self.grades:
            raise ValueError(
                f"grade '{grade}' is not in {self.name} of {self.crop_id}; it has {', '.join(self.grades)}"
            )
        return tuple(x for x in self.limits if x.grade == grade)

    def tolerance(self, grade: str, default: float = 0.05) -> float:
        """Share of a lot that may miss the class (0–1); `default` where the standard says none."""
        return next(
            (x.high for x in self.of(grade) if x.attribute == TOLERANCE and x.high is not None), default
        )

    def grade_of(self, measured: Mapping[str, float]) -> str | None:
        """The best class whose limits the measured attributes keep; None when they keep none.

        An attribute that was not measured is not judged, but a class none of whose attributes was measured is not given.

        Raises:
            ValueError: A value that cannot be (see `faults_of_value`).
        """
        for name, value in measured.items():
            if fault := fault_of_value(name, value):
                raise ValueError(fault)
        return next((g for g in self.grades if self._keeps(g, measured)), None)

    def _keeps(self, grade: str, measured: Mapping[str, float]) -> bool:
        asked: dict[str, list[Limit]] = {}
        for limit in self.of(grade):
            if limit.attribute in measured:
                asked.setdefault(limit.attribute, []).append(limit)
        if not asked:  # a lowest class may ask for nothing
            return all(x.attribute == TOLERANCE for x in self.of(grade))
        return all(_one_holds(limits, measured) for limits in asked.values())


def _one_holds(limits: Sequence[Limit], measured: Mapping[str, float]) -> bool:
    """Plain limits all hold, or one whose condition is met does."""
    plain = [x for x in limits if x.when is None]
    value = measured[limits[0].attribute]
    if plain and all(x.holds(value) for x in plain):
        return True
    met = [x for x in limits if x.when and measured.get(x.when[0], float("inf")) <= x.when[1]]
    return any(x.holds(value) for x in met)


def fault_of_value(attribute: str, value: float) -> str | None:
    """Why a measured value cannot be; None when it can."""
    if value != value or value in (float("inf"), float("-inf")):
        return f"{attribute} {value} is no number; give what was measured"
    if value < 0 and attribute.startswith(LEAST_OF):
        return f"{attribute} {value:g} is below 0, which cannot be measured; correct it or leave the line out"
    if attribute.endswith("_pct") and not 0 <= value <= 100:
        return f"{attribute} {value:g} is outside 0–100 %; correct it or leave the line out"
    return None


def in_force(standards: Iterable[Standard], on: date) -> list[Standard]:
    """The newest version of each standard and crop that holds on a day, sorted by crop and name."""
    newest: dict[tuple[str, str], Standard] = {}
    for one in sorted(standards, key=lambda s: (s.valid_from, s.version)):
        if one.valid_from <= on:
            newest[one.crop_id, one.standard] = one
    return [newest[key] for key in sorted(newest)]


def looser_limits(own: Standard, claimed: Standard) -> list[str]:
    """Where an own standard asks less than the class it claims, one sentence a limit; empty: it is at least as strict.

    A class is claimed by its name. Only plain limits are compared: a condition that eases a class is not claimed.
    """
    found = []
    for grade in (g for g in own.grades if g in claimed.grades):
        mine = {x.attribute: x for x in own.of(grade) if x.when is None}
        for limit in (x for x in claimed.of(grade) if x.when is None):
            got = mine.get(limit.attribute)
            if got is None or not _within(got, limit):
                asks = "nothing" if got is None else got.said()
                found.append(
                    f"{own.name}, {own.crop_id} {grade}: {asks}, but {claimed.name} asks {limit.said()}; "
                    "tighten it or take another name for the class"
                )
    return found


def claimed(own: Standard, public: Iterable[Standard]) -> list[Standard]:
    """The public standards that an own one claims: those of its crop whose name its own name or source holds."""
    told = f"{own.standard} {own.source}"
    return [p for p in public if p.crop_id == own.crop_id and p is not own and p.standard in told]


def measured_attribute(standard: Standard) -> str | None:
    """The one attribute that every class limits, tolerances apart; None: there is none, or there are several."""
    asked = [{x.attribute for x in standard.of(g)} - {TOLERANCE} for g in standard.grades]
    common = set.intersection(*asked) if asked else set()
    return next(iter(common)) if len(common) == 1 and set.union(*asked) == common else None


def is_less_better(standard: Standard, attribute: str) -> bool:
    """Whether its classes limit the attribute from above only (damage)."""
    limits = [x for x in standard.limits if x.attribute == attribute]
    return any(x.high is not None for x in limits) and all(x.low is None for x in limits)


def check_own(own: Standard, claimed: Standard) -> None:
    """Refuse an own standard that is looser than the class it claims.

    Raises:
        ValueError: Names every limit that is looser, with both values.
    """
    if faults := looser_limits(own, claimed):
        raise ValueError("; ".join(faults))


def _within(mine: Limit, asked: Limit) -> bool:
    low = asked.low is None or (mine.low is not None and mine.low >= asked.low)
    high = asked.high is None or (mine.high is not None and mine.high <= asked.high)
    return low and high


def to_frame(standards: Iterable[Standard]) -> pl.DataFrame:
    """One row per standard, version, class and attribute, with `rank` (1 is best) and `condition` (null: plain)."""
    rows = [
        (
            s.standard, s.version, s.crop_id, limit.grade, s.grades.index(limit.grade) + 1, limit.attribute, limit.low,
            limit.high, None if limit.when is None else f"{limit.when[0]} ≤ {limit.when[1]:g}", s.valid_from, s.source,
            s.is_verified,
        )
        for s in standards
        for limit in s.limits
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FRAME, orient="row")


def from_frame(rows: pl.DataFrame) -> list[Standard]:
    """Standards of rows of table grade_standard; classes are ordered by how much they ask, the strictest first."""
    found = []
    for (name, version, crop), part in rows.group_by("standard", "version", "crop_id", maintain_order=True):
        limits = tuple(
            Limit(r["grade"], r["attribute"], r["min_value"], r["max_value"])
            for r in part.iter_rows(named=True)
        )
        first = part.row(0, named=True)
        grades = tuple(sorted(dict.fromkeys(part["grade"]), key=lambda g: _ask(limits, g), reverse=True))
        found.append(
            Standard(
                str(name), str(version), str(crop), first["valid_from"], first["source"],
                bool(part["is_verified"].all()), grades, limits,
            )
        )  # fmt: skip
    return found


def _ask(limits: Sequence[Limit], grade: str) -> tuple[float, ...]:
    """How strict a class is: for each attribute in name order its lower limit, or its upper one with the sign turned."""
    names = sorted({x.attribute for x in limits if x.attribute != TOLERANCE})
    mine = {x.attribute: x for x in limits if x.grade == grade}
    nothing = float("-inf")
    return tuple(
        nothing
        if (x := mine.get(n)) is None or (x.low is None and x.high is None)
        else x.low
        if x.low is not None
        else -(x.high or 0.0)
        for n in names
    )


FRAME = {
    "standard": pl.String, "version": pl.String, "crop_id": pl.String, "grade": pl.String, "rank": pl.Int64,
    "attribute": pl.String, "min_value": pl.Float64, "max_value": pl.Float64, "condition": pl.String,
    "valid_from": pl.Date, "source": pl.String, "is_verified": pl.Boolean,
}  # fmt: skip
