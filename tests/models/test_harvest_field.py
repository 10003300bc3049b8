"""Thermal time, stages and flags of fields: tables reproduced, observed stages, and that silence is never good news."""

import csv
import json
import math
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.harvest.crop_stages import TABLE, stages_of
from models.harvest.field_days import calendar, sensor_days, station_days
from models.harvest.field_flags import KINDS, field_levels
from models.harvest.phenology import TooColdError, daily_rate, day_reached, days_at, progress
from settings import Settings

D0 = date(2026, 5, 1)
GOLDEN = [  # crop of the WOFOST tables, rate, sum, °C, days by hand: ceil(sum / rate)
    ("sweetpotato", (0, 0, 10, 0, 35, 25, 45, 25), 200 + 416 + 1436, 25.0, 137),
    ("rice 501", (0, 0, 10, 0, 25, 15), 875 + 625, 22.0, 125),
    ("faba bean 801", (0, 0, 20, 22.5, 25, 25, 35, 25), 833 + 1351, 18.0, 108),
    ("rice IR72 above its best", (0, 0, 8, 0, 30, 24, 42.5, 0), 1420 + 630, 36.25, 171),
]


@pytest.mark.parametrize(("name", "rate", "total", "warm", "days"), GOLDEN)
def test_at_a_constant_temperature_the_tables_days_come_out(
    name: str, rate: tuple[float, ...], total: float, warm: float, days: int
) -> None:
    assert days_at(warm, total, rate) == days
    daily = daily_rate(np.full(400, warm), rate)
    assert math.ceil(day_reached(daily, total) - 1e-6) == days


def test_every_variety_of_the_phenology_table_ripens_when_its_closed_form_says() -> None:
    path = Settings().data / "crop-params" / "wofost_phenology.csv"
    if not path.exists():
        pytest.skip("the folder crop-params is not there")
    rows = list(csv.DictReader(path.open("r", encoding="utf-8")))
    for row in rows:
        rate = tuple(float(x) for x in json.loads(row["DTSMTB"]))
        total = float(row["TSUM1"]) + float(row["TSUM2"])
        for warm in (16.0, 23.5):
            per_day = float(np.interp(warm, rate[::2], rate[1::2]))
            simulated = day_reached(daily_rate(np.full(4000, warm), rate), total)
            assert simulated == pytest.approx(total / per_day)
            assert days_at(warm, total, rate) == math.ceil(total / per_day - 1e-9)
    assert len(rows) > 50


def test_below_the_base_temperature_nothing_ripens_and_it_is_said() -> None:
    with pytest.raises(TooColdError, match="at 5 °C no thermal time is added"):
        days_at(5.0, 100.0, (10, 0, 30, 20))
    assert math.isnan(day_reached(np.zeros(50), 10.0))


def test_the_crop_tables_own_sum_scales_the_stages() -> None:
    own = stages_of("rice", "rice", 8.0, 950.0)
    assert own is not None
    assert own.sums == (25.0, 575.0, 950.0)
    assert stages_of("dragon_fruit", "dragon fruit", None, None) is None


def test_an_observed_stage_puts_the_sum_right_and_the_latest_counts() -> None:
    rice = TABLE["rice"]
    daily = np.full(60, 20.0)
    late = progress(daily, rice, [(50, "flowering")])
    assert late.from_observed
    assert late.heat_c_d == pytest.approx(rice.sums[1] + 10 * 20.0)
    assert late.error_c_d < progress(daily, rice).error_c_d
    both = progress(daily, rice, [(50, "flowering"), (55, "emerged")])
    assert both.heat_c_d == pytest.approx(rice.sums[0] + 5 * 20.0)
    assert both.stage == "emerged"


@given(st.lists(st.floats(0, 25), min_size=1, max_size=80), st.integers(0, 79))
def test_a_day_without_a_temperature_never_brings_a_crop_forward(rates: list[float], gap: int) -> None:
    full = np.array(rates)
    holed = full.copy()
    holed[gap % len(rates)] = np.nan
    assert progress(holed, TABLE["tomato"]).heat_c_d <= progress(full, TABLE["tomato"]).heat_c_d + 1e-9
    assert progress(holed, TABLE["tomato"]).unknown_days == 1


PLOTS = pl.DataFrame({
    "plot_id": ["a", "b"], "place_id": ["v", "v"], "frost_c": [0.0, 0.0], "heat_c": [35.0, 35.0], "is_flooded": [False, False],
})  # fmt: skip
MEASURED = st.lists(
    st.tuples(st.floats(-8, 20), st.floats(20, 42), st.floats(0, 24), st.floats(0, 1)), min_size=2, max_size=8
)


def own_days(plot: str, rows: list[tuple[float, float, float, float]]) -> pl.DataFrame:
    days = [D0 + timedelta(days=i) for i in range(len(rows))]
    columns = dict(
        zip(("low_c", "high_c", "wet_hours", "depleted_share"), zip(*rows, strict=True), strict=True)
    )
    return pl.DataFrame({"plot_id": plot, "day": days, **{k: list(v) for k, v in columns.items()}})


@given(MEASURED, MEASURED, st.integers(1, 7))
def test_a_sensor_that_falls_silent_never_makes_its_plot_look_better(
    mine: list[tuple[float, float, float, float]],
    station: list[tuple[float, float, float, float]],
    until: int,
) -> None:
    days = calendar(D0, D0 + timedelta(days=len(mine) + 2))
    weather = own_days("-", station).drop("plot_id")
    cut = min(until, len(mine) - 1)
    silent = field_levels(PLOTS, own_days("a", mine[:cut]), weather, days).filter(pl.col("plot_id") == "a")
    stations = field_levels(PLOTS, own_days("a", mine)[:0], weather, days).filter(pl.col("plot_id") == "a")
    for kind in KINDS:
        found, last = silent[f"level_{kind}"].to_list(), silent[f"level_{kind}"][cut - 1]
        assert all(x >= max(last, 1) for x in found[cut:])
        assert all(
            x >= y for x, y in zip(found[cut:], stations[f"level_{kind}"][cut:].to_list(), strict=True)
        )
    assert silent["silent_days"][-1] == days.height - cut


def test_a_day_of_too_few_good_hours_is_no_day_of_the_sensor() -> None:
    start = datetime.fromisoformat("2026-05-01T00:00:00+08:00")
    rows = [
        ("s", "air_temp_c", start + timedelta(hours=h), 10.0 + h, "spike" if h > 10 and d else None)
        for d in (0, 1)
        for h in range(24 * d, 24 * d + 24)
    ]
    readings = pl.DataFrame(
        rows, schema=["sensor_id", "quantity", "measured_at", "value", "flag"], orient="row"
    )
    days = sensor_days(
        readings, pl.DataFrame({"sensor_id": ["s"], "plot_id": ["a"]}), timezone="Asia/Shanghai"
    )
    assert days["day"].to_list() == [D0]
    assert (days["low_c"][0], days["high_c"][0]) == (10.0, 33.0)


def test_without_rain_the_water_balance_dries_and_rain_fills_it() -> None:
    start = datetime.fromisoformat("2026-07-01T00:00:00+08:00")
    hours = pl.DataFrame({
        "station_id": "x", "observed_at": [start + timedelta(hours=h) for h in range(24 * 30)],
        "air_temp_c": [25.0 + 8 * math.sin((h % 24 - 8) / 24 * 2 * math.pi) for h in range(24 * 30)],
        "rel_humidity_pct": 60.0, "rain_mm": [0.0] * (24 * 25) + [2.0] * (24 * 5),
    })  # fmt: skip
    days = station_days(hours, timezone="Asia/Shanghai", lat_deg=33.0)
    assert days.height == 30
    assert days["depleted_share"][24] > 0.8 > days["depleted_share"][0]
    assert days["depleted_share"][29] == 0.0
