"""Ready dates, yields and picks: what is learnt, what each cut changes, and that nothing is known beforehand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.harvest.crop_stages import Stages
from models.harvest.effects import fit_effects
from models.harvest.learn import learn
from models.harvest.outlook import daily_kg, look_ahead
from models.harvest.paths import Temperatures, fit_climate, weather_paths
from models.harvest.picks import GRID, Picks, Season, choose, forecast, forecast_mean
from models.harvest.ready import day_quantiles, ready_after
from models.harvest.seasons import cuts_of, with_cuts
from models.harvest.yields import PickPattern, against_last_year, pick_patterns, updated

FIRST = date(2023, 1, 1)
STAGES = {"bean": Stages((5.0, 0.0, 45.0, 40.0), (50.0, 300.0, 600.0), "test")}


def temperatures(days: int, seed: int = 3) -> Temperatures:
    doy = np.arange(days) % 365
    noise = np.random.default_rng(seed).normal(0, 2, days)
    return Temperatures(FIRST, 15 + 10 * np.sin(2 * np.pi * (doy - 110) / 365) + noise)


def plantings(years: tuple[int, ...] = (2023, 2024, 2025), plots: int = 6) -> pl.DataFrame:
    rows = [
        (
            f"p{i}",
            "bean",
            y,
            1,
            2.0,
            date(y, 4, 1) + timedelta(days=3 * i),
            "bean-dry",
            f"v{i % 2}",
            "dry",
            False,
            180,
            500.0,
            0.15,
        )
        for y in years
        for i in range(plots)
    ]
    names = [
        "plot_id", "crop_id", "year", "season", "area_mu", "sown_on", "practice_id", "place_id", "land_class",
        "is_perennial", "sell_from_doy", "promised_kg_per_mu", "yield_cv",
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("year", "season").cast(pl.Int32)
    )


def cut_when_ripe(planted: pl.DataFrame, past: Temperatures, kg_per_mu: float = 400.0) -> pl.DataFrame:
    """Two cuts, of 60 and 40 %, a week apart, from the day the true sum (570) is reached."""
    rows = []
    for plot, crop, mu, sown in planted.select("plot_id", "crop_id", "area_mu", "sown_on").iter_rows():
        heat = np.cumsum(np.clip(past.mean_c[past.index(sown) :] - 5, 0, 40))
        if heat[-1] < 570:
            continue
        ripe = sown + timedelta(days=int(np.searchsorted(heat, 570)) + 1)
        rows += [
            (plot, crop, ripe, 0.6 * mu * kg_per_mu),
            (plot, crop, ripe + timedelta(days=7), 0.4 * mu * kg_per_mu),
        ]
    return pl.DataFrame(rows, schema=["plot_id", "crop_id", "day", "kg"], orient="row").filter(
        pl.col("day") <= past.last
    )  # fmt: skip


def test_sums_yields_and_cuts_of_past_seasons_are_learnt() -> None:
    past = temperatures(365 * 2 + 200)
    planted = plantings((2023, 2024))
    knowledge = learn(planted, cuts_of(planted, cut_when_ripe(planted, past)), past, STAGES, sheltered=())
    effect = knowledge.warmth.effects.predict(planted)["log_mean"].mean()
    assert effect == pytest.approx(np.log(570 / 600), abs=0.02)
    assert np.exp(knowledge.yields.predict(planted)["log_mean"][0]) == pytest.approx(0.8, abs=0.03)
    assert knowledge.patterns["bean"].after == pytest.approx((0.6, 1.0))
    assert knowledge.patterns["bean"].gap_days == 7


def test_the_outlook_of_a_standing_planting_lies_about_what_will_be() -> None:
    whole = temperatures(365 * 3)
    cutoff = date(2025, 5, 20)
    past = Temperatures(FIRST, whole.mean_c[: whole.index(cutoff) + 1])
    planted = plantings()
    events = cut_when_ripe(planted, whole)
    cuts = cuts_of(planted, events.filter(pl.col("day") <= cutoff))
    knowledge = learn(planted, cuts, past, STAGES, sheltered=())
    standing = with_cuts(planted, cuts).filter(pl.col("year") == 2025)
    found = look_ahead(
        standing, knowledge, past, np.zeros(0), observed={}, sheltered=(), days=60, paths=200, seed=1
    )  # fmt: skip
    truth = (
        events.filter(pl.col("day") > cutoff)
        .group_by("plot_id")
        .agg(pl.col("day").min())
        .sort("plot_id")["day"]
    )
    table = found.plantings.sort("plot_id")
    error = (table["ready_p50"] - truth).dt.total_days()
    assert error.abs().max() <= 4
    assert (table["ready_p10"] <= table["ready_p50"]).all()
    assert (table["ready_p50"] <= table["ready_p90"]).all()
    assert table["season_p50_kg"][0] == pytest.approx(800, rel=0.1)
    daily = daily_kg(found, knowledge.patterns, cutoff, 60)
    assert daily["expected_kg"].sum() == pytest.approx(standing.height * 800, rel=0.1)
    assert (daily["p10_kg"] <= daily["p90_kg"]).all()


def test_an_observed_stage_moves_the_ready_date() -> None:
    past = temperatures(500)
    planted = with_cuts(plantings((2024,), 2), cuts_of(plantings((2024,), 2), pl.DataFrame()))
    knowledge = learn(
        planted.select(plantings().columns), cuts_of(planted, pl.DataFrame()), past, STAGES, sheltered=()
    )
    args = {"sheltered": (), "days": 120, "paths": 50, "seed": 1}
    plain = look_ahead(planted, knowledge, past, np.zeros(0), observed={}, **args)  # type: ignore[arg-type]
    seen = {("p0", "bean"): [(past.last, "flowering")]}
    early = look_ahead(planted, knowledge, past, np.zeros(0), observed=seen, **args)  # type: ignore[arg-type]
    assert early.plantings["stage"].to_list()[0] == "flowering"
    assert early.plantings["ready_p50"][0] != plain.plantings["ready_p50"][0]
    assert early.plantings["ready_p50"][1] == plain.plantings["ready_p50"][1]


@given(st.floats(4, 8), st.floats(0.05, 0.4), st.floats(10, 500), st.integers(1, 3))
def test_every_cut_makes_the_season_surer_and_draws_it_towards_what_was_cut(
    mean: float, sd: float, cut: float, cuts: int
) -> None:
    pattern = PickPattern((0.3, 0.6, 1.0), (0.2, 0.1, 0.0), 7.0)
    seen = np.log(cut / pattern.after[cuts - 1])
    after, spread = updated(mean, sd, cut, cuts, pattern)
    assert spread < sd
    assert min(mean, seen) - 1e-9 <= after <= max(mean, seen) + 1e-9
    assert updated(mean, sd, 0.0, 0, pattern) == (mean, sd)


def test_effects_are_shrunk_and_the_unseen_has_none() -> None:
    rng = np.random.default_rng(1)
    rows = pl.DataFrame({
        "crop_id": ["a"] * 200, "place_id": [f"v{i % 4}" for i in range(200)], "plot_id": [f"p{i % 40}" for i in range(200)],
        "y": [0.3 + 0.2 * (i % 4 == 0) + 0.1 * rng.normal() for i in range(200)],
    })  # fmt: skip
    fitted = fit_effects(
        rows, keys=("crop_id", "place_id", "plot_id"), prior_sd=0.15, between_sd=(0.1, 0.05, 0.05)
    )
    keys = pl.DataFrame(
        {"crop_id": ["a", "a", "z"], "place_id": ["v0", "v1", "q"], "plot_id": ["p0", "p1", "q"]}
    )
    found = fitted.predict(keys)
    assert 0.4 < found["log_mean"][0] < 0.55
    assert found["log_mean"][0] > found["log_mean"][1] > 0.2
    assert found["log_mean"][2] == 0
    assert found["log_sd"][2] > found["log_sd"][0]


@given(st.lists(st.floats(0.1, 30), min_size=3, max_size=40), st.floats(1, 400))
def test_ready_comes_no_earlier_when_more_is_needed(rates: list[float], need: float) -> None:
    ahead = np.array([rates])
    less, more = ready_after(ahead, np.array([[need]])), ready_after(ahead, np.array([[need + 5]]))
    assert np.isnan(more[0, 0]) or more[0, 0] >= less[0, 0]
    assert ready_after(ahead, np.array([[-1.0]]))[0, 0] == 0
    assert np.isnan(day_quantiles(np.array([[np.nan, np.nan, 3.0]]))[0, 2])


def test_paths_of_the_weather_are_as_wide_as_what_is_not_known() -> None:
    past = temperatures(365 * 3)
    none = weather_paths(past, np.zeros(0), days=60, paths=300, seed=1)
    told = weather_paths(past, np.full(7, 12.0), days=60, paths=300, seed=1)
    assert told[:, 0].std() < none[:, 0].std() < none[:, 40].std() + 0.5
    assert abs(told[:, :7].mean() - 12.0) < 0.3
    assert fit_climate(past).front_sd == pytest.approx(2.0, abs=0.4)


GREENHOUSE = [
    Picks(
        np.arange(0.0, 100, 5),
        5 + np.sin(np.arange(20) / 3) + shift + np.random.default_rng(i).normal(0, 0.3, 20),
    )
    for i, shift in enumerate((0.0, 1.0, -0.5))
]


@given(st.integers(1, 19), st.sampled_from((7, 14)), st.floats(0.1, 50))
def test_a_pick_never_knows_of_later_ones(at: int, lead: int, changed: float) -> None:
    own, others = GREENHOUSE[0], GREENHOUSE[1:]
    kg = own.kg.copy()
    kg[own.day > own.day[at] - lead] = changed
    for setting in (GRID[0], GRID[-1]):
        a = forecast(Season.of(own, others, [setting.smooth_days]), setting, lead)[at]
        b = forecast(Season.of(Picks(own.day, kg), others, [setting.smooth_days]), setting, lead)[at]
        assert a == b or (np.isnan(a) and np.isnan(b))


def test_a_planting_that_bears_more_than_others_is_forecast_higher() -> None:
    own, others = GREENHOUSE[1], [GREENHOUSE[0], GREENHOUSE[2]]
    kg = forecast_mean(own, others, choose(others, 7), 7)
    assert np.nanmean(kg[8:]) > np.mean([o.kg[8:].mean() for o in others])
    with pytest.raises(ValueError, match="1 planting to choose from"):
        choose(others[:1], 7)


def test_the_usual_number_of_cuts_is_the_median_and_shares_end_at_one() -> None:
    rows = [
        ("p", "bean", y, 1, date(y, 7, 1 + 7 * k), 10.0)
        for y in (2021, 2022, 2023)
        for k in range(3 if y < 2023 else 1)
    ]
    cuts = pl.DataFrame(rows, schema=["plot_id", "crop_id", "year", "season", "day", "kg"], orient="row")
    pattern = pick_patterns(cuts)["bean"]
    assert pattern.after == pytest.approx((1 / 3, 2 / 3, 1.0))
    assert float(pattern.shares.sum()) == pytest.approx(1.0)


def test_value_added_is_one_less_the_ratio_of_errors() -> None:
    rows = pl.DataFrame({
        "area_mu": [1.0, 2.0], "harvested_kg": [100.0, 200.0], "forecast_kg": [110.0, 200.0], "last_year_kg_per_mu": [80.0, 110.0],
    })  # fmt: skip
    found = against_last_year(rows)
    assert found["value_added"] == pytest.approx(1 - 10 / 40)
    assert against_last_year(rows.with_columns(last_year_kg_per_mu=pl.lit(None, pl.Float64))) == {}
