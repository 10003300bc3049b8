from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.grading.shipped import shipped
from models.grading.standards import (
    Limit,
    Standard,
    check_own,
    fault_of_value,
    from_frame,
    in_force,
    looser_limits,
    to_frame,
)

CRAB = next(s for s in shipped() if s.crop_id == "crab")
WINE = next(s for s in shipped() if s.crop_id == "wine")


def own(special: float, first: float, version: str = "1", since: date = date(2026, 1, 1)) -> Standard:
    limits = (
        Limit("特级", "weight_g_male", special),
        Limit("特级", "weight_g_female", 150.0),
        Limit("一级", "weight_g_male", first),
        Limit("一级", "weight_g_female", 125.0),
        Limit("礼盒", "weight_g_male", 260.0),
        Limit("礼盒", "weight_g_female", 210.0),
    )
    return Standard("清禾", version, "crab", since, "co-operative", False, ("礼盒", "特级", "一级"), limits)


def test_a_crab_is_graded_by_its_sex_and_weight() -> None:
    assert CRAB.grade_of({"weight_g_male": 160.0}) == "一级"
    assert CRAB.grade_of({"weight_g_female": 160.0}) == "特级"
    assert CRAB.grade_of({"weight_g_male": 110.0}) is None


def test_a_class_is_not_given_when_nothing_it_asks_was_measured() -> None:
    assert CRAB.grade_of({"brix": 12.0}) is None


@pytest.mark.parametrize(
    ("sugar", "gap", "grade"),
    [
        (4.0, 99, "dry"),
        (8.0, 2.0, "dry"),
        (8.0, 2.1, "semi-dry"),
        (45.0, 9, "semi-sweet"),
        (46.0, 9, "sweet"),
    ],
)
def test_wine_classes_follow_sugar_and_ease_with_acid(sugar: float, gap: float, grade: str) -> None:
    assert WINE.grade_of({"sugar_g_per_l": sugar, "sugar_minus_acid_g_per_l": gap}) == grade


def test_a_stricter_own_standard_passes_and_may_have_classes_of_its_own() -> None:
    check_own(own(200.0, 150.0), CRAB)
    check_own(own(220.0, 165.0), CRAB)


def test_a_looser_own_standard_is_refused_and_the_limit_is_named() -> None:
    with pytest.raises(ValueError, match=r"一级: weight_g_male ≥ 140, but .* asks weight_g_male ≥ 150"):
        check_own(own(200.0, 140.0), CRAB)


@given(special=st.floats(100, 300), first=st.floats(100, 300))
def test_an_own_standard_is_at_least_as_strict_exactly_when_no_limit_is_lower(
    special: float, first: float
) -> None:
    assert len(looser_limits(own(special, first), CRAB)) == (special < 200) + (first < 150)


def test_the_newest_version_that_holds_on_a_day_is_in_force() -> None:
    versions = [own(200, 150), own(210, 150, "2", date(2026, 6, 1))]
    assert [s.version for s in in_force(versions, date(2026, 5, 31))] == ["1"]
    assert [s.version for s in in_force(versions, date(2026, 6, 1))] == ["2"]
    assert in_force(versions, date(2025, 1, 1)) == []


def test_a_grade_that_is_not_in_the_standard_is_named() -> None:
    with pytest.raises(ValueError, match=r"grade '超级' is not in AQSIQ 71/2006 .* it has 特级, 一级, 二级"):
        CRAB.of("超级")


@pytest.mark.parametrize(
    ("name", "value"), [("brix", -1.0), ("weight_g", -2.0), ("damage_pct", 101.0), ("brix", float("nan"))]
)
def test_a_value_that_cannot_be_is_named_and_not_graded(name: str, value: float) -> None:
    assert name in (fault_of_value(name, value) or "")
    with pytest.raises(ValueError, match=name):
        CRAB.grade_of({name: value})


def test_every_shipped_limit_has_its_source_and_survives_the_table() -> None:
    frame = to_frame(shipped())
    assert (frame["source"].str.len_chars() > 10).all()
    assert frame.filter(frame["min_value"].is_null() & frame["max_value"].is_null()).is_empty()
    back = {s.crop_id: s for s in from_frame(to_frame([CRAB]))}["crab"]
    assert back.grades == CRAB.grades
    assert set(back.limits) == set(CRAB.limits)


def test_classes_read_from_a_table_stand_strictest_first() -> None:
    rows = to_frame([own(200, 150)]).reverse()
    assert from_frame(rows)[0].grades[-1] == "一级"
