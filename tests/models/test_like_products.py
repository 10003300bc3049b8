"""What products like one that never sold tell of it."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from features.launch_context import day_totals
from models.forecasting.like_products import (
    WINDOWS,
    LikeCall,
    call_by_likes,
    product_spread,
    sale_windows,
    weighed_quantiles,
)

FROM = date(2026, 7, 1)
LEVELS = (0.1, 0.5, 0.9)


def windows(*rows: tuple[str, date, float]) -> pl.DataFrame:
    return pl.DataFrame([(p, d, w, False) for p, d, w in rows], schema=WINDOWS, orient="row")


def called(rows: pl.DataFrame, price: float = 10.0, **prices: float) -> LikeCall:
    known = pl.DataFrame(
        {"product_id": list(prices), "price_yuan_per_kg": list(prices.values())},
        schema={"product_id": pl.String, "price_yuan_per_kg": pl.Float64},
    )
    return call_by_likes(
        rows, known, price_yuan_per_kg=price, window_from=FROM, levels=LEVELS, top_share=0.2, spread=0.4
    )


def test_a_product_is_told_from_those_at_its_price_and_time_of_year() -> None:
    year_ago = FROM - timedelta(days=365)
    rows = windows(
        ("cheap", year_ago, 100.0),
        ("dear", year_ago, 1000.0),
        ("cheap", year_ago + timedelta(days=182), 5000.0),
    )
    low, high = (called(rows, price, cheap=2.0, dear=40.0) for price in (2.0, 40.0))
    assert low.expected_yuan < 200
    assert high.expected_yuan > 900
    assert low.probability < high.base_rate < high.probability


def test_one_like_product_never_makes_a_call_certain() -> None:
    call = called(windows(("only", FROM, 800.0), ("only", FROM - timedelta(days=182), 1.0)), only=10.0)
    assert 0.05 < call.probability < 0.6
    assert call.worth[0] < 0.8 * call.worth[1] < call.worth[2]


def test_without_any_window_there_is_no_call() -> None:
    with pytest.raises(ValueError, match="no window"):
        called(windows())


@examples(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 700), st.floats(0, 1e6)), min_size=1, max_size=20
    ),
    st.floats(0.5, 500),
)
def test_chances_are_chances_and_quantiles_do_not_fall(
    rows: list[tuple[str, int, float]], price: float
) -> None:
    call = called(windows(*((p, FROM - timedelta(days=d), w) for p, d, w in rows)), price, a=3.0, b=300.0)
    assert 0 <= call.probability <= 1
    assert 0 <= call.base_rate <= 1
    assert np.all(np.diff(call.worth) >= 0)
    assert call.worth[0] >= 0


@given(st.floats(0.1, 10))
def test_weights_count_by_their_share(scale: float) -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    assert weighed_quantiles(values, weights * scale, [0.1, 0.9]) == pytest.approx([1.0, 3.0])


def test_windows_of_launches_are_their_own_and_end_before_the_day_asked() -> None:
    first = date(2026, 1, 1)
    days = [first + timedelta(days=n) for n in range(200)]
    entries = pl.DataFrame(
        [("old", d, 1.0, 2.0) for d in days] + [("new", d, 1.0, 3.0) for d in days[50:]],
        schema=["product_id", "day", "units", "revenue_yuan"],
        orient="row",
    )
    starts = pl.DataFrame({"product_id": ["new"], "start_on": [days[50]]})
    before = first + timedelta(days=200)
    found = sale_windows(day_totals(entries), starts, before=before, from_day=28, to_day=84, past_days=420)
    own = found.filter("is_launch")
    assert own.select("product_id", "window_from", "worth_yuan").rows() == [("new", days[78], 56 * 3.0)]
    older = found.filter(~pl.col("is_launch"))
    assert older["worth_yuan"].unique().to_list() == [112.0]
    assert older["window_from"].max() == before - timedelta(days=56)
    assert product_spread(found.with_columns(family=pl.lit("f"))) > 0.2
