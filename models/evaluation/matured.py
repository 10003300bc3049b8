"""Forecasts whose days have passed, step by step beside what was sold, and their scores by segment."""

from collections.abc import Mapping, Sequence

import polars as pl

from features.calendar import SERIES
from models.evaluation.backtest import NAIVE, OURS, wide_quantiles
from models.evaluation.metrics import bias, coverage, expected_kg, quantile_column, score_table, total_pinball
from models.evaluation.standing import LOST
from models.evaluation.value_added import STEPS

MODEL, BEFORE_OVERRIDE = STEPS[1], STEPS[2]
DAY = (*SERIES, "forecast_date")
OVERRIDDEN = "+override"
A_SHARE, AB_SHARE = 0.8, 0.95
SEGMENTS: Mapping[str, pl.Expr] = {
    "all": pl.lit("all"),
    "channel": pl.format("channel:{}", "channel_id"),
    "family": pl.format("family:{}", "family"),
    "region": pl.format("region:{}", "region_id"),
    "volume": pl.format("volume:{}", "volume"),
    "fallback": pl.format("fallback:{}", pl.col("fallback_reason").fill_null("none")),
    "override": pl.format(
        "override:{}", pl.when(pl.col("is_overridden")).then(pl.lit("yes")).otherwise(pl.lit("no"))
    ),
}


def step_by_step(
    published: pl.DataFrame, before: pl.DataFrame, naive: pl.DataFrame, levels: Sequence[float]
) -> pl.DataFrame:
    """Lay the steps of one forecast side by side.

    Args:
        published: One row per DAY and level: `demand_kg`, `expected_kg` (mean of the day, null: not published),
            `model_version`, `fallback_reason`.
        before: As the table demand_before: what rows were before a step changed them.
        naive: DAY, `level`, `demand_kg` of the baseline.
        levels: Quantile levels.

    Returns:
        One row per DAY of `published`: `fallback_reason`, `is_overridden`, `override_id`, and per step of value_added.STEPS a
        column per level and the mean as mean_column (kg; where none was published that implied by the levels).
    """
    said = published.group_by(DAY, maintain_order=True).agg(
        pl.col("fallback_reason").first(),
        pl.col("expected_kg").first().cast(pl.Float64).alias(mean_column(OURS)),
        is_overridden=pl.col("model_version").first().str.ends_with(OVERRIDDEN),
    )
    wide = said.join(wide_quantiles(published, OURS, levels), on=DAY, how="left", maintain_order="left")
    for step in (BEFORE_OVERRIDE, MODEL):
        own = before.filter(pl.col("step") == step)
        ids = own.group_by(DAY).agg(
            pl.col("override_id").first().alias(f"{step}_id"),
            pl.col("expected_kg").first().cast(pl.Float64).alias(mean_column(step)),
        )
        told = wide_quantiles(own, step, levels).join(ids, on=DAY, how="left")
        wide = wide.join(told, on=DAY, how="left", maintain_order="left")
    filled = wide.with_columns(_else(BEFORE_OVERRIDE, OURS, levels))
    filled = filled.with_columns(_else(MODEL, BEFORE_OVERRIDE, levels))
    return (
        filled.rename({f"{BEFORE_OVERRIDE}_id": "override_id"})
        .drop(f"{MODEL}_id")
        .join(wide_quantiles(naive, NAIVE, levels), on=DAY, how="left", maintain_order="left")
        .with_columns(pl.lit(None, pl.Float64).alias(mean_column(NAIVE)))
        .with_columns(
            pl.coalesce(mean_column(step), expected_kg(step, levels)).alias(mean_column(step))
            for step in STEPS
        )
    )


def mean_column(method: str) -> str:
    """Name of a method's column for the mean of the day."""
    return f"{method}_mean"


def volume_classes(sold: pl.DataFrame) -> pl.DataFrame:
    """Sort series by what they sold.

    Args:
        sold: One row per series: SERIES, `sold_kg` (of some weeks).

    Returns:
        SERIES and `volume`: 'A' for the largest that together make 80 % of the kg, 'B' for the next to 95 %, 'C' for
        the rest (ABC analysis).
    """
    kg = pl.col("sold_kg")
    reached = (kg.cum_sum() - kg) / kg.sum()
    named = (
        pl.when((reached < A_SHARE) & (kg > 0))
        .then(pl.lit("A"))
        .when((reached < AB_SHARE) & (kg > 0))
        .then(pl.lit("B"))
        .otherwise(pl.lit("C"))
    )
    return sold.sort("sold_kg", *SERIES, descending=[True, False, False, False]).select(*SERIES, volume=named)


def step_scores(scored: pl.DataFrame, levels: Sequence[float]) -> pl.DataFrame:
    """Score every step over every segment.

    Args:
        scored: As step_by_step, with `sold_kg`, `family`, `volume`.
        levels: Quantile levels.

    Returns:
        `segment`, `metric`, `method`, `value`, `rows_scored`. `bias` is that of the mean as published, as a mean implied by levels
        reads low where most are 0. Beside the metrics of score_table: `coverage_80_above_0`,
        coverage on days whose lower end is above 0 (elsewhere a sale cannot fall below it, so coverage is higher by
        nature), and `sold_kg` (method 'sold').
    """
    table = score_table(scored, methods=STEPS, levels=levels, segments=SEGMENTS).rename(
        {"rows": "rows_scored"}
    )
    columns = ["segment", "metric", "method", "value", "rows_scored"]
    parts = [table.filter(pl.col("metric") != "bias").select(columns)]
    for segment in SEGMENTS.values():
        per = scored.with_columns(segment=segment).group_by("segment")
        parts += [
            _row(
                per.agg(value=bias(pl.col("sold_kg"), pl.col(mean_column(step))), rows_scored=pl.len()),
                "bias",
                step,
            )
            for step in STEPS
        ]
        parts.append(_row(per.agg(value=pl.col("sold_kg").sum(), rows_scored=pl.len()), "sold_kg", "sold"))
        if 0.1 in levels and 0.9 in levels:
            parts += [_open_coverage(scored, segment, step) for step in STEPS]
    return pl.concat(parts).filter(pl.col("value").is_finite()).sort("segment", "metric", "method")


def override_losses(scored: pl.DataFrame, levels: Sequence[float]) -> pl.DataFrame:
    """What overridden days missed by before and after: one row per `override_id`, sorted; columns as the table override_score."""
    changed = scored.drop_nulls("override_id").with_columns(
        before=total_pinball(BEFORE_OVERRIDE, levels), after=total_pinball(OURS, levels)
    )
    return (
        changed.group_by("override_id")
        .agg(
            days=pl.len().cast(pl.Int64),
            sold_kg=pl.col("sold_kg").sum().cast(pl.Float64),
            before_loss_kg=pl.col("before").sum(),
            after_loss_kg=pl.col("after").sum(),
        )
        .sort("override_id")
    )


def model_days(scored: pl.DataFrame) -> pl.DataFrame:
    """The days on which the model spoke, heard or (where the node fell back) unheard."""
    return scored.filter(pl.col("fallback_reason").is_null() | (pl.col("fallback_reason") == LOST))


def _else(step: str, other: str, levels: Sequence[float]) -> list[pl.Expr]:
    pairs = [(quantile_column(step, q), quantile_column(other, q)) for q in levels]
    pairs.append((mean_column(step), mean_column(other)))
    return [pl.coalesce(own, instead).alias(own) for own, instead in pairs]


def _open_coverage(scored: pl.DataFrame, segment: pl.Expr, step: str) -> pl.DataFrame:
    low, high = (pl.col(quantile_column(step, q)) for q in (0.1, 0.9))
    per = scored.with_columns(segment=segment).filter(low > 0).group_by("segment")
    within = per.agg(value=coverage(pl.col("sold_kg"), low, high), rows_scored=pl.len())
    return _row(within, "coverage_80_above_0", step)


def _row(found: pl.DataFrame, metric: str, method: str) -> pl.DataFrame:
    return found.select(
        "segment",
        pl.lit(metric).alias("metric"),
        pl.lit(method).alias("method"),
        pl.col("value").cast(pl.Float64),
        pl.col("rows_scored").cast(pl.UInt32),
    )
