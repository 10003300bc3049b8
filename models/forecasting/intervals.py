"""From an expected value to quantiles: what was sold, divided by what was expected, on days the model had not seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

ORDER_EDGES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5, 4.0, 7.0, 12.0, 25.0, 60.0)
"""Borders between volume classes, in expected orders per day: few orders scatter more than many."""
LEAD_EDGES = (7, 14)
"""Last days of the lead buckets 1–7 and 8–14; the third is open."""
LEAST_ROWS = 200
DORMANT = "no_sale_28d"


class TooLittleHistoryError(ValueError):
    """There are too few days to learn from; the message says which and what helps."""


@dataclass(frozen=True)
class RatioTable:
    """Quantiles of sold ÷ expected per volume class and lead bucket."""

    levels: tuple[float, ...]
    ratios: npt.NDArray[np.float64]
    """[volume class, lead bucket, level], ascending along the levels, ≥ 0."""
    by_reason: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Per fallback reason the ratios of its baseline at each level; a reason that is missing takes `ratios`."""

    def quantiles(self, mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Return kg as [rows, levels]: never negative, never crossing.

        Args:
            mean_kg: Expected kg per row.
            rows: `kg_per_order` (null: unknown), `lead_days`, `fallback_reason`.
        """
        volume, lead = _segments(mean_kg, rows)
        ratio = self.ratios[volume, lead]
        for reason, own in self.by_reason.items():
            ratio[(rows["fallback_reason"] == reason).fill_null(False).to_numpy()] = own
        return np.asarray(mean_kg[:, None] * ratio)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"levels": self.levels, "ratios": self.ratios.tolist(), "by_reason": self.by_reason}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "RatioTable":
        """From what to_json gave."""
        by_reason = {reason: tuple(own) for reason, own in stored["by_reason"].items()}
        return cls(tuple(stored["levels"]), np.asarray(stored["ratios"], dtype=np.float64), by_reason)


def fit_ratios(mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame, levels: Sequence[float]) -> RatioTable:
    """Learn the ratios from rows the expected value was not fitted on.

    Args:
        mean_kg: Expected kg per row.
        rows: `sold_kg` (kg), `weight` (how far the day tells demand), `kg_per_order`, `lead_days`, `fallback_reason`.
        levels: Ascending, between 0 and 1.

    Returns:
        A table for every segment of the model's rows. One with fewer than 200 rows takes in all leads, then its
        neighbouring volume classes, step by step; so the table is whole however few rows there are. Series that have
        not sold for 28 days have their own ratios, as most of them sell nothing again; rows of which nothing was expected
        teach nothing.

    Raises:
        TooLittleHistoryError: No row of the model is there to learn from.

    Source: split conformal prediction with normalised residuals in groups (Lei et al. 2018; Vovk's Mondrian groups),
    taken one-sided per level.
    """
    expected = mean_kg > 0
    ours = rows["fallback_reason"].is_null().to_numpy() & expected
    if not ours.any():
        raise ValueError(
            "no held-out day to learn intervals from; give the fit a longer history or fewer held-out days"
        )
    ratio = rows["sold_kg"].cast(pl.Float64).to_numpy() / np.where(expected, mean_kg, 1.0)
    weight = rows["weight"].cast(pl.Float64).to_numpy()

    def of(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.asarray(np.quantile(ratio[chosen], levels, weights=weight[chosen], method="inverted_cdf"))

    volume, lead = _segments(mean_kg, rows)
    shape = (len(ORDER_EDGES) + 1, len(LEAD_EDGES) + 1)
    table = np.array(
        [[of(ours & _enough(volume, lead, ours, v, b)) for b in range(shape[1])] for v in range(shape[0])]
    )
    dormant = (rows["fallback_reason"] == DORMANT).fill_null(False).to_numpy() & expected
    by_reason = {DORMANT: tuple(of(dormant).tolist())} if dormant.sum() >= LEAST_ROWS else {}
    return RatioTable(tuple(levels), table, by_reason)


def volume_class(mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Number of each row's volume class, from 0, by ORDER_EDGES; `kg_per_order` null: one order a kg."""
    kg_per_order = rows["kg_per_order"].cast(pl.Float64).fill_null(1.0).to_numpy()
    orders = mean_kg / np.maximum(kg_per_order, 1e-9)
    return np.searchsorted(ORDER_EDGES, orders, side="right")


def _segments(
    mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    lead = np.searchsorted(LEAD_EDGES, rows["lead_days"].to_numpy(), side="left")
    return volume_class(mean_kg, rows), lead


def _enough(
    volume: npt.NDArray[np.int64], lead: npt.NDArray[np.int64], ours: npt.NDArray[np.bool_], v: int, b: int
) -> npt.NDArray[np.bool_]:
    """The segment, widened until 200 of our rows are in it."""
    own = (volume == v) & (lead == b)
    if (own & ours).sum() >= LEAST_ROWS:
        return np.asarray(own)
    for width in range(len(ORDER_EDGES) + 1):
        wider = np.abs(volume - v) <= width
        if (wider & ours).sum() >= LEAST_ROWS:
            return np.asarray(wider)
    return np.ones_like(own)
