"""Shapes of bestseller calls and selections."""

from datetime import date

from pydantic import Field

from serving.schemas import Shape


class CallReason(Shape):
    """Why a product is called as it is."""

    place: int = Field(description="1 is strongest")
    theme: str = Field(examples=["sales", "trend", "season"])
    effect: float | None = Field(description="on the log of the expected yuan; above 0 raises it")
    text_zh: str | None
    text_en: str | None


class BestsellerCall(Shape):
    """Will a product be among the best of its category, and what may it earn."""

    cutoff: date
    question: str = Field(
        description="launch: on sale for some days; listing: a candidate", examples=["launch"]
    )
    subject_id: str = Field(description="product, or candidate of a candidate file", examples=["grape-3"])
    name: str | None
    name_en: str | None
    category: str = Field(description="what it is ranked within", examples=["grape", "all"])
    decision_on: date
    window_from: date = Field(description="what it earns from here …")
    window_to: date = Field(description="… until before here is judged")
    top_share: float = Field(description="share that counts as bestsellers", examples=[0.2])
    base_rate: float = Field(description="how often a call at random would be right")
    probability: float | None = Field(description="of being a bestseller; null: nothing to tell it from")
    rank_in_category: int
    expected_yuan: float = Field(description="sales in the window")
    low_yuan: float | None = Field(description="quantile 0.1; null: no spread is known")
    high_yuan: float | None = Field(description="quantile 0.9; null: no spread is known")
    expected_margin_yuan: float | None = Field(description="null: its cost is not known")
    lead_days: int = Field(description="from the cutoff to the end of the window")
    model_version: str
    fallback_reason: str | None = Field(
        description="null: the model; else what stands in: few_launches:N, like_products:N, like_products_all:N, "
        "too_little_matured"
    )
    reasons: list[CallReason] | None


class SelectionRecommendation(Shape):
    """Take a product on, keep it, or drop it, and how much first."""

    cutoff: date
    recommendation_id: str = Field(examples=["launch/grape-3"])
    question: str
    subject_id: str
    name: str | None
    answer: str = Field(examples=["take_on", "keep", "drop"])
    first_quantity_packs: float
    first_quantity_kg: float
    expected_leftover_kg: float
    expected_margin_yuan: float
    yuan_at_risk: float = Field(description="lost if nothing at all is sold")
    service_share: float = Field(description="chance at which demand is covered")
    commit_kind: str = Field(examples=["mu", "packs"])
    commit_quantity: float
    commit_by: date
    crop_id: str | None
    blocked_zh: str | None = Field(description="what climate or land forbids; null: nothing")
    blocked_en: str | None
    text_zh: str | None
    text_en: str | None
