"""Which nodes have lost to the baseline so often that it takes over, and when the model may come back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.calendar import SERIES
from models.evaluation.metrics import total_pinball

LOSSES_TO_FALL = 4
"""A node that lost at so many counted origins in a row takes the baseline."""
WINS_TO_RETURN = 2
"""It takes the model again once the model, forecasting unseen, won so many of the last four counted origins."""
WINDOW = 4
LEAST_SALE_DAYS = 4
"""An origin counts for a node that sold on at least so many of its series-days; fewer say little."""
JUDGED_DAYS = 7
"""Days ahead that are judged; origins are at least as far apart, so no day is judged twice."""
LOST = "lost_to_naive_4"
MODEL, BASELINE = "model", "baseline"
NODES: dict[str, tuple[str, ...]] = {"product_channel": ("product_id", "channel_id"), "series": SERIES}
"""Kinds of node and the columns that name one; of a product in a channel the losses of all its series are added."""


@dataclass(frozen=True)
class Standing:
    """Where a node stands after some origins."""

    state: str
    since: date
    """Origin that decided it: the one before which it was different, else the first one counted."""
    lost_origins: int
    """Of the last four counted."""
    counted_origins: int


def node_losses(scored: pl.DataFrame, *, model: str, naive: str, levels: Sequence[float]) -> pl.DataFrame:
    """Add up what model and baseline missed by, per node.

    Args:
        scored: One row per series and day of one origin: SERIES, `sold_kg` and both methods' quantile columns.
        model: Method whose columns are the model's own forecast.
        naive: Method of the baseline.
        levels: Quantile levels.

    Returns:
        One row per node, sorted: `node` (key of NODES), SERIES (`region_id` null where the node has none), `days`,
        `sale_days`, `sold_kg`, `model_loss_kg`, `naive_loss_kg` (metrics.total_pinball, kg).
    """
    lost = scored.with_columns(model=total_pinball(model, levels), naive=total_pinball(naive, levels))
    parts = [
        lost.group_by(keys)
        .agg(
            days=pl.len().cast(pl.Int64),
            sale_days=(pl.col("sold_kg") > 0).sum().cast(pl.Int64),
            sold_kg=pl.col("sold_kg").sum().cast(pl.Float64),
            model_loss_kg=pl.col("model").sum().cast(pl.Float64),
            naive_loss_kg=pl.col("naive").sum().cast(pl.Float64),
        )
        .with_columns(
            pl.lit(node).alias("node"), *(pl.lit(None, pl.String).alias(k) for k in SERIES if k not in keys)
        )
        for node, keys in NODES.items()
    ]
    columns = ["node", *SERIES, "days", "sale_days", "sold_kg", "model_loss_kg", "naive_loss_kg"]
    return pl.concat(p.select(columns) for p in parts).sort("node", *SERIES)


def apart(origins: Iterable[date], *, days: int = JUDGED_DAYS) -> list[date]:
    """The first of the origins, and each later one at least `days` after the one taken before."""
    taken: list[date] = []
    for origin in sorted(set(origins)):
        if not taken or (origin - taken[-1]).days >= days:
            taken.append(origin)
    return taken


def standing(lost: Sequence[bool], origins: Sequence[date]) -> Standing:
    """Walk through a node's counted origins, oldest first.

    The model stands until it has lost LOSSES_TO_FALL in a row; then the baseline stands until the model would have won
    WINS_TO_RETURN of the last WINDOW. Both counts only look back, so a later origin never changes an earlier state.
    """
    state, since = MODEL, origins[0]
    for i, origin in enumerate(origins):
        last = lost[max(0, i + 1 - WINDOW) : i + 1]
        in_a_row = lost[max(0, i + 1 - LOSSES_TO_FALL) : i + 1]
        if state == MODEL and len(in_a_row) == LOSSES_TO_FALL and all(in_a_row):
            state, since = BASELINE, origin
        elif state == BASELINE and len(last) - sum(last) >= WINS_TO_RETURN:
            state, since = MODEL, origin
    return Standing(state, since, sum(lost[-WINDOW:]), len(lost))


def standings(scores: pl.DataFrame) -> pl.DataFrame:
    """Where every node stands.

    Args:
        scores: As node_losses, with `origin` (date); origins as apart leaves them.

    Returns:
        One row per node with a counted origin, sorted: `node`, SERIES, `state`, `since`, `lost_origins`,
        `counted_origins`. A model that misses by more than the baseline has lost; by as much, it has not.
    """
    keys = ["node", *SERIES]
    counted = (
        scores.filter(pl.col("sale_days") >= LEAST_SALE_DAYS)
        .with_columns(lost=pl.col("model_loss_kg") > pl.col("naive_loss_kg"))
        .sort(*keys, "origin")
        .group_by(keys, maintain_order=True)
        .agg("lost", "origin")
    )
    found = [standing(lost, origins) for lost, origins in counted.select("lost", "origin").iter_rows()]
    return counted.select(keys).with_columns(
        state=pl.Series([s.state for s in found], dtype=pl.String),
        since=pl.Series([s.since for s in found], dtype=pl.Date),
        lost_origins=pl.Series([s.lost_origins for s in found], dtype=pl.Int64),
        counted_origins=pl.Series([s.counted_origins for s in found], dtype=pl.Int64),
    )


def stands_in(forecast: pl.DataFrame, status: pl.DataFrame) -> pl.DataFrame:
    """The rows of `forecast` (SERIES, `fallback_reason`) that the model made for a series with a node at the baseline."""
    fallen = status.filter(pl.col("state") == BASELINE)
    ours = forecast.filter(pl.col("fallback_reason").is_null())
    hit = [
        ours.select(SERIES).unique().join(fallen.filter(pl.col("node") == n), on=k, how="semi")
        for n, k in NODES.items()
    ]
    return ours.join(pl.concat(hit).unique(), on=SERIES, how="semi", maintain_order="left")
