"""Promotions by product: planned ones count from the day they were known, earlier ones by what they sold."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.promotions import FEATURES, add_promotions, mark_promoted, promotion_days, promotion_state

MAY = date(2026, 5, 1)
DAYS = 40


def grid(on: set[int], lift: float = 2.0) -> pl.DataFrame:
    """Two series of one product and one of another; the first sells `lift` times its usual 10 kg on promotion days."""
    rows = [
        (number, product, shop, MAY + timedelta(days=d), 10.0 * (lift if product == "a" and d in on else 1.0))
        for number, (product, shop) in enumerate((("a", "north"), ("a", "south"), ("b", "north")))
        for d in range(DAYS)
    ]
    frame = pl.DataFrame(
        rows, schema=["series", "product_id", "channel_id", "date", "told_kg"], orient="row"
    ).with_columns(region_id=pl.lit("r"))
    return mark_promoted(frame, promotion_days(promotion(on)))


def promotion(on: set[int], known_on: date = date(2026, 1, 1)) -> pl.DataFrame:
    return pl.DataFrame(
        {"promotion_date": [MAY + timedelta(days=d) for d in sorted(on)]}, schema={"promotion_date": pl.Date}
    ).select(
        "promotion_date",
        product_id=pl.lit("a"),
        channel_id=pl.lit("north"),
        known_on=pl.lit(known_on, pl.Date),
    )


def asked(lead: int, origin: int = 30) -> pl.DataFrame:
    day = MAY + timedelta(days=origin)
    return pl.DataFrame(
        {
            "series": [0, 2],
            "product_id": ["a", "b"],
            "channel_id": ["north", "north"],
            "region_id": ["r", "r"],
            "origin": [day, day],
            "date": [day + timedelta(days=lead)] * 2,
        }
    )


def test_what_promotion_days_sold_before_is_told_for_a_promoted_day_and_the_rest_for_another() -> None:
    on = {5, 12, 19, 26, 33}
    days = grid(on)
    state = promotion_state(days, pl.repeat(10.0, days.height, eager=True))
    plans = promotion_days(promotion(on))
    promoted, plain = (add_promotions(asked(lead), plans, state).row(0, named=True) for lead in (3, 4))
    assert promoted["promoted"] == 1
    assert promoted["planned_index_own"] == pytest.approx((4 * 2 + 3) / (4 + 3))
    assert plain["promoted"] == 0
    assert plain["promoted_before"] == 1
    assert plain["planned_index_own"] == pytest.approx(1.0)
    assert promoted["promotion_days"] == 4


def test_a_promotion_counts_from_the_day_it_was_known() -> None:
    origin = MAY + timedelta(days=30)
    known, unknown = (promotion_days(promotion({33}, origin + timedelta(days=late))) for late in (0, 1))
    days = grid({5})
    state = promotion_state(days, pl.repeat(10.0, days.height, eager=True))
    assert add_promotions(asked(3), known, state)["promoted"].to_list() == [1, 0]
    assert add_promotions(asked(3), unknown, state)["promoted"].to_list() == [0, 0]


def test_where_no_promotion_is_known_all_is_null() -> None:
    none = promotion_days(None)
    days = mark_promoted(grid(set()).drop("promoted"), none)
    state = promotion_state(days, pl.repeat(10.0, days.height, eager=True))
    assert add_promotions(asked(3), none, state).select(
        FEATURES
    ).null_count().sum_horizontal().item() == 2 * len(FEATURES)


@settings(max_examples=20, deadline=None)
@given(later=st.lists(st.floats(0, 1e4), min_size=9, max_size=9))
def test_what_sells_later_never_changes_an_earlier_index(later: list[float]) -> None:
    on = {5, 12, 19, 26, 33}
    days = grid(on)
    changed = (
        pl.when(pl.col("date") > MAY + timedelta(days=30))
        .then(pl.Series(later).gather(pl.Series(range(days.height)) % 9))
        .otherwise("told_kg")
    )
    level, plans = pl.repeat(10.0, days.height, eager=True), promotion_days(promotion(on))
    before, after = (
        add_promotions(asked(3), plans, promotion_state(frame, level))
        for frame in (days, days.with_columns(told_kg=changed))
    )
    assert before.equals(after)
