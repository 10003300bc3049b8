"""The demand model: laws of its output, what it learns, and its way to a file and back."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.assemble import future_frame, scored_frame
from features.calendar import SERIES
from features.panel import DemandTables, Panel, build_panel
from models.forecasting.demand import DemandModel, DemandParams, fit
from models.forecasting.intervals import RatioTable, fit_ratios
from models.forecasting.learning import learn

START = date(2025, 1, 6)
DAYS = 220
CUTOFF = START + timedelta(days=DAYS - 1)
HORIZON = 14
PARAMS = DemandParams(train_days=180, max_rows=4000, trees=40, leaves=7, least_leaf_rows=20)
LEVELS = (0.1, 0.5, 0.9)
KEYS = {"product_id": pl.String, "channel_id": pl.String, "region_id": pl.String}


def sold(days: int = DAYS, seed: int = 5) -> pl.DataFrame:
    """Twelve series with a strong week: weekends sell three times a workday's."""
    rng = np.random.default_rng(seed)
    level = np.array([12.0, 6, 3, 1.5, 0.8, 0.4] * 2)
    weekday = (START.weekday() + np.arange(days)) % 7
    kg = rng.poisson(level[:, None] * np.where(weekday >= 5, 3.0, 1.0)).astype(float)
    kg[11, 40:] = 0  # gone
    kg[10, : days - 15] = 0  # new
    rows = [
        (f"p{s % 6}", f"shop{s // 6}", START + timedelta(days=d), kg[s, d])
        for s in range(12)
        for d in range(days)
        if kg[s, d] > 0
    ]
    return pl.DataFrame(
        rows, schema=["product_id", "channel_id", "sale_date", "sold_kg"], orient="row"
    ).with_columns(region_id=pl.lit("r"), orders=pl.col("sold_kg").cast(pl.Int64))


def panel_of(sales: pl.DataFrame, cutoff: date = CUTOFF) -> Panel:
    plan = {"product_id": pl.String, "channel_id": pl.String, "known_on": pl.Date}
    tables = DemandTables(
        sales=sales,
        stock_day=pl.DataFrame(schema=KEYS | {"stock_date": pl.Date, "hours_out_of_stock": pl.Float64}),
        price_day=pl.DataFrame(
            schema=plan
            | {"price_date": pl.Date, "price_yuan_per_kg": pl.Float64, "list_price_yuan_per_kg": pl.Float64}
        ),
        campaign=pl.DataFrame(
            schema=plan
            | {
                "presale_from": pl.Date,
                "starts_on": pl.Date,
                "ends_on": pl.Date,
                "discount_share": pl.Float64,
            }
        ),
        live_slot=pl.DataFrame(schema=plan | {"slot_date": pl.Date, "allotment_kg": pl.Float64}),
        product=pl.DataFrame(
            {"product_id": [f"p{i}" for i in range(6)], "family": ["leaf", "root"] * 3, "launched_on": None},
            schema_overrides={"launched_on": pl.Date},
        ),
    )
    return build_panel(tables, cutoff=cutoff, horizon_days=HORIZON)


def learnt(panel: Panel, *, threads: int = 1) -> DemandModel:
    return learn(
        panel, last=CUTOFF, params=PARAMS, horizon_days=HORIZON, levels=LEVELS, seed=1, threads=threads
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of(sold())


@pytest.fixture(scope="module")
def model(panel: Panel) -> DemandModel:
    return learnt(panel)


@pytest.fixture(scope="module")
def forecast(panel: Panel, model: DemandModel) -> pl.DataFrame:
    return model.predict(future_frame(panel, origin=CUTOFF, horizon_days=HORIZON))


def test_every_series_day_and_level_has_one_row(forecast: pl.DataFrame) -> None:
    both = ["demand_kg", "expected_kg", "in_stock_kg", "in_stock_expected_kg", "has_stock_record"]
    assert forecast.columns == [*SERIES, "forecast_date", "level", *both, "fallback_reason"]
    assert forecast.unique([*SERIES, "forecast_date", "expected_kg"]).height == 12 * HORIZON
    assert (
        forecast.height
        == 12 * HORIZON * len(LEVELS)
        == forecast.unique([*SERIES, "forecast_date", "level"]).height
    )
    assert forecast["forecast_date"].min() == CUTOFF + timedelta(days=1)


def test_quantiles_are_never_negative_and_never_cross(forecast: pl.DataFrame) -> None:
    assert (forecast["demand_kg"] >= 0).all()
    steps = forecast.sort("level").group_by(*SERIES, "forecast_date").agg(pl.col("demand_kg").diff().min())
    assert (steps["demand_kg"] >= 0).all()


def test_it_learns_that_weekends_sell_more(panel: Panel, model: DemandModel) -> None:
    rows = future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)
    kg = rows.select("product_id", "channel_id", "weekday").with_columns(kg=pl.Series(model.mean_kg(rows)))
    big = kg.filter((pl.col("product_id") == "p0") & (pl.col("channel_id") == "shop0"))
    weekend, workday = (
        big.filter((pl.col("weekday") > 5) == is_end)["kg"].mean() for is_end in (True, False)
    )
    assert 2.0 < weekend / workday < 4.0


def test_series_without_enough_to_go_on_are_labelled(forecast: pl.DataFrame) -> None:
    reasons = dict(
        forecast.select(pl.format("{}/{}", "product_id", "channel_id"), "fallback_reason").unique().rows()
    )
    assert reasons["p5/shop1"] == "no_sale_28d"
    assert reasons["p4/shop1"] == "short_history"
    assert reasons["p0/shop0"] is None


def test_most_of_what_came_lies_between_the_outer_quantiles(panel: Panel) -> None:
    origin = CUTOFF - timedelta(days=HORIZON)
    early = learn(panel, last=origin, params=PARAMS, horizon_days=HORIZON, levels=LEVELS, seed=1, threads=1)
    rows = scored_frame(panel, origin=origin, horizon_days=HORIZON).filter(
        pl.col("fallback_reason").is_null()
    )
    kg = early.quantiles(early.mean_kg(rows), rows)
    inside = ((rows["sold_kg"].to_numpy() >= kg[:, 0]) & (rows["sold_kg"].to_numpy() <= kg[:, 2])).mean()
    assert 0.7 < inside < 0.97


def test_the_same_rows_and_seed_give_the_same_model_whatever_the_threads(
    panel: Panel, model: DemandModel
) -> None:
    again = learnt(panel, threads=2).to_files()
    mine = model.to_files()
    assert again["model.json"] == mine["model.json"]
    rows = future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)
    assert_frame_equal(DemandModel.from_files(again).predict(rows), model.predict(rows))


def test_later_sales_never_change_a_forecast(
    panel: Panel, model: DemandModel, forecast: pl.DataFrame
) -> None:
    later = sold().vstack(
        sold().with_columns(pl.col("sale_date") + timedelta(days=DAYS), sold_kg=pl.lit(999.0))
    )
    grown = panel_of(later, CUTOFF + timedelta(days=20))
    rows = future_frame(grown, origin=CUTOFF, horizon_days=HORIZON)
    keys = [*SERIES, "forecast_date", "level"]
    assert_frame_equal(learnt(grown).predict(rows).sort(keys), forecast.sort(keys))


def test_files_bring_the_same_model_back(panel: Panel, model: DemandModel, forecast: pl.DataFrame) -> None:
    back = DemandModel.from_files(model.to_files())
    assert_frame_equal(back.predict(future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)), forecast)
    assert back.params == PARAMS


def test_a_model_of_other_features_is_refused(model: DemandModel) -> None:
    files = model.to_files()
    files["model.json"] = files["model.json"].replace('"log_level"', '"moon_phase"')
    with pytest.raises(ValueError, match=r"other features \(log_level, moon_phase\); train anew"):
        DemandModel.from_files(files)


def test_nothing_to_learn_from_is_said(panel: Panel) -> None:
    rows = scored_frame(panel, origin=CUTOFF - timedelta(days=7), horizon_days=7)
    with pytest.raises(ValueError, match="no row to train on"):
        fit(rows.clear(), rows, params=PARAMS, seed=1, threads=1)


def ratio_rows(sold_kg: list[float], reason: str | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"sold_kg": sold_kg, "weight": 1.0, "kg_per_order": 1.0, "lead_days": 1, "fallback_reason": reason},
        schema_overrides={"fallback_reason": pl.String},
    )


def test_ratios_are_the_quantiles_of_sold_over_expected() -> None:
    rows = ratio_rows([float(i) for i in range(1, 401)])
    table = fit_ratios(np.full(400, 100.0), rows, (0.1, 0.5, 0.9))
    assert table.quantiles(np.array([10.0]), rows.head(1))[0] == pytest.approx([4.0, 20.0, 36.0], abs=0.1)


def test_a_day_of_little_weight_says_little() -> None:
    rows = ratio_rows([100.0] * 200 + [0.0] * 200).with_columns(weight=pl.Series([1.0] * 200 + [0.05] * 200))
    assert fit_ratios(np.full(400, 100.0), rows, (0.1, 0.5)).ratios[-1, 0].tolist() == [1.0, 1.0]


def test_series_that_stopped_selling_keep_their_own_ratios() -> None:
    rows = pl.concat([ratio_rows([10.0] * 250), ratio_rows([0.0] * 240 + [10.0] * 10, "no_sale_28d")])
    table = fit_ratios(np.full(500, 10.0), rows, (0.5, 0.99))
    asked = ratio_rows([0.0], "no_sale_28d")
    assert table.quantiles(np.array([10.0]), asked)[0].tolist() == [0.0, 10.0]
    again = RatioTable.from_json(table.to_json())
    assert np.array_equal(again.by_reason["no_sale_28d"], table.by_reason["no_sale_28d"])


def test_of_series_that_stopped_those_of_which_last_year_sold_much_have_ratios_of_their_own() -> None:
    stopped = ratio_rows([0.0] * 290 + [10.0] * 10, "no_sale_28d")
    returning = ratio_rows([40.0] * 300, "no_sale_28d")
    rows = pl.concat([ratio_rows([10.0] * 250), stopped, returning])
    expected = np.concatenate([np.full(550, 0.03), np.full(300, 40.0)])
    table = fit_ratios(expected, rows, (0.1, 0.5))
    asked = ratio_rows([0.0, 0.0], "no_sale_28d")
    assert table.quantiles(np.array([0.03, 20.0]), asked)[:, 1].tolist() == [0.0, 20.0]


def test_ratios_without_a_row_are_refused() -> None:
    with pytest.raises(ValueError, match="no held-out day"):
        fit_ratios(np.zeros(0), ratio_rows([]), LEVELS)
