"""Days and weeks made to agree: both ask for one figure a node's week, weighed by what they missed before, and both are moved to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from features.calendar import SERIES

NODE = ("family", "channel_id", "region_id")
KILOGRAMS = ("demand_kg", "expected_kg", "in_stock_kg", "in_stock_expected_kg")
OVERRIDDEN = "+override"
LARGEST_GAIN = 3.0
"""Days are moved by this factor at most: beyond it the week's figure says little of single days."""
LEAST_PAIRS = 100


@dataclass(frozen=True)
class HorizonWeights:
    """How much of a week's figure comes from the days, by week ahead (1: the week of the first forecast day), the rest from the season."""

    days: Mapping[int, float]
    origins: int
    """Of the backtest they were learnt from; 0: the days alone."""

    def of(self, week: int) -> float:
        """The weight of a week; one that was not seen has the days alone."""
        return self.days.get(week, 1.0)


DAYS_ALONE = HorizonWeights({}, 0)


def season_means(weeks: pl.DataFrame) -> pl.DataFrame:
    """Mean of each node's week (NODE, week_start, `season_kg`): `expected_kg`, where null the area under the line through its levels."""
    at, kg = pl.col("level"), pl.col("demand_kg")
    area = (
        ((kg + kg.shift(1)) / 2 * (at - at.shift(1))).sum()
        + at.first() * kg.first()
        + (1 - at.last()) * kg.last()
    )
    return (
        weeks.sort(*NODE, "week_start", "level")
        .group_by(*NODE, "week_start", maintain_order=True)
        .agg(season_kg=pl.coalesce(pl.col("expected_kg").first(), area))
    )


def week_pairs(days: pl.DataFrame, season: pl.DataFrame, *, cutoff: date, horizon_days: int) -> pl.DataFrame:
    """Put beside each other what days and season expect of the same stretch of days.

    Args:
        days: NODE, `forecast_date`, `expected_kg` (one row per leaf and day), `is_overridden`.
        season: As season_means.
        cutoff: Last known day.
        horizon_days: Of the days.

    Returns:
        One row per node that has both and week whose days from the cutoff on are all within the horizon: NODE,
        `week_start`, `week` (1, 2, …), `ahead` (its days after the cutoff, 1–7), `days_kg`, `season_kg` (the whole week's
        × ahead ÷ 7), `is_overridden` (any of its days). Sorted.
    """
    last = cutoff + timedelta(days=horizon_days)
    first = cutoff + timedelta(days=1)
    monday = first - timedelta(days=first.weekday())
    start = pl.col("forecast_date").dt.truncate("1w")
    summed = (
        days.group_by(*NODE, week_start=start)
        .agg(days_kg=pl.col("expected_kg").sum(), is_overridden=pl.col("is_overridden").any())
        .filter(pl.col("week_start") + timedelta(days=6) <= last)
    )
    ahead = pl.min_horizontal(7, (pl.col("week_start") + timedelta(days=6) - pl.lit(cutoff)).dt.total_days())
    return (
        summed.join(season, on=[*NODE, "week_start"])
        .with_columns(week=(pl.col("week_start") - pl.lit(monday)).dt.total_days() // 7 + 1, ahead=ahead)
        .with_columns(season_kg=pl.col("season_kg") * pl.col("ahead") / 7)
        .select(*NODE, "week_start", "week", "ahead", "days_kg", "season_kg", "is_overridden")
        .sort(*NODE, "week_start")
    )


def learn_weights(pairs: pl.DataFrame) -> HorizonWeights:
    """Weigh days against season by what they missed at earlier origins.

    Args:
        pairs: week_pairs of backtest origins with `origin` and `actual_kg` (of the same days).

    Returns:
        Per week ahead the weight (0–1) with the least squared miss of the mixture, each node's relative to its size. It
        takes the errors' covariance as it was, as trace minimisation over the two horizons does (Athanasopoulos et al.
        2017, Forecasting with temporal hierarchies). Weeks with fewer than LEAST_PAIRS pairs take the days alone.
    """
    days, season, actual = pl.col("days_kg"), pl.col("season_kg"), pl.col("actual_kg")
    size = 1 / (days + season)
    fitted = (
        pairs.filter(days + season > 0)
        .group_by("week")
        .agg(
            pl.len(),
            weight=(size * (actual - season) * (days - season)).sum() / (size * (days - season) ** 2).sum(),
        )
        .filter(pl.col("len") >= LEAST_PAIRS, pl.col("weight").is_finite())
        .sort("week")
    )
    weights = fitted.select("week", pl.col("weight").clip(0, 1)).iter_rows()
    return HorizonWeights({int(w): float(x) for w, x in weights}, pairs["origin"].n_unique())


def agree(
    days: pl.DataFrame,
    weeks: pl.DataFrame,
    *,
    cutoff: date,
    horizon_days: int,
    weights: HorizonWeights,
    sold: pl.DataFrame,
    covered: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Move both forecasts to one figure per node and week.

    Args:
        days: As the table demand_forecast, with `family`; `model_version` of what people overrode ends in '+override'.
        weeks: As the table season_forecast.
        cutoff: Last known day.
        horizon_days: Of the days.
        weights: As learn_weights.
        sold: NODE, `sold_kg`: sold from the Monday of the first week to the cutoff; nodes may be missing.
        covered: NODE, `share` (0–1): part of the node's recent sales whose series the days hold; missing: all.

    Returns:
        Both with all columns and rows in their order. A node's days of a week are multiplied by one factor, all levels and means
        alike, LARGEST_GAIN at most; days after the last whole week take that week's. The week's mean becomes what was sold
        in it so far + the sum of its days' means + the share of the season's figure that no series covers, and its levels
        move along. Where a person overrode one of the days, the days stand as they are and the week follows; so it does
        where nothing is expected of any day. Nodes without days, and weeks beyond the horizon, keep the season's forecast.
    """
    per_day = days.unique([*SERIES, "forecast_date"], maintain_order=True).with_columns(
        is_overridden=pl.col("model_version").str.ends_with(OVERRIDDEN)
    )
    pairs = week_pairs(per_day, season_means(weeks), cutoff=cutoff, horizon_days=horizon_days)
    settled = _settled(pairs, weights, sold, covered)
    return _moved_days(days, settled), _moved_weeks(weeks, settled)


def _settled(
    pairs: pl.DataFrame, weights: HorizonWeights, sold: pl.DataFrame, covered: pl.DataFrame
) -> pl.DataFrame:
    """Pairs with `gain` of the days, the week's new mean `mean_kg`, its known part `so_far` and its `rest` ahead (kg)."""
    week = pl.col("week").replace_strict(dict(weights.days), default=1.0, return_dtype=pl.Float64)
    weight = pl.when("is_overridden").then(1.0).otherwise(week)
    days, season = pl.col("days_kg"), pl.col("season_kg")
    share = pl.col("share").fill_null(1.0)
    aim = weight * days + (1 - weight) * share * season
    gain = pl.when(days > 0).then((aim / days).clip(1 / LARGEST_GAIN, LARGEST_GAIN)).otherwise(1.0)
    return (
        pairs.join(sold.select(*NODE, "sold_kg"), on=NODE, how="left", maintain_order="left")
        .join(covered.select(*NODE, "share"), on=NODE, how="left", maintain_order="left")
        .with_columns(
            gain=gain,
            so_far=pl.when(pl.col("week") == 1).then(pl.col("sold_kg").fill_null(0.0)).otherwise(0.0),
        )
        .with_columns(rest=days * pl.col("gain") + (1 - share) * season)
        .with_columns(mean_kg=pl.col("so_far") + pl.col("rest"))
    )


def _moved_days(days: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    last = (
        settled.sort("week_start")
        .group_by(NODE)
        .agg(last=pl.col("week_start").last(), last_gain=pl.col("gain").last())
    )
    week = days.with_columns(week_start=pl.col("forecast_date").dt.truncate("1w"))
    beyond = pl.when(pl.col("week_start") > pl.col("last")).then("last_gain")
    gain = (
        pl.when(~pl.col("model_version").str.ends_with(OVERRIDDEN))
        .then(pl.coalesce("gain", beyond))
        .fill_null(1.0)
    )
    return (
        week.join(
            settled.select(*NODE, "week_start", "gain"),
            on=[*NODE, "week_start"],
            how="left",
            maintain_order="left",
        )
        .join(last, on=NODE, how="left", maintain_order="left")
        .with_columns(pl.col([c for c in KILOGRAMS if c in days.columns]) * gain)
        .select(days.columns)
    )


def _moved_weeks(weeks: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    key = [*NODE, "week_start"]
    means = season_means(weeks)
    joined = weeks.join(means, on=key, how="left", maintain_order="left").join(
        settled.select(*key, "so_far", "rest", "mean_kg"), on=key, how="left", maintain_order="left"
    )
    alike = pl.col("demand_kg").sum().over("week_start", "level") / pl.col("season_kg").sum().over(
        "week_start", "level"
    )
    ratio = pl.when(pl.col("season_kg") > 0).then(pl.col("demand_kg") / pl.col("season_kg")).otherwise(
        pl.when(alike.is_finite()).then(alike).otherwise(1.0)
    )  # fmt: skip
    is_settled = pl.col("mean_kg").is_not_null()
    return joined.with_columns(
        demand_kg=pl.when(is_settled).then(pl.col("so_far") + pl.col("rest") * ratio).otherwise("demand_kg"),
        expected_kg=pl.when(is_settled).then("mean_kg").otherwise("expected_kg"),
    ).select(weeks.columns)


def leaf_quantiles(days: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray, list[float]]:
    """One row per leaf and day with its columns but level and demand_kg, its quantiles as [row, level] (kg), and the levels.

    Raises:
        ValueError: A leaf's day lacks a level that others have.
    """
    levels: Sequence[float] = days["level"].unique().sort().to_list()
    ordered = days.sort(*SERIES, "forecast_date", "level")
    kg = ordered["demand_kg"].to_numpy()
    if (
        kg.size % max(len(levels), 1)
        or not (ordered["level"].to_numpy().reshape(-1, len(levels)) == levels).all()
    ):
        raise ValueError(f"not every day of every series has the levels {levels}; forecast the days anew")
    leaves = ordered.gather_every(len(levels)).drop("level", "demand_kg")
    return leaves, kg.reshape(-1, len(levels)), list(levels)
