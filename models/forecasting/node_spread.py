"""Quantiles of sums of forecasts: how far nodes above the leaves miss, learnt from a backtest's sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtri

Array = npt.NDArray[np.float64]

NODE_LEVELS: Mapping[str, tuple[str, ...]] = {
    "product_channel": ("product_id", "channel_id"),
    "product": ("product_id",),
    "family_channel": ("family", "channel_id"),
    "family": ("family",),
    "channel": ("channel_id",),
    "region": ("region_id",),
    "total": (),
}
"""Level of the hierarchy above product × channel × region → the keys its nodes have."""
NODE_KEYS = ("product_id", "family", "channel_id", "region_id")
SHARED = (0.0, 0.002, 0.004, 0.006, 0.009, 0.012, 0.018, 0.025, 0.035, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3)
"""Correlations of the errors of two leaves that are tried."""
SCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3)
"""Factors on the leaves' standard deviations that are tried."""
ASSUMED = (1.0, 0.012)
"""Scale and correlation where no backtest tells; what the sample county showed."""
LEAST_ROWS = 200
MOST_ROWS = 10_000


@dataclass(frozen=True)
class NodeSpread:
    """Variance of a node = scale² × ((1 − shared) Σ s² + shared (Σ s)²) of its leaves' standard deviations s."""

    parts: Mapping[str, tuple[float, float]]
    """Node level → scale, and shared: the correlation of the errors of two of its leaves (0–1)."""
    origins: int
    """Of the backtest it was learnt from; 0: assumed."""

    def quantiles(self, nodes: pl.DataFrame, levels: Sequence[float]) -> Array:
        """Kg as [row, level] for rows of node_sums: normal around the mean, cut at 0; never crossing."""
        scale, shared = (
            nodes["node_level"]
            .replace_strict({name: part[i] for name, part in self.parts.items()}, return_dtype=pl.Float64)
            .to_numpy()
            for i in range(2)
        )
        return _quantiles(nodes, scale, shared, levels)


NOTHING_SEEN = NodeSpread(dict.fromkeys(NODE_LEVELS, ASSUMED), 0)


def leaf_deviation(quantiles: Array, levels: Sequence[float], mean: Array) -> Array:
    """Standard deviation of each leaf: straight lines through its quantiles from 0 on, and above the highest an exponential
    tail as long as the mean wants it. Quantiles as [leaf, level], mean as [leaf] (kg); returns [leaf] (kg).
    """
    at = np.concatenate([[0.0], levels])
    width = np.diff(at)
    ends = np.concatenate(
        [
            np.maximum(2 * quantiles[:, :1] - quantiles[:, 1:2], 0)
            if quantiles.shape[1] > 1
            else quantiles[:, :1],
            quantiles,
        ],
        axis=1,
    )
    low, high = ends[:, :-1], ends[:, 1:]
    first = ((low + high) / 2) @ width
    second = ((low**2 + low * high + high**2) / 3) @ width
    rest, top = 1 - at[-1], quantiles[:, -1]
    tail = np.maximum((mean - first) / rest - top, 0.0)
    middle = first + rest * (top + tail)
    square = second + rest * (top**2 + 2 * top * tail + 2 * tail**2)
    return np.asarray(np.sqrt(np.maximum(square - middle**2, 0.0)))


def node_sums(leaves: pl.DataFrame, *, by: Sequence[str], also: Sequence[str] = ()) -> pl.DataFrame:
    """Add leaves up to every node above them.

    Args:
        leaves: NODE_KEYS, the columns `by` (such as the day), `expected_kg`, `leaf_sd` (kg), and the columns `also`.
        by: What rows are told apart by besides the node.
        also: Further columns to add up.

    Returns:
        One row per node and `by`, levels in the order of NODE_LEVELS and sorted within: `node_level`, NODE_KEYS (null where
        the node holds several), `by`, `expected_kg` and `also` added up, `variance` Σ s², `deviation` Σ s, `leaves`.
    """
    parts = []
    for name, keys in NODE_LEVELS.items():
        summed = (
            leaves.group_by(*keys, *by)
            .agg(
                pl.col("expected_kg", *also).sum(),
                variance=(pl.col("leaf_sd") ** 2).sum(),
                deviation=pl.col("leaf_sd").sum(),
                leaves=pl.len(),
            )
            .sort(*keys, *by)
        )
        parts.append(
            summed.select(
                pl.lit(name).alias("node_level"),
                *(pl.col(k) if k in keys else pl.lit(None, pl.String).alias(k) for k in NODE_KEYS),
                *by,
                "expected_kg",
                *also,
                "variance",
                "deviation",
                "leaves",
            )
        )
    return pl.concat(parts)


def fit_node_spread(tested: pl.DataFrame, *, levels: Sequence[float], actual: str) -> NodeSpread:
    """Learn from sums of forecasts that the model had not seen what leaves share.

    Args:
        tested: node_sums of backtest rows by `origin` and day, with the column `actual` (kg) added up.
        levels: Quantile levels, ascending.
        actual: Name of what came true.

    Returns:
        Per node level the scale and correlation (SCALES × SHARED) with the least quantile loss, half of it judged on the
        level's own sums and half on all levels alike: the few large nodes have too few days of their own. At most
        MOST_ROWS of a level, evenly taken. Under LEAST_ROWS rows ASSUMED.
    """
    usable = tested.filter(pl.col("expected_kg") > 0)
    if usable.height < LEAST_ROWS:
        return NOTHING_SEEN
    loss = {
        name: _losses(usable.filter(pl.col("node_level") == name), levels, actual) for name in NODE_LEVELS
    }
    pooled = np.mean(list(loss.values()), axis=0)
    tried = [(scale, shared) for scale in SCALES for shared in SHARED]
    best = {name: tried[int(np.argmin(own + pooled))] for name, own in loss.items()}
    return NodeSpread(best, usable["origin"].n_unique())


def _losses(rows: pl.DataFrame, levels: Sequence[float], actual: str) -> Array:
    """Quantile loss of a node level at each scale and correlation, relative to the least."""
    rows = rows.gather_every(max(1, -(-rows.height // MOST_ROWS)))
    if rows.is_empty():
        return np.zeros(len(SCALES) * len(SHARED))
    sold, at, ones = rows[actual].to_numpy()[:, None], np.asarray(levels), np.ones(rows.height)
    found = []
    for scale in SCALES:
        for shared in SHARED:
            error = sold - _quantiles(rows, scale * ones, shared * ones, levels)
            found.append(np.maximum(at * error, (at - 1) * error).sum())
    least = min(found)
    return np.asarray(found) / least if least > 0 else np.ones(len(found))


def _quantiles(nodes: pl.DataFrame, scale: Array, shared: Array, levels: Sequence[float]) -> Array:
    own, together = nodes["variance"].to_numpy(), nodes["deviation"].to_numpy() ** 2
    deviation = scale * np.sqrt(own + shared * np.maximum(together - own, 0.0))
    mean = nodes["expected_kg"].to_numpy()
    return np.asarray((mean[:, None] + deviation[:, None] * ndtri(np.asarray(levels))).clip(0))
