"""Tables that show how a model came out in its backtest: against what was sold, its calibration, what moved its forecasts."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.assemble import CATEGORIES, NUMBERS
from models.evaluation.backtest import LEAD, NAIVE, OURS, Backtest
from models.evaluation.matured import volume_classes
from models.evaluation.metrics import quantile_column
from models.evaluation.standing import standings
from models.forecasting.matrix import matrix

SAMPLE_ROWS = 2000


def against_actual(tested: Backtest) -> pl.DataFrame:
    """Kg per family, origin and day with stock, sorted: `family`, `origin`, `date`, `lead_days`, `sold_kg`, `anxu_kg` (mean), `seasonal_naive_kg`."""
    middle = min(tested.levels, key=lambda q: abs(q - 0.5))
    return (
        tested.scored.filter(pl.col("had_stock"))
        .group_by("family", "origin", "date")
        .agg(
            pl.col("lead_days").first(),
            sold_kg=pl.col("sold_kg").sum().round(3),
            anxu_kg=pl.col("mean_kg").sum().round(3),
            seasonal_naive_kg=pl.col(quantile_column(NAIVE, middle)).sum().round(3),
        )
        .sort("family", "origin", "date")
    )


def calibration(tested: Backtest) -> pl.DataFrame:
    """How often sales fell at or below each level, per segment, sorted.

    `segment` (all, volume, channel, lead), `level`, `at_or_below`, `below` (shares of `rows` days with stock). A sound
    level lies between the two: sales are often 0, and so is the level then.
    """
    scored = tested.scored.filter(pl.col("had_stock"))
    keys = ["product_id", "channel_id", "region_id"]
    sold = scored.group_by(keys).agg(pl.col("mean_kg").sum().alias("sold_kg"))
    named = scored.join(volume_classes(sold), on=keys, how="left")
    segments = {
        "all": pl.lit("all"),
        "volume": pl.format("volume:{}", "volume"),
        "channel": pl.format("channel:{}", "channel_id"),
        "lead": pl.format("lead:{}", LEAD),
    }
    parts = []
    for level in tested.levels:
        told = pl.col(quantile_column(OURS, level))
        for segment in segments.values():
            per = named.with_columns(segment=segment).group_by("segment")
            parts.append(
                per.agg(
                    level=pl.lit(level),
                    at_or_below=(pl.col("sold_kg") <= told).mean().round(4),
                    below=(pl.col("sold_kg") < told).mean().round(4),
                    rows=pl.len(),
                )
            )
    return pl.concat(parts).sort("segment", "level")


def contributions(tested: Backtest, *, seed: int, threads: int) -> pl.DataFrame:
    """What each feature did to the model's own forecasts, on at most SAMPLE_ROWS backtest rows that the model made.

    One row per feature, largest first: `feature`, `mean_size` (mean of the contribution's size) and `mean` (with its sign), on
    the scale of LightGBM's raw score, the log of demand ÷ level (TreeSHAP as LightGBM reckons it).

    Source: Lundberg et al., From local explanations to global understanding with explainable AI for trees, 2020.
    """
    made = tested.scored.filter(pl.col("fallback_reason").is_null())
    rows = made.sample(min(SAMPLE_ROWS, made.height), seed=seed)
    names = (*CATEGORIES, *NUMBERS)
    if rows.is_empty():
        return pl.DataFrame(schema={"feature": pl.String, "mean_size": pl.Float64, "mean": pl.Float64})
    x = matrix(rows, tested.model.categories)
    values = np.asarray(tested.model.booster.predict(x, pred_contrib=True, num_threads=threads))[
        :, : len(names)
    ]
    return pl.DataFrame(
        {"feature": names, "mean_size": np.abs(values).mean(axis=0), "mean": values.mean(axis=0)}
    ).sort("mean_size", "feature", descending=[True, False])


def node_table(scores: pl.DataFrame, nodes: Sequence[str] = ("product_channel",)) -> pl.DataFrame:
    """Where nodes of these kinds stand by the backtest's origins (standing.standings), most losses first."""
    origins = scores.rename({"scored_cutoff": "origin"}).filter(pl.col("node").is_in(nodes))
    return standings(origins).sort(
        "lost_origins", "product_id", "channel_id", descending=[True, False, False]
    )
