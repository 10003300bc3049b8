"""Seasonal naive, and what stands in for the model."""

from datetime import date, timedelta

import polars as pl
import pytest

from features.panel import DemandTables, build_panel
from models.forecasting.baselines import fallback_kg, seasonal_naive

START = date(2026, 3, 2)
KEYS = {"product_id": pl.String, "channel_id": pl.String, "region_id": pl.String}


def tables(kg: list[float]) -> DemandTables:
    sales = pl.DataFrame(
        {
            "product_id": "a",
            "channel_id": "shop",
            "region_id": "r",
            "sale_date": [START + timedelta(days=i) for i in range(len(kg))],
            "sold_kg": kg,
            "orders": 1,
        }
    )
    plan = {"product_id": pl.String, "channel_id": pl.String, "known_on": pl.Date}
    return DemandTables(
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
        product=pl.DataFrame(schema={"product_id": pl.String, "family": pl.String, "launched_on": pl.Date}),
    )


def naive(kg: list[float], *, horizon: int = 14, levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> pl.DataFrame:
    origin = START + timedelta(days=len(kg) - 1)
    panel = build_panel(tables(kg), cutoff=origin, horizon_days=horizon)
    return seasonal_naive(panel, origin=origin, horizon_days=horizon, levels=levels)


def test_the_middle_repeats_the_last_same_weekday() -> None:
    week = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    middle = naive(week * 4).filter(pl.col("level") == 0.5)
    assert middle["demand_kg"].to_list() == week * 2
    assert middle["forecast_date"].to_list()[0] == START + timedelta(days=28)


def test_a_series_that_repeats_itself_has_no_spread_and_one_that_jumps_has() -> None:
    steady = naive([5.0] * 40)
    assert steady["demand_kg"].to_list() == pytest.approx([5.0] * steady.height)
    jumping = naive([float(5 + 4 * ((i // 7) % 2)) for i in range(42)], horizon=7)
    assert jumping.filter(pl.col("level") == 0.9)["demand_kg"].to_list() == pytest.approx([13.0] * 7)
    assert jumping.filter(pl.col("level") == 0.1)["demand_kg"].to_list() == pytest.approx([5.0] * 7)


def test_no_quantile_is_negative_or_crosses() -> None:
    rows = naive([float((i * 7) % 11) for i in range(60)], levels=(0.05, 0.3, 0.5, 0.7, 0.95))
    assert (rows["demand_kg"] >= 0).all()
    assert (rows.group_by("forecast_date").agg(pl.col("demand_kg").diff().min())["demand_kg"] >= 0).all()


def test_a_series_of_one_day_gets_its_only_value() -> None:
    assert naive([3.0], horizon=7).filter(pl.col("level") == 0.5)["demand_kg"].to_list() == [3.0] * 7


def test_the_stand_in_follows_the_reason() -> None:
    rows = pl.DataFrame(
        {
            "fallback_reason": ["short_history", "no_sale_28d", "no_sale_28d"],
            "profile_kg": [2.0, 9.0, 9.0],
            "year_kg": [7.0, 4.0, None],
        }
    )
    assert rows.select(fallback_kg()).to_series().to_list() == [2.0, 4.0, 0.0]
