"""The coming week against the past one: means add up over sparse series, medians would not."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from serving.published import load
from serving.reads.forecasts import Wish, daily, daily_fan
from serving.reads.week import sparks, week

CUTOFF = date(2026, 5, 3)
Publish = Callable[..., Path]
County = dict[str, pl.DataFrame]


def sparse_county() -> County:
    """Ten regions, each buying 5 kg every fifth day: 10 kg a day in all, and every median is 0."""
    series = pl.DataFrame({"product_id": ["rice"] * 10, "channel_id": ["shop"] * 10}).with_columns(
        region_id=pl.format("region-{}", pl.int_range(10))
    )
    ahead = pl.DataFrame({"forecast_date": [CUTOFF + timedelta(days=n) for n in range(1, 15)]})
    levels = pl.DataFrame({"level": [0.1, 0.5, 0.9], "demand_kg": [0.0, 0.0, 5.0]})
    behind = pl.DataFrame({"sale_date": [CUTOFF - timedelta(days=n) for n in range(35)], "n": range(35)})
    sold = series.with_row_index("i").join(behind, how="cross").filter(pl.col("n") % 5 == pl.col("i") % 5)
    forecast = series.join(ahead, how="cross").join(levels, how="cross")
    return {
        "demand_forecast": forecast.with_columns(
            cutoff=pl.lit(CUTOFF), model_version=pl.lit("demand-1"), expected_kg=pl.lit(1.0)
        ),
        "history_daily": sold.select(*series.columns, "sale_date", sold_kg=pl.lit(5.0)),
    }


def test_a_product_that_stays_level_is_shown_level(publish: Publish) -> None:
    release = load(publish("level", sparse_county()))
    found = week(release)
    assert (found.sold_kg, found.ahead_kg, found.expected) == (70.0, 70.0, True)
    assert found.products.to_dicts() == [
        {"product_id": "rice", "ahead_kg": 70.0, "sold_kg": 70.0, "change": 0.0}
    ]
    assert sparks(release, "rice") == ([10.0] * 28, [10.0] * 14)


def test_without_means_the_medians_are_summed_and_not_called_expected(publish: Publish) -> None:
    county = sparse_county()
    county["demand_forecast"] = county["demand_forecast"].drop("expected_kg")
    found = week(load(publish("older", county)))
    assert (found.ahead_kg, found.expected) == (0.0, False)


def test_means_published_as_their_own_table_count_the_same(publish: Publish, county: County) -> None:
    both = load(publish("both", county))
    county["demand_forecast"] = county["demand_forecast"].drop("expected_kg")
    county["demand_expected"] = county["demand_expected"].sample(fraction=1.0, shuffle=True, seed=1)
    apart = load(publish("apart", county))
    assert daily(apart, Wish()).equals(daily(both, Wish()))
    assert week(apart).ahead_kg == week(both).ahead_kg == pytest.approx(910.0)


def test_a_sum_with_a_gap_in_the_means_is_no_sum_of_means(publish: Publish, county: County) -> None:
    gap = pl.when(pl.col("region_id") != "zhejiang").then("expected_kg")
    county["demand_forecast"] = county["demand_forecast"].with_columns(expected_kg=gap)
    release = load(publish("gap", county))
    fan = release.made(daily_fan)
    assert (fan.expected, fan.summed) == (False, "0.5")
    assert daily(release, Wish(region_id="shanghai"))["expected_kg"].null_count() == 0
    assert daily(release, Wish(region_id="zhejiang"))["expected_kg"].null_count() == 14
