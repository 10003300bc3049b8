"""Shapes of what-ifs on the plan: what may be imagined, and the two plans side by side."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from serving.schemas import Id, Shape, Words

Factor = Annotated[float, Field(ge=0, le=100)]
OfCrop = Annotated[Id | None, Field(description="null: every crop")]


class Price(Shape):
    """Prices × factor."""

    kind: Literal["price"]
    crop_id: OfCrop = None
    factor: Factor


class Demand(Shape):
    """Forecast demand × factor; what is promised stays."""

    kind: Literal["demand"]
    crop_id: OfCrop = None
    factor: Factor


class Weather(Shape):
    """Yields × factor: a good or a bad year."""

    kind: Literal["weather"]
    crop_id: OfCrop = None
    factor: Factor


class Heat(Shape):
    """Every day warmer, or colder below 0."""

    kind: Literal["heat"]
    celsius: float = Field(ge=-10, le=10)


class CropFails(Shape):
    """None of a crop in one year, or in one season of it."""

    kind: Literal["crop_fails"]
    crop_id: Id
    year: int = Field(ge=1990, le=2100)
    season: int | None = Field(default=None, ge=1, le=4, description="null: all of the year's")


class Adoption(Shape):
    """A new batch of adoptions: so much promised between two days."""

    kind: Literal["adoption"]
    crop_id: Id
    quantity_kg: float = Field(ge=0.001, le=1e9)
    due_from: date
    due_to: date

    @model_validator(mode="after")
    def _ordered(self) -> "Adoption":
        if self.due_to < self.due_from:
            raise ValueError(f"due_to {self.due_to} is before due_from {self.due_from}; swap them")
        return self


class Subsidy(Shape):
    """A mu costs so much less; below 0 more."""

    kind: Literal["subsidy"]
    crop_id: OfCrop = None
    yuan_per_mu: float = Field(ge=-100_000, le=100_000)


class ColdRoom(Shape):
    """Harvests sell so many days longer."""

    kind: Literal["cold_room"]
    crop_id: OfCrop = None
    days: int = Field(ge=1, le=300)


Imagined = Annotated[
    Price | Demand | Weather | Heat | CropFails | Adoption | Subsidy | ColdRoom, Field(discriminator="kind")
]


class PlantingWhatIfAsk(Shape):
    """A question on the plan: a name for it, and what to imagine otherwise, all of it together."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "dearer rice, poor year",
                    "overrides": [
                        {"kind": "price", "crop_id": "rice", "factor": 1.1},
                        {"kind": "weather", "factor": 0.8},
                    ],
                    "author": "Wang Li",
                    "reason": "for the meeting on Friday",
                }
            ]
        },
    )
    name: Id
    overrides: list[Imagined] = Field(min_length=1, max_length=20)
    author: Id
    reason: Words | None = None


class Side(Shape):
    """One of the two plans, valued on the same paths of demand and yields."""

    profit_yuan: float | None = Field(description="at mean demand, as the checker counts it")
    expected_yuan: float | None
    cvar_yuan: float | None = Field(description="mean of the worst tenth, as plan_risk_level says")
    service_share: float | None = Field(description="kg sold of kg asked for")
    promise_share: float | None
    waste_kg: float | None
    unserved_kg: float | None
    labour_hours: float | None
    moved_mu: float | None = Field(description="that stand otherwise than in the plan as it is")
    moved_lines: int | None


class WhatIfCrop(Shape):
    """Mu of a crop over all planned years."""

    crop_id: str
    crop_name_zh: str | None
    crop_name_en: str | None
    base_mu: float
    whatif_mu: float


class PlantingWhatIf(Shape):
    """A question and, once a night has solved it, its answer."""

    whatif_id: str
    name: str
    author: str
    reason: str | None
    written_at: datetime
    overrides_json: str = Field(
        description="the list that was asked about", examples=['[{"kind": "heat", "celsius": 1}]']
    )
    state: Literal["waiting", "solved", "infeasible", "refused"] = Field(
        description="waiting: the next night that makes a plan answers it; infeasible: no plan keeps all rules; refused: not understood"
    )
    detail: str = Field(description="why there is no plan; with a plan, its notes")
    cutoff: date | None = Field(description="of the night that answered")
    base: Side | None = Field(description="the plan as it is; null: not answered yet")
    whatif: Side | None = Field(
        description="planned anew in the world asked about; null: no plan, `detail` says why"
    )
    crops: list[WhatIfCrop] | None


class PlantingWhatIfs(Shape):
    """Questions of the last weeks, newest first."""

    release_id: str
    total: int
    next_cursor: str | None
    items: list[PlantingWhatIf]
