"""Shapes of the cutting plan as published."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from serving.schemas import Shape


class CutReason(Shape):
    """Why a cut is proposed."""

    rank: int
    kind: str = Field(
        examples=["promise", "expected", "ripeness", "rain", "field", "crew", "route", "surplus"]
    )
    text_zh: str
    text_en: str


class HarvestRecommendation(Shape):
    """One cut proposed: which plot, how much, which crew, to which cold room."""

    recommendation_id: str = Field(examples=["V03-07/tomato/2026-09-01/1"])
    rank: int = Field(description="within its day, the most money first")
    day: date
    plot_id: str
    village_id: str | None
    village_name: str | None
    crop_id: str
    crew_id: str
    cold_room_id: str
    cut_kg: float
    crew_hours: float = Field(description="way and set-up included")
    oldest_on: date = Field(description="ripe since, of the oldest kilogram")
    last_on: date = Field(description="later it is lost")
    rain_chance: float = Field(description="on that day (0–1)")
    promised_kg: float = Field(description="of cut_kg, for orders paid and promises made")
    expected_kg: float = Field(description="for orders expected")
    other_kg: float = Field(description="kept in store or sold off")
    value_yuan: float
    cutoff: date
    reasons: list[CutReason] | None


class HarvestServe(Shape):
    """Kilograms of one cut (or of stock) for one order."""

    order_id: str = Field(
        description="order/crop/grade/region/day paid, promise/commitment/day, expected/…",
        examples=["promise/contract-tomato-1/2026-10-03"],
    )
    crop_id: str
    grade: str | None = Field(description="of what is cut; null: not graded")
    region_id: str | None = Field(description="null: at the gate")
    ship_on: date
    cut_on: date = Field(description="before the plan's first day: from stock")
    cold_room_id: str
    served_kg: float
    is_promised: bool
    hours_to_table: float | None = Field(description="from cutting")


class HarvestShortfall(Shape):
    """A promise that cannot be kept, or ripe kilograms that will be lost, with the cause."""

    kind: Literal["order", "ripe"]
    subject_id: str = Field(description="order_id, or plot_id")
    crop_id: str
    grade: str | None
    region_id: str | None
    day: date = Field(description="to be shipped, or lost on")
    kg: float
    is_promised: bool
    cause: str = Field(examples=["not_ripe", "grade", "route_too_long", "crew_hours", "cold_room", "rain"])


class HarvestChange(Shape):
    """A plot, crop and day of which the plan changed within the day."""

    day: date
    plot_id: str
    village_id: str | None
    village_name: str | None
    crop_id: str
    before_kg: float
    after_kg: float
    crews: str = Field(description="of the new plan; '': not cut any more")


class CuttingPlan(Shape):
    """The plan as a whole."""

    cutoff: date
    written_at: datetime
    first_day: date
    days: int
    cause: Literal["night", "hour"]
    status: Literal["optimal", "stopped"]
    value_yuan: float
    bound_yuan: float
    gap: float
    cut_kg: float
    promised_kg: float
    kept_kg: float = Field(description="of promised_kg, served")
    note: str = Field(description="what could not be counted; '': nothing")


class CuttingLoad(Shape):
    """A crew's hours, or kilograms in a cold room at night, on one day."""

    day: date
    kind: Literal["crew", "cold_room"]
    subject_id: str
    used: float
    limit_of: float
    shipped_kg: float | None


class CuttingTrigger(Shape):
    """What left its band within the day."""

    kind: Literal["orders", "field"]
    subject_id: str = Field(description="crop_id, or plot_id")
    value: float = Field(description="kilograms ordered so far, or level")
    limit_of: float = Field(description="the forecast's p95 of the day, or last night's level")
    text_zh: str
    text_en: str


class Cutting(Shape):
    """The plan, why it was solved again, and its loads."""

    release_id: str
    plan: CuttingPlan | None
    triggers: list[CuttingTrigger]
    loads: list[CuttingLoad]
