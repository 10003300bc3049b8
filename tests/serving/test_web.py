"""How numbers are written and charts are laid out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from serving.web.charts import FanData, fan, nice_steps, place_dots, spark
from serving.web.say import Say

ZH = Say("zh", "jin", ZoneInfo("Asia/Shanghai"))
EN = Say("en", "kg", ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ZH.weight(1234.4), "2,469 斤"),
        (EN.weight(1234.4), "1,234 kg"),
        (EN.weight(0.456), "0.46 kg"),
        (EN.weight(None), "—"),
        (Say("zh", "t", EN.zone).weight(12_345), "12.3 吨"),
        (ZH.yuan(9_999), "9,999 元"),
        (ZH.yuan(18_240), "1.82 万元"),
        (EN.yuan(18_240), "18.2 k yuan"),
        (EN.yuan(15_790_000), "15.8 M yuan"),
        (ZH.yuan(-25_000), "−2.50 万元"),
        (EN.change(-0.021), "−2.1%"),
        (EN.change(0.5), "+50%"),
        (ZH.day(date(2026, 5, 4)), "5月4日 周一"),
        (EN.day(date(2026, 5, 4)), "Mon 4 May"),
        (ZH.when(datetime(2026, 5, 3, 22, 2, tzinfo=UTC)), "5月4日 06:02"),
        (EN.when(datetime(2026, 5, 3, 22, 2, tzinfo=UTC)), "4 May 06:02"),
        (EN.hours(50), "2 d"),
        (ZH.hours(24), "24 小时"),
    ],
)
def test_a_value_is_written_with_its_unit(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (101, "1 min 41 s"),
        (3_605, "1 h"),
        (7_445, "2 h 4 min"),
        (604_800, "168 h"),
        (604_801, ""),
        (7_364_160, ""),
        (-1, ""),
        (None, ""),
    ],
)
def test_a_duration_keeps_its_two_largest_units_and_an_impossible_one_is_not_told(
    seconds: float | None, expected: str
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = None if seconds is None else start + timedelta(seconds=seconds)
    assert EN.took(start, end) == expected
    assert EN.took(None, end) == ""


@examples(deadline=None)
@given(st.floats(1e-6, 1e9))
def test_axis_steps_cover_the_largest_value_in_few_even_steps(most: float) -> None:
    steps = nice_steps(most)
    assert steps[0] == 0
    assert steps[-1] >= most * (1 - 1e-9)
    assert 2 <= len(steps) <= 6


KG = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@examples(deadline=None)
@given(history=KG, median=KG, mean=st.floats(0, 1e6))
def test_a_fan_stays_inside_its_box(history: list[float], median: list[float], mean: float) -> None:
    labels = [str(i) for i in range(len(history) + len(median))]
    band = ([v * 0.5 for v in median], [v * 1.5 for v in median])
    data = FanData(labels, [(0, "May")], history, median, [band], [mean] * len(median))
    chart = fan(data, width=400, height=200, max_ticks=3)
    for drawn in (chart.history, chart.ahead, chart.thin, *chart.bands):
        for point in drawn.strip("MZ").split("L"):
            x, y = map(float, point.split())
            assert chart.left <= x <= 400
            assert 13.9 <= y <= chart.bottom + 0.1
    assert len(chart.hovers) == len(labels)


def test_a_spark_joins_past_and_future_in_one_point() -> None:
    past, ahead = spark([1.0, 2.0], [3.0])
    assert past.split("L")[-1] == ahead.split("L")[0].lstrip("M")


@examples(deadline=None)
@given(
    st.lists(st.tuples(st.floats(18, 53), st.floats(73, 135), st.floats(0.1, 500)), min_size=1, max_size=40)
)
def test_every_plot_is_on_the_map(places: list[tuple[float, float, float]]) -> None:
    lat, lon, size = zip(*places, strict=True)
    for x, y, r in place_dots(lat, lon, size):
        assert 0 <= x <= 640
        assert 0 <= y <= 420
        assert r >= 2
