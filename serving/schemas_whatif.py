"""Shapes of a what-if: what is asked otherwise, and what then is to be expected."""

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, model_validator

from serving.schemas import Id, Shape

MOST_NODES = 100
Yuan = Annotated[float, Field(gt=0, le=10_000, description="yuan per kg", examples=[9.9])]
Share = Annotated[float, Field(ge=0, lt=1, examples=[0.2])]
EXAMPLE: dict[str, Any] = {
    "nodes": [
        {
            "product_id": "rice-5kg",
            "channel_id": "taobao-1",
            "region_id": "shanghai",
            "campaigns": [
                {"action": "add", "starts_on": "2026-05-08", "ends_on": "2026-05-10", "discount_share": 0.2}
            ],
        },
        {
            "product_id": "rice-5kg",
            "channel_id": "douyin-1",
            "live_slots": [
                {"action": "add", "slot_date": "2026-05-09", "price_yuan_per_kg": 7.9, "allotment_kg": 400}
            ],
        },
    ]
}


class PriceAsk(Shape):
    """Another price on some days."""

    starts_on: date
    ends_on: date
    price_yuan_per_kg: Yuan | None = None
    discount_share: Share | None = Field(
        default=None, description="off the list price; off the planned price where no list price is recorded"
    )

    @model_validator(mode="after")
    def _one(self) -> "PriceAsk":
        if (self.price_yuan_per_kg is None) == (self.discount_share is None):
            raise ValueError("give one of price_yuan_per_kg and discount_share")
        return _ordered(self)


class CampaignAsk(Shape):
    """A campaign of the node's channel, added or taken away."""

    action: Literal["add", "remove"] = Field(description="remove: those planned that overlap the days")
    starts_on: date
    ends_on: date
    discount_share: Share | None = Field(
        default=None, description="also taken off the planned price of its days, unless prices are asked for"
    )
    presale_from: date | None = None

    @model_validator(mode="after")
    def _holds(self) -> "CampaignAsk":
        if self.action == "remove" and (self.discount_share is not None or self.presale_from is not None):
            raise ValueError("give discount_share and presale_from with action 'add' only")
        if self.presale_from is not None and self.presale_from > self.starts_on:
            raise ValueError(f"presale_from {self.presale_from} is after starts_on {self.starts_on}")
        return _ordered(self)


class LiveAsk(Shape):
    """A live-stream slot of the node's products, added or taken away."""

    action: Literal["add", "remove"]
    slot_date: date
    price_yuan_per_kg: Yuan | None = None
    allotment_kg: float | None = Field(default=None, ge=0, le=10_000_000, description="null: not capped")

    @model_validator(mode="after")
    def _holds(self) -> "LiveAsk":
        if self.action == "remove" and (self.price_yuan_per_kg is not None or self.allotment_kg is not None):
            raise ValueError("give price_yuan_per_kg and allotment_kg with action 'add' only")
        return self


class NodeAsk(Shape):
    """A product, channel and region, or all that lie under what is given, with what is to be otherwise."""

    product_id: Id | None = Field(default=None, description="null: all")
    channel_id: Id | None = Field(default=None, description="null: all")
    region_id: Id | None = Field(default=None, description="null: all")
    prices: list[PriceAsk] = Field(default_factory=list, max_length=56)
    campaigns: list[CampaignAsk] = Field(default_factory=list, max_length=20)
    live_slots: list[LiveAsk] = Field(default_factory=list, max_length=56)


class WhatIfAsk(Shape):
    """Up to 100 nodes, which together hold up to 100 series."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})
    nodes: list[NodeAsk] = Field(min_length=1, json_schema_extra={"maxItems": MOST_NODES})


class Totals(Shape):
    """Sums over the days of the horizon; means, which add up."""

    baseline_kg: float = Field(description="as published")
    changed_kg: float
    net_kg: float = Field(description="changed − baseline = uplift + dip + regained + other")
    uplift_kg: float = Field(description="difference on the days that are changed")
    dip_kg: float = Field(description="≤ 0: days after them with less than the baseline")
    regained_kg: float = Field(
        description="≥ 0: days after them with more, as when an event and its dip go away"
    )
    other_kg: float = Field(description="difference on days before")
    pulled_forward: float | None = Field(
        description="share of the uplift that the dip takes back: bought earlier, not more; null: no uplift"
    )
    baseline_yuan: float | None = Field(description="expected kg × price; null: a price is missing")
    changed_yuan: float | None
    net_yuan: float | None


class WhatIfDay(Shape):
    """One day of a node, before and after."""

    forecast_date: date
    phase: Literal["before", "event", "after"]
    expected_kg: float = Field(description="baseline: the mean as published")
    changed_expected_kg: float
    uplift_kg: float = Field(description="difference on an event day, else 0")
    dip_kg: float = Field(description="difference on a later day that falls below the baseline, else 0")
    demand_kg: dict[str, float] = Field(description="quantile level → kg as published")
    changed_demand_kg: dict[str, float]
    yuan_per_kg: float | None = Field(description="planned price (of several series: revenue ÷ kg)")
    changed_yuan_per_kg: float | None
    yuan: float | None
    changed_yuan: float | None


class Caution(Shape):
    """What an answer does not rest on."""

    kind: str = Field(examples=["outside_seen_range"])
    what: str = Field(examples=["price_yuan_per_kg"])
    value: float | None = Field(description="what was asked, furthest outside")
    low: float | None = Field(description="range seen")
    high: float | None
    series: int = Field(description="how many series of the node it holds for")
    text: str


class WhatIfNode(Shape):
    """A node's answer."""

    product_id: str | None
    channel_id: str | None
    region_id: str | None
    series: int = Field(description="series under the node")
    levels_are: Literal["of_the_series", "added"] = Field(
        description="added: the levels of several series summed, as if they rose and fell together: too wide"
    )
    cautions: list[Caution]
    totals: Totals
    days: list[WhatIfDay]


class WhatIf(Shape):
    """The answer to a what-if."""

    release_id: str
    cutoff: date
    model_version: str | None
    totals: Totals
    nodes: list[WhatIfNode]


Ask = TypeVar("Ask", PriceAsk, CampaignAsk)


def _ordered(ask: Ask) -> Ask:
    if ask.ends_on < ask.starts_on:
        raise ValueError(f"ends_on {ask.ends_on} is before starts_on {ask.starts_on}; swap them")
    return ask
