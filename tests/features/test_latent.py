"""What stock-outs hid: hours of the day, the usual day, and the demand recovered from them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.latent import recovered_days, whole_days
from features.latent_hours import HOURS, day_type, hidden_share, out_in_hour, usual_day

MONDAY = date(2026, 6, 1)
HOURLY = {
    "product_id": pl.String,
    "channel_id": pl.String,
    "region_id": pl.String,
    "is_weekend": pl.Boolean,
    "hour": pl.Int32,
    "orders": pl.Int64,
}
FLAT = np.full((1, 2, HOURS), 1 / HOURS, np.float32)


def sold(kg: list[list[float]]) -> pl.DataFrame:
    """Kg as [product, day]."""
    rows = [
        (f"p{i}", MONDAY + timedelta(days=t), float(x), max(1, round(x)))
        for i, of in enumerate(kg)
        for t, x in enumerate(of)
    ]
    frame = pl.DataFrame(rows, schema=["product_id", "sale_date", "sold_kg", "orders"], orient="row")
    return frame.with_columns(channel_id=pl.lit("shop"), region_id=pl.lit("r"))


def stock(*days: tuple[int, float], product: str = "p0", mask: int | None = None) -> pl.DataFrame:
    """Hours out of stock by day."""
    return pl.DataFrame(
        {
            "product_id": pl.Series([product] * len(days), dtype=pl.String),
            "channel_id": pl.Series(["shop"] * len(days), dtype=pl.String),
            "region_id": pl.Series(["r"] * len(days), dtype=pl.String),
            "stock_date": [MONDAY + timedelta(days=t) for t, _ in days],
            "hours_out_of_stock": [h for _, h in days],
            "out_mask": [mask] * len(days),
        },
        schema_overrides={"out_mask": pl.Int64, "stock_date": pl.Date, "hours_out_of_stock": pl.Float64},
    )


def recovered(sales: pl.DataFrame, outs: pl.DataFrame, hourly: pl.DataFrame | None = None) -> pl.DataFrame:
    families = pl.DataFrame({"product_id": sales["product_id"].unique(), "family": "f"})
    return recovered_days(
        sales,
        outs,
        families,
        pl.DataFrame(schema=HOURLY) if hourly is None else hourly,
        cutoff=sales["sale_date"].max(),
    )


def test_bit_h_of_a_mask_is_the_hour_from_h() -> None:
    assert np.flatnonzero(out_in_hour(np.array([(1 << 20) | (1 << 3)]))[0]).tolist() == [3, 20]


def test_the_weekend_begins_on_saturday() -> None:
    monday = (MONDAY - date(1970, 1, 1)).days
    assert day_type(np.arange(monday, monday + 7)).tolist() == [0, 0, 0, 0, 0, 1, 1]


def test_hours_of_a_thin_series_are_those_of_its_product_and_of_a_thick_one_its_own() -> None:
    sums = np.zeros((3, 2, HOURS))
    sums[0, :, 8], sums[1, :, 8], sums[2, :, 20] = 1e6, 1.0, 1e6
    profile = usual_day(sums, product=np.array([0, 0, 1]), category=np.array([0, 0, 0]))
    assert profile.sum(axis=2) == pytest.approx(np.ones((3, 2)))
    assert profile[0, 0, 8] > 0.99
    assert profile[1, 0, 8] > 0.95
    assert profile[2, 0, 20] > 0.99


def test_where_only_hours_are_counted_the_stock_ran_out_at_the_end_of_the_day() -> None:
    profile = np.zeros((1, 2, HOURS), np.float32)
    profile[:, :, [6, 20]] = 0.75, 0.25
    asked = {"series": np.zeros(3, np.int64), "day": np.arange(3)}
    shares = hidden_share(
        profile,
        **asked,
        out_mask=np.full(3, -1),
        out_hours=np.array([4.0, 3.5, np.nan], np.float32),
    )
    assert shares == pytest.approx([0.25, 0.125, 0.0], abs=1e-6)
    by_hour = hidden_share(profile, **asked, out_mask=np.full(3, 1 << 6), out_hours=np.zeros(3, np.float32))
    assert by_hour == pytest.approx([0.75] * 3)


def test_a_day_is_whole_when_it_was_in_stock_by_day_though_not_at_night() -> None:
    grid = pl.DataFrame(
        {
            "sold_kg": [1.0, 1.0, None, 1.0, 1.0],
            "out_mask": [1 << 2, 1 << 12, 0, None, None],
            "out_hours": [1.0, 1.0, 0.0, 5.0, None],
        }
    )
    assert whole_days(grid).tolist() == [True, False, False, False, True]


def test_half_a_day_out_adds_about_half_of_the_usual_day() -> None:
    found = recovered(sold([[20.0] * 40 + [10.0], [20.0] * 41]), stock((40, 12.0)))
    assert found["date"].to_list() == [MONDAY + timedelta(days=40)]
    assert found["demand_kg"].item() == pytest.approx(20.0, rel=0.05)
    assert found["hidden_share"].item() == pytest.approx(0.5)


def test_a_day_without_any_stock_gets_the_usual_day_as_its_neighbours_had_it() -> None:
    quiet = recovered(sold([[20.0] * 40 + [0.0], *[[20.0] * 41] * 6]), stock((40, 24.0)))
    busy = recovered(sold([[20.0] * 40 + [0.0], *[[20.0] * 40 + [60.0]] * 6]), stock((40, 24.0)))
    assert quiet["demand_kg"].item() == pytest.approx(20.0, rel=0.05)
    assert 30 < busy["demand_kg"].item() < 60


def test_stock_that_lasted_and_days_without_a_record_are_left_as_they_are() -> None:
    assert recovered(sold([[3.0] * 10]), stock((4, 0.0))).is_empty()
    assert recovered(sold([[3.0] * 10]), stock()).is_empty()


def test_hours_that_sell_little_hide_little() -> None:
    hours = pl.DataFrame({"hour": [8, 20], "orders": [9_000, 1_000]}, schema_overrides={"hour": pl.Int32})
    keys = {"product_id": "p0", "channel_id": "shop", "region_id": "r"}
    days = pl.DataFrame({"is_weekend": [False, True]}).with_columns(**{k: pl.lit(v) for k, v in keys.items()})
    morning = days.join(hours, how="cross")
    sales, outs = sold([[20.0] * 41]), stock((40, 12.0))
    assert 21 < recovered(sales, outs, morning)["demand_kg"].item() < 23
    assert recovered(sales, outs)["demand_kg"].item() > 26


kilograms = st.lists(st.integers(0, 60).map(float), min_size=3, max_size=30)


@settings(deadline=None, max_examples=40)
@given(kg=kilograms, hours=st.lists(st.floats(0, 24), min_size=30, max_size=30))
def test_demand_is_never_below_what_was_sold(kg: list[float], hours: list[float]) -> None:
    sales = sold([[1.0, *kg]])
    found = recovered(sales, stock(*((t + 1, h) for t, h in enumerate(hours[: len(kg)]))))
    both = found.join(sales, left_on=["product_id", "date"], right_on=["product_id", "sale_date"])
    assert both.height == found.height
    assert (both["demand_kg"] >= both["sold_kg"]).all()
    assert found["demand_kg"].is_finite().all()


@settings(deadline=None, max_examples=25)
@given(kg=kilograms, day=st.integers(1, 30), hours=st.tuples(st.floats(0.5, 24), st.floats(0.5, 24)))
def test_more_hours_out_after_the_same_sales_never_hide_less(
    kg: list[float], day: int, hours: tuple[float, float]
) -> None:
    day = min(day, len(kg))
    fewer, more = (
        recovered(sold([[1.0, *kg], [2.0] * (len(kg) + 1)]), stock((day, h)))["demand_kg"].item()
        for h in sorted(hours)
    )
    assert more >= fewer - 1e-5


@settings(deadline=None, max_examples=40)
@given(kg=kilograms, later=kilograms, hours=st.lists(st.floats(0, 24), min_size=60, max_size=60))
def test_later_days_never_change_what_was_recovered(
    kg: list[float], later: list[float], hours: list[float]
) -> None:
    def until(kilos: list[float]) -> pl.DataFrame:
        outs = stock(*((t + 1, h) for t, h in enumerate(hours[: len(kilos)])))
        return recovered(sold([[1.0, *kilos], [5.0] * (len(kilos) + 1)]), outs)

    before, after = until(kg), until([*kg, *later])
    assert_frame_equal(after.filter(pl.col("date") <= MONDAY + timedelta(days=len(kg))), before)
