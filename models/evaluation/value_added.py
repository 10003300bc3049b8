"""Forecast value added: what each step took off the error, from the baseline to what was published."""

from itertools import pairwise

import polars as pl

STEPS = ("seasonal_naive", "model", "before_override", "anxu")
"""Methods in the order in which they come about: the baseline, the model's own forecast, after nodes fell back to the
baseline, and as published with what people changed."""
GAINS = ("model", "fallback", "override")
"""Names of the three steps between them."""
LOWER_IS_BETTER = ("wql", "wape")


def value_added(scores: pl.DataFrame) -> pl.DataFrame:
    """What each step took off WQL and WAPE.

    Args:
        scores: `segment`, `lead_days`, `metric`, `method`, `value`, one row each; methods as STEPS. A segment that lacks
            a method is left out.

    Returns:
        One row per segment, lead, metric and step ('model', 'fallback', 'override', 'total'), sorted: `gain` (error
        before less error after: above 0 the step helped) and `gain_share` (of the baseline's error; null where that is
        0). The three gains add up to 'total'.

    Source: Gilliland, The Business Forecasting Deal, 2010 (forecast value added, the stair-step report).
    """
    keys = ["segment", "lead_days", "metric"]
    at = {
        step: pl.col("value").filter(pl.col("method") == step).first().cast(pl.Float64).alias(step)
        for step in STEPS
    }
    wide = (
        scores.filter(pl.col("metric").is_in(LOWER_IS_BETTER)).group_by(keys).agg(*at.values()).drop_nulls()
    )
    pairs = dict(zip(GAINS, pairwise(STEPS), strict=True)) | {"total": (STEPS[0], STEPS[-1])}
    base = pl.col(STEPS[0])
    parts = [
        wide.with_columns(gain=pl.col(before) - pl.col(after)).select(
            *keys,
            pl.lit(name).alias("step"),
            "gain",
            gain_share=pl.when(base > 0).then(pl.col("gain") / base),
        )
        for name, (before, after) in pairs.items()
    ]
    return pl.concat(parts).sort(*keys, "step")


def pooled(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores of several forecasts as one: each counts by the kg that were sold.

    Args:
        scores: As the table forecast_score; the metric `sold_kg` of method 'sold' says what was sold. Scores without it
            (of an older release) are left out.

    Returns:
        One row per segment, lead, metric and method, sorted: `value` (coverage is weighted by rows, all else by
        kg), `rows_scored`, `forecasts`, `first_cutoff`, `last_cutoff`.
    """
    keys = ["segment", "lead_days", "scored_cutoff"]
    sold = scores.filter(pl.col("metric") == "sold_kg").select(*keys, sold_kg="value")
    weight = (
        pl.when(pl.col("metric").str.starts_with("coverage")).then(pl.col("rows_scored")).otherwise("sold_kg")
    )
    return (
        scores.filter(pl.col("metric") != "sold_kg")
        .join(sold, on=keys)
        .with_columns(weight=weight)
        .group_by("segment", "lead_days", "metric", "method")
        .agg(
            value=(pl.col("value") * pl.col("weight")).sum() / pl.col("weight").sum(),
            rows_scored=pl.col("rows_scored").sum(),
            forecasts=pl.len().cast(pl.Int64),
            first_cutoff=pl.col("scored_cutoff").min(),
            last_cutoff=pl.col("scored_cutoff").max(),
        )
        .filter(pl.col("value").is_finite())
        .sort("segment", "lead_days", "metric", "method")
    )
