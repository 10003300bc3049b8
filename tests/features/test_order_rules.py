from datetime import datetime, timedelta

import polars as pl
import pytest

from features.order_rules import RuledOrders, apply_rules, duplicate_listings, huge_line_yuan

START = datetime.fromisoformat("2026-01-01T09:00:00")


def order(
    number: str,
    code: str,
    units: float,
    price: float,
    *,
    day: int = 0,
    buyer: str | None = "b",
    title: str = "Red tea box",
) -> dict[str, object]:
    return {
        "order_id": number, "product_id": code, "title": title, "units": float(units), "unit_price": float(price),
        "ordered_at": START + timedelta(days=day), "buyer_id": buyer, "region_id": "UK",
    }  # fmt: skip


def ruled(*lines: dict[str, object]) -> RuledOrders:
    return apply_rules(pl.DataFrame(list(lines)))


def test_a_charge_is_no_goods_and_is_counted() -> None:
    found = ruled(order("1", "10001", 1, 2), order("1", "POST", 1, 18), order("2", "BANK CHARGES", 1, 5))
    assert found.entries["product_id"].to_list() == ["10001"]
    assert found.counts["charges that are not goods"] == 2


def test_codes_that_differ_in_case_or_spaces_are_one_product() -> None:
    found = ruled(order("1", "85123a", 1, 2), order("2", " 85123A ", 1, 2))
    assert found.entries["product_id"].unique().to_list() == ["85123A"]
    assert found.counts["codes put into capitals"] == 1


def test_a_cancellation_takes_back_the_line_at_its_price_on_the_day_of_the_order() -> None:
    found = ruled(
        order("1", "10001", 10, 2.0),
        order("2", "10001", 10, 3.0, day=1),
        order("C3", "10001", -4, 2.0, day=5),
    )
    taken = found.entries.filter(pl.col("units") < 0).row(0, named=True)
    assert (taken["units"], taken["revenue_yuan"]) == (-4, -8)
    assert (taken["day"], taken["known_on"]) == (START.date(), (START + timedelta(days=5)).date())
    assert found.counts["cancelled lines netted"] == 1


def test_a_large_cancellation_reaches_back_over_several_orders_and_never_further() -> None:
    found = ruled(
        order("1", "10001", 3, 2.0),
        order("2", "10001", 3, 2.0, day=1),
        order("C3", "10001", -100, 2.0, day=2),
    )
    assert found.entries["units"].sum() == 0


@pytest.mark.parametrize(
    "cancelled",
    [
        order("C2", "10001", -4, 2.0, day=-3),
        order("C2", "10001", -4, 2.0, day=3, buyer="another"),
        order("C2", "10001", -4, 2.0, day=3, buyer=None),
    ],
    ids=["before the order", "another buyer", "no buyer named"],
)
def test_a_cancellation_without_its_order_is_left_out_and_counted(cancelled: dict[str, object]) -> None:
    found = ruled(order("1", "10001", 10, 2.0), cancelled)
    assert found.entries["units"].to_list() == [10]
    assert found.counts["cancelled lines without their order"] == 1


def test_every_line_read_is_accounted_for() -> None:
    found = ruled(
        order("1", "10001", 10, 2.0), order("1", "10001", 10, 2.0), order("2", "10001", -2, 0.0), order("3", "10001", 5, 0.0),
        order("4", "POST", 1, 3.0), order("C5", "10001", -1, 2.0, day=1), order("C6", "10001", -1, 2.0, day=-1),
    )  # fmt: skip
    counts = found.counts
    assert counts["lines repeated within an order (kept)"] == 1
    parts = ("charges that are not goods", "cancelled lines netted", "cancelled lines without their order")
    assert counts["lines read"] == counts["lines sold"] + counts["corrections and gifts"] + sum(
        counts[p] for p in parts
    )


def test_a_huge_line_is_worth_more_than_nearly_all_others() -> None:
    found = ruled(*(order(str(i), "10001", 1, 2.0) for i in range(400)), order("x", "10001", 5000, 2.0))
    assert 2.0 <= huge_line_yuan(found.entries) < 10_000


def test_a_listing_with_the_words_of_an_earlier_one_is_its_duplicate() -> None:
    found = ruled(
        order("1", "10001A", 1, 2, title="RED TEA-BOX"), order("2", "10001B", 1, 2, day=1, title="Tea box, red"),
        order("3", "20000", 1, 2, day=2, title="red tea box"), order("4", "30000", 1, 2, title="Blue tea box"),
    )  # fmt: skip
    assert duplicate_listings(found.entries).sort("product_id").rows() == [
        ("10001B", "10001A", True), ("20000", "10001A", False),
    ]  # fmt: skip
