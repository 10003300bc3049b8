"""Shapes of what is reported from the fields and promised by hand."""

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from serving.schemas import Id, Shape, Words


class HarvestReport(Shape):
    """What a person did on a plot, or why not."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "plot_id": "V03-07",
                    "crop_id": "rice",
                    "task": "harvest",
                    "answer": "done",
                    "done_on": "2026-10-12",
                    "harvested_kg": 320.5,
                    "grade": "一级",
                    "author": "Wang Li",
                }
            ]
        },
    )
    plot_id: Id
    crop_id: Id
    task: Literal["sow", "harvest"]
    answer: Literal["done", "cannot"]
    done_on: date
    harvested_kg: float | None = Field(default=None, ge=0, le=10_000_000, description="of a harvest done")
    grade: Id | None = None
    area_mu: float | None = Field(default=None, gt=0, le=100_000, description="of a sowing done")
    year: int | None = Field(default=None, ge=1990, le=2100, description="of a sowing: its line in the plan")
    season: int | None = Field(default=None, ge=1, le=4)
    practice_id: Id | None = None
    photo: str | None = Field(
        default=None, pattern=r"^[0-9a-f-]{36}$", description="id of a photo sent before"
    )
    author: Id
    reason: Words | None = Field(default=None, description="with 'cannot'")

    @model_validator(mode="after")
    def _whole(self) -> "HarvestReport":
        if self.answer == "cannot" and not self.reason:
            raise ValueError("give a reason with answer 'cannot'")
        if self.answer == "done" and self.task == "harvest" and self.harvested_kg is None:
            raise ValueError("give harvested_kg with a harvest done")
        return self


class CommitmentEntry(Shape):
    """A promise to deliver; entered again with the same commitment_id it changes, with quantity_kg 0 it is withdrawn."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "commitment_id": "preorder-2026-017",
                    "kind": "preorder",
                    "crop_id": "rice",
                    "quantity_kg": 500,
                    "due_from": "2026-10-01",
                    "due_to": "2026-10-31",
                    "price_yuan_per_kg": 3.2,
                    "author": "Wang Li",
                }
            ]
        },
    )
    commitment_id: Id
    kind: Literal["preorder", "contract", "adoption"]
    crop_id: Id
    quantity_kg: float = Field(ge=0, le=100_000_000)
    due_from: date
    due_to: date
    price_yuan_per_kg: float | None = Field(default=None, ge=0, le=10_000)
    author: Id

    @model_validator(mode="after")
    def _ordered(self) -> "CommitmentEntry":
        if self.due_to < self.due_from:
            raise ValueError(f"due_to {self.due_to} is before due_from {self.due_from}; swap them")
        return self


class PhotoKept(Shape):
    """A photo is on disk."""

    photo: str
    size_bytes: int
