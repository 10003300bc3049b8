"""What a delivery does: new versions, nothing new, and lines that break a rule."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from warehouse import Warehouse, WarehouseError

Rows = Callable[..., pl.DataFrame]
Row = Callable[..., dict[str, Any]]
Instant = Callable[[float], datetime]


def refused(taken: Any) -> list[tuple[int, str]]:
    return list(taken.rejected_frame.select("line_number", "rule").rows())


def test_a_row_that_breaks_a_rule_comes_back_with_line_rule_value_and_way_out(
    wh: Warehouse, lines: Rows, order: Row
) -> None:
    taken = wh.take_in("order_line", lines(order("1"), order("2", quantity=0), order("3", paid_at=None)), "f")
    assert (taken.taken, taken.unchanged) == (1, 0)
    assert refused(taken) == [(3, "quantity_check"), (4, "paid_at_missing")]
    detail, missing = taken.rejected_frame["detail"]
    assert detail.startswith("quantity '0' does not hold ((quantity > 0) AND (quantity <= 100000)); correct")
    assert missing == "paid_at is empty; give it and load again"
    assert '"order_id":"2"' in taken.rejected_frame["row_text"][0]
    assert wh.read("order_line")["order_id"].to_list() == ["1"]


def test_text_is_read_as_the_columns_type_and_refused_where_it_is_none(
    wh: Warehouse, lines: Rows, order: Row
) -> None:
    rows = lines(order("1", quantity="3"), order("2", quantity="three"))
    taken = wh.take_in("order_line", rows, "f")
    assert refused(taken) == [(3, "quantity_type")]
    assert (
        taken.rejected_frame["detail"][0]
        == "quantity 'three' is no integer; correct the line and load the file again"
    )
    assert wh.read("order_line")["quantity"].to_list() == [3]


def test_a_product_that_is_not_known_is_named_with_the_way_out(
    shop: Warehouse, lines: Rows, sale: Row
) -> None:
    taken = shop.take_in("daily_sale", lines(sale(5), sale(6, day=1, product_id="crab")), "f")
    assert refused(taken) == [(3, "product_id_known")]
    assert (
        taken.rejected_frame["detail"][0]
        == "product_id 'crab' is not in table product; load the product first"
    )


def test_a_line_that_breaks_two_rules_is_refused_once(wh: Warehouse, lines: Rows, order: Row) -> None:
    taken = wh.take_in("order_line", lines(order("1", quantity=0, goods_yuan=-1.0)), "f")
    assert refused(taken) == [(2, "quantity_check")]


def test_an_empty_cell_takes_the_declared_default(shop: Warehouse) -> None:
    assert shop.read("listing")["pieces"].to_list() == [1]


def test_a_shop_belongs_to_one_channel_and_a_channel_keeps_its_shop(
    shop: Warehouse, lines: Rows, instant: Instant
) -> None:
    other = {"channel_id": "copy", "name": "x", "platform": "douyin", "shop": "farm", "known_at": instant(1)}
    assert refused(shop.take_in("channel", lines(other), "f")) == [(2, "platform_shop_taken")]
    moved = {**other, "channel_id": "douyin", "shop": "elsewhere"}
    assert refused(shop.take_in("channel", lines(moved), "f")) == [(2, "platform_shop_fixed")]
    renamed = {**other, "channel_id": "douyin", "name": "renamed"}
    assert shop.take_in("channel", lines(renamed), "f").taken == 1
    assert "renamed" in shop.read("channel")["name"]


def test_a_column_the_table_does_not_have_is_refused(wh: Warehouse, lines: Rows, order: Row) -> None:
    with pytest.raises(WarehouseError, match="order_line has no column buyer_name; it has platform, shop"):
        wh.take_in("order_line", lines(order("1", buyer_name="Li")), "f")


def test_the_same_file_twice_changes_nothing(shop: Warehouse, lines: Rows, order: Row, sale: Row) -> None:
    for table, rows in {"order_line": lines(order("1"), order("2")), "daily_sale": lines(sale(3))}.items():
        shop.take_in(table, rows, "f")
        before = shop.sql(f"from {table}")
        again = shop.take_in(table, rows, "f")
        assert (again.taken, again.unchanged, again.rejected_frame.height) == (0, rows.height, 0)
        assert_frame_equal(shop.sql(f"from {table}"), before, check_row_order=False)


def test_only_a_changed_line_becomes_a_new_version(wh: Warehouse, lines: Rows, order: Row) -> None:
    wh.take_in("order_line", lines(order("1"), order("2")), "a")
    taken = wh.take_in("order_line", lines(order("1", status="shipped", known=1), order("2", known=1)), "b")
    assert (taken.taken, taken.unchanged) == (1, 1)
    assert wh.sql("select count(*) from order_line").item() == 3


def test_equal_lines_of_one_file_count_as_unchanged(wh: Warehouse, lines: Rows, order: Row) -> None:
    taken = wh.take_in("order_line", lines(order("1"), order("1")), "a")
    assert (taken.taken, taken.unchanged, taken.rejected_frame.height) == (1, 1, 0)


def test_of_two_lines_that_contradict_each_other_the_later_stands_and_the_earlier_is_refused(
    shop: Warehouse, lines: Rows, sale: Row
) -> None:
    taken = shop.take_in("daily_sale", lines(sale(3), sale(4)), "a")
    assert (taken.taken, taken.unchanged) == (1, 0)
    assert refused(taken) == [(2, "key_twice")]
    assert "comes again in line 3 with other content" in taken.rejected_frame["detail"][0]
    assert shop.read("daily_sale")["sold_kg"].to_list() == [4]


def test_a_correction_of_the_same_instant_replaces_the_version(
    shop: Warehouse, lines: Rows, sale: Row
) -> None:
    shop.take_in("daily_sale", lines(sale(3)), "a")
    assert shop.take_in("daily_sale", lines(sale(4)), "b").taken == 1
    assert shop.sql("select sold_kg from daily_sale")["sold_kg"].to_list() == [4]


def test_a_line_that_brings_two_versions_counts_as_one_line(wh: Warehouse, lines: Rows, order: Row) -> None:
    paid = order("1", line_number=2)
    refunded = order("1", status="refunded_before_ship", known=2, line_number=2)
    taken = wh.take_in("order_line", lines(paid, refunded), "a")
    assert (taken.taken, taken.unchanged) == (1, 0)
    assert wh.sql("select count(*) from order_line").item() == 2


def test_a_late_file_with_an_earlier_state_does_not_turn_an_order_back(
    wh: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    wh.take_in("order_line", lines(order("1", status="received", known=3)), "new")
    late = wh.take_in("order_line", lines(order("1", known=5)), "old")
    assert (late.taken, late.unchanged) == (0, 1)
    assert wh.read("order_line")["status"].to_list() == ["received"]


def test_a_history_loaded_after_live_files_fills_in_the_earlier_versions(
    wh: Warehouse, lines: Rows, order: Row, instant: Instant
) -> None:
    wh.take_in("order_line", lines(order("1", status="received", known=9)), "live")
    assert wh.take_in("order_line", lines(order("1", known=1)), "history").taken == 1
    seen = {days: wh.read("order_line", known_by=instant(days))["status"].to_list() for days in (0, 1, 8, 9)}
    assert seen == {0: [], 1: ["paid"], 8: ["paid"], 9: ["received"]}


def test_a_description_is_overwritten_by_what_became_known_later_only(
    shop: Warehouse, lines: Rows, instant: Instant
) -> None:
    def named(name: str, known: float) -> pl.DataFrame:
        row = {"product_id": "rice", "name_zh": "米", "name_en": name, "family": "rice"}
        return lines({**row, "known_at": instant(known)})

    assert shop.take_in("product", named("new", 5), "a").taken == 1
    assert shop.take_in("product", named("late", 3), "b").unchanged == 1
    assert shop.read("product")["name_en"].to_list() == ["new"]


def test_readings_repeated_in_one_file_are_kept_and_a_second_file_with_them_adds_nothing(
    wh: Warehouse, lines: Rows, instant: Instant
) -> None:
    one = {
        "sensor_id": "a",
        "quantity": "air_temp_c",
        "measured_at": instant(0),
        "value": None,
        "known_at": instant(1),
    }
    assert wh.take_in("raw_reading", lines(one, one), "a").taken == 2
    assert wh.take_in("raw_reading", lines(one, one), "b").unchanged == 2
    assert set(wh.read("raw_reading")["file_id"]) == {"a"}


def test_a_failed_transaction_leaves_nothing_behind(wh: Warehouse, lines: Rows, order: Row) -> None:
    def stopped() -> None:
        with wh.transaction():
            wh.take_in("order_line", lines(order("1")), "f")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped()
    assert wh.read("order_line").is_empty()
    assert wh.take_in("order_line", lines(order("1")), "f").taken == 1
