import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.newsvendor import first_quantity

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def test_demand_spread_evenly_gives_the_closed_form() -> None:
    fine = np.arange(1, 1000) / 1000
    found = first_quantity(100 * fine, fine, price_yuan=10, cost_yuan=4, salvage_yuan=1)
    ratio = (10 - 4) / (10 - 1)
    assert found.service_share == pytest.approx(ratio)
    assert found.units == pytest.approx(100 * ratio, abs=0.2)
    assert found.expected_leftover == pytest.approx(100 * ratio**2 / 2, abs=0.2)
    assert found.expected_sold == pytest.approx(100 * (ratio - ratio**2 / 2), abs=0.2)
    assert found.expected_margin_yuan == pytest.approx((10 - 1) * 100 * ratio**2 / 2, abs=1.0)
    assert found.yuan_at_risk == pytest.approx(found.units * 3)


def test_a_product_that_costs_its_price_is_not_taken_on() -> None:
    found = first_quantity([10, 20], [0.4, 0.6], price_yuan=3, cost_yuan=3, salvage_yuan=0)
    assert (found.units, found.expected_margin_yuan, found.yuan_at_risk) == (0, 0, 0)


def test_no_more_is_taken_than_can_be_had() -> None:
    assert first_quantity([50, 80], [0.4, 0.6], price_yuan=9, cost_yuan=1, most_units=7).units == 7


@given(
    units=st.lists(st.floats(0, 1e4), min_size=11, max_size=11).map(sorted), price=st.floats(1, 100), cost=st.floats(0.5, 90),
    salvage=st.floats(0, 0.4),
)  # fmt: skip
def test_what_is_taken_is_sold_or_left_and_no_other_quantity_earns_more(
    units: list[float], price: float, cost: float, salvage: float
) -> None:
    found = first_quantity(units, LEVELS, price_yuan=price, cost_yuan=cost, salvage_yuan=salvage)
    assert found.expected_sold + found.expected_leftover == pytest.approx(found.units)
    assert found.expected_margin_yuan >= -1e-6 * (1 + found.units * cost)
    for share in (0.5, 0.9, 1.1):
        other = first_quantity(
            units,
            LEVELS,
            price_yuan=price,
            cost_yuan=cost,
            salvage_yuan=salvage,
            most_units=found.units * share,
        )
        assert other.expected_margin_yuan <= found.expected_margin_yuan + 1e-6 * (1 + found.units * price)


@pytest.mark.parametrize(
    ("units", "levels", "salvage", "said"),
    [
        ([1, 2], [0.5], 0, "give one for each"),
        ([2, 1], [0.4, 0.6], 0, "must not fall"),
        ([1, 2], [0.4, 0.6], 5, "leftovers would cost nothing"),
    ],
)
def test_what_cannot_be_is_refused(
    units: list[float], levels: list[float], salvage: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        first_quantity(units, levels, price_yuan=9, cost_yuan=5, salvage_yuan=salvage)
