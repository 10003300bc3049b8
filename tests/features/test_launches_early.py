from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.launch_asks import asked, find_launches, learning_asks, older_windows, outcomes
from features.launches_early import FEATURES, FeatureBasis, early_features, learn_basis

FIRST = date(2026, 1, 1)
DAY = 14


def made_up(seed: int = 1, days: int = 150, products: int = 24) -> pl.DataFrame:
    """Entries of a small shop in which products start all the time."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(products):
        start, pace = int(rng.integers(0, days - 20)) if p > 5 else 0, rng.uniform(0.2, 2)
        for day in range(start, days):
            for _ in range(int(rng.poisson(pace)) or int(day == start)):
                units = float(rng.integers(1, 9))
                on = FIRST + timedelta(days=day)
                rows.append(
                    (f"p{p}", f"o{day}-{rng.integers(9)}", f"b{rng.integers(30)}", "UK", f"red box {p % 5}", on, on, units, units * (2.0 + p))
                )  # fmt: skip
                if rng.random() < 0.05:
                    back = on + timedelta(days=int(rng.integers(1, 30)))
                    rows.append((*rows[-1][:6], back, -units, -units * (2.0 + p)))
    columns = [
        "product_id",
        "order_id",
        "buyer_id",
        "region_id",
        "title",
        "day",
        "known_on",
        "units",
        "revenue_yuan",
    ]
    return pl.DataFrame(rows, schema=columns, orient="row").sort("day", "product_id", "order_id")


@pytest.fixture(scope="module")
def entries() -> pl.DataFrame:
    return made_up()


@pytest.fixture(scope="module")
def basis(entries: pl.DataFrame) -> FeatureBasis:
    return learn_basis(entries, before=FIRST + timedelta(days=60), seed=1, dimensions=4)


def few_launches(entries: pl.DataFrame) -> pl.DataFrame:
    return find_launches(entries, first_on=FIRST + timedelta(days=10), last_on=FIRST + timedelta(days=100))


def test_a_launch_is_a_first_sale_in_the_span_of_a_product_not_known_before(entries: pl.DataFrame) -> None:
    found = few_launches(entries)
    assert found["start_on"].is_between(FIRST + timedelta(days=10), FIRST + timedelta(days=100)).all()
    known = found["product_id"][0]
    again = find_launches(entries, first_on=FIRST, last_on=FIRST + timedelta(days=100), known=[known])
    assert known not in again["product_id"]


def test_early_sales_count_from_the_first_day_until_before_the_decision() -> None:
    on = [FIRST, FIRST + timedelta(days=13), FIRST + timedelta(days=14)]
    few = pl.DataFrame(
        {
            "product_id": "p", "order_id": ["a", "b", "c"], "buyer_id": ["x", "x", "y"], "region_id": "UK", "title": "box", "day": on,
            "known_on": on, "units": [1.0, 2.0, 4.0], "revenue_yuan": [10.0, 20.0, 40.0],
        }
    )  # fmt: skip
    asks = asked(pl.DataFrame({"product_id": ["p"], "start_on": [FIRST]}), day=14)
    row = early_features(few, asks, learn_basis(few, before=FIRST, seed=1)).row(0, named=True)
    assert (row["revenue_so_far_yuan"], row["orders_so_far"], row["buyers_so_far"]) == (30, 2, 1)
    assert (row["last_week_yuan"], row["growth"]) == (20, 10)
    earned = outcomes(few, asks, from_day=14, to_day=84)
    assert earned["worth_yuan"].to_list() == [40]


def test_a_cancellation_lowers_early_sales_only_once_it_is_known(
    entries: pl.DataFrame, basis: FeatureBasis
) -> None:
    asks = asked(few_launches(entries), day=DAY)
    product, start = asks.select("product_id", "start_on").row(0)
    sold = entries.filter((pl.col("product_id") == product) & (pl.col("day") == start)).head(1)
    back = sold.with_columns(units=-pl.col("units"), revenue_yuan=-pl.col("revenue_yuan"))

    def so_far(known: int) -> float:
        late = back.with_columns(known_on=pl.lit(start + timedelta(days=known)))
        rows = early_features(pl.concat([entries, late]).sort("day"), asks, basis)
        return float(rows["revenue_so_far_yuan"][0])

    assert so_far(DAY - 1) == pytest.approx(so_far(DAY) - sold["revenue_yuan"][0])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000), factor=st.floats(0.1, 50), is_shifted=st.booleans())
def test_nothing_that_happens_from_the_decision_day_on_changes_a_feature(
    entries: pl.DataFrame, basis: FeatureBasis, seed: int, factor: float, is_shifted: bool
) -> None:
    decision = FIRST + timedelta(days=75)
    launched = find_launches(entries, first_on=FIRST, last_on=decision - timedelta(days=DAY))
    asks = asked(launched, day=DAY)
    is_later = pl.col("known_on") >= decision
    later = entries.filter(is_later).sample(fraction=0.7, seed=seed, shuffle=True)
    move = timedelta(days=seed % 90 if is_shifted else 0)
    changed = later.with_columns(
        pl.col("units", "revenue_yuan") * factor, pl.col("product_id").shuffle(seed), known_on=pl.col("known_on") + move,
        day=pl.when(pl.col("units") > 0).then(pl.col("day") + move).otherwise("day"), title=pl.lit("another title"),
    )  # fmt: skip
    strangers = changed.filter(pl.col("units") > 0).with_columns(product_id=pl.lit("a stranger"))
    other = pl.concat([entries.filter(~is_later), changed, strangers]).sort("day", maintain_order=True)
    assert_frame_equal(
        early_features(other, asks, basis), early_features(entries, asks, basis), check_exact=True
    )


def test_every_feature_is_there_as_a_number(entries: pl.DataFrame, basis: FeatureBasis) -> None:
    rows = early_features(entries, asked(few_launches(entries), day=DAY), basis)
    numbers = rows.select(FEATURES)
    assert set(numbers.dtypes) == {pl.Float64}
    assert all(numbers[c].drop_nulls().is_finite().all() for c in FEATURES)


def test_only_matured_windows_teach_and_early_first_sales_do_not_count_as_launches(
    entries: pl.DataFrame,
) -> None:
    before, sure = FIRST + timedelta(days=120), FIRST + timedelta(days=40)
    older = older_windows(entries, before=before, day=DAY, to_day=56, most=40, seed=1)
    asks = learning_asks(
        few_launches(entries), older, before=before, sure_from=sure, day=DAY, to_day=56, older_weight=0.2
    )
    assert (asks["start_on"] + timedelta(days=56) <= before).all()
    assert asks.filter("is_launch")["start_on"].min() >= sure
    assert asks.select("product_id", "decision_on").is_unique().all()
    assert set(asks["weight"].unique()) == {0.2, 1.0}


def test_what_features_need_survives_being_stored(entries: pl.DataFrame, basis: FeatureBasis) -> None:
    asks = asked(few_launches(entries), day=DAY)
    again = FeatureBasis.from_json(basis.to_json())
    assert_frame_equal(early_features(entries, asks, again), early_features(entries, asks, basis))
