"""The index of days about Spring Festival: read from the twins of earlier lunar years, 1 elsewhere."""

from datetime import date, timedelta

import polars as pl
import pytest

from features.calendar import calendar_days
from features.festival_index import INDEX_POOLS, WINDOWS, festival_index, in_unit_of_day
from features.festivals import lunar_day

FESTIVAL, LAST = lunar_day(2026, 1, 1), lunar_day(2025, 1, 1)
FIRST = LAST - timedelta(days=120)
CALENDAR = calendar_days(FIRST, FESTIVAL + timedelta(days=60))
KEYS = dict.fromkeys(INDEX_POOLS, ("pool",))


def pool(factor: float, *, usual: float = 100.0, name: str = "a") -> pl.DataFrame:
    """A pool that sold `factor` × its usual kg in the week before the last Spring Festival."""
    days = pl.DataFrame({"date": pl.date_range(FIRST, FESTIVAL, "1d", eager=True)})
    in_rise = pl.col("date").is_between(LAST - timedelta(days=7), LAST - timedelta(days=1))
    return days.select(
        "date",
        pool=pl.lit(name),
        weekday_kg=pl.when(in_rise).then(usual * factor).otherwise(usual),
        weekday_mean_kg=pl.lit(usual),
    )


def index_on(day: date, *, factor: float = 2.0, kg_per_order: float = 0.01, name: str = "a") -> float | None:
    rows = pl.DataFrame(
        {"date": [day], "lead_days": [10], "kg_per_order": [kg_per_order], "pool": [name]}
    ).join(CALENDAR.select("date", *(f"days_from_{name}" for name in WINDOWS)), on="date")
    found = festival_index(rows, CALENDAR, dict.fromkeys(INDEX_POOLS, pool(factor)), KEYS)
    return found.item()


@pytest.mark.parametrize("factor", [0.2, 1.0, 2.0])
def test_a_day_is_as_far_from_usual_as_its_twin_was(factor: float) -> None:
    assert index_on(FESTIVAL - timedelta(days=3), factor=factor) == pytest.approx(factor, rel=0.01)
    assert index_on(FESTIVAL + timedelta(days=3), factor=factor) == pytest.approx(1.0, rel=0.01)


def test_few_orders_draw_the_index_to_one() -> None:
    assert index_on(FESTIVAL - timedelta(days=3), kg_per_order=5.0) == pytest.approx(1.5)


def test_far_from_the_festival_the_index_is_one_whatever_the_twin_sold() -> None:
    assert index_on(FESTIVAL + timedelta(days=WINDOWS["spring_festival"][1] + 1)) == 1.0


def test_a_day_without_a_twin_has_no_index_and_keeps_its_level() -> None:
    assert index_on(LAST - timedelta(days=3)) is None
    assert index_on(FESTIVAL - timedelta(days=3), name="unseen") is None
    rows = pl.DataFrame(
        {"date": [LAST - timedelta(days=3)], "lead_days": [1], "kg_per_order": [1.0], "level_kg": [3.0]}
    ).join(CALENDAR.select("date", *(f"days_from_{name}" for name in WINDOWS)), on="date")
    measured = in_unit_of_day(
        rows.with_columns(pool=pl.lit("a")),
        CALENDAR,
        dict.fromkeys(INDEX_POOLS, pool(2.0)),
        KEYS,
        has_year=True,
    )
    assert measured.select("level_kg", "festival_index").row(0) == (3.0, None)


def test_the_level_is_measured_in_days_like_the_target_day() -> None:
    rows = pl.DataFrame(
        {"date": [FESTIVAL - timedelta(days=2)], "lead_days": [5], "kg_per_order": [0.001], "level_kg": [3.0]}
    ).join(CALENDAR.select("date", *(f"days_from_{name}" for name in WINDOWS)), on="date")
    pools = dict.fromkeys(INDEX_POOLS, pool(2.0))
    with_pool = rows.with_columns(pool=pl.lit("a"))
    assert in_unit_of_day(with_pool, CALENDAR, pools, KEYS, has_year=True)[
        "level_kg"
    ].item() == pytest.approx(6.0, rel=0.01)
    assert in_unit_of_day(with_pool, CALENDAR, pools, KEYS, has_year=False)["level_kg"].item() == 3.0


def test_a_twin_in_the_first_weeks_of_the_records_does_not_speak() -> None:
    rows = pl.DataFrame(
        {"date": [FESTIVAL - timedelta(days=3)], "lead_days": [10], "kg_per_order": [0.01], "pool": ["a"]}
    ).join(CALENDAR.select("date", *(f"days_from_{name}" for name in WINDOWS)), on="date")
    young = CALENDAR.filter(pl.col("date") >= LAST - timedelta(days=30))
    assert festival_index(rows, young, dict.fromkeys(INDEX_POOLS, pool(2.0)), KEYS).item() is None
