"""Named overrides of a plan's world: another price, demand, yield, climate, a failed crop, an adoption, a subsidy, a cold room."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from models.planning.problem import FIXED_SCHEMA, Params, Problem

NEEDS: Mapping[str, tuple[str, ...]] = {
    "price": ("factor",),
    "demand": ("factor",),
    "weather": ("factor",),
    "heat": ("celsius",),
    "crop_fails": ("crop_id", "year"),
    "adoption": ("crop_id", "quantity_kg", "due_from", "due_to"),
    "subsidy": ("yuan_per_mu",),
    "cold_room": ("days",),
}
"""Kind of override → the fields it must have; `crop_id` (null: every crop) goes with all but heat."""
LIMITS: Mapping[str, tuple[float, float]] = {
    "factor": (0.0, 100.0), "celsius": (-10.0, 10.0), "yuan_per_mu": (-100_000.0, 100_000.0), "days": (1, 300),
    "quantity_kg": (0.001, 1e9), "year": (1990, 2100), "season": (1, 4),
}  # fmt: skip


@dataclass(frozen=True)
class Override:
    """One thing imagined otherwise.

    price, demand, weather: price, forecast demand, yields × `factor`. heat: every day warmer by `celsius`. crop_fails: none of
    the crop in `year` (`season`; null: all). adoption: a promise of `quantity_kg` due between two days. subsidy: a mu costs
    `yuan_per_mu` less. cold_room: harvests sell `days` longer.
    """

    kind: str
    crop_id: str | None = None
    factor: float = 1.0
    celsius: float = 0.0
    yuan_per_mu: float = 0.0
    days: int = 0
    quantity_kg: float = 0.0
    due_from: date | None = None
    due_to: date | None = None
    year: int = 0
    season: int | None = None


class BadOverride(ValueError):  # noqa: N818
    """An override cannot be understood; the message says which, what is wrong, and what it may be."""


def parse(text: str) -> tuple[Override, ...]:
    """Overrides from a JSON list of objects, each with `kind` and what the kind needs.

    Raises:
        BadOverride: No such list, or a field that is missing, unknown, of another type or beyond its limits.
    """
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadOverride(f"overrides are no JSON: {error}") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise BadOverride(
            "overrides are no list of objects; give at least one such as {kind: price, factor: 1.1}"
        )
    return tuple(_one(n, row) for n, row in enumerate(rows, start=1))


def _one(number: int, row: Mapping[str, Any]) -> Override:
    where = f"override {number}"
    kind = str(row.get("kind"))
    if kind not in NEEDS:
        raise BadOverride(f"{where}: kind '{kind}' is not one of {', '.join(NEEDS)}")
    given = {name: value for name, value in row.items() if value is not None}
    allowed = {"kind", "crop_id", *NEEDS[kind], *(("season",) if kind == "crop_fails" else ())}
    if odd := sorted(set(given) - allowed):
        raise BadOverride(
            f"{where}: '{odd[0]}' does not go with {kind}; it takes {', '.join(sorted(allowed))}"
        )
    if lacking := [name for name in NEEDS[kind] if name not in given]:
        raise BadOverride(f"{where}: {kind} needs {', '.join(lacking)}")
    found = Override(**{name: _value(where, name, value) for name, value in given.items()})
    if found.due_from and found.due_to and found.due_to < found.due_from:
        raise BadOverride(f"{where}: due_to {found.due_to} is before due_from {found.due_from}; swap them")
    return found


def _value(where: str, name: str, value: Any) -> Any:
    if name in ("kind", "crop_id"):
        if not isinstance(value, str):
            raise BadOverride(f"{where}: {name} is {value!r}; give a text")
        return value
    if name in ("due_from", "due_to"):
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise BadOverride(f"{where}: {name} is {value!r}; write YYYY-MM-DD") from error
    low, high = LIMITS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadOverride(f"{where}: {name} is {value!r}; give a number from {low:g} to {high:g}")
    if name in ("days", "year", "season"):
        if value != int(value):
            raise BadOverride(f"{where}: {name} is {value!r}; give a whole number")
        return int(value)
    return float(value)


@dataclass(frozen=True)
class Imagined:
    """A world with overrides; without any, the world as it is."""

    overrides: Sequence[Override] = field(default=())

    @property
    def warmer_c(self) -> float:
        """How much warmer every day is (°C)."""
        return sum(o.celsius for o in self.overrides)

    def of(self, kind: str) -> list[Override]:
        """The overrides of a kind."""
        return [o for o in self.overrides if o.kind == kind]

    def table(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """A table of the warehouse as it would be: practice, practice_yield, commitment; others as they are."""
        if name == "practice_yield":
            return self._scaled(
                self._scaled(frame, "price", "price_yuan_per_kg"), "weather", "yield_kg_per_mu"
            )
        if name == "commitment":
            return self._promised(frame)
        if name != "practice":
            return frame
        for o in self.of("subsidy"):
            less = (pl.col("cost_yuan_per_mu") - o.yuan_per_mu).clip(lower_bound=0)
            frame = frame.with_columns(
                cost_yuan_per_mu=pl.when(_of(o)).then(less).otherwise("cost_yuan_per_mu")
            )
        for o in self.of("cold_room"):
            frame = frame.with_columns(
                sell_to_doy=pl.when(_of(o)).then(_later(o.days)).otherwise("sell_to_doy")
            )
        return frame

    def demand(self, frame: pl.DataFrame, column: str) -> pl.DataFrame:
        """Kilograms of crops (crop_id, `column`) as forecast in that world."""
        return self._scaled(frame, "demand", column)

    def failed(self, problem: Problem, params: Params) -> pl.DataFrame:
        """Areas of 0 for crops that fail, as Problem.fixed: every plot and practice of them in those seasons."""
        rows = []
        for o in self.of("crop_fails"):
            lines = problem.plots.join(problem.practices.filter(crop_id=o.crop_id), on="land_class")
            for plot_id, practice_id, season in lines.select("plot_id", "practice_id", "season").iter_rows():
                if o.season in (None, season) and params.first_year <= o.year <= params.last_year:
                    rows.append((plot_id, practice_id, o.year, season, 0.0, 0.0))
        return pl.DataFrame(rows, schema=FIXED_SCHEMA, orient="row").unique(maintain_order=True)

    def _scaled(self, frame: pl.DataFrame, kind: str, column: str) -> pl.DataFrame:
        for o in self.of(kind):
            frame = frame.with_columns(
                pl.when(_of(o)).then(pl.col(column) * o.factor).otherwise(pl.col(column)).alias(column)
            )
        return frame

    def _promised(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = [
            {
                "commitment_id": f"imagined-{n}", "kind": "adoption", "crop_id": o.crop_id, "quantity_kg": o.quantity_kg,
                "due_from": o.due_from, "due_to": o.due_to,
            }
            for n, o in enumerate(self.of("adoption"), start=1)
        ]  # fmt: skip
        more = pl.DataFrame(rows, schema={c: t for c, t in frame.schema.items() if not rows or c in rows[0]})
        return pl.concat([frame, more], how="diagonal")

    def unknown_crops(self, crops: pl.DataFrame) -> list[str]:
        """Crops that overrides name and nobody knows."""
        named = {o.crop_id for o in self.overrides if o.crop_id is not None}
        return sorted(named - set(crops["crop_id"]))


def _of(o: Override) -> pl.Expr:
    return pl.lit(value=True) if o.crop_id is None else pl.col("crop_id") == o.crop_id


def _later(days: int) -> pl.Expr:
    """The last selling day so many days on, never round to the first; open ends stay open."""
    span = (pl.col("sell_to_doy") - pl.col("sell_from_doy")) % 366
    longer = pl.min_horizontal(span + days, pl.lit(364))
    return ((pl.col("sell_from_doy") + longer - 1) % 366 + 1).cast(pl.Int32)
