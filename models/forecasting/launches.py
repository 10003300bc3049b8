"""Short and new series: what they sold so far, what like launches sold at that age, what pools sell, and the pooled model, blended by
age with weights learnt on launches that the model had not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import nnls

from models.forecasting.baselines import fallback_kg

Array = npt.NDArray[np.float64]

MEMBERS = ("profile_kg", "neighbour_kg", "floor_kg", "model_kg")
"""Own mean × weekday index; launches most like it at that age; mature series like it; the pooled model."""
AGES = {"0": (0, 0), "1-3": (1, 3), "4-7": (4, 7), "8-14": (8, 14), "15-27": (15, 27)}
"""Classes of days since the first sale, counted with that day; 0: nothing sold yet."""
LEAST_ROWS = 200
PRIOR_ROWS = 100.0
"""The assumed weights count as so many rows."""
OWN_DAYS = 7.0
"""Assumed: n days of its own count n ÷ (n + 7), the rest goes to neighbours."""
SHORT, NEW = "short_history", "launch:neighbours"


@dataclass(frozen=True)
class LaunchBlend:
    """How much each member counts at each age."""

    weights: Array
    """[age class, member], in the order of AGES and MEMBERS, ≥ 0."""
    rows: tuple[int, ...]
    """Rows of each class the weights were learnt from; 0: assumed."""

    def expected_kg(self, rows: pl.DataFrame) -> Array:
        """Kg per row, ≥ 0.

        Args:
            rows: `history_days` (null or 0: never sold) and MEMBERS; a member that is null leaves its weight to the others, and
                where all are null 0 is expected.
        """
        weight = self.weights[_age(rows)]
        value = rows.select(pl.col(MEMBERS).cast(pl.Float64)).to_numpy()
        there = np.isfinite(value)
        kept = np.where(there, weight, 0.0)
        # with none of the weighed members there, the others stand for them alike
        kept = np.where(kept.sum(axis=1, keepdims=True) > 0, kept, there.astype(np.float64))
        scale = np.where(kept.sum(axis=1) > 0, weight.sum(axis=1) / np.maximum(kept.sum(axis=1), 1e-12), 0.0)
        return np.asarray((kept * np.where(there, value, 0.0)).sum(axis=1) * scale)

    def table(self) -> pl.DataFrame:
        """`age` (days since the first sale), `rows` and a column per member: what was learnt, for the record."""
        return pl.DataFrame(
            {"age": list(AGES), "rows": list(self.rows)}
            | {member: self.weights[:, i] for i, member in enumerate(MEMBERS)}
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"weights": self.weights.tolist(), "rows": self.rows}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "LaunchBlend":
        """From what to_json gave."""
        return cls(np.asarray(stored["weights"], dtype=np.float64), tuple(stored["rows"]))


def assumed_blend() -> LaunchBlend:
    """Where no launch teaches: n days of its own count n ÷ (n + 7), the rest goes to neighbours; never sold: half floor."""
    middle = np.array([(low + high) / 2 for low, high in AGES.values()])
    own = middle / (middle + OWN_DAYS)
    never = middle == 0
    weights = np.column_stack(
        [own, np.where(never, 0.5, 1 - own), np.where(never, 0.5, 0.0), np.zeros_like(own)]
    )
    return LaunchBlend(weights, (0,) * len(AGES))


def stand_in(rows: pl.DataFrame, fitted_kg: Array, blend: LaunchBlend) -> Array:
    """Kg per row where the model does not stand: newcomers by the blend, the rest as baselines.fallback_kg.

    Args:
        rows: As features.assemble.future_frame; without the columns of features.newcomers their weights go to the others.
        fitted_kg: What the model alone says of each row.
        blend: How newcomers are blended.
    """
    known = rows.with_columns(pl.lit(None, pl.Float64).alias(m) for m in MEMBERS if m not in rows.columns)
    known = known.with_columns(model_kg=pl.Series(fitted_kg, dtype=pl.Float64))
    plain = known.select(fallback_kg()).to_series().cast(pl.Float64).to_numpy()
    short = (rows["fallback_reason"] == SHORT).fill_null(False).to_numpy()
    return np.where(short, blend.expected_kg(known), plain)


def fit_blend(held_out: pl.DataFrame) -> LaunchBlend:
    """Learn the weights from launches.

    Args:
        held_out: Rows of launches, each as seen from an origin: `history_days`, MEMBERS (kg, null: not known), `sold_kg`,
            `weight`. No member may have been made with anything later than the origin, nor the model with these products'
            days; features.newcomers takes no neighbour of the same product.

    Returns:
        Per age class the non-negative weights of least squares, each row divided by the root of its members' mean, as
        counts scatter; they need not sum to 1, so that launches which fade are followed. The assumed weights count as 100
        rows. A class with fewer than 200 rows takes in its neighbours, and with none around stays as assumed.
    """
    start = assumed_blend()
    if held_out.is_empty():
        return start
    age = _age(held_out)
    weights, counts = [], []
    for k in range(len(AGES)):
        near = next((n for n in range(len(AGES)) if (np.abs(age - k) <= n).sum() >= LEAST_ROWS), None)
        if near is None or k == 0:
            weights.append(start.weights[k])
            counts.append(0)
            continue
        rows = held_out.filter(pl.Series(np.abs(age - k) <= near))
        weights.append(_least_squares(rows, start.weights[k]))
        counts.append(rows.height)
    return LaunchBlend(np.array(weights), tuple(counts))


def _least_squares(rows: pl.DataFrame, prior: Array) -> Array:
    value = rows.select(pl.col(MEMBERS).cast(pl.Float64)).to_numpy()
    there = np.isfinite(value)
    mean = np.where(there, value, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    # a member that is not there says what the others say on average, so that it teaches nothing
    filled = np.where(there, value, mean[:, None])
    weight = np.sqrt(rows["weight"].cast(pl.Float64).to_numpy() / np.maximum(mean, 0.02))
    x, y = filled * weight[:, None], rows["sold_kg"].cast(pl.Float64).to_numpy() * weight
    size = np.sqrt((x**2).sum() / len(x) / x.shape[1])
    pull = np.eye(x.shape[1]) * size * np.sqrt(PRIOR_ROWS)
    return np.asarray(nnls(np.vstack([x, pull]), np.concatenate([y, pull @ prior]))[0])


def _age(rows: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Class of each row's history; longer ones are in the last."""
    days = rows["history_days"].cast(pl.Float64).fill_null(0).to_numpy()
    return np.searchsorted([high for _, high in list(AGES.values())[:-1]], days, side="left")


def launch_errors(rows: pl.DataFrame, methods: Sequence[str]) -> pl.DataFrame:
    """`age`, `rows`, `method`, `wape`, `bias` of expected kg (columns `methods`) against `sold_kg`, by age class."""
    ages = pl.Series([list(AGES)[k] for k in _age(rows)], dtype=pl.String)
    named = rows.with_columns(pl.col("sold_kg", *methods).cast(pl.Float64), age=ages)
    parts = [
        named.filter(pl.col(method).is_not_null())
        .group_by("age")
        .agg(
            pl.len().alias("rows"),
            method=pl.lit(method),
            wape=(pl.col(method) - pl.col("sold_kg")).abs().sum() / pl.col("sold_kg").sum(),
            bias=(pl.col(method) - pl.col("sold_kg")).sum() / pl.col("sold_kg").sum(),
        )
        for method in methods
    ]
    return pl.concat(parts).sort("age", "method")
