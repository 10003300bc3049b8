"""Squared errors on a scale of their own: RMSSE of a series, and WRMSSE over the levels of a hierarchy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

M5_LEVELS: tuple[tuple[str, ...], ...] = (
    (),
    ("state_id",),
    ("store_id",),
    ("cat_id",),
    ("dept_id",),
    ("state_id", "cat_id"),
    ("state_id", "dept_id"),
    ("store_id", "cat_id"),
    ("store_id", "dept_id"),
    ("item_id",),
    ("item_id", "state_id"),
    ("id",),
)
"""The twelve levels of the M5 competition, from everything to one item in one store."""

Matrix = npt.NDArray[np.float64]


def aggregate(
    keys: pl.DataFrame, values: Matrix, levels: Sequence[Sequence[str]]
) -> tuple[pl.DataFrame, Matrix]:
    """Add leaves up to the nodes of every level.

    Args:
        keys: One row per leaf: the columns the levels name.
        values: [leaves, days], in the order of `keys`.
        levels: Columns whose values name a level's nodes; none: one node that holds everything.

    Returns:
        `level` (place in `levels`, from 0), `node` (its values joined by '/') and `leaves` (count), level by level and
        within one ascending by its values; and [nodes, days] in that order.
    """
    leaves = keys.with_row_index("leaf")
    nodes, sums = [], []
    for i, by in enumerate(levels):
        name = pl.concat_str(*by, separator="/") if by else pl.lit("")
        grouped = (
            leaves.group_by(by or pl.lit("").alias("node"))
            .agg("leaf")
            .sort(by or "node")
            .select(level=pl.lit(i, pl.Int32), node=name, leaves=pl.col("leaf").list.len(), leaf="leaf")
        )
        of = np.repeat(np.arange(grouped.height), grouped["leaves"].to_numpy())
        total = np.zeros((grouped.height, values.shape[1]))
        np.add.at(total, of, values[grouped["leaf"].explode().to_numpy()])
        nodes.append(grouped.drop("leaf"))
        sums.append(total)
    return pl.concat(nodes), np.vstack(sums)


def scale(history: Matrix) -> Matrix:
    """Mean squared day-to-day difference of each row after its first sale: the unit of its squared errors.

    Args:
        history: [series, days], training days only; NaN on days the series does not have. Leading zeros and NaNs are
            skipped; a pair of days with a NaN between the first and the last counts for nothing.

    Returns:
        [series]; NaN where fewer than two days are left, 0 where every day was the same.
    """
    started = np.maximum.accumulate(np.nan_to_num(history) > 0, axis=1)
    seen = np.where(started, history, np.nan)
    squares = np.diff(seen, axis=1) ** 2
    pairs = (~np.isnan(squares)).sum(axis=1)
    return np.where(pairs > 0, np.nansum(squares, axis=1) / np.maximum(pairs, 1), np.nan)


def rmsse(actual: Matrix, forecast: Matrix, scale_of: Matrix) -> Matrix:
    """Root of the mean squared error ÷ scale, per row; NaN where the scale is 0 or NaN.

    Args:
        actual: [series, days].
        forecast: [series, days] of expected values: a squared error asks for the mean.
        scale_of: [series], as `scale` gives.

    Source: Makridakis, Spiliotis & Assimakopoulos, M5 accuracy competition, Int. J. Forecasting 38 (2022), 2.3.
    """
    squared = ((actual - forecast) ** 2).mean(axis=1)
    return np.asarray(np.sqrt(squared / np.where(scale_of > 0, scale_of, np.nan)))


def wrmsse(actual: Matrix, forecast: Matrix, scale_of: Matrix, weight: Matrix) -> float:
    """Weighted sum of the nodes' RMSSE, 0 is exact.

    Args:
        actual: [nodes, days], as `aggregate` gives.
        forecast: The same of the forecast; summed from the leaves by `aggregate`.
        scale_of: [nodes].
        weight: [nodes], summing to 1 over all levels: each level an equal part, within it by money taken.

    Raises:
        ValueError: The shapes differ, or a node that weighs has no scale.
    """
    if (
        not actual.shape == forecast.shape == (*scale_of.shape, actual.shape[1])
        or weight.shape != scale_of.shape
    ):
        raise ValueError(
            f"actual {actual.shape}, forecast {forecast.shape}, scale {scale_of.shape} and weight {weight.shape} "
            "do not describe the same nodes and days"
        )
    each = rmsse(actual, forecast, scale_of)
    if lost := int((np.isnan(each) & (weight > 0)).sum()):
        raise ValueError(f"{lost} nodes carry weight but never changed in training; give them weight 0")
    return float(np.sum(np.where(weight > 0, weight * each, 0.0)))
