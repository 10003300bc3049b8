"""Shapes about who asks."""

from typing import Literal

from pydantic import Field

from serving.roles import Role
from serving.schemas import Shape


class Me(Shape):
    """Who the request comes from."""

    name: str = Field(examples=["Wang Li"], description="empty: the county is open, nobody is asked")
    role: Role
    kind: Literal["open", "key", "user", "nobody"]
    plots: list[str] | None = Field(description="the only plots a member sees; null: all")
