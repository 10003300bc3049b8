"""Make-believe stock-outs, and what is learnt from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.latent_hours import HOURS
from features.latent_level import ShelfDays, pool_numbers
from models.forecasting.latent import LatentParams, context, fit, recover
from models.forecasting.latent_clues import Context
from models.forecasting.latent_masks import Hiding, draw_hiding, likely_days, right_after_a_sale

SERIES, DAYS = 12, 90
HOUR = np.arange(HOURS)
FLAT = np.full((SERIES, 2, HOURS), 1 / HOURS, np.float32)
OUT_FROM_NOON = int(sum(1 << h for h in range(12, HOURS)))
SMALL = LatentParams(make_believe_days=2_000, trees=20, least_leaf_rows=20)


def shelf(hourly: np.ndarray, out_mask: np.ndarray) -> ShelfDays:
    """Series after series, their days from 1 January 1970."""
    share = 1 - np.array([bin(int(m)).count("1") for m in out_mask]) / HOURS
    names = {"product_id": range(SERIES), "channel_id": ["s"] * SERIES, "region_id": ["r"] * SERIES}
    return ShelfDays(
        series=np.repeat(np.arange(SERIES), DAYS),
        day=np.tile(np.arange(DAYS), SERIES),
        seen=hourly.sum(axis=1).astype(np.float32),
        share=share.astype(np.float32),
        orders=(hourly > 0).sum(axis=1).astype(np.float32),
        complete=out_mask == 0,
        pools=pool_numbers(names | {"family": ["f"] * SERIES}),
    )


def county(later: int = 0) -> tuple[Context, np.ndarray, np.ndarray, np.ndarray]:
    """Sales by hour with every fifth day out from noon: context, masks, hidden share, and what was wanted by hour."""
    rng = np.random.default_rng(4)
    wanted = rng.poisson(0.5, (SERIES * DAYS, HOURS)).astype(np.float32)
    day = np.tile(np.arange(DAYS), SERIES)
    wanted[day >= DAYS - later] += 7
    mask = np.where(day % 5 == 4, OUT_FROM_NOON, 0)
    hourly = np.where((mask[:, None] >> HOUR) & 1, 0, wanted)
    state = context(shelf(hourly, mask), profile=FLAT, hourly=hourly, hourly_unit=1.0)
    return state, mask, (1 - state.day.days.share), wanted


def test_days_are_drawn_in_proportion_to_sales_over_their_level_and_only_whole_ones() -> None:
    state, mask, _, _ = county()
    chance = likely_days(state.day.days)
    assert chance.sum() == pytest.approx(1.0)
    assert (chance[mask > 0] == 0).all()
    drawn = draw_hiding(state.day.days, mask, 400, seed=1, replace=False)
    seen = state.day.days.seen
    assert seen[drawn.rows].mean() > seen[mask == 0].mean() + 0.3
    assert len(set(drawn.rows.tolist())) == 400


def test_masks_are_those_of_real_days_within_the_hours_asked_for() -> None:
    state, mask, _, _ = county()
    drawn = draw_hiding(state.day.days, mask, 50, seed=1, replace=True, hours=range(6, 22))
    assert (drawn.hidden == ((HOUR >= 12) & (HOUR < 22))).all()
    assert not len(draw_hiding(state.day.days, np.zeros_like(mask), 50, seed=1, replace=True).rows)


@given(
    start=st.integers(7, 21),
    sales=st.lists(st.integers(0, HOURS - 1), min_size=1, max_size=8),
    ends=st.integers(0, 3),
)
def test_a_moved_stock_out_begins_in_the_hour_after_a_sale(start: int, sales: list[int], ends: int) -> None:
    hours = range(6, 22)
    hidden = ((start <= HOUR) & (max(start + 1, 22 - ends) > HOUR))[None]
    sold = np.isin(HOUR, sales)[None]
    moved = right_after_a_sale(Hiding(np.array([0]), hidden), sold, hours=hours).hidden[0]
    may_begin = [h + 1 for h in sales if 6 <= h < 21]
    first = int(np.flatnonzero(moved)[0])
    assert first in may_begin if may_begin else (moved == hidden[0]).all()
    if may_begin:
        assert abs(first - start) == min(abs(h - start) for h in may_begin)
    assert not moved[:6].any()
    assert not moved[22:].any()


def test_whole_days_out_stay_whole() -> None:
    hidden = ((HOUR >= 6) & (HOUR < 22))[None]
    sold = np.isin(HOUR, [9, 15])[None]
    assert (
        right_after_a_sale(Hiding(np.array([0]), hidden), sold, hours=range(6, 22)).hidden == hidden
    ).all()


def test_what_the_afternoon_would_have_sold_is_recovered_without_bias() -> None:
    state, mask, share, wanted = county()
    model = fit(state, mask, params=SMALL, seed=1)
    assert model.booster is not None
    kg = recover(model, state, out_mask=mask, hidden_share=share.astype(np.float32))
    out = mask > 0
    assert (kg[~out] == state.day.days.seen[~out]).all()
    assert (kg[out] >= state.day.days.seen[out]).all()
    settled = out & (state.day.days.day >= 30)
    assert kg[settled].sum() == pytest.approx(wanted[settled].sum(), rel=0.06)


def test_a_model_that_is_given_never_lets_later_days_change_earlier_ones() -> None:
    before, mask, share, _ = county()
    after = county(later=20)[0]
    model = fit(before, mask, params=SMALL, seed=1)
    early = before.day.days.day < DAYS - 20
    first, second = (
        recover(model, state, out_mask=mask, hidden_share=share.astype(np.float32))
        for state in (before, after)
    )
    assert first[early] == pytest.approx(second[early], rel=1e-5)
    assert not np.allclose(first[~early], second[~early])


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    state, mask, _, _ = county()
    one, two = (fit(state, mask, params=SMALL, seed=3).booster for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.model_to_string() == two.model_to_string()


def test_too_few_make_believe_days_leave_the_closed_form() -> None:
    state, mask, _, _ = county()
    assert fit(state, mask, params=LatentParams(make_believe_days=100), seed=1).booster is None
