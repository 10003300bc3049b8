from datetime import UTC, date, datetime, timedelta
from math import pi, sin
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.sensors import Cleaned, clean

START = datetime(2026, 4, 1, tzinfo=UTC)
ARRIVED = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def series(
    quantity: str, values: list[float], *, sensor: str = "s1", first: datetime = START, **other: Any
) -> pl.DataFrame:
    """Hourly raw readings in one file, in order."""
    frame = pl.DataFrame(
        {
            "sensor_id": sensor,
            "quantity": quantity,
            "measured_at": [first + i * HOUR for i in range(len(values))],
            "value": values,
            "line_number": range(1, len(values) + 1),
        }
    )
    file = {
        "is_history": True,
        "span_from": None,
        "span_to": None,
        "file_order": 0,
        "known_at": ARRIVED,
    } | other
    instant = pl.Datetime("us", "UTC")
    return frame.with_columns(
        pl.lit(None, pl.String).alias("status"),
        pl.lit("p").alias("profile"),
        pl.lit(file["is_history"]).alias("is_history"),
        pl.lit(file["span_from"], pl.Date).alias("span_from"),
        pl.lit(file["span_to"], pl.Date).alias("span_to"),
        pl.lit(file["file_order"], pl.UInt32).alias("file_order"),
        pl.lit(ARRIVED, instant).alias("arrived_at"),
        pl.lit(file["known_at"], instant).alias("known_at"),
        pl.col("measured_at").dt.cast_time_unit("us"),
    )


def day_cycle(hours: int, *, mean: float = 15.0) -> list[float]:
    return [round(mean + 6 * sin(2 * pi * h / 24) + 0.13 * (h * 7 % 5), 2) for h in range(hours)]


def cleaned(*raw: pl.DataFrame, sensors: dict[str, date | None] | None = None, **options: Any) -> Cleaned:
    declared = pl.DataFrame(
        {"sensor_id": list(sensors or {}), "installed_on": list((sensors or {}).values())},
        schema={"sensor_id": pl.String, "installed_on": pl.Date},
    )
    words = pl.DataFrame(
        [("p", "rel_humidity_pct", 99.99, False), ("p", "air_temp_c", -0.01, True)],
        schema=["profile", "quantity", "value", "with_others"],
        orient="row",
    )
    return clean(pl.concat(raw), declared, words, timezone="Asia/Shanghai", **options)


def flags(result: Cleaned) -> dict[int, str]:
    """Place of the reading → flag, of those flagged."""
    rows = result.readings.with_row_index("at").filter(pl.col("flag").is_not_null())
    return dict(zip(rows["at"], rows["flag"], strict=True))


def faults(result: Cleaned) -> dict[str, int]:
    return dict(result.faults.group_by("fault").agg(pl.col("readings").sum()).iter_rows())


def test_a_good_series_is_left_alone() -> None:
    result = cleaned(series("air_temp_c", day_cycle(200)))
    assert (flags(result), faults(result)) == ({}, {})
    assert result.readings.height == 200


def test_a_spike_leaves_both_sides_and_comes_back() -> None:
    values = day_cycle(200)
    values[50] += 14
    values[100:102] = [v - 15 for v in values[100:102]]
    assert flags(cleaned(series("air_temp_c", values))) == {50: "spike", 100: "spike", 101: "spike"}


def test_rain_into_soil_is_a_step_and_no_spike() -> None:
    values = [0.2 + 0.001 * (h % 3) for h in range(60)] + [
        round(0.38 - 0.004 * h + 0.001 * (h % 2), 3) for h in range(40)
    ]
    assert flags(cleaned(series("soil_vwc", values))) == {}


def test_a_cold_night_is_judged_by_its_neighbours() -> None:
    night = [-30 - 14.4 * sin(pi * h / 12) for h in range(13)]
    assert flags(cleaned(series("air_temp_c", [-30 + 0.1 * (h % 4) for h in range(20)] + night))) == {}
    lone = [-5 + 0.1 * (h % 4) for h in range(40)]
    lone[20] = -44.43
    assert flags(cleaned(series("air_temp_c", lone))) == {20: "spike"}


def test_error_words_are_sentinels_and_impossible_values_out_of_range() -> None:
    values = day_cycle(60)
    values[10], values[20] = -127.0, 75.0
    assert flags(cleaned(series("air_temp_c", values))) == {10: "sentinel", 20: "range"}


def test_a_word_that_may_be_true_is_an_error_only_beside_another_one() -> None:
    warm, damp = day_cycle(60, mean=0), [70 + h % 3 for h in range(60)]
    warm[12] = warm[24] = -0.01
    damp[12] = 655.35
    result = cleaned(series("air_temp_c", warm), series("rel_humidity_pct", [float(d) for d in damp]))
    assert flags(result) == {12: "sentinel", 72: "sentinel"}


def test_a_flat_line_is_stuck_but_saturated_air_and_freezing_soil_are_not() -> None:
    air = day_cycle(200)
    air[60:80] = [air[60]] * 20
    assert set(flags(cleaned(series("air_temp_c", air)))) == set(range(60, 80))
    assert flags(cleaned(series("rel_humidity_pct", [100.0] * 60))) == {}
    assert flags(cleaned(series("soil_temp_c", [-0.2] * 80))) == {}


def test_moisture_of_frozen_soil_is_marked_and_is_no_drought() -> None:
    vwc = [0.25 + 0.001 * (h % 3) for h in range(40)] + [0.06 + 0.001 * (h % 3) for h in range(40)]
    temp = [3 - 0.05 * h for h in range(40)] + [-1 - 0.05 * (h % 5) for h in range(40)]
    result = cleaned(series("soil_vwc", vwc), series("soil_temp_c", temp))
    found = result.readings.filter(pl.col("flag") == "frozen")
    assert (found.height, found["quantity"].unique().to_list()) == (40, ["soil_vwc"])


def test_a_repeated_time_is_counted_and_the_first_is_kept() -> None:
    raw = series("air_temp_c", day_cycle(50))
    again = raw[10:13].with_columns(line_number=pl.col("line_number") + 100, value=pl.lit(99.0))
    result = cleaned(raw, again)
    assert (faults(result), result.readings.height) == ({"duplicate": 3}, 50)
    assert result.readings["value"].max() < 30


def test_missing_readings_are_gaps_and_a_slower_rhythm_is_none() -> None:
    raw = series("air_temp_c", day_cycle(150)).filter(~pl.col("line_number").is_between(60, 69))
    slower = raw.with_columns(
        measured_at=pl.lit(START) - timedelta(minutes=10) * (200 - pl.col("line_number")),
        file_order=pl.lit(1, pl.UInt32),
    ).filter(pl.col("line_number") > 70)
    assert cleaned(raw).gaps["missing"].to_list() == [10]
    assert faults(cleaned(slower)) == {}


def test_a_clock_that_fell_back_is_found_and_put_right_between_good_neighbours() -> None:
    raw = series("air_temp_c", day_cycle(200))
    inside = pl.col("line_number").is_between(81, 110)
    reset = raw.with_columns(
        measured_at=pl.when(inside)
        .then(pl.col("measured_at") - timedelta(days=2000))
        .otherwise("measured_at")
    )
    result = cleaned(reset)
    assert faults(result) == {"clock": 30}
    assert result.readings["measured_at"].to_list() == raw["measured_at"].to_list()


def test_a_clock_that_nothing_puts_right_keeps_its_time_and_is_flagged() -> None:
    raw = series("air_temp_c", day_cycle(60), first=datetime(1970, 1, 1, tzinfo=UTC))
    result = cleaned(raw)
    assert set(result.readings["flag"]) == {"clock"}
    assert "declare installed_on" in result.faults["detail"][0]


def test_a_reference_moves_the_whole_record_and_when_it_was_known() -> None:
    wrong = datetime(2009, 9, 1, tzinfo=UTC)
    early = series("soil_temp_c", day_cycle(60), sensor="SL1/2", first=wrong, known_at=wrong)
    offset = (START - wrong).total_seconds()
    reference = series("clock_offset_s", [offset] * 60, sensor="SL1", first=wrong, file_order=1)
    result = cleaned(early, reference)
    assert faults(result) == {"clock": 60}
    assert result.readings["measured_at"][0] == START
    assert (result.readings["known_at"] >= result.readings["measured_at"]).all()


def test_the_day_of_installation_puts_a_clock_right_to_the_day() -> None:
    wrong = series("air_temp_c", day_cycle(60), first=datetime(2009, 9, 1, tzinfo=UTC))
    result = cleaned(wrong, sensors={"s1": date(2026, 4, 1)})
    assert result.readings["measured_at"][0] == START
    assert "found by installed" in result.faults["detail"][0]


def test_months_in_a_files_name_tell_a_wrong_clock() -> None:
    span = {"span_from": date(2026, 4, 1), "span_to": date(2026, 4, 30)}
    assert faults(cleaned(series("air_temp_c", day_cycle(60), **span))) == {}
    old = series("air_temp_c", day_cycle(60), first=datetime(2016, 4, 1, tzinfo=UTC), **span)
    assert faults(cleaned(old)) == {"clock": 60}


def test_a_live_file_of_old_readings_has_a_wrong_clock_and_a_history_load_has_not() -> None:
    old = datetime(2022, 4, 1, tzinfo=UTC)
    assert faults(cleaned(series("air_temp_c", day_cycle(60), first=old, is_history=False))) == {"clock": 60}
    assert faults(cleaned(series("air_temp_c", day_cycle(60), first=old))) == {}


def test_an_id_of_one_impossible_packet_is_made_up_unless_it_is_declared() -> None:
    noise = series("battery_v", [167.3], sensor="s188", first=datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC))
    result = cleaned(series("air_temp_c", day_cycle(60)), noise)
    assert faults(result) == {"made_up_id": 1}
    assert set(result.readings["sensor_id"]) == {"s1"}
    assert "made_up_id" not in faults(cleaned(noise, sensors={"s188": None}))


def test_readings_before_the_local_day_of_installation_are_bench_tests() -> None:
    result = cleaned(series("air_temp_c", day_cycle(60)), sensors={"s1": date(2026, 4, 2)})
    assert faults(result) == {"bench_test": 16}  # START is 8 in the morning of 1 April in Shanghai
    assert result.readings["measured_at"].min() == datetime(2026, 4, 1, 16, tzinfo=UTC)


def test_a_spike_is_known_only_when_the_readings_after_it_are() -> None:
    values = day_cycle(60)
    values[30] += 15
    raw = series("air_temp_c", values).with_columns(known_at="measured_at")
    spike = cleaned(raw).readings.filter(pl.col("flag") == "spike")
    assert spike["known_at"][0] == spike["measured_at"][0] + 2 * HOUR


def test_cleaning_a_part_again_gives_what_cleaning_all_gives() -> None:
    values = day_cycle(1500)
    for at in (100, 800, 1200, 1400):
        values[at] += 15
    values[900:940] = [values[900]] * 40
    raw = series("air_temp_c", values)
    whole, part = cleaned(raw), cleaned(raw, since=START + 1000 * HOUR)
    assert part.start is not None
    assert part.start > START
    assert_frame_equal(part.readings, whole.readings.filter(pl.col("measured_at") >= part.start))
    assert_frame_equal(part.faults, whole.faults.filter(pl.col("from_at") >= part.start))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), spikes=st.lists(st.integers(5, 110), max_size=3, unique=True))
def test_the_order_of_the_rows_handed_over_does_not_matter(seed: int, spikes: list[int]) -> None:
    values = day_cycle(120)
    for at in spikes:
        values[at] = -127.0
    raw = series("air_temp_c", values)
    one, other = cleaned(raw), cleaned(raw.sample(fraction=1, shuffle=True, seed=seed))
    assert_frame_equal(one.readings, other.readings)
    assert_frame_equal(one.faults, other.faults)
    assert faults(one) == ({"sentinel": len(spikes)} if spikes else {})


def test_no_reading_is_lost_unless_a_fault_counts_it() -> None:
    raw = series("air_temp_c", day_cycle(80))
    result = cleaned(raw, raw[3:5].with_columns(line_number=pl.col("line_number") + 200))
    assert result.marks.height == result.readings.height + faults(result)["duplicate"]


@pytest.mark.parametrize("seed", [1, 3])
def test_faults_put_into_made_up_sensors_are_found(seed: int) -> None:
    from benchmarks.sensor_faults import faulty
    from benchmarks.sensor_scores import recall_and_precision, score

    for kind, counts in score([faulty(seed, devices=2, days=100)]).items():
        recall, precision = recall_and_precision(counts)
        assert counts[0] > 0, kind
        assert recall >= 0.95, kind
        assert precision >= 0.9, kind
