"""What a county plan is asked for: land of villages by class, sowing weeks, and demand and yields as scenarios."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "groups": ("group_id", "zone_id", "labour_pool", "area_mu"),
    "activities": ("activity_id", "crop_id", "cost_yuan_per_mu", "sow_period"),
    "options": ("group_id", "activity_id", "yield_index"),
    "occupation": ("activity_id", "period", "share"),
    "outputs": ("activity_id", "crop_id", "grade", "period", "kg_per_mu"),
    "demand": ("scenario", "crop_id", "grade", "channel_id", "period", "demand_kg", "price_yuan_per_kg"),
    "yields": ("scenario", "zone_id", "crop_id", "factor"),
    "commitments": (
        "commitment_id", "crop_id", "grade", "from_period", "to_period", "quantity_kg", "shortage_yuan_per_kg",
    ),
    "labour_need": ("activity_id", "period", "hours_per_mu"),
    "labour": ("labour_pool", "period", "hours", "hire_yuan_per_hour", "idle_yuan_per_hour"),
    "storage": ("crop_id", "keep_share", "cost_yuan_per_kg"),
    "salvage": ("crop_id", "salvage_yuan_per_kg"),
    "floors": ("floor_id", "crop_id", "min_mu"),
    "previous": ("group_id", "activity_id", "area_mu"),
}  # fmt: skip
SCHEMAS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "period": pl.Int64, "sow_period": pl.Int64, "from_period": pl.Int64, "to_period": pl.Int64, "grade": pl.Int64,
    "scenario": pl.Int64,
}  # fmt: skip


def empty(name: str) -> pl.DataFrame:
    """The table of that name without rows."""
    text = {c for c in NEEDS[name] if c.endswith("_id") or c == "labour_pool"}
    return pl.DataFrame(
        schema={c: pl.String if c in text else SCHEMAS.get(c, pl.Float64) for c in NEEDS[name]}
    )


@dataclass(frozen=True)
class CountyProblem:
    """Frames of one county plan; periods are weeks counted from the plan's start (any equal steps work).

    `groups`: land that is alike, such as a village's paddy. `activities`: a practice sown in one period; several crops may
    come of it (`outputs`, kg per mu by grade and period; grade 1 is the best). `options`: which activity may stand on which
    group, and its yield against the mean there; `max_mu`, where the column is there and not null, is the most of it. `occupation`: share of a mu that it takes in a period. `demand`: kg that a
    channel would take at a price, per scenario (scenario null: in every one; demand_kg null: without limit). `yields`:
    factor on the mean yield of a crop in a zone (missing: 1). `commitments`: kg promised of a grade or better between two
    periods; each kg short costs `shortage_yuan_per_kg`. `labour`: hours that a pool has; more are hired (null: none are),
    idle ones earn. `storage`: crops that keep, the share left after a period. `floors`: least area of crops that share a
    `floor_id`. `previous`: the last plan's areas. `probabilities`: one per scenario.
    """

    groups: pl.DataFrame
    activities: pl.DataFrame
    options: pl.DataFrame
    occupation: pl.DataFrame
    outputs: pl.DataFrame
    demand: pl.DataFrame
    probabilities: tuple[float, ...]
    yields: pl.DataFrame = field(default_factory=lambda: empty("yields"))
    commitments: pl.DataFrame = field(default_factory=lambda: empty("commitments"))
    labour_need: pl.DataFrame = field(default_factory=lambda: empty("labour_need"))
    labour: pl.DataFrame = field(default_factory=lambda: empty("labour"))
    storage: pl.DataFrame = field(default_factory=lambda: empty("storage"))
    salvage: pl.DataFrame = field(default_factory=lambda: empty("salvage"))
    floors: pl.DataFrame = field(default_factory=lambda: empty("floors"))
    previous: pl.DataFrame = field(default_factory=lambda: empty("previous"))

    def __post_init__(self) -> None:
        for name, columns in NEEDS.items():
            if lacking := [c for c in columns if c not in getattr(self, name).columns]:
                raise ValueError(f"{name} lacks the columns {lacking}; it has {getattr(self, name).columns}")
        total = sum(self.probabilities)
        if abs(total - 1) > 1e-9 or min(self.probabilities) <= 0:
            raise ValueError(
                f"probabilities add up to {total}; give one above 0 per scenario, adding up to 1"
            )
        for name in ("demand", "yields"):
            beyond = getattr(self, name).filter(pl.col("scenario") >= len(self.probabilities))
            if beyond.height:
                raise ValueError(
                    f"{name} has scenario {beyond['scenario'][0]}; there are {len(self.probabilities)}, counted from 0"
                )

    @property
    def scenarios(self) -> int:
        """How many there are."""
        return len(self.probabilities)


@dataclass(frozen=True)
class CountyParams:
    """How risk and change weigh.

    `risk_weight`: share of the objective given to the mean of the worst `1 − risk_level` of profits (CVaR; Rockafellar &
    Uryasev 2000); the rest goes to the mean. `move_yuan_per_mu`: what each mu changed against the previous plan counts as
    lost; it is no money and not part of the profit. `frozen_until`: activities sown before this period keep their previous
    area.
    """

    risk_weight: float = 0.0
    risk_level: float = 0.9
    move_yuan_per_mu: float = 0.0
    frozen_until: int = 0
    time_limit_s: float = 120.0

    def __post_init__(self) -> None:
        if not 0 <= self.risk_weight <= 1:
            raise ValueError(f"risk_weight is {self.risk_weight}; give a share between 0 and 1")
        if not 0 <= self.risk_level < 1:
            raise ValueError(f"risk_level is {self.risk_level}; give a share from 0 to below 1")


@dataclass(frozen=True)
class CountyPlan:
    """A county plan as a value.

    `areas`: group_id, activity_id, area_mu (> 1e-9). `profits`: yuan by scenario. `objective`: what was maximised (yuan).
    `land_prices`: group_id, period, price_yuan_per_mu: what one more mu would add to the objective (> 0 only).
    `sold`: scenario, crop_id, grade, channel_id, period, sold_kg. `short`: scenario, commitment_id, short_kg.
    `hired`: labour_pool, period, hours. `size`: rows, columns, nonzeros.
    """

    status: str
    objective: float
    areas: pl.DataFrame
    profits: Floats
    probabilities: tuple[float, ...]
    land_prices: pl.DataFrame
    sold: pl.DataFrame
    short: pl.DataFrame
    hired: pl.DataFrame
    size: tuple[int, int, int]
    seconds: float

    @property
    def expected_yuan(self) -> float:
        """Mean profit over the scenarios."""
        return float(np.dot(self.probabilities, self.profits))

    def cvar_yuan(self, level: float) -> float:
        """Mean profit of the worst `1 − level` of the scenarios."""
        return conditional_value(self.profits, np.asarray(self.probabilities), level)


def conditional_value(profits: Floats, probabilities: Floats, level: float) -> float:
    """Mean of the worst `1 − level` share of profits, a scenario on the border counted in part."""
    order = np.argsort(profits, kind="stable")
    left = np.minimum(
        probabilities[order],
        np.maximum(1 - level - np.cumsum(probabilities[order]) + probabilities[order], 0),
    )
    return float((left * profits[order]).sum() / left.sum())


class CountyInfeasible(Exception):  # noqa: N818
    """No plan keeps all limits; the message names those that conflict as far as they are known."""
