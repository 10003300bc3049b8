"""RMSSE, WQL and bias of forecasts of whole units, and the limits ours is held to."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.demand_m5_data import M5Data, matrix
from benchmarks.demand_peers import DECILES
from models.evaluation.metrics import wql
from models.evaluation.wrmsse import rmsse, scale

OURS = "anxu"
LEAF, NODE_SEGMENT = "leaf", "store × department"
LIMITS = {LEAF: {"rmsse": 1.0, "wql": 0.97}, NODE_SEGMENT: {"rmsse": 0.97, "wql": 0.97}}
"""Segment → metric → most that ours may have of the best peer's."""
Row = dict[str, object]


def scores(
    data: M5Data, forecast: pl.DataFrame, *, origin: date, horizon: int, keys: pl.DataFrame
) -> dict[str, float]:
    """Score one method.

    Args:
        data: What came, with the training days.
        forecast: `item_id`, `store_id`, `date`, `mean`, 'q_LEVEL'; must hold every series of `keys`.
        origin: Last known day.
        horizon: Days ahead.
        keys: `item_id`, `store_id` of the series that count.

    Returns:
        `rmsse` (mean over the series that have a scale), `wql`, `bias` (Σ mean ÷ Σ sold − 1).

    Raises:
        ValueError: A series or day has no forecast.
    """
    ahead = [origin + timedelta(days=h) for h in range(1, horizon + 1)]
    mean = matrix(M5Data(forecast.rename({"mean": "sold"}), data.calendar), keys, ahead)
    if lacking := int(np.isnan(mean).any(axis=1).sum()):
        raise ValueError(f"{lacking} of {keys.height} series have no whole forecast from {origin}")
    first: date = data.sales["date"].min()  # type: ignore[assignment]
    days = [first + timedelta(days=i) for i in range((origin - first).days + 1)]
    each = rmsse(matrix(data, keys, ahead), mean, scale(matrix(data, keys, days)))
    came = (
        data.sales.join(keys, on=["item_id", "store_id"], how="semi")
        .filter(pl.col("date").is_in(ahead))
        .select("item_id", "store_id", "date", sold_kg="sold")
    )
    both = came.join(forecast, on=["item_id", "store_id", "date"], how="inner")
    total = both.rename({f"q_{q:g}": f"of_{q:g}" for q in DECILES}).select(
        wql=wql("of", DECILES), bias=pl.col("mean").sum() / pl.col("sold_kg").sum() - 1
    )
    return {"rmsse": float(np.nanmean(each)), "wql": total["wql"][0], "bias": total["bias"][0]}


def musts(rows: Sequence[Row]) -> list[Row]:
    """Hold ours against the best peer of each segment and metric, values averaged over origins."""
    found = []
    for segment in dict.fromkeys(str(r["segment"]) for r in rows):
        limits = next((v for name, v in LIMITS.items() if segment.startswith(name)), {})
        for metric, limit in limits.items():
            values = {
                str(r["method"]): float(str(r["value"]))
                for r in rows
                if (r["segment"], r["metric"]) == (segment, metric)
            }
            if OURS not in values or len(values) < 2:
                continue
            ours = values.pop(OURS)
            best = min(values, key=lambda method: values[method])
            ratio = round(ours / values[best], 4)
            found.append(
                {
                    "what": f"{segment}: {metric} ÷ the best peer's ({best})",
                    "value": ratio,
                    "limit": limit,
                    "holds": ratio <= limit,
                }
            )
    return found


def averaged(rows: Sequence[Row]) -> list[Row]:
    """Mean over origins of rows of one segment, metric and method."""
    frame = pl.DataFrame(
        rows, schema={"segment": pl.String, "metric": pl.String, "method": pl.String, "value": pl.Float64}
    )
    means = frame.group_by("segment", "metric", "method", maintain_order=True).agg(
        pl.col("value").mean().round(4)
    )
    return means.to_dicts()
