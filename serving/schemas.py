"""Shapes of answers and bodies, with examples: what /v1/openapi.json promises and the tests hold."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Row = TypeVar("Row")
Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Shape(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class PageOf(Shape, Generic[Row]):
    """A page of rows; follow `next_cursor` until it is null."""

    release_id: str = Field(examples=["20260503-1"])
    total: int = Field(description="rows the query matches", examples=[28])
    next_cursor: str | None = Field(description="null on the last page")
    items: list[Row]


class DemandForecast(Shape):
    """Demand of one product, channel and region on one day, and what of it sells if stock does not run out."""

    product_id: str = Field(examples=["rice-5kg"])
    channel_id: str = Field(examples=["taobao-1"])
    region_id: str = Field(examples=["shanghai"])
    forecast_date: date
    demand_kg: dict[str, float | None] = Field(
        description="quantile level → kg", examples=[{"0.1": 4.2, "0.5": 9.8, "0.9": 17.5}]
    )
    expected_kg: float | None = Field(
        description="mean of the day: adds up over series and days, quantiles do not; null: published without",
        examples=[10.6],
    )
    in_stock_kg: dict[str, float | None] | None = Field(
        description="quantile level → kg sold on a day that does not sell out; null: published without",
        examples=[{"0.1": 4.0, "0.5": 9.5, "0.9": 16.9}],
    )
    in_stock_expected_kg: float | None = Field(
        description="mean of in_stock_kg; null: published without", examples=[10.2]
    )
    has_stock_record: bool | None = Field(
        description="false: no stock record, so demand is what was sold; null: published without"
    )
    cutoff: date = Field(description="last local day whose sales were known")
    model_version: str | None
    fallback_reason: str | None = Field(description="null: the model; else why a baseline stands in")


class SeasonForecast(Shape):
    """Demand of one product family, channel and region in one week."""

    family: str = Field(examples=["rice"])
    channel_id: str
    region_id: str
    week_start: date = Field(description="Monday")
    demand_kg: dict[str, float | None] = Field(examples=[{"0.1": 120.0, "0.5": 180.0, "0.9": 260.0}])
    cutoff: date
    model_version: str | None
    fallback_reason: str | None


class Sale(Shape):
    """What was sold of one product, channel and region on one day."""

    product_id: str
    channel_id: str
    region_id: str
    sale_date: date
    sold_kg: float | None


class Reason(Shape):
    """Why a line stands in the plan."""

    rank: int
    kind: str = Field(examples=["limit", "next_best", "demand", "freshness"])
    text_zh: str | None
    text_en: str | None
    value_yuan: float | None = Field(description="shadow price or loss; null: none")


class PlantingRecommendation(Shape):
    """One practice to grow on one plot in one season."""

    recommendation_id: str = Field(examples=["V03-07/2026/1/rice"])
    plot_id: str
    village_id: str | None
    village_name: str | None
    land_class: str | None
    practice_id: str
    crop_id: str
    crop_name_zh: str | None
    crop_name_en: str | None
    year: int
    season: int
    area_mu: float = Field(description="1 mu = 1/15 ha")
    expected_kg: float
    expected_profit_yuan: float
    demand_source: str
    cutoff: date
    run_id: str
    reasons: list[Reason] | None


class PlantingBalance(Shape):
    """Demand against supply of one crop in one season of a plan (kg)."""

    crop_id: str
    crop_name_zh: str | None
    crop_name_en: str | None
    year: int
    season: int
    demand_kg: float
    committed_kg: float | None
    supply_kg: float
    sold_kg: float
    surplus_kg: float
    unserved_kg: float
    demand_source: str | None
    cutoff: date


class PlantingPlan(Shape):
    """The newest published plan with its balance."""

    release_id: str
    plan: dict[str, Any] | None = Field(description="status, profit, bound, gap; null: no plan is published")
    value: dict[str, Any] | None = Field(
        default=None,
        description="what it is worth on fresh paths of demand and yields: expected_yuan, cvar_yuan, low_yuan, high_yuan, "
        "vss_yuan, evpi_yuan, service_share, promise_share, waste_kg, unserved_kg, made_for; null: not valued",
    )
    balance: list[PlantingBalance]


class MadeOf(Shape):
    """What a product is made of."""

    crop_id: str
    crop_kg_per_product_kg: float | None


class Product(Shape):
    """A product as planned and sold."""

    product_id: str
    name_zh: str | None
    name_en: str | None
    family: str | None
    grade: str | None
    launched_on: date | None = Field(default=None, description="null: before the records")
    shelf_life_days: int | None
    crops: list[MadeOf] | None


class Plot(Shape):
    """A plot of land."""

    plot_id: str
    village_id: str | None
    village_name: str | None
    land_class: str | None
    area_mu: float | None
    lat_deg: float | None
    lon_deg: float | None
    soil: str | None


class Step(Shape):
    """One step of a run."""

    step: str
    started_at: datetime | None
    finished_at: datetime | None
    status: str
    detail: str | None


class Run(Shape):
    """One run of a flow."""

    run_id: str
    cutoff: date | None
    flow: str | None
    started_at: datetime | None
    finished_at: datetime | None
    status: str | None
    detail: str | None
    steps: list[Step] | None


class Score(Shape):
    """How good matured forecasts were."""

    run_id: str
    cutoff: date
    scored_cutoff: date = Field(description="cutoff of the forecast that was scored")
    segment: str = Field(examples=["all", "channel:taobao-1"])
    lead_days: str = Field(examples=["all", "1-7"])
    metric: str = Field(examples=["wape", "bias", "wql", "coverage_80"])
    method: str = Field(examples=["anxu", "seasonal_naive"])
    value: float | None


class Health(Shape):
    """Whether the service serves, what, and how old it is."""

    status: Literal["ok", "degraded", "no_release"] = Field(
        description="degraded: an older release is served, or no new one came for long"
    )
    release_id: str | None
    cutoff: date | None
    loaded_at: datetime | None
    age_hours: float | None = Field(description="since the release was written")
    notes: list[str] = Field(description="what is wrong and the way out; empty when ok")


class CurrentRelease(Shape):
    """The release being served."""

    release_id: str
    loaded_at: datetime
    rows: dict[str, int] = Field(description="table → rows", examples=[{"demand_forecast": 394240}])
    manifest: dict[str, Any]


class ProblemBody(BaseModel):
    """An error, RFC 9457."""

    type: str = Field(examples=["urn:anxu:problem:unknown-parameter"])
    title: str
    status: int
    detail: str
    way_out: str
