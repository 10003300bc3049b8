"""Land, growth, weather and sensors of the sample county."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.simulation import parameters as p
from models.simulation.growth import grade_shares, harvest_events, ripe_days, with_grades
from models.simulation.land import practices_for
from models.simulation.sizes import ENDS_ON, size_of
from models.simulation.tables import STANDING
from models.simulation.weather import Weather, forecast_of, generate
from models.simulation.world import World, build_world


@pytest.fixture(scope="module")
def tiny() -> World:
    return build_world("tiny", 1)


def steady(temp_c: float, days: int) -> Weather:
    """Weather of one temperature."""
    hours = np.full(days * 24, temp_c)
    return replace(generate(date(2026, 1, 1), days, 1), air_temp_c=hours)


def test_at_a_constant_temperature_ripeness_comes_after_sum_over_excess_days() -> None:
    assert ripe_days(steady(20.0, 300), np.array([10]), 8.0, 1200.0).tolist() == [10 + 100]
    warmer = ripe_days(steady(12.0, 300), np.array([10]), 8.0, 600.0, under_cover=True)
    assert warmer.tolist() == [10 + 50]  # 8 °C warmer under cover


def test_a_planting_that_never_finds_warmth_stands_till_the_records_end() -> None:
    assert ripe_days(steady(5.0, 100), np.array([0]), 8.0, 1000.0).tolist() == [99]


@given(mean=st.floats(60, 220), better=st.floats(100, 200), gap=st.floats(1, 60))
def test_grade_shares_are_shares_and_a_lower_limit_never_shrinks_the_better_grade(
    mean: float, better: float, gap: float
) -> None:
    shares = grade_shares("crab", np.array([mean]), (better, better - gap))
    eased = grade_shares("crab", np.array([mean]), (better - 5, better - gap - 5))
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)
    assert eased[0, 0] >= shares[0, 0]
    assert eased[0, 2] <= shares[0, 2]


def test_grades_split_the_yield_without_loss(tiny: World) -> None:
    graded = with_grades(tiny.grown, p.PRESENT_CUTS)
    assert graded["grade_kg"].sum() == pytest.approx(tiny.grown["yield_kg"].sum())
    assert set(graded["grade"]) == set(p.GRADES)


def test_harvest_events_are_what_ripened_and_never_of_the_future(tiny: World) -> None:
    cuts = harvest_events(tiny.grown, ENDS_ON)
    assert cuts["harvested_at"].dt.date().max() <= ENDS_ON  # type: ignore[operator]
    assert cuts["harvest_id"].is_unique().all()
    done = tiny.grown.filter(pl.col("ripe_on") < ENDS_ON - timedelta(days=80), pl.col("crop_id") != "crab")
    assert cuts.filter(pl.col("crop_id") != "crab")["harvested_kg"].sum() >= 0.99 * done["yield_kg"].sum()


def test_rice_in_crab_fields_bears_both_rice_and_crab(tiny: World) -> None:
    both = (
        tiny.grown.filter(pl.col("practice_id") == "ricecrab-paddy")
        .group_by("plot_id", "year")
        .agg("crop_id")
    )
    assert both.height
    assert all(set(crops) == {"rice", "crab"} for crops in both["crop_id"])


def test_members_plant_what_fits_the_land_and_within_the_plot(tiny: World) -> None:
    fits = {
        (x.practice_id, land, s) for land in p.LAND_SHARES for s in (1, 2) for x in practices_for(land, s)
    }
    assert set(tiny.plantings.select("practice_id", "land_class", "season").iter_rows()) <= fits
    area = dict(tiny.land.plots.select("plot_id", "area_mu").iter_rows())
    assert all(mu <= area[plot] for plot, mu in tiny.plantings.select("plot_id", "area_mu").iter_rows())
    assert tiny.plantings["sown_on"].max() <= ENDS_ON  # type: ignore[operator]


def test_every_standing_table_has_a_row_for_its_key_only_once(tiny: World) -> None:
    keys = {"listing": ["platform", "shop", "seller_sku", "valid_from"], "product_crop": ["product_id", "crop_id"],
            "practice_yield": ["practice_id", "crop_id"], "planting": ["plot_id", "crop_id", "year", "season"],
            "transit": ["from_id", "to_id"], "planting_material": ["practice_id", "item"]}  # fmt: skip
    for name, make in STANDING.items():
        frame = make(tiny)
        assert frame.height, name
        assert not frame.select(keys.get(name, [frame.columns[0]])).is_duplicated().any(), name


def test_every_practice_but_standing_vines_needs_seed_or_seedlings(tiny: World) -> None:
    needed = set(STANDING["planting_material"](tiny)["practice_id"])
    assert {x.practice_id for x in p.PRACTICES} - needed == {"grape-orchard"}


def test_promises_lie_ahead_of_the_end() -> None:
    due = STANDING["commitment"](build_world("tiny", 2))["due_to"]
    assert due.min() > ENDS_ON  # type: ignore[operator]


def test_summers_are_warm_winters_cold_and_values_stay_in_bounds() -> None:
    weather = generate(date(2024, 1, 1), 731, 5)
    daily = weather.daily().with_columns(month=pl.col("day").dt.month())
    by_month = dict(daily.group_by("month").agg(pl.col("mean_c").mean()).iter_rows())
    assert by_month[7] > 24 > 10 > by_month[1]
    assert 500 < weather.rain_mm.sum() / 2 < 1700
    frame = weather.frame()
    assert frame["rel_humidity_pct"].is_between(0, 100).all()
    assert (frame["dew_point_c"] <= frame["air_temp_c"] + 0.2).all()


def test_a_forecast_is_better_for_tomorrow_than_for_next_week() -> None:
    truth = generate(date(2024, 1, 1), 400, 5)
    near, far = [], []
    for k in range(40):
        day = date(2024, 2, 1) + timedelta(days=7 * k)
        said = forecast_of(truth, day, 9)
        was = truth.frame().filter(pl.col("time").is_in(said["time"].implode()))
        miss = (said["air_temp_c"] - was["air_temp_c"]).abs().to_numpy()
        near.append(miss[:24].mean())
        far.append(miss[-24:].mean())
    assert np.mean(near) < np.mean(far)


def test_every_injected_fault_stands_in_the_truth_as_often_as_in_the_readings(tiny: World) -> None:
    faults, readings = tiny.field.faults, tiny.field.readings
    count = dict(faults.group_by("fault").agg(pl.col("readings").sum()).iter_rows())
    assert set(count) == {"duplicate", "spike", "stuck", "sentinel", "gap", "clock"}
    assert readings.height == size_of("tiny").sensors * 60 * 24 - count["gap"] + count["duplicate"]
    assert readings.filter(pl.col("measured_at").dt.year() < 2020).height == count[
        "clock"
    ] + _doubled_in_clock(tiny)
    sentinels = sum(readings.filter(pl.col(q) == v).height for q, v in p.SENTINELS.items())
    assert sentinels == pytest.approx(count["sentinel"], abs=3)  # a sentinel delivered twice counts twice


def _doubled_in_clock(world: World) -> int:
    old = world.field.readings.filter(pl.col("measured_at").dt.year() < 2020)
    return old.height - old.unique(["sensor_id", "seq"]).height


def test_a_stuck_value_repeats_to_the_digit_and_a_spike_stands_alone(tiny: World) -> None:
    for fault in tiny.field.faults.filter(pl.col("fault") == "stuck").iter_rows(named=True):
        mine = tiny.field.readings.filter(
            (pl.col("sensor_id") == fault["sensor_id"])
            & pl.col("measured_at").is_between(fault["from_at"], fault["to_at"])
        )
        assert mine[fault["quantity"]].n_unique() == 1
