"""Shapes of answers about how good forecasts were."""

from datetime import date

from pydantic import Field

from serving.schemas import Shape


class Accuracy(Shape):
    """One figure of one step in one segment, over the forecasts that matured in the last 28 days."""

    segment: str = Field(
        description="all, channel:, family:, region:, volume:, fallback:, override:…",
        examples=["family:leaf"],
    )
    lead_days: str = Field(examples=["1-7"])
    metric: str = Field(
        description="wape, wql, bias, coverage_80, coverage_80_above_0, nodes_beating_naive", examples=["wql"]
    )
    method: str = Field(
        description="seasonal_naive, model, before_override (fallen nodes on the baseline), anxu (as published)",
        examples=["anxu"],
    )
    value: float | None
    rows_scored: int | None = Field(description="series-days behind it")
    forecasts: int | None = Field(description="forecasts taken together")
    first_cutoff: date | None
    last_cutoff: date | None


class ValueAdded(Shape):
    """What one step took off the error; the three steps add up to the total."""

    segment: str
    lead_days: str
    metric: str = Field(examples=["wql"])
    step: str = Field(description="model, fallback, override, total", examples=["model"])
    gain: float | None = Field(description="error before less error after; above 0 it helped")
    gain_share: float | None = Field(description="of the baseline's error")


class NodeStatus(Shape):
    """Whether the model or the baseline forecasts a product in a channel, or one series of it."""

    node: str = Field(description="product_channel, series")
    product_id: str
    channel_id: str
    region_id: str | None
    state: str = Field(description="model, baseline (lost_to_naive_4)")
    since: date | None = Field(description="origin that decided it")
    lost_origins: int | None = Field(description="of the last four")
    counted_origins: int | None


class OverrideValue(Shape):
    """What one override changed and whether it was better, over the days that have passed."""

    override_id: str
    product_id: str
    channel_id: str | None
    region_id: str | None
    starts_on: date
    ends_on: date
    factor: float
    author: str
    reason: str
    forecasts: int | None
    days: int | None
    sold_kg: float | None
    before_wql: float | None
    after_wql: float | None
    gain_kg: float | None = Field(description="quantile loss it took off (kg)")
    is_better: bool | None = Field(description="null: it changed nothing")


class SeasonAccuracy(Shape):
    """One figure of the season forecast at one lead."""

    segment: str
    lead_weeks: int
    source: str = Field(description="matured, or backtest where none has matured")
    metric: str
    method: str
    value: float | None
    rows_scored: int | None
    forecasts: int | None
