"""Shapes of what people write, and of what became of it."""

from datetime import date, datetime
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from serving.schemas import Id, Shape, Words


class Override(Shape):
    """A change a person makes to a forecast: forecast × factor from the first to the last day."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "product_id": "rice-5kg",
                    "starts_on": "2026-06-10",
                    "ends_on": "2026-06-20",
                    "factor": 1.4,
                    "author": "Wang Li",
                    "reason": "618 campaign, double ads",
                    "expires_on": "2026-06-21",
                }
            ]
        },
    )
    product_id: Id
    channel_id: Id | None = Field(default=None, description="null: all")
    region_id: Id | None = Field(default=None, description="null: all")
    starts_on: date
    ends_on: date
    factor: float = Field(ge=0, le=100)
    author: Id
    reason: Words
    expires_on: date

    @model_validator(mode="after")
    def _ordered(self) -> "Override":
        if self.ends_on < self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} is before starts_on {self.starts_on}; swap them")
        if self.expires_on < self.starts_on:
            raise ValueError(
                f"expires_on {self.expires_on} is before starts_on {self.starts_on}: it would be gone before its "
                "first day; let it expire on ends_on or later"
            )
        return self


class Withdrawal(Shape):
    """Why an override is taken back."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"author": "Wang Li", "reason": "the campaign was called off"}]},
    )
    author: Id
    reason: Words


class OverrideState(Shape):
    """An override and where it stands."""

    override_id: str
    product_id: str
    channel_id: str | None = Field(description="null: all")
    region_id: str | None = Field(description="null: all")
    starts_on: date
    ends_on: date
    factor: float
    author: str
    reason: str
    expires_on: date
    written_at: datetime
    state: Literal["waiting", "in_force", "withdrawing", "withdrawn", "expired"] = Field(
        description="waiting: the next night takes it in; withdrawing: in force until the next night; expired: past"
    )
    withdrawn_by: str | None
    withdrawn_reason: str | None


class Overrides(Shape):
    """Overrides of the last months, newest first."""

    release_id: str
    total: int
    next_cursor: str | None
    items: list[OverrideState]


class Decision(Shape):
    """A person's answer to a recommendation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "recommendation_id": "V03-07/2026/1/rice",
                    "answer": "change",
                    "area_mu": 6.5,
                    "author": "Wang Li",
                }
            ]
        },
    )
    recommendation_id: Id
    answer: Literal["accept", "change", "refuse"]
    area_mu: float | None = Field(default=None, ge=0, le=100_000, description="only with 'change'")
    author: Id
    reason: Words | None = None

    @model_validator(mode="after")
    def _area_with_change(self) -> "Decision":
        if (self.answer == "change") != (self.area_mu is not None):
            raise ValueError("give area_mu with answer 'change', and only then")
        return self


class Accepted(Shape):
    """A message is on disk and waits for the next run."""

    message_id: str
    kind: Literal[
        "demand_override",
        "override_withdrawal",
        "decision",
        "harvest_report",
        "commitment_entry",
        "standard_approval",
        "planting_whatif",
    ]
    status: Literal["waiting"] = Field(description="the next nightly run takes it in, once")
