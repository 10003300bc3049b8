"""What past sales say."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.calendar import day_grid
from features.sales import add_stock_outs, pool_state, series_state, stock_out_weight

MAY = date(2026, 5, 1)
NO_STOCK = pl.DataFrame(
    schema={
        "product_id": pl.String,
        "channel_id": pl.String,
        "region_id": pl.String,
        "stock_date": pl.Date,
        "hours_out_of_stock": pl.Float64,
    }
)


def grid(*kg: float, product: str = "a", stock: pl.DataFrame = NO_STOCK) -> pl.DataFrame:
    """Sales of one product beside a steady other one, so that the channel is never closed."""
    days = [MAY + timedelta(days=i) for i in range(len(kg))]
    rows = [(product, d, k, 1) for d, k in zip(days, kg, strict=True)] + [("steady", d, 1.0, 1) for d in days]
    sold = pl.DataFrame(
        rows, schema=["product_id", "sale_date", "sold_kg", "orders"], orient="row"
    ).with_columns(channel_id=pl.lit("shop"), region_id=pl.lit("r"))
    return add_stock_outs(day_grid(sold, cutoff=days[-1]), stock)


def out(day: int, hours: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product_id": "a",
            "channel_id": "shop",
            "region_id": "r",
            "stock_date": MAY + timedelta(days=day),
            "hours_out_of_stock": hours,
        }
    )


def state_of_a(frame: pl.DataFrame) -> pl.DataFrame:
    return series_state(frame).filter(pl.col("series") == 0)


def test_means_count_open_days_and_zeros() -> None:
    state = state_of_a(grid(7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 14.0))
    assert state["mean_7"].to_list()[6:] == pytest.approx([1.0, 2.0])
    assert state["days_since_sale"].to_list() == [0, 1, 2, 3, 4, 5, 6, 0]
    assert state["history_days"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert state["idle_share_28"][-1] == pytest.approx(6 / 8)


def test_the_weekday_mean_leaves_out_a_day_without_stock() -> None:
    no_stock = grid(*[10.0] * 7, 2.0, *[10.0] * 6, 10.0, stock=out(7, 24.0))
    state = state_of_a(no_stock)
    assert state["weekday_mean_kg"][-1] == pytest.approx(10.0)
    assert state["out_days_28"][-1] == 1
    assert state_of_a(grid(*[10.0] * 7, 2.0, *[10.0] * 6, 10.0))["weekday_mean_kg"][-1] == pytest.approx(
        22 / 3
    )


def test_the_level_of_a_busy_series_follows_the_week_and_that_of_a_rare_one_the_half_year() -> None:
    busy = pl.concat([grid(*[10.0] * 60, *[20.0] * 7).with_columns(orders=pl.lit(100.0, pl.Float32))])
    rare = grid(*[10.0] * 60, *[20.0] * 7).with_columns(orders=pl.lit(0.02, pl.Float32))
    assert state_of_a(busy)["level_kg"][-1] > 19
    assert state_of_a(rare)["level_kg"][-1] < 12


@pytest.mark.parametrize(("hours", "weight"), [(None, 1.0), (0.5, 1.0), (12.0, 1.0), (20.0, 0.05)])
def test_only_a_day_without_stock_loses_its_weight(hours: float | None, weight: float) -> None:
    frame = pl.DataFrame({"hours": [hours]}, schema={"hours": pl.Float64})
    assert frame.select(stock_out_weight(pl.col("hours"))).item() == pytest.approx(weight)


def test_a_pool_adds_up_its_series() -> None:
    pooled = pool_state(grid(1.0, 2.0, 3.0), ["channel_id"])
    assert pooled["weekday_kg"].to_list() == [2, 3, 4]
    assert pooled["pool_mean_7"].to_list() == pytest.approx([2.0, 2.5, 3.0])
    assert pooled["pool_kg_3"].to_list()[:2] == pytest.approx([2.5, 3.0])


@settings(deadline=None, max_examples=40)
@given(
    past=st.lists(st.floats(0, 1e3, width=32), min_size=2, max_size=40), future=st.floats(0, 1e3, width=32)
)
def test_a_later_day_never_changes_what_was_known(past: list[float], future: float) -> None:
    before, after = (series_state(grid(*kg)) for kg in ([1.0, *past], [1.0, *past, future]))
    last = MAY + timedelta(days=len(past))
    assert_frame_equal(after.filter(pl.col("date") <= last), before)
