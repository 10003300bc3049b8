"""Shapes of grading: what customers pay for a grade, where to cut, which standards hold, what lots are."""

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from serving.schemas import Id, Shape, Words


class GradePrice(Shape):
    """What customers pay, take and send back of a grade."""

    grade: str = Field(examples=["特级"])
    base_grade: str = Field(description="the grade others are held against: the one sold most")
    price_ratio: float | None = Field(description="to the base grade; null: not estimable", examples=[1.31])
    low: float | None = Field(description="ends of its 90 % interval")
    high: float | None
    cells: int = Field(description="channel × pack × month that hold both grades")
    markets: int = Field(description="channels that hold both")
    advice: Literal["base", "pays", "does_not_pay", "costs", "not_estimable"]
    yuan_per_kg: float | None = Field(description="of crop, mean of what was paid in the year")
    sold_kg: float = Field(description="kg of crop in the year before the cutoff")
    sold_share: float
    lines: int
    return_share: float | None = Field(description="of order lines, refunded after shipping; null: too few")


class GradeCut(Shape):
    """A grade of a recommendation: its limits and what it is expected to bring."""

    grade: str
    rank: int = Field(description="1 is the best")
    attribute: str = Field(examples=["weight_g"])
    min_value: float | None = Field(description="null: no lower limit", examples=[175.0])
    max_value: float | None = Field(description="where less is better; null: no upper limit")
    present_min: float | None
    present_max: float | None
    goods_share: float = Field(description="of the goods measured")
    goods_kg: float
    demand_kg: float | None
    price_yuan_per_kg: float


class GradingReason(Shape):
    """Why."""

    rank: int
    kind: str = Field(examples=["gain", "limit", "price", "class", "stability", "sample"])
    text_zh: str | None
    text_en: str | None
    value_yuan: float | None


class GradingRecommendation(Shape):
    """New cuts, keep the present ones, or do not grade; yuan a year."""

    cutoff: date
    recommendation_id: str = Field(
        description="crop/version: the same limits keep it", examples=["tomato/p-1f2e3d4c"]
    )
    crop_id: str
    attribute: str = Field(examples=["weight_g"])
    answer: Literal["new_cuts", "keep", "do_not_grade"]
    standard: str
    version: str
    status: Literal["proposed", "in_force", "approved", "refused", "none"]
    grades: int
    pieces: int = Field(description="measured")
    goods_kg: float = Field(description="a year's kg the pieces stand for: what was sold in a year")
    net_yuan: float
    present_yuan: float | None = Field(description="with the present cuts; null: none are known")
    equal_width_yuan: float
    terciles_yuan: float
    unsorted_yuan: float
    gain_low_yuan: float = Field(description="above not sorting: quantile 0.05 over resamples")
    gain_yuan: float
    gain_high_yuan: float
    moved_share: float = Field(description="of resamples in which a cut moved by more than a step")
    regret_share: float
    text_zh: str | None
    text_en: str | None
    cuts: list[GradeCut] | None
    prices: list[GradePrice] | None
    reasons: list[GradingReason] | None


class LotShare(Shape):
    """Share of a lot that is of a grade, as its sample tells."""

    grade: str = Field(description="'' stands for pieces of no class")
    rank: int
    share: float
    low: float = Field(description="quantiles 0.05 and 0.95")
    high: float


class LotFlow(Shape):
    """Where a part of a lot should go."""

    destination: str = Field(examples=["taobao-1/特级", "promise/c1", "sauce-1", "clearance"])
    kind: Literal["order", "processing", "clearance"]
    kg: float
    yuan: float
    steps_down: int | None = Field(description="grades below the lot's own; null: no grade is asked")


class Lot(Shape):
    """A lot: what its sample tells, the label it may carry, and where it should go."""

    lot_id: str
    crop_id: str
    standard: str | None = Field(description="null: no piece was measured lately")
    label: str | None = Field(description="null: none is sure with 95 %")
    pieces: int | None = Field(description="sampled")
    needed: int | None = Field(description="pieces that would do for a label; null: none would")
    shares: list[LotShare] | None
    flows: list[LotFlow] | None


class GradeShare(Shape):
    """The share of a harvest that planting may count on."""

    crop_id: str
    land_class: str = Field(description="'' stands for all")
    grade: str
    share: float
    harvest_kg: float = Field(description="kg of the grade behind it")


class StandardLimit(Shape):
    """What a class of a standard asks of one attribute."""

    standard: str = Field(examples=["AQSIQ 71/2006"])
    version: str
    crop_id: str
    grade: str
    rank: int
    attribute: str
    min_value: float | None
    max_value: float | None
    condition: str | None
    valid_from: date
    source: str
    is_verified: bool
    origin: Literal["shipped", "loaded", "approved"]
    is_in_force: bool
    fault: str | None = Field(description="which limit is looser than the class claimed; null: none")


class StandardAnswer(Shape):
    """A person's answer to a proposed standard; approved, it is in force from the next day, once a night has taken it in."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"recommendation_id": "tomato/p-1f2e3d4c", "answer": "approve", "author": "Wang Li"}]
        },
    )
    recommendation_id: Id
    answer: Literal["approve", "refuse"]
    author: Id
    reason: Words | None = Field(default=None, description="with 'refuse'")

    @model_validator(mode="after")
    def _why(self) -> "StandardAnswer":
        if self.answer == "refuse" and not self.reason:
            raise ValueError("give a reason with answer 'refuse'")
        return self
