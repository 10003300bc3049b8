from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.evaluation.ranking import average_precision, calibration_error
from models.forecasting.bestseller import (
    LEVELS,
    BestsellerModel,
    CallParams,
    LabelSpec,
    TooFewLaunchesError,
    fit_calls,
    worth_column,
)
from models.forecasting.bestseller_choice import choose_features
from models.forecasting.bestseller_words import THEMES, theme_of

FEATURES = ("log_revenue", "trend", "price_position")
PARAMS = CallParams(trees=15, seeds=1, least_leaf_rows=10, folds=3)
LABEL = LabelSpec(top_share=0.2)


def launches(n: int = 240, seed: int = 1) -> pl.DataFrame:
    """Launches whose worth follows what they sold early and their trend, which the ranking by early sales does not see."""
    rng = np.random.default_rng(seed)
    early, trend = rng.normal(4, 1, n), rng.normal(0, 1, n)
    worth = np.expm1(np.clip(0.8 * early + 0.9 * trend + rng.normal(0, 0.5, n) + 1, 0, None))
    days = [date(2026, 1, 1) + timedelta(days=int(d)) for d in np.sort(rng.integers(0, 200, n))]
    return pl.DataFrame(
        {
            "product_id": [f"p{i}" for i in range(n)], "decision_on": days, "category": ["fruit" if i % 2 else "leaf" for i in range(n)],
            "revenue_so_far_yuan": np.expm1(early).clip(0), "log_revenue": early, "trend": trend,
            "price_position": rng.random(n), "worth_yuan": worth,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def model() -> BestsellerModel:
    return fit_calls(launches(), label=LABEL, features=FEATURES, params=PARAMS, seed=1, threads=1)


def test_a_bestseller_is_among_the_top_share_of_its_category_and_earned_something() -> None:
    rows = pl.DataFrame({"worth_yuan": [5.0, 4, 3, 2, 1, 9, 0, 0], "category": [*"aaaaa", *"bbb"]})
    assert LabelSpec(top_share=0.4, category="category").mark(rows).tolist() == [
        True,
        True,
        *[False] * 3,
        True,
        False,
        False,
    ]
    assert not LabelSpec(top_share=0.9).mark(rows)[-1]


def test_a_label_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="choose a share"):
        LabelSpec(top_share=20)
    with pytest.raises(ValueError, match="is empty"):
        LabelSpec(from_day=28, to_day=28)


def test_calls_find_what_sales_so_far_do_not_show(model: BestsellerModel) -> None:
    test = launches(seed=2)
    calls, best = model.predict(test), LABEL.mark(test)
    ours = average_precision(best, calls["probability"].to_numpy())
    assert ours > average_precision(best, test["revenue_so_far_yuan"].to_numpy()) + 0.1
    assert calls["probability"].mean() == pytest.approx(LABEL.top_share, abs=0.05)
    assert calibration_error(best, calls["probability"].to_numpy()) < 0.1


def test_quantiles_rise_and_hold_what_is_earned(model: BestsellerModel) -> None:
    test = launches(seed=3)
    calls = model.predict(test)
    worth = calls.select(worth_column(q) for q in LEVELS).to_numpy()
    assert (np.diff(worth, axis=1) >= 0).all()
    earned = test["worth_yuan"].to_numpy()
    assert ((worth[:, 1] <= earned) & (earned <= worth[:, -2])).mean() == pytest.approx(0.8, abs=0.08)
    assert calls["expected_yuan"].sum() == pytest.approx(earned.sum(), rel=0.25)


def test_ranks_count_from_one_within_each_category(model: BestsellerModel) -> None:
    label = LabelSpec(category="category")
    apart = fit_calls(launches(), label=label, features=FEATURES, params=PARAMS, seed=1, threads=1)
    calls = apart.predict(launches(seed=2)).sort("category", "rank")
    for _, part in calls.group_by("category"):
        assert part["rank"].to_list() == list(range(1, part.height + 1))
        assert part["probability"].is_sorted(descending=True)
    assert model.predict(launches(seed=2))["category"].unique().to_list() == ["all"]


def test_a_call_does_not_know_launches_that_are_decided_later(model: BestsellerModel) -> None:
    rows = launches(seed=4)
    day = date(2026, 4, 1)
    early = rows.filter(pl.col("decision_on") <= day)
    wild = rows.with_columns(
        pl.when(pl.col("decision_on") > day).then(pl.col(c) * 7 - 3).otherwise(c).alias(c)
        for c in (*FEATURES, "revenue_so_far_yuan")
    )
    calls = wild.pipe(model.predict).filter(pl.col("decision_on") <= day).drop("rank")
    assert_frame_equal(calls, model.predict(early).drop("rank"))


def test_three_reasons_each_in_both_languages_and_they_point_the_right_way(model: BestsellerModel) -> None:
    rows = launches(seed=5).with_columns(trend=pl.lit(3.0)).head(4)
    why = model.reasons(rows)
    assert why.group_by("product_id").len()["len"].to_list() == [3] * 4
    rising = why.filter(pl.col("theme") == "trend")
    assert rising.height == 4
    assert (rising["effect"] > 0).all()
    assert set(rising["text_en"]) == {THEMES["trend"][2]}
    assert set(rising["text_zh"]) == {THEMES["trend"][0]}


def test_every_feature_of_launches_and_listings_has_a_theme_of_its_own() -> None:
    from features.launches_early import FEATURES as EARLY
    from features.listings import ASSORTMENT, COUNTS, PRODUCT, SELLER

    assert "other" not in {theme_of(f) for f in (*EARLY, *PRODUCT, *ASSORTMENT, *SELLER, *COUNTS)}


def test_a_stored_model_calls_alike(model: BestsellerModel) -> None:
    again = BestsellerModel.from_files(model.to_files())
    rows = launches(seed=6)
    assert_frame_equal(again.predict(rows), model.predict(rows))
    assert (again.label, again.features, again.params) == (model.label, model.features, model.params)


def test_the_same_rows_and_seed_give_the_same_model(model: BestsellerModel) -> None:
    again = fit_calls(launches(), label=LABEL, features=FEATURES, params=PARAMS, seed=1, threads=1)
    assert again.to_files() == model.to_files()


def test_too_few_launches_are_said_to_be_too_few() -> None:
    with pytest.raises(TooFewLaunchesError, match="19 matured launches"):
        fit_calls(launches(19), label=LABEL, features=FEATURES, params=PARAMS, seed=1, threads=1)
    nothing = launches(40).with_columns(worth_yuan=pl.lit(0.0))
    with pytest.raises(TooFewLaunchesError):
        fit_calls(nothing, label=LABEL, features=FEATURES, params=PARAMS, seed=1, threads=1)


def test_a_feature_never_known_in_training_takes_its_assumed_effect() -> None:
    blank = launches().with_columns(shop_lift_last_year=pl.lit(None, pl.Float64))
    features = (*FEATURES, "shop_lift_last_year")
    fitted = fit_calls(blank, label=LABEL, features=features, params=PARAMS, seed=1, threads=1)
    rows = launches(seed=2)
    high = fitted.score(rows.with_columns(shop_lift_last_year=pl.lit(1.0)))
    none = fitted.score(rows.with_columns(shop_lift_last_year=pl.lit(None, pl.Float64)))
    np.testing.assert_allclose(high - none, 0.5)


def test_listings_need_neither_days_nor_sales_so_far() -> None:
    rows = launches().drop("decision_on", "revenue_so_far_yuan")
    label = LabelSpec(kind="listing", so_far=None)
    fitted = fit_calls(
        rows, label=label, features=FEATURES, params=CallParams(core=(), trees=0), seed=1, threads=1
    )
    calls = fitted.predict(launches(seed=2).drop("decision_on"))
    best = label.mark(launches(seed=2))
    assert average_precision(best, calls["probability"].to_numpy()) > 0.6
    assert calls["decision_on"].null_count() == calls.height


def test_missing_features_are_named() -> None:
    with pytest.raises(ValueError, match="features \\['trend'\\] are not in the rows"):
        fit_calls(launches().drop("trend"), label=LABEL, features=FEATURES, params=PARAMS, seed=1, threads=1)


def test_only_features_that_help_other_groups_are_chosen() -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(4), 150)
    real, noise = rng.normal(size=600), rng.normal(size=600)
    own = group * 1.0 + rng.normal(0, 0.1, 600)
    y = real + np.array([3.0, -3.0, 1.0, 0.0])[group]
    best = np.zeros(600, bool)
    for g in range(4):
        best[np.flatnonzero(group == g)[np.argsort(-real[group == g])[:30]]] = True
    chosen, path = choose_features(
        np.column_stack([noise, real, own]), y, best, group, names=("noise", "real", "own"), penalty=1.0
    )
    assert chosen == ("real",)
    assert path[0][1] > 0.95
