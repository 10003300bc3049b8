"""A year earlier, week by week: by date, except where a festival moved."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.festivals import lunar_day
from features.weeks import Moving, festival_distance, lunar_festivals, year_back

MONDAY = date(2023, 1, 2)


def test_without_festivals_each_week_is_the_one_52_weeks_before() -> None:
    assert np.array_equal(year_back(MONDAY, 110, ()), np.eye(110, k=-52))


def test_a_week_at_a_festival_looks_at_the_week_of_its_last_occurrence() -> None:
    festival = Moving((date(2023, 1, 25), date(2024, 3, 6)), 2, 4)
    first = MONDAY - timedelta(weeks=6)
    back = year_back(first, 80, (festival,))
    of_2024 = (date(2024, 3, 4) - first).days // 7
    of_2023 = (date(2023, 1, 23) - first).days // 7
    assert back[of_2024, of_2023] == pytest.approx(1)
    sold = np.full(80, 10.0)
    sold[of_2023] = 90.0
    assert (back @ sold)[of_2024] == pytest.approx(90)
    assert (back @ sold)[52 + of_2023] == pytest.approx(10)


@settings(max_examples=15, deadline=None)
@given(first=st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_what_stands_for_a_week_lies_before_it_and_sums_to_one(first: date) -> None:
    weeks = 120
    back = year_back(first, weeks, lunar_festivals(first, first + timedelta(weeks=weeks)))
    assert np.allclose(back[60:].sum(axis=1), 1)
    assert np.allclose(np.triu(back), 0)
    assert np.allclose(back[:56] @ np.ones(weeks), back[:56].sum(axis=1))


@pytest.mark.parametrize("year", [2025, 2030, 2045])
def test_distances_are_told_for_projected_years_too(year: int) -> None:
    new_year = lunar_day(year, 1, 1)
    monday = new_year - timedelta(days=new_year.weekday())
    distance = festival_distance(monday, 8, lunar_festivals(monday, monday + timedelta(weeks=8)))
    assert distance[0, 0] == 3 - new_year.weekday()
    assert np.isnan(distance[7, 0])
