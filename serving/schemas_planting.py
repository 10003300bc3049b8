"""Shapes of what the night reckoned beside the plan: changes, supplies, what decisions were worth, its value."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from serving.schemas import Shape

Cause = Literal["demand", "price_cost", "field_state", "decision", "horizon", "knock_on", "frozen", "kept"]


class PlantingChange(Shape):
    """A line that differs from the plan before, or stands because of it."""

    cutoff: date
    since: date = Field(description="cutoff of the plan before")
    rank: int = Field(description="1 changes the most yuan", examples=[1])
    recommendation_id: str = Field(examples=["V03-07/2026/1/rice"])
    plot_id: str
    practice_id: str
    crop_id: str
    crop_name_zh: str | None
    crop_name_en: str | None
    village_id: str | None
    village_name: str | None
    year: int
    season: int
    old_mu: float
    new_mu: float
    change_kg: float = Field(description="of the main crop, at usual yields")
    change_yuan: float = Field(description="expected profit of the line, new less old", examples=[-1250.0])
    cause: Cause = Field(
        description="frozen: sown soon; kept: moving it gains too little", examples=["field_state"]
    )
    text_zh: str
    text_en: str = Field(examples=["The land of plot V03-07 is counted otherwise than in the plan of 2 May."])


class SupplyNeed(Shape):
    """What the plan's lines need in one week."""

    cutoff: date
    week_start: date = Field(description="Monday")
    village_id: str | None = Field(description="null: plots without one")
    village_name: str | None
    crop_id: str
    crop_name_zh: str | None
    crop_name_en: str | None
    item: str = Field(description="labour, or a material such as seed", examples=["seed"])
    quantity: float = Field(examples=[24.5])
    unit: str = Field(description="hours for labour", examples=["kg"])
    is_accepted: bool = Field(description="people accepted these lines or changed their area")


class DecisionScore(Shape):
    """What one decision was worth, as the checker counts the whole plan."""

    cutoff: date
    decision_id: str
    recommendation_id: str = Field(examples=["V03-07/2026/1/rice"])
    answer: Literal["accept", "change", "refuse"]
    author: str
    reason: str | None
    stage: Literal["ahead", "past"] = Field(description="past: on what was planted and cut")
    proposed_mu: float
    decided_mu: float
    proposed_yuan: float = Field(description="profit of the plan that was answered")
    decided_yuan: float = Field(description="profit with the plot as decided")
    gained_yuan: float = Field(description="decided less proposed", examples=[320.0])


class DecisionRecord(Shape):
    """One answer of a person to a recommendation, and what became of it."""

    decision_id: str
    recommendation_id: str = Field(examples=["V03-07/2026/1/rice"])
    answer: Literal["accept", "change", "refuse"]
    area_mu: float | None = Field(description="of a change")
    author: str
    reason: str | None
    written_at: datetime
    state: Literal["waiting", "in_force", "replaced"] = Field(
        description="waiting: the next night takes it in; replaced: a later answer to the same line counts"
    )
    stage: Literal["ahead", "past"] | None = Field(description="of the outcome; null: not judged yet")
    proposed_mu: float | None
    decided_mu: float | None
    gained_yuan: float | None = Field(
        description="what deciding otherwise than proposed brought; null: not judged"
    )


class PlantingWorth(Shape):
    """What the plan is worth on paths of demand and yields that nothing was planned for."""

    cutoff: date
    made_for: Literal["mean", "scenarios", "both"] = Field(description="both: plots of two plans")
    paths: int = Field(description="0: demand taken for certain")
    scenarios: int
    expected_yuan: float
    low_yuan: float = Field(description="quantile 0.1")
    high_yuan: float = Field(description="quantile 0.9")
    cvar_yuan: float = Field(description="mean of the worst 1 − cvar_level")
    cvar_level: float
    mean_plan_yuan: float = Field(description="the plan made for mean demand, on the same paths")
    scenario_plan_yuan: float | None
    over_mean_plan_yuan: float = Field(description="expected_yuan less mean_plan_yuan", examples=[1150.0])
    vss_yuan: float | None = Field(
        description="value of the stochastic solution, land groups; null: not reckoned"
    )
    evpi_yuan: float | None = Field(description="expected value of perfect information, land groups")
    service_share: float
    promise_share: float
    waste_kg: float
    unserved_kg: float


class PlantingValue(Shape):
    """The value of the newest plan, and of the solve behind it."""

    release_id: str
    status: Literal["optimal", "feasible", "infeasible"] | None = Field(
        description="null: no plan is published"
    )
    profit_yuan: float | None = Field(description="at mean demand, as the checker counts it")
    bound_yuan: float | None = Field(description="no plan can earn more at mean demand")
    gap: float | None
    value: PlantingWorth | None = Field(description="null: there is no plan, or it was not valued")
