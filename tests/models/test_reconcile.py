"""Days and weeks agree, parts add up, nothing is negative, a person's word stands."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import SERIES
from models.forecasting.node_spread import (
    NODE_LEVELS,
    NOTHING_SEEN,
    NodeSpread,
    fit_node_spread,
    leaf_deviation,
    node_sums,
)
from models.forecasting.reconcile import (
    NODE,
    HorizonWeights,
    agree,
    leaf_quantiles,
    learn_weights,
    season_means,
    week_pairs,
)

LEVELS = (0.1, 0.5, 0.9)
RATIOS = {0.1: 0.4, 0.5: 0.9, 0.9: 1.8}
SUNDAY = date(2026, 5, 31)
HALF = HorizonWeights({1: 0.5, 2: 0.5, 3: 0.5, 4: 0.5}, 3)
LEAVES = [("leek", "shop", "r"), ("kale", "shop", "r"), ("leek", "till", "r"), ("leek", "shop", "s")]
NO_SALES = pl.DataFrame(schema={**dict.fromkeys(NODE, pl.String), "sold_kg": pl.Float64})
ALL_COVERED = pl.DataFrame(schema={**dict.fromkeys(NODE, pl.String), "share": pl.Float64})


def days(means: list[float], cutoff: date = SUNDAY) -> pl.DataFrame:
    """28 days of each leaf, expected alike on all of them."""
    rows = [
        (*leaf, cutoff + timedelta(days=d + 1), q, mean * RATIOS[q], mean, "greens", "demand-1")
        for leaf, mean in zip(LEAVES, means, strict=True)
        for d in range(28)
        for q in LEVELS
    ]
    schema = [*SERIES, "forecast_date", "level", "demand_kg", "expected_kg", "family", "model_version"]
    return pl.DataFrame(rows, schema=schema, orient="row")


def weeks(kg: float, cutoff: date = SUNDAY) -> pl.DataFrame:
    monday = cutoff + timedelta(days=1) - timedelta(days=(cutoff + timedelta(days=1)).weekday())
    rows = [
        ("greens", channel, region, monday + timedelta(weeks=w), q, kg * RATIOS[q], kg)
        for channel, region in (("shop", "r"), ("shop", "s"), ("till", "r"))
        for w in range(52)
        for q in LEVELS
    ]
    return pl.DataFrame(rows, schema=[*NODE, "week_start", "level", "demand_kg", "expected_kg"], orient="row")


def agreed(
    day: pl.DataFrame, week: pl.DataFrame, cutoff: date = SUNDAY, **other: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    given = {"sold": NO_SALES, "covered": ALL_COVERED, **other}
    return agree(day, week, cutoff=cutoff, horizon_days=28, weights=HALF, **given)


def weekly_sums(day: pl.DataFrame) -> pl.DataFrame:
    return (
        day.unique([*SERIES, "forecast_date"])
        .group_by(*NODE, week_start=pl.col("forecast_date").dt.truncate("1w"))
        .agg(days_kg=pl.col("expected_kg").sum())
    )


def gap(day: pl.DataFrame, week: pl.DataFrame, so_far: float = 0.0, agreeing: int = 4) -> float:
    both = (
        week.filter(pl.col("level") == 0.5)
        .join(weekly_sums(day), on=[*NODE, "week_start"])
        .sort("week_start")
    )
    first = both["week_start"].unique().sort()[:agreeing]
    both = both.filter(pl.col("week_start").is_in(first.to_list()))
    known = pl.when(pl.col("week_start") == first[0]).then(so_far).otherwise(0.0)
    return float(both.select((pl.col("expected_kg") - pl.col("days_kg") - known).abs().max()).item())


@settings(max_examples=25, deadline=None)
@given(
    means=st.lists(st.floats(0, 1e4), min_size=4, max_size=4),
    kg=st.floats(0, 1e5),
    weekday=st.integers(0, 6),
    so_far=st.floats(0, 100),
)
def test_the_first_four_weeks_are_the_sums_of_their_days(
    means: list[float], kg: float, weekday: int, so_far: float
) -> None:
    cutoff = SUNDAY + timedelta(days=weekday)
    sold = pl.DataFrame([("greens", "shop", "r", so_far), ("greens", "shop", "s", so_far), ("greens", "till", "r", so_far)],
                        schema=[*NODE, "sold_kg"], orient="row")  # fmt: skip
    day, week = agreed(days(means, cutoff), weeks(kg, cutoff), cutoff, sold=sold)
    assert gap(day, week, so_far) < 1e-6 * max(1.0, kg)
    for frame in (day, week):
        assert (frame["demand_kg"] >= 0).all()
        assert frame["demand_kg"].is_finite().all()
    rising = (
        week.sort(*NODE, "week_start", "level")
        .group_by(*NODE, "week_start")
        .agg(pl.col("demand_kg").diff().min())
    )
    assert (rising["demand_kg"] >= -1e-9 * max(1.0, kg)).all()


def test_both_move_to_the_weighed_figure_and_levels_move_along() -> None:
    day, week = agreed(days([10.0, 5.0, 7.0, 1.0]), weeks(140.0))
    shop = week.filter(pl.col("channel_id") == "shop", pl.col("region_id") == "r").sort("week_start", "level")
    assert shop["expected_kg"].to_list()[:12] == pytest.approx([0.5 * 105 + 0.5 * 140] * 12)
    assert shop["demand_kg"].to_list()[:3] == pytest.approx([122.5 * r for r in RATIOS.values()])
    assert shop["expected_kg"].to_list()[-1] == 140.0
    leek = day.filter(
        pl.col("product_id") == "leek", pl.col("channel_id") == "shop", pl.col("region_id") == "r"
    )
    assert leek["expected_kg"].to_list() == pytest.approx([10 * 122.5 / 105] * 84)
    assert leek.sort("forecast_date", "level")["demand_kg"].to_list()[:3] == pytest.approx(
        [10 * 122.5 / 105 * r for r in RATIOS.values()]
    )


def test_what_a_person_overrode_stays_and_the_week_follows() -> None:
    wished = pl.col("product_id").eq("kale") & pl.col("forecast_date").eq(SUNDAY + timedelta(days=3))
    before = days([10.0, 5.0, 7.0, 1.0]).with_columns(
        pl.when(wished)
        .then(pl.col("demand_kg", "expected_kg") * 4)
        .otherwise(pl.col("demand_kg", "expected_kg")),
        model_version=pl.when(wished).then(pl.lit("demand-1+override")).otherwise("model_version"),
    )
    day, week = agreed(before, weeks(140.0))
    assert day.filter(wished).equals(before.filter(wished))
    assert gap(day, week) < 1e-9
    first = week.filter(pl.col("channel_id") == "shop", pl.col("region_id") == "r").sort("week_start")[
        "expected_kg"
    ]
    assert first[0] == pytest.approx(105 + 15)
    assert first[3] == pytest.approx(122.5)


def test_what_no_daily_series_covers_is_left_in_the_week() -> None:
    half = pl.DataFrame([("greens", "till", "r", 0.5)], schema=[*NODE, "share"], orient="row")
    _, week = agreed(days([10.0, 5.0, 7.0, 1.0]), weeks(140.0), covered=half)
    till = week.filter(pl.col("channel_id") == "till").sort("week_start")["expected_kg"]
    assert till[0] == pytest.approx((0.5 * 49 + 0.5 * 70) + 70)


def test_a_week_of_which_no_day_expects_anything_follows_its_days() -> None:
    day, week = agreed(days([0.0, 0.0, 7.0, 1.0]), weeks(140.0))
    assert gap(day, week) < 1e-9
    assert (
        week.filter(pl.col("channel_id") == "shop", pl.col("region_id") == "r").sort("week_start")[
            "expected_kg"
        ][0]
        == 0
    )


def test_a_season_without_means_takes_those_its_levels_imply() -> None:
    plain = weeks(100.0).with_columns(expected_kg=pl.lit(None, pl.Float64))
    implied = 0.1 * 40 + 0.4 * (40 + 90) / 2 + 0.4 * (90 + 180) / 2 + 0.1 * 180
    assert season_means(plain)["season_kg"].to_list() == pytest.approx([implied] * 156)


def test_the_better_horizon_weighs_more() -> None:
    rng = np.random.default_rng(1)
    truth = rng.gamma(4, 25, 4000)
    pairs = pl.DataFrame({"week": rng.integers(1, 5, 4000), "actual_kg": truth, "days_kg": truth * rng.normal(1, 0.1, 4000).clip(0),
                          "season_kg": truth * rng.normal(1, 0.3, 4000).clip(0), "origin": [SUNDAY] * 4000})  # fmt: skip
    weights = learn_weights(pairs)
    assert sorted(weights.days) == [1, 2, 3, 4]
    assert all(0.8 < w < 1 for w in weights.days.values())
    assert learn_weights(pairs.head(50)).of(1) == 1.0
    exact = learn_weights(pairs.with_columns(season_kg="actual_kg"))
    assert all(w == pytest.approx(0, abs=1e-9) for w in exact.days.values())


def test_pairs_hold_the_days_ahead_of_the_first_week_only() -> None:
    cutoff = SUNDAY + timedelta(days=3)
    per_day = (
        days([10.0, 5.0, 7.0, 1.0], cutoff)
        .unique([*SERIES, "forecast_date"])
        .with_columns(is_overridden=False)
    )
    pairs = week_pairs(per_day, season_means(weeks(140.0, cutoff)), cutoff=cutoff, horizon_days=28)
    till = pairs.filter(pl.col("channel_id") == "till")
    assert till["ahead"].to_list() == [4, 7, 7, 7]
    assert till["days_kg"].to_list() == pytest.approx([28, 49, 49, 49])
    assert till["season_kg"].to_list() == pytest.approx([80, 140, 140, 140])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1e4), min_size=4, max_size=4))
def test_nodes_add_up_at_every_level_and_their_quantiles_neither_cross_nor_fall_below_0(
    means: list[float],
) -> None:
    leaves, quantiles, levels = leaf_quantiles(days(means))
    mean = leaves["expected_kg"].to_numpy()
    sums = node_sums(
        leaves.with_columns(leaf_sd=pl.Series(leaf_deviation(quantiles, levels, mean))), by=("forecast_date",)
    )
    per_level = sums.group_by("node_level", "forecast_date").agg(pl.col("expected_kg").sum())
    assert (per_level["expected_kg"] - sum(means)).abs().max() < 1e-6
    assert set(sums["node_level"]) == set(NODE_LEVELS)
    kg = NOTHING_SEEN.quantiles(sums, levels)
    assert kg.min() >= 0
    assert np.diff(kg, axis=1).min() >= 0


def test_a_day_without_all_levels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has the levels \[0.1, 0.5, 0.9\]; forecast the days anew"):
        leaf_quantiles(days([1.0, 1.0, 1.0, 1.0]).head(100))


def sums_that_share(shared: float, leaves: int = 25, origins: int = 60) -> pl.DataFrame:
    """Sums whose leaves' errors have this correlation, by origin and day."""
    rng = np.random.default_rng(7)
    parts = []
    for origin in range(origins):
        error = np.sqrt(shared) * rng.standard_normal((1, 7)) + np.sqrt(1 - shared) * rng.standard_normal(
            (leaves, 7)
        )
        frame = pl.DataFrame({"leaf": np.repeat(np.arange(leaves), 7), "day": list(range(7)) * leaves,
                              "actual_kg": 10 + 2 * error.ravel(), "expected_kg": 10.0, "leaf_sd": 2.0})  # fmt: skip
        parts.append(frame.with_columns(
            product_id=pl.format("p{}", pl.col("leaf") // 5), channel_id=pl.format("c{}", pl.col("leaf") % 5),
            family=pl.lit("f"), region_id=pl.lit("r"), origin=pl.lit(SUNDAY + timedelta(days=origin))))  # fmt: skip
    return node_sums(pl.concat(parts), by=("origin", "day"), also=("actual_kg",))


@pytest.mark.parametrize("shared", [0.0, 0.05, 0.2])
def test_what_leaves_share_is_found_and_the_80_percent_interval_covers(shared: float) -> None:
    levels = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
    sums = sums_that_share(shared)
    spread = fit_node_spread(sums, levels=levels, actual="actual_kg")
    total = sums.filter(pl.col("node_level") == "total")
    kg, actual = spread.quantiles(total, levels), total["actual_kg"].to_numpy()
    assert ((actual >= kg[:, 1]) & (actual <= kg[:, -2])).mean() == pytest.approx(0.8, abs=0.06)
    assert spread.parts["total"][1] == pytest.approx(shared, abs=0.03 + shared / 2)


def test_without_a_backtest_the_spread_is_assumed() -> None:
    assert fit_node_spread(sums_that_share(0.1).head(50), levels=LEVELS, actual="actual_kg") is NOTHING_SEEN
    assert isinstance(NOTHING_SEEN, NodeSpread)


def test_a_leafs_deviation_is_that_of_its_quantiles_and_grows_with_a_mean_above_them() -> None:
    rng = np.random.default_rng(3)
    kg = rng.gamma(4, 5, 200_000)
    levels = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    found = leaf_deviation(np.quantile(kg, levels)[None, :], levels, np.array([kg.mean()]))
    assert found[0] == pytest.approx(kg.std(), rel=0.05)
    seldom = leaf_deviation(np.zeros((1, 11)), levels, np.array([2.0]))
    assert seldom[0] == pytest.approx(np.sqrt(2 * 0.05 * 40**2 - 4))
