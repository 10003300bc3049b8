"""The season forecast: a course that repeats, a level that moves, festivals that move with the moon, honest labels."""

from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.festivals import lunar_day
from models.forecasting import season_blend
from models.forecasting.season import season_forecast as recipe_forecast
from models.forecasting.season import weekly_sales
from models.forecasting.season_blend import SeasonParams
from models.forecasting.season_course import Course
from models.forecasting.season_trees import TreeParams

MONDAY = date(2023, 1, 2)
LEVELS = (0.1, 0.5, 0.9)
QUICK = SeasonParams(origins=3, apart=3 / 13, tree=TreeParams(trees=30, most_origins=5))
season_forecast = partial(recipe_forecast, params=QUICK)


def sold(
    kg: np.ndarray, *, first: date = MONDAY, family: str = "leaf", channel: str = "shop"
) -> pl.DataFrame:
    """Kg a week, all of it sold on Wednesdays."""
    return pl.DataFrame(
        {
            "family": family,
            "channel_id": channel,
            "region_id": "r",
            "sale_date": [first + timedelta(weeks=i, days=2) for i in range(kg.size)],
            "sold_kg": kg,
        }
    )


def sunday(weeks: int) -> date:
    return MONDAY + timedelta(weeks=weeks, days=-1)


def middle(forecast: pl.DataFrame) -> np.ndarray:
    return forecast.filter(pl.col("level") == 0.5).sort("week_start")["demand_kg"].to_numpy()


def wave(weeks: int) -> np.ndarray:
    return 100 + 50 * np.sin(2 * np.pi * np.arange(weeks) / 52)


def test_a_course_that_repeats_is_repeated() -> None:
    forecast = season_forecast(sold(wave(156)), cutoff=sunday(156), levels=LEVELS)
    assert middle(forecast) == pytest.approx(wave(208)[156:], rel=0.06)
    assert forecast["fallback_reason"].null_count() == forecast.height == 52 * 3
    assert forecast["week_start"].min() == sunday(156) + timedelta(days=1)


def test_a_higher_level_this_year_lifts_the_weeks_ahead() -> None:
    kg = np.full(156, 100.0)
    kg[104:] = 150.0
    lifted = middle(
        season_forecast(sold(np.concatenate([kg[52:], kg[104:]])), cutoff=sunday(156), levels=LEVELS)
    )
    assert lifted == pytest.approx(np.full(52, 150.0), rel=0.02)
    sudden = np.full(156, 100.0)
    sudden[148:] = 180.0
    raised = middle(season_forecast(sold(sudden), cutoff=sunday(156), levels=LEVELS))
    assert 100 - 1e-6 <= raised.min() <= raised.max() <= 180
    assert raised[:8].mean() > 105


def test_a_leap_of_the_level_is_cut() -> None:
    kg = np.full(156, 1.0)
    kg[148:] = 1000.0
    assert middle(season_forecast(sold(kg), cutoff=sunday(156), levels=LEVELS)).max() <= 5 * 1000


def test_a_young_series_takes_its_share_of_its_family_and_says_so() -> None:
    old, young = (
        sold(wave(156)),
        sold(wave(156)[144:] / 4, first=MONDAY + timedelta(weeks=144), channel="new"),
    )
    forecast = season_forecast(pl.concat([old, young]), cutoff=sunday(156), levels=LEVELS)
    new = forecast.filter(pl.col("channel_id") == "new")
    assert set(new["fallback_reason"]) == {"short_history:family_share"}
    both = middle(forecast.filter(pl.col("channel_id") == "shop"))
    assert middle(new) == pytest.approx(both / 4, rel=0.25)


def test_a_fruit_out_of_season_is_expected_back_after_little_more_than_a_year() -> None:
    autumn = np.zeros(56)
    autumn[25:35] = 80.0
    autumn[[0, 52]] = 1.0
    expected = middle(season_forecast(sold(autumn), cutoff=sunday(56), levels=LEVELS))
    assert expected[22:30] == pytest.approx(np.full(8, 80.0), rel=0.3)
    assert expected[40] == pytest.approx(0, abs=5)


def test_a_young_county_is_flat_and_says_so() -> None:
    forecast = season_forecast(sold(np.full(20, 40.0)), cutoff=sunday(20), levels=LEVELS)
    assert set(forecast["fallback_reason"]) == {"short_history:flat"}
    assert middle(forecast) == pytest.approx(np.full(52, 40.0))


def test_the_spread_without_earlier_years_is_labelled() -> None:
    forecast = season_forecast(sold(wave(60)), cutoff=sunday(60), levels=LEVELS)
    assert set(forecast["fallback_reason"]) == {"spread_of_weeks"}


def test_the_first_week_is_the_one_of_the_day_after_the_cutoff() -> None:
    wednesday = sunday(80) + timedelta(days=3)
    forecast = season_forecast(sold(wave(81)), cutoff=wednesday, levels=LEVELS, weeks=4)
    assert forecast["week_start"].unique().sort().to_list()[0] == sunday(80) + timedelta(days=1)
    assert weekly_sales(sold(wave(81)), cutoff=wednesday).kg.shape == (1, 80)


def test_noise_widens_the_spread() -> None:
    rng = np.random.default_rng(2)

    def width(noise: float) -> float:
        kg = wave(156) * np.exp(rng.normal(0, noise, 156))
        forecast = season_forecast(sold(kg), cutoff=sunday(156), levels=LEVELS)
        high, low = (forecast.filter(pl.col("level") == q)["demand_kg"].sum() for q in (0.9, 0.1))
        return float(high - low)

    assert width(0.4) > 2 * width(0.05)


@settings(max_examples=8, deadline=None)
@given(
    kg=st.lists(st.floats(0, 1e4), min_size=70, max_size=120),
    later=st.floats(0, 1e5),
)
def test_no_quantile_is_negative_or_crosses_and_later_sales_change_nothing(
    kg: list[float], later: float
) -> None:
    kg[0] = 1.0
    cutoff = sunday(len(kg))
    before = season_forecast(sold(np.array(kg)), cutoff=cutoff, levels=LEVELS)
    assert (before["demand_kg"] >= 0).all()
    steps = before.group_by("week_start").agg(pl.col("demand_kg").sort_by("level").diff().min())
    assert (steps["demand_kg"] >= -1e-9).all()
    assert_frame_equal(season_forecast(sold(np.array([*kg, later])), cutoff=cutoff, levels=LEVELS), before)


def test_what_cannot_be_forecast_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole week of sales until 2023-01-05"):
        season_forecast(sold(np.ones(1)), cutoff=date(2023, 1, 5), levels=LEVELS)
    with pytest.raises(ValueError, match="60 weeks ahead"):
        season_forecast(sold(np.ones(60)), cutoff=sunday(60), levels=LEVELS, weeks=60)


def test_a_sudden_member_is_dropped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def wild(course: Course, *, costly: bool) -> dict[str, np.ndarray]:
        made = np.full((course.sold.shape[0], course.ahead), np.inf)
        made[1:] = course.sold[1:, -1:]
        return {"theta": made}

    two = pl.concat([sold(wave(156)), sold(wave(156), channel="other")])
    calm = season_forecast(two, cutoff=sunday(156), levels=LEVELS)
    monkeypatch.setattr(season_blend, "library_members", wild)
    forecast = season_forecast(two, cutoff=sunday(156), levels=LEVELS)
    reasons = dict(forecast.select("channel_id", "fallback_reason").unique().iter_rows())
    assert reasons == {"other": "member_exploded:theta", "shop": None}
    assert forecast["demand_kg"].max() < 1.5 * calm["demand_kg"].max()


def test_the_mean_lies_among_the_quantiles_and_is_the_same_at_every_level() -> None:
    rng = np.random.default_rng(4)
    kg = wave(156) * np.exp(rng.normal(0, 0.3, 156))
    forecast = season_forecast(sold(kg), cutoff=sunday(156), levels=LEVELS)
    by_week = forecast.group_by("week_start").agg(
        pl.col("expected_kg").n_unique().alias("means"),
        inside=(pl.col("expected_kg") >= pl.col("demand_kg").min()).all()
        & (pl.col("expected_kg") <= pl.col("demand_kg").max()).all(),
    )
    assert (by_week["means"] == 1).all()
    assert by_week["inside"].all()


@pytest.mark.parametrize("year", [2026, 2031])
def test_the_rush_before_spring_festival_moves_with_the_moon(year: int) -> None:
    first = date(year - 3, 1, 2)
    first -= timedelta(days=first.weekday())
    new_years = [lunar_day(y, 1, 1) for y in range(year - 3, year + 2)]
    weeks = (date(year, 1, 4) - first).days // 7
    starts = [first + timedelta(weeks=w) for w in range(weeks + 52)]
    rush = np.array([100.0 + 200 * any(3 <= (n - s).days <= 16 for n in new_years) for s in starts])
    cutoff = first + timedelta(weeks=weeks, days=-1)
    forecast = season_forecast(sold(rush[:weeks], first=first), cutoff=cutoff, levels=LEVELS)
    expected = middle(forecast)
    peak = rush[weeks:].argmax()
    assert abs(int(expected.argmax()) - int(peak)) <= 1
    assert expected[rush[weeks:] > 200].min() > 170
    assert np.abs(expected - rush[weeks:]).sum() < 0.08 * rush[weeks:].sum()
