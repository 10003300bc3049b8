"""What counts as a bestseller: a plain value that is kept with every model and recorded with every run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

EVERYTHING = "all"
"""Category of products when the label knows none."""


@dataclass(frozen=True)
class LabelSpec:
    """A bestseller is among the top share of its category by what it earns in a window after its start."""

    kind: Literal["launch", "listing"] = "launch"
    """Launch: some days on sale. Listing: no sale yet, so days and `so_far` mean nothing."""
    top_share: float = 0.2
    decision_day: int = 28
    """Days on sale that are known at the decision."""
    from_day: int = 28
    to_day: int = 84
    """The window that counts, in days after the start: [from_day, to_day)."""
    worth: str = "worth_yuan"
    """Column ranked by: revenue or margin in yuan, or units; latent where stock-outs are known."""
    category: str | None = None
    """Column whose values are ranked apart; None: all together."""
    so_far: str | None = "revenue_so_far_yuan"
    """What it earned until the decision: the reference ranking, and a start for the model. None: nothing is known."""

    def __post_init__(self) -> None:
        """Refuse shares and windows that cannot be.

        Raises:
            ValueError: top_share lies outside (0, 1), or the window is empty.
        """
        if not 0 < self.top_share < 1:
            raise ValueError(f"top_share={self.top_share}: choose a share between 0 and 1, such as 0.2")
        if self.to_day <= self.from_day:
            raise ValueError(f"window of days {self.from_day} to {self.to_day} is empty; let to_day be later")

    def categories(self, rows: pl.DataFrame) -> pl.Series:
        """Each row's category; rows without one belong to 'all'."""
        if self.category is None:
            return pl.Series("category", [EVERYTHING] * rows.height, dtype=pl.String)
        return rows[self.category].cast(pl.String).fill_null(EVERYTHING).alias("category")

    def mark(self, rows: pl.DataFrame) -> npt.NDArray[np.bool_]:
        """Which rows are bestsellers among these: the best round(top_share × n), at least one, of each category.

        Equal worth is settled by the order of the rows; a product that earned nothing is never one.
        """
        worth = rows[self.worth].to_numpy().astype(float)
        found = np.zeros(rows.height, dtype=np.bool_)
        names = self.categories(rows).to_numpy()
        for name in np.unique(names):
            at = np.flatnonzero(names == name)
            k = max(1, round(self.top_share * at.size))
            found[at[np.argsort(-worth[at], kind="stable")[:k]]] = True
        return found & (worth > 0)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "LabelSpec":
        """From what to_json gave."""
        return cls(**stored)
