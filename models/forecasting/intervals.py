"""From an expected value to quantiles: what was sold, divided by what was expected, on days the model had not seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.forecasting.counts import CountTable, fit_counts

ORDER_EDGES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5, 4.0, 7.0, 12.0, 25.0, 60.0)
"""Borders between volume classes, in expected orders per day: few orders scatter more than many."""
LEAD_EDGES = (7, 14)
"""Last days of the lead buckets 1–7 and 8–14; the third is open."""
LEAST_ROWS = 200
DORMANT, SHORT = "no_sale_28d", "short_history"
COUNTS_GAIN = 0.005
"""Whole orders must lose so much less than ratios to be taken in a volume class."""


class TooLittleHistoryError(ValueError):
    """There are too few days to learn from; the message says which and what helps."""


@dataclass(frozen=True)
class RatioTable:
    """Quantiles of sold ÷ expected per volume class and lead bucket."""

    levels: tuple[float, ...]
    ratios: npt.NDArray[np.float64]
    """[volume class, lead bucket, level], ascending along the levels, ≥ 0."""
    by_reason: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """Per fallback reason the ratios of its baseline [volume class, level]; a reason that is missing takes `ratios`."""
    counts: CountTable | None = None
    """Whole orders around the expected number of them."""
    counted: tuple[bool, ...] = ()
    """Per volume class whether `counts` stand there instead of `ratios`: they lost less on held-out series."""

    def quantiles(self, mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Return kg as [rows, levels]: never negative, never crossing.

        Args:
            mean_kg: Expected kg per row.
            rows: `kg_per_order` (null: unknown), `lead_days`, `fallback_reason`.
        """
        volume, lead = _segments(mean_kg, rows)
        ratio = self.ratios[volume, lead]
        for reason, own in self.by_reason.items():
            stands = (rows["fallback_reason"] == reason).fill_null(False).to_numpy()
            ratio[stands] = own[volume[stands]]
        kg = np.asarray(mean_kg[:, None] * ratio)
        if self.counts is not None and any(self.counted):
            whole = rows["fallback_reason"].is_null().to_numpy() & np.asarray(self.counted)[volume]
            kg[whole] = self.counts.quantiles(mean_kg[whole], kg_per_order(rows)[whole])
        return kg

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "levels": self.levels,
            "ratios": self.ratios.tolist(),
            "by_reason": {reason: own.tolist() for reason, own in self.by_reason.items()},
            "counts": self.counts.to_json() if self.counts else None,
            "counted": self.counted,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "RatioTable":
        """From what to_json gave."""
        ratios = np.asarray(stored["ratios"], dtype=np.float64)
        by_reason = {reason: np.asarray(own, dtype=np.float64) for reason, own in stored["by_reason"].items()}
        by_reason = {
            reason: np.broadcast_to(own, (len(ratios), own.shape[-1])) for reason, own in by_reason.items()
        }
        counts = CountTable.from_json(stored["counts"]) if stored["counts"] else None
        return cls(tuple(stored["levels"]), ratios, by_reason, counts, tuple(stored["counted"]))


def fit_ratios(mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame, levels: Sequence[float]) -> RatioTable:
    """Learn the ratios from rows the expected value was not fitted on.

    Args:
        mean_kg: Expected kg per row.
        rows: `sold_kg` (kg), `weight` (how far the day tells demand), `kg_per_order`, `lead_days`, `fallback_reason`.
        levels: Ascending, between 0 and 1.

    Returns:
        A table for every segment of the model's rows. One with fewer than 200 rows takes in all leads, then its
        neighbouring volume classes, step by step; so the table is whole however few rows there are. Series that have
        not sold for 28 days, and those with a short history, have their own ratios per volume class: most of the former sell
        nothing again, but where much is expected by last year a season begins; rows of which nothing was expected
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
    by_reason = {}
    for reason in (DORMANT, SHORT):
        own = (rows["fallback_reason"] == reason).fill_null(False).to_numpy() & expected
        if own.sum() >= LEAST_ROWS:
            alike = (own & _enough(volume, lead, own, v, None) for v in range(shape[0]))
            by_reason[reason] = np.array([of(chosen) for chosen in alike])
    return RatioTable(tuple(levels), table, by_reason)


def with_counts(table: RatioTable, mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame) -> RatioTable:
    """Let whole orders stand where they tell held-out series better than ratios do.

    Args:
        table: As fit_ratios gave it for these rows.
        mean_kg: Expected kg per row.
        rows: As for fit_ratios, with `series`.

    Returns:
        The table with `counts`, and `counted` for volume classes in which they lose at least 0.5 % less; both ways are
        learnt from the other half of the series. Unchanged where a half has no row of the model.
    """
    ours = rows["fallback_reason"].is_null().to_numpy() & (mean_kg > 0)
    mean, seen = mean_kg[ours], rows.filter(pl.Series(ours))
    sold, weight = (seen[c].cast(pl.Float64).to_numpy() for c in ("sold_kg", "weight"))
    size, half = kg_per_order(seen), seen["series"].to_numpy() % 2
    if not 0 < half.sum() < half.size:
        return table
    by_ratio, by_count = (np.empty((mean.size, len(table.levels))) for _ in range(2))
    for k in range(2):
        own = half == k
        apart = fit_ratios(mean[~own], seen.filter(pl.Series(~own)), table.levels)
        by_ratio[own] = apart.quantiles(mean[own], seen.filter(pl.Series(own)))
        whole = fit_counts(mean[~own], sold[~own], size[~own], table.levels, ORDER_EDGES)
        by_count[own] = whole.quantiles(mean[own], size[own])
    losses = [
        np.bincount(volume_class(mean, seen), weight * row_loss(sold, kg, table.levels), len(ORDER_EDGES) + 1)
        for kg in (by_ratio, by_count)
    ]
    counted = tuple((losses[1] < (1 - COUNTS_GAIN) * losses[0]).tolist())
    return replace(table, counts=fit_counts(mean, sold, size, table.levels, ORDER_EDGES), counted=counted)


def refit(table: RatioTable, mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame) -> RatioTable:
    """The same table, whole orders where it has them, learnt from other rows (as for fit_ratios)."""
    other = fit_ratios(mean_kg, rows, table.levels)
    if not any(table.counted):
        return other
    sold = rows["sold_kg"].cast(pl.Float64).to_numpy()
    counts = fit_counts(mean_kg, sold, kg_per_order(rows), table.levels, ORDER_EDGES)
    return replace(other, counts=counts, counted=table.counted)


def row_loss(
    sold_kg: npt.NDArray[np.float64], kg: npt.NDArray[np.float64], levels: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Quantile loss of each row, summed over the levels (kg)."""
    off, q = sold_kg[:, None] - kg, np.asarray(levels)
    return np.asarray(np.maximum(q * off, (q - 1) * off).sum(axis=1))


def kg_per_order(rows: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Size of an order per row (kg, > 0); 1 where it is not known."""
    return np.asarray(np.maximum(rows["kg_per_order"].cast(pl.Float64).fill_null(1.0).to_numpy(), 1e-9))


def volume_class(mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Number of each row's volume class, from 0, by ORDER_EDGES; `kg_per_order` null: one order a kg."""
    return np.searchsorted(ORDER_EDGES, mean_kg / kg_per_order(rows), side="right")


def _segments(
    mean_kg: npt.NDArray[np.float64], rows: pl.DataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    lead = np.searchsorted(LEAD_EDGES, rows["lead_days"].to_numpy(), side="left")
    return volume_class(mean_kg, rows), lead


def _enough(
    volume: npt.NDArray[np.int64],
    lead: npt.NDArray[np.int64],
    ours: npt.NDArray[np.bool_],
    v: int,
    b: int | None,
) -> npt.NDArray[np.bool_]:
    """The segment (b None: all leads), widened until 200 of our rows are in it."""
    own = (volume == v) & (lead == b)
    if b is not None and (own & ours).sum() >= LEAST_ROWS:
        return np.asarray(own)
    for width in range(len(ORDER_EDGES) + 1):
        wider = np.abs(volume - v) <= width
        if (wider & ours).sum() >= LEAST_ROWS:
            return np.asarray(wider)
    return np.ones_like(own)
