"""Shapes of sheets and files handed in, of refused rows and of releases."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from serving.schemas import Shape


class SheetTaken(Shape):
    """What became of a filled-in sheet; the decisions wait for the next night."""

    kept: int = Field(description="rows that said something new", examples=[3])
    unchanged: int = Field(description="rows without an answer, or with the one that stands", examples=[211])
    message_ids: list[str]
    status: Literal["waiting"]


class FileTaken(Shape):
    """A file lies in the inbox folder, whole and on disk; the next night recognises it and takes it in, once."""

    name: str = Field(examples=["orders-0503.csv"])
    file_id: str = Field(description="sha256 of its bytes, hex")
    size_bytes: int
    is_new: bool = Field(description="false: the same bytes wait already, nothing was written")
    status: Literal["waiting"]


class WaitingFile(Shape):
    """A file of the inbox folder that no night has taken in."""

    name: str
    shop: str | None = Field(description="folder it lies in, which names the shop")
    size_bytes: int
    arrived_at: datetime
    state: Literal["waiting", "refused"]
    reason: str | None = Field(description="why it was refused")


class WaitingFiles(Shape):
    """What lies in the inbox folder, newest first."""

    items: list[WaitingFile]


class RejectedRow(Shape):
    """One refused line and the rule it broke."""

    file_id: str
    file_name: str | None = Field(
        description="'inbox': written by a person; null: the whole file was refused"
    )
    kind: str | None
    table_name: str
    line_number: int = Field(description="1 is the header's line; 0 stands for the whole file")
    rule: str = Field(examples=["quantity_positive"])
    detail: str
    row_text: str = Field(description="JSON of the kept columns as delivered")
    rejected_at: datetime


class ReleaseFolder(Shape):
    """A release that can be served."""

    release_id: str
    cutoff: date | None
    run_id: str | None
    created_at: datetime | None
    is_current: bool


class Releases(Shape):
    """Every release in the county folder, newest first."""

    items: list[ReleaseFolder]
