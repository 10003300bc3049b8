"""Take on, keep or drop, on offers small enough to reckon by hand."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.selection import Offer, select

LEVELS = (0.1, 0.5, 0.9)
DAY, WINDOW = date(2026, 8, 31), date(2026, 11, 1)
OFFER = Offer("listing", price_yuan=10.0, cost_yuan=4.0, salvage_yuan=1.0, pack_kg=2.0)


def decide(offer: Offer, worth: tuple[float, ...] = (100.0, 500.0, 900.0)):  # type: ignore[no-untyped-def]
    return select(worth, LEVELS, offer, cutoff=DAY, window_from=WINDOW, probability=0.3, base_rate=0.2)


def test_an_offer_that_earns_is_taken_on_and_a_launch_kept() -> None:
    assert decide(OFFER).answer == "take_on"
    assert decide(replace(OFFER, question="launch")).answer == "keep"


def test_the_first_quantity_covers_the_critical_ratio_of_demand() -> None:
    first = decide(OFFER).first
    assert first.service_share == pytest.approx(6 / 9)
    assert first.units == pytest.approx(50 + 40 * (6 / 9 - 0.5) / 0.4)
    assert first.yuan_at_risk == pytest.approx(3 * first.units)


def test_a_pack_that_costs_what_it_brings_is_dropped_and_says_so() -> None:
    dropped = decide(replace(OFFER, cost_yuan=10.0))
    assert (dropped.answer, dropped.first.units) == ("drop", 0.0)
    assert "no quantity earns money" in dropped.text_en


def test_what_climate_forbids_is_dropped_with_its_reason() -> None:
    dropped = decide(replace(OFFER, blocked=("霜前不能成熟", "does not ripen before frost")))
    assert (dropped.answer, dropped.commit_quantity) == ("drop", 0.0)
    assert dropped.text_zh == "不上：霜前不能成熟"


def test_a_crop_that_still_has_time_to_grow_is_committed_in_mu_and_else_in_packs() -> None:
    grown = replace(OFFER, crop_id="radish", crop_kg_per_pack=2.2, yield_kg_per_mu=2000.0, growing_days=60)
    early = decide(grown)
    assert (early.commit_kind, early.commit_by) == ("mu", date(2026, 9, 2))
    assert early.commit_quantity == pytest.approx(early.first.units * 2.2 / 2000)
    late = decide(replace(grown, growing_days=80))
    assert (late.commit_kind, late.commit_quantity, late.commit_by) == ("packs", late.first.units, WINDOW)


@given(st.floats(1.0, 50.0), st.floats(0.5, 49.0), st.floats(0.0, 40.0))
def test_nothing_with_a_margin_of_zero_or_less_is_ever_taken_on(
    price: float, cost: float, salvage: float
) -> None:
    chosen = decide(replace(OFFER, price_yuan=price, cost_yuan=cost, salvage_yuan=salvage))
    assert (chosen.answer == "drop") == (chosen.first.expected_margin_yuan <= 0)
    assert chosen.first.expected_leftover <= chosen.first.units + 1e-9
