"""Each declared layout, read from a small file made up byte for byte as the platform writes it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines.sources.kinds import Batch, Context
from pipelines.sources.orders import OrdersSource
from pipelines.sources.taobao import Half, parse_pair

SAMPLES = Path(__file__).parents[1] / "data" / "orders"
ARRIVED = datetime(2026, 5, 10, 1, tzinfo=UTC)
PERSONAL = ("买家甲", "买家乙", "密文", "86-1", "example", "Somebody", "road", "某某", "200000")


def context(*, is_history: bool = False) -> Context:
    return Context("f" * 64, ARRIVED, is_history, "Asia/Shanghai", "farm-shop", b"s" * 32)


def parse(name: str, profile: str, *, is_history: bool = False) -> list[Batch]:
    return list(OrdersSource().parse(SAMPLES / name, profile, context(is_history=is_history)))


def pair() -> list[Batch]:
    halves = [
        Half(SAMPLES / "taobao_items_gbk.csv", "taobao_items", context()),
        Half(SAMPLES / "taobao_orders_gbk.csv", "taobao_orders", context()),
    ]
    return [batch for _, batch in parse_pair(halves)]


def lines(batches: list[Batch]) -> pl.DataFrame:
    return pl.concat(b.rows for b in batches if b.table == "order_line" and b.rows.height).sort("line_number")


def test_pinduoduo_states_times_and_money_are_read_from_the_short_layout() -> None:
    batches = parse("pinduoduo_27.csv", "pinduoduo")
    found = lines(batches)
    assert found["status"].to_list() == [
        "paid",
        "shipped",
        "received",
        "refunded_before_ship",
        "refunded_after_ship",
        "unknown",
    ]
    assert found["quantity"].to_list() == [1, 2, 10, 1, 1, 1]
    assert found["goods_yuan"].to_list()[:3] == [Decimal("39.90"), Decimal("79.80"), Decimal("1299.90")]
    assert found["paid_at"][0] == datetime(2026, 5, 1, 0, 10, tzinfo=UTC)
    assert found["line_id"][0] == "RICE-5|5斤装|1"
    assert batches[0].dropped == {"cancelled": 1, "unpaid": 1}
    assert found["title"][5] == '蜜薯,红薯 "新"'


def test_an_unknown_status_word_is_kept_as_it_stands() -> None:
    last = lines(parse("pinduoduo_27.csv", "pinduoduo")).row(5, named=True)
    assert (last["status"], last["status_rank"], last["raw_status"]) == ("unknown", 0, "拼团成功")


def test_douyin_ids_of_19_digits_stay_text_and_the_sub_order_is_the_line() -> None:
    first = lines(parse("douyin_by_item.csv", "douyin")).row(0, named=True)
    assert first["order_id"] == "6917926768823643751"
    assert first["line_id"] == "6917926768823643752"


def test_a_douyin_gift_counts_its_unit_at_no_money() -> None:
    gift = (
        lines(parse("douyin_by_item.csv", "douyin")).filter(pl.col("seller_sku") == "GIFT").row(0, named=True)
    )
    assert (gift["quantity"], gift["goods_yuan"]) == (1, Decimal("0.00"))
    assert gift["status"] == "refunded_after_ship"


def test_a_douyin_refund_after_completion_is_a_refund() -> None:
    found = lines(parse("douyin_by_item.csv", "douyin"))
    crab = found.filter(pl.col("order_id") == "6917926768823643861").row(0, named=True)
    assert (crab["status"], crab["goods_yuan"], crab["region_id"]) == (
        "refunded_after_ship",
        Decimal("388.00"),
        "上海",
    )


def test_joined_articles_are_split_only_when_each_is_one_unit() -> None:
    batches = parse("douyin_by_item.csv", "douyin")
    split = lines(batches).filter(pl.col("line_id").str.contains("#"))
    assert split["seller_sku"].to_list() == ["RICE-5", "SWEET-5"]
    assert split["quantity"].to_list() == [1, 1]
    assert split["goods_yuan"].to_list() == [None, None]
    refused = pl.concat(b.rejected for b in batches)
    assert refused.select("line_number", "rule").rows() == [(7, "joined_items")]


def test_shopify_cells_of_the_order_reach_all_its_rows() -> None:
    found = lines(parse("shopify.csv", "shopify"))
    assert found["order_id"].to_list() == ["#1001", "#1001", "#1002", "#1004"]
    assert found["status"].to_list() == ["shipped", "shipped", "refunded_before_ship", "part_shipped"]
    assert found["paid_at"][1] == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert found["goods_yuan"].to_list() == [Decimal("79.80"), Decimal("36.00"), Decimal("39.90"), None]
    assert found["region_id"].to_list() == ["上海", "上海", "广东", "US-California"]


def test_the_taobao_pair_becomes_item_lines_with_their_orders_money() -> None:
    found = lines(pair())
    assert found["order_id"].to_list()[:3] == ["4100000000000000001"] * 3
    assert found["line_id"].to_list()[:3] == [
        "RICE-5|净含量：5斤|1",
        "RICE-5|净含量：5斤|2",
        "SWEET-5|净含量：5斤|1",
    ]
    assert found["goods_yuan"].to_list()[:3] == [Decimal("30.00"), Decimal("30.00"), Decimal("40.00")]
    assert found["status"].to_list() == ["received", "received", "received", "paid", "refunded_before_ship"]
    assert found["region_id"].to_list() == ["上海", "上海", "上海", "广东", "内蒙古"]


def test_every_row_of_the_taobao_pair_is_accounted_for() -> None:
    for batch in pair():
        if batch.table == "order_line":
            assert batch.read == batch.rows.height + batch.rejected.height + sum(batch.dropped.values())


def test_one_buyer_has_one_key_and_no_name_leaves_the_reader() -> None:
    found = lines(pair())
    keys = found.filter(pl.col("order_id") == "4100000000000000001")["buyer_key"].unique().to_list()
    assert len(keys) == 1
    assert len(keys[0]) == 32
    assert found["buyer_key"].n_unique() == 3


@pytest.mark.parametrize(
    ("name", "profile"),
    [("pinduoduo_27.csv", "pinduoduo"), ("douyin_by_item.csv", "douyin"), ("shopify.csv", "shopify")],
)
def test_no_personal_cell_is_in_rows_or_refusals(name: str, profile: str) -> None:
    for batch in [*parse(name, profile), *pair()]:
        text = batch.rows.write_json() + batch.rejected.write_json()
        assert not [word for word in PERSONAL if word in text]


def test_on_a_first_load_a_refund_is_known_days_after_the_sale() -> None:
    found = lines(parse("pinduoduo_27.csv", "pinduoduo", is_history=True))
    versions = found.filter(pl.col("line_number") == 5).sort("known_at")
    assert versions["status"].to_list() == ["paid", "refunded_before_ship"]
    assert versions["known_at"].to_list() == [
        datetime(2026, 5, 1, 17, tzinfo=UTC),  # 1 o'clock of the next local morning
        datetime(2026, 5, 4, 17, tzinfo=UTC),  # three days later
    ]


def test_a_sale_late_in_the_local_day_is_known_the_next_local_morning() -> None:
    found = lines(parse("pinduoduo_27.csv", "pinduoduo", is_history=True))
    assert found.filter(pl.col("line_number") == 9)["known_at"].to_list() == [
        datetime(2026, 5, 1, 17, tzinfo=UTC)
    ]


def test_on_arrival_everything_is_known_when_the_file_came() -> None:
    assert lines(parse("pinduoduo_27.csv", "pinduoduo"))["known_at"].unique().to_list() == [ARRIVED]
