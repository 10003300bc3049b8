"""What the season forecast would have said earlier: only what was known, beside what was sold."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.evaluation.metrics import quantile_column
from models.forecasting.season_backtest import LOCK_WEEKS, season_backtest, season_scores
from models.forecasting.season_blend import SeasonParams
from models.forecasting.season_trees import TreeParams

MONDAY = date(2023, 1, 2)
LEVELS = (0.1, 0.5, 0.9)
QUICK = SeasonParams(origins=2, apart=3 / 13, library=False, tree=TreeParams(trees=10, most_origins=3))


def sold(weeks: int, *, seed: int = 1, series: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    wave = 100 + 60 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    return pl.concat(
        pl.DataFrame(
            {
                "family": "leaf",
                "channel_id": "shop",
                "region_id": f"r{n}",
                "sale_date": [MONDAY + timedelta(weeks=i, days=2) for i in range(weeks)],
                "sold_kg": (n + 1) * wave * np.exp(rng.normal(0, 0.2, weeks)),
            }
        )
        for n in range(series)
    )


def backtested(sales: pl.DataFrame, *, weeks: int = 150) -> pl.DataFrame:
    return season_backtest(sales, cutoff=sunday(weeks), levels=LEVELS, params=QUICK)


def sunday(weeks: int) -> date:
    return MONDAY + timedelta(weeks=weeks, days=-1)


def test_each_row_holds_the_week_that_was_sold_that_far_after_its_origin() -> None:
    tested = backtested(sold(150))
    assert set(tested["lead_weeks"]) == set(LOCK_WEEKS)
    ahead = (tested["week_start"] - tested["origin"]).dt.total_days()
    assert (ahead == 7 * (tested["lead_weeks"] - 1) + 1).all()
    weeks = sold(150).with_columns(week_start=pl.col("sale_date").dt.truncate("1w"))
    both = tested.join(weeks, on=["region_id", "week_start"], how="inner", suffix="_true")
    assert both.height == tested.height
    assert both["sold_kg"].to_numpy() == pytest.approx(both["sold_kg_true"].to_numpy())


def test_an_earlier_forecast_knows_nothing_of_later_weeks() -> None:
    early, late = sold(110), sold(150)
    changed = pl.concat([early, late.filter(pl.col("sale_date") > sunday(110)).with_columns(sold_kg=9.0)])
    before = backtested(pl.concat([early, late.filter(pl.col("sale_date") > sunday(110))]))
    after = backtested(changed)
    known = pl.col("origin") <= sunday(110)
    assert before.filter(known).height > 0
    assert_frame_equal(
        before.filter(known).drop("sold_kg", "rank"), after.filter(known).drop("sold_kg", "rank")
    )


def test_ranks_lie_within_and_say_where_the_week_fell() -> None:
    tested = backtested(sold(150))
    assert tested["rank"].is_between(0, 1).all()
    low, high = (pl.col(quantile_column("anxu", q)) for q in (0.1, 0.9))
    assert (tested.filter(pl.col("sold_kg") < low)["rank"] < 0.1).all()
    assert (tested.filter(pl.col("sold_kg") > high)["rank"] > 0.9).all()
    inside = tested.filter(pl.col("sold_kg").is_between(low, high, closed="none"))
    assert inside["rank"].is_between(0.1, 0.9).all()


def test_scores_stand_beside_seasonal_naive_for_every_lead() -> None:
    scores = season_scores(backtested(sold(150)), levels=LEVELS)
    assert {"all", *(f"lead:{n}" for n in LOCK_WEEKS)} == set(scores["segment"])
    wql = scores.filter((pl.col("metric") == "wql") & (pl.col("segment") == "all"))
    ours, naive = (wql.filter(pl.col("method") == m)["value"].item() for m in ("anxu", "seasonal_naive"))
    assert 0 < ours < naive


def test_without_a_year_and_four_weeks_there_is_nothing_to_score() -> None:
    tested = backtested(sold(50), weeks=50)
    assert tested.is_empty()
    assert {"origin", "lead_weeks", "expected_kg", "rank"} <= set(tested.columns)
    assert season_scores(tested, levels=LEVELS).is_empty()
