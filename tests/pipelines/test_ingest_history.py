"""A first load of history knows on every evening what files delivered day by day would have known."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from polars.testing import assert_frame_equal

from pipelines.ingest import load
from settings import Settings
from warehouse import Warehouse

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = [date(2026, 5, day) for day in range(1, 11)]
HEADER = "订单号,订单状态,商品数量(件),用户实付金额(元),商家编码-规格维度,商品规格,订单成交时间,快递单号"
REFUND_DAYS = 3
"""The profile's usual days from payment to refund, which this shop keeps to."""
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def orders_of(day: date) -> list[tuple[str, str, str, bool]]:
    """Order number, quantity, pay time and whether it will be refunded, of one day; some just before midnight."""
    n = day.day
    return [
        (
            f"{day:%y%m%d}-{i}",
            str(1 + (n + i) % 3),
            f"{day} {'23:59:59' if i == 0 else f'{8 + i:02d}:00:00'}",
            (n + i) % 4 == 0,
        )
        for i in range(4)
    ]


def export(path: Path, days: list[date], today: date) -> Path:
    """The orders of these days as an export made on the evening of `today` shows them."""
    rows = [
        f"{number},{'未发货，退款成功' if refunded and day + timedelta(days=REFUND_DAYS) <= today else '待发货'},"
        f"{quantity},39.90,RICE-5,5斤装,{paid},"
        for day in days
        for number, quantity, paid, refunded in orders_of(day)
    ]
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return path


def county(home: Path) -> tuple[Settings, Warehouse]:
    """A warehouse that knows one product, its listing and its channel."""
    home.mkdir()
    wh = Warehouse.open(home / "w.duckdb", threads=1)
    product = {"product_id": "rice", "name_zh": "米", "name_en": "rice", "family": "rice", "known_at": ALWAYS}
    article = {
        "platform": "pinduoduo",
        "shop": "farm",
        "seller_sku": "RICE-5",
        "valid_from": date(2026, 1, 1),
    }
    wh.append("product", pl.DataFrame([product]))
    wh.append(
        "listing",
        pl.DataFrame(
            [{**article, "product_id": "rice", "pieces": 1, "net_weight_kg": 2.5, "known_at": ALWAYS}]
        ),
    )
    return Settings(home=home), wh


def test_history_equals_daily_deliveries_on_every_evening(tmp_path: Path) -> None:
    daily, by_day = county(tmp_path / "daily")
    first, by_history = county(tmp_path / "first")
    for n, day in enumerate(DAYS):
        file = export(tmp_path / f"{day}.csv", DAYS[max(0, n - REFUND_DAYS) : n + 1], day)
        load(daily, by_day, [file], shop="farm", now=datetime.combine(day + timedelta(days=1), time(1), ZONE))
    last = export(tmp_path / "all.csv", DAYS, DAYS[-1])
    load(first, by_history, [last], shop="farm", history=True, now=datetime(2026, 6, 1, tzinfo=ZONE))
    told = 0
    for day in DAYS:
        known = by_day.sold_by_day(known_by=daily.known_by(day))
        assert_frame_equal(by_history.sold_by_day(known_by=first.known_by(day)), known)
        assert known["sale_date"].max() == day
        told += known.height
    assert told == sum(range(1, len(DAYS) + 1))
    refunded = by_day.read("order_line").filter(pl.col("status") == "refunded_before_ship").height
    assert (
        refunded
        == by_history.read("order_line").filter(pl.col("status") == "refunded_before_ship").height
        > 0
    )
