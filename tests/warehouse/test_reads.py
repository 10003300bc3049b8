"""Reads: sales in kilograms, what no listing maps, writes of runs and forecasts."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from warehouse import Warehouse, WarehouseError

Rows = Callable[..., pl.DataFrame]
Row = Callable[..., dict[str, Any]]
Instant = Callable[[float], datetime]


def sold(wh: Warehouse, known_by: datetime) -> list[tuple[Any, ...]]:
    return wh.sold_by_day(known_by=known_by).rows()


def forecast(cutoff: date, kg: float) -> pl.DataFrame:
    return pl.DataFrame(
        {"run_id": "r", "cutoff": cutoff, "product_id": "rice", "channel_id": "till", "region_id": "unknown",
         "forecast_date": [date(2026, 6, 1)], "level": 0.5, "demand_kg": kg, "model_version": "1"}
    )  # fmt: skip


def test_order_lines_become_kilograms_by_the_listing_and_the_local_day_of_payment(
    shop: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    late_evening = datetime(2026, 5, 1, 17, 30, tzinfo=UTC)  # 01:30 of 2 May in Shanghai
    rows = lines(
        order("1"), order("1", line_id="2", quantity=1, goods_yuan=10.0), order("2", paid_at=late_evening),
        order("3", region_id=None),
    )  # fmt: skip
    shop.take_in("order_line", rows, "f")
    frame = shop.sold_by_day(known_by=instant(1))
    assert frame.schema["sale_date"] == pl.Date
    assert frame.schema["orders"] == pl.Int64
    assert frame.rows() == [
        ("rice", "douyin", "310000", date(2026, 5, 1), 15.0, 40.0, 1),
        ("rice", "douyin", "310000", date(2026, 5, 2), 10.0, 30.0, 1),
        ("rice", "douyin", "unknown", date(2026, 5, 1), 10.0, 30.0, 1),
    ]


def test_the_newest_listing_valid_on_the_day_counts(
    shop: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    listing = {
        "platform": "douyin",
        "shop": "farm",
        "seller_sku": "rice-5",
        "product_id": "rice",
        "known_at": instant(0),
    }
    half = {**listing, "valid_from": date(2026, 5, 2), "net_weight_kg": 2.5, "pieces": 2}
    later = {**listing, "valid_from": date(2026, 5, 9), "net_weight_kg": 900.0}
    shop.take_in("listing", lines({**half, "pieces": 3}, later), "f")
    shop.take_in("order_line", lines(order("1"), order("2", paid_at=instant(2))), "f")
    assert [(row[3], row[4]) for row in sold(shop, instant(9))] == [
        (date(2026, 5, 1), 10.0),
        (date(2026, 5, 3), 15.0),
    ]


def test_an_order_refunded_before_shipping_was_demand_until_the_refund_was_known(
    shop: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    shop.take_in("order_line", lines(order("1"), order("1", status="refunded_before_ship", known=3)), "f")
    assert [len(sold(shop, instant(day))) for day in (-1, 0, 2, 3)] == [0, 1, 1, 0]


def test_a_daily_report_counts_where_the_channels_day_has_no_order_lines(
    shop: Warehouse, lines: Rows, order: Row, sale: Row, instant: Instant
) -> None:
    shop.take_in("order_line", lines(order("1")), "f")
    reports = lines(
        sale(7, receipts=3, revenue_yuan=14.0), sale(99, channel_id="douyin"), sale(0, day=1, known=2)
    )
    shop.take_in("daily_sale", reports, "f")
    assert sold(shop, instant(5)) == [
        ("rice", "douyin", "310000", date(2026, 5, 1), 10.0, 30.0, 1),
        ("rice", "till", "310000", date(2026, 5, 1), 7.0, 14.0, 3),
        ("rice", "till", "310000", date(2026, 5, 2), 0.0, None, None),
    ]


def test_sales_without_a_listing_are_ranked_by_money_and_never_guessed(
    shop: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    cheap = order("1", seller_sku="crab", title="crab", goods_yuan=5.0)
    dear = order("2", seller_sku="ham", title="ham", goods_yuan=65.0)
    refunded = order("3", seller_sku="x", status="refunded_before_ship")
    elsewhere = order("4", shop="nowhere", goods_yuan=0.0)
    shop.take_in("order_line", lines(cheap, dear, refunded, elsewhere, order("5")), "f")
    unmapped = shop.unmapped_sales(known_by=instant(1))
    assert unmapped.select("shop", "seller_sku", "title", "lines", "goods_yuan", "missing").rows() == [
        ("farm", "ham", "ham", 1, 65.0, "listing"),
        ("farm", "crab", "crab", 1, 5.0, "listing"),
        ("nowhere", "rice-5", "rice", 1, 0.0, "listing"),
    ]
    assert shop.unmapped_share(known_by=instant(1)) == pytest.approx(0.7)
    assert shop.unmapped_share(known_by=instant(-1)) == 0


def test_replacing_a_cutoff_twice_equals_once_and_leaves_other_cutoffs(wh: Warehouse) -> None:
    may, june = date(2026, 5, 1), date(2026, 5, 2)
    wh.replace("demand_forecast", forecast(may, 1.0), cutoff=may)
    for _ in range(2):
        assert wh.replace("demand_forecast", forecast(june, 2.0).drop("cutoff"), cutoff=june) == 1
    assert wh.read("demand_forecast").sort("cutoff")["demand_kg"].to_list() == [1.0, 2.0]
    assert wh.replace("demand_forecast", forecast(june, 2.0).clear(), cutoff=june) == 0
    assert wh.read("demand_forecast")["cutoff"].to_list() == [may]


def test_rows_of_another_cutoff_are_refused(wh: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="rows of cutoff 2026-05-01 came for 2026-05-02"):
        wh.replace("demand_forecast", forecast(date(2026, 5, 1), 1.0), cutoff=date(2026, 5, 2))


def test_a_row_the_schema_refuses_leaves_the_old_forecast_in_place(wh: Warehouse) -> None:
    cutoff = date(2026, 5, 1)
    wh.replace("demand_forecast", forecast(cutoff, 1.0), cutoff=cutoff)
    with pytest.raises(WarehouseError, match=r"table demand_forecast refuses the rows: .*demand_kg"):
        wh.replace("demand_forecast", forecast(cutoff, -1.0), cutoff=cutoff)
    assert wh.read("demand_forecast")["demand_kg"].to_list() == [1.0]


def test_upsert_overwrites_only_the_columns_it_is_given(wh: Warehouse) -> None:
    started = datetime(2026, 5, 1, tzinfo=UTC)
    run = {
        "run_id": "r",
        "flow": "nightly",
        "cutoff": date(2026, 5, 1),
        "started_at": started,
        "status": "running",
    }
    wh.upsert("run", pl.DataFrame([run]))
    wh.upsert("run", pl.DataFrame([{**run, "status": "completed", "detail": "ok"}]))
    assert wh.read("run").select("status", "detail", "started_at").rows() == [("completed", "ok", started)]
    with pytest.raises(WarehouseError, match="demand_forecast has no primary key"):
        wh.upsert("demand_forecast", forecast(date(2026, 5, 1), 1.0))


def test_descriptions_are_shown_as_they_are_now_whatever_the_cutoff(
    shop: Warehouse, instant: Instant
) -> None:
    assert shop.read("product", known_by=instant(-300)).height == 1


def test_a_cutoff_for_a_table_without_known_at_is_refused(wh: Warehouse, instant: Instant) -> None:
    with pytest.raises(WarehouseError, match="table run has no known_at; read it without known_by"):
        wh.read("run", known_by=instant(0))


def test_unknown_tables_and_queries_are_named_with_those_there_are(wh: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"no table 'ordr'; there are .*campaign, "):
        wh.read("ordr")
    with pytest.raises(WarehouseError, match=r"no query 'sold'; there are .*sold_by_day"):
        wh.query("sold")


def test_the_order_of_the_schema_gives_columns_and_instants_come_in_utc(
    shop: Warehouse, lines: Rows, order: Row
) -> None:
    shop.take_in("order_line", lines(order("1")), "f")
    frame = shop.read("order_line")
    assert frame.columns == list(shop.columns("order_line"))
    assert frame.schema["paid_at"] == pl.Datetime("us", "UTC")


def test_the_hours_of_a_day_are_told_by_orders_of_days_that_did_not_run_out(
    shop: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    saturday_night = datetime(2026, 5, 2, 12, 30, tzinfo=UTC)  # 20:30 in Shanghai
    sold_out = datetime(2026, 5, 4, 2, 0, tzinfo=UTC)
    rows = lines(
        order("1"), order("2"), order("3", paid_at=saturday_night), order("4", paid_at=sold_out),
        order("5", status="refunded_before_ship"),
    )  # fmt: skip
    shop.take_in("order_line", rows, "f")
    stock = {"product_id": "rice", "channel_id": "douyin", "region_id": "310000", "known_at": instant(0)}
    days = [(date(2026, 5, 1), 0.5), (date(2026, 5, 4), 6.0)]
    shop.take_in(
        "stock_day", lines(*({**stock, "stock_date": d, "hours_out_of_stock": h} for d, h in days)), "f"
    )
    found = shop.query("orders_by_hour", known_by=instant(9))
    assert found.rows() == [
        ("rice", "douyin", "310000", False, 12, 2),
        ("rice", "douyin", "310000", True, 20, 1),
    ]
