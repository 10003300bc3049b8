"""The step `select` on a county of a few products: what is called, what stands in, and that it never guesses silently."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.bestseller_inputs import SelectParams, growing_of, select_facts
from pipelines.bestseller_score import score_calls
from pipelines.bestsellers import select_products
from settings import Settings
from warehouse import Warehouse

pytestmark = pytest.mark.slow

FIRST = date(2025, 1, 1)
CUTOFF = FIRST + timedelta(days=299)
KNOWN = datetime(2025, 1, 1, tzinfo=UTC)
LAUNCHED = {
    "new": FIRST + timedelta(days=260),
    "young": FIRST + timedelta(days=282),
    "matured": FIRST + timedelta(days=180),
}
PRODUCTS = ("a", "b", "c", *LAUNCHED)


def lines(upto: int = 300) -> pl.DataFrame:
    rows = []
    for n, product in enumerate(PRODUCTS):
        start = (LAUNCHED.get(product, FIRST) - FIRST).days
        for day in range(start, upto):
            rows += [(product, day, k, 10.0 * (n + 1)) for k in range(1 + (n + day // 28) % 3)]
    frame = pl.DataFrame(rows, schema=["sku", "day", "k", "yuan"], orient="row")
    paid = pl.lit(datetime(2025, 1, 1, 4, tzinfo=UTC)) + pl.duration(days=pl.col("day"))
    return frame.select(
        platform=pl.lit("taobao"), shop=pl.lit("s"), order_id=pl.format("{}-{}-{}", "sku", "day", "k"), line_id=pl.lit("1"),
        seller_sku="sku", title=pl.format("清禾 {}", "sku"), quantity=pl.lit(1), goods_yuan="yuan",
        status=pl.lit("received"), status_rank=pl.lit(5), raw_status=pl.lit("x"), paid_at=paid,
        buyer_key=pl.format("b{}", "k"), file_id=pl.lit("f"), known_at=paid + pl.duration(hours=1),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county", threads=1)


@pytest.fixture
def warehouse(home: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(home.warehouse_path, zone=home.timezone, threads=1) as opened:
        things(opened)
        yield opened


def things(warehouse: Warehouse) -> None:
    known = {"known_at": KNOWN}
    put = {
        "channel": [{"channel_id": "t", "name": "t", "platform": "taobao", "shop": "s", "commission_share": 0.1}],
        "crop": [
            {"crop_id": c, "name_zh": c, "name_en": c, "family": c, "kind": "vegetable", "is_legume": False, "keeps_days": 5}
            for c in ("leek", "lotus")
        ],
        "product": [
            {"product_id": p, "name_zh": p, "name_en": p, "family": "f", "launched_on": LAUNCHED.get(p)} for p in PRODUCTS
        ],
        "product_crop": [
            {"product_id": p, "crop_id": "leek", "crop_kg_per_product_kg": 1.0, "source": "test"} for p in PRODUCTS if p != "young"
        ],
        "listing": [
            {"platform": "taobao", "shop": "s", "seller_sku": p, "valid_from": FIRST, "product_id": p, "pieces": 1, "net_weight_kg": 2.0}
            for p in PRODUCTS
        ],
        "plot": [{"plot_id": "1", "land_class": "dry_flat", "area_mu": 5.0}],
        "practice": [
            {"practice_id": f"{c}-1", "crop_id": c, "land_class": land, "season": 1, "last_season": 1, "cost_yuan_per_mu": 1000.0,
             "sow_from_doy": 60, "sow_to_doy": 90, "sell_from_doy": 150, "sell_to_doy": 200, "source": "test"}
            for c, land in (("leek", "dry_flat"), ("lotus", "paddy"))
        ],
        "practice_yield": [
            {"practice_id": f"{c}-1", "crop_id": c, "yield_kg_per_mu": 1000.0, "price_yuan_per_kg": 3.0, "salvage_yuan_per_kg": 0.2}
            for c in ("leek", "lotus")
        ],
    }  # fmt: skip
    for table, rows in put.items():
        warehouse.append(table, pl.DataFrame([{**r, **known} for r in rows]))


def candidates(warehouse: Warehouse) -> None:
    one = {
        "title": "礼盒",
        "family": "f",
        "price_yuan": 30.0,
        "cost_yuan": 9.0,
        "pack_kg": 2.0,
        "known_at": KNOWN,
    }
    warehouse.append(
        "candidate_listing",
        pl.DataFrame(
            [
                {**one, "candidate_id": "grown", "crop_id": "leek"},
                {**one, "candidate_id": "no-land", "crop_id": "lotus"},
                {**one, "candidate_id": "bought", "crop_id": None},
                {**one, "candidate_id": "gone", "crop_id": None, "decide_by": CUTOFF - timedelta(days=1)},
            ]
        ),
    )


def table(warehouse: Warehouse, name: str) -> pl.DataFrame:
    return warehouse.sql(f"select * from {name} order by all")


def test_without_orders_there_are_no_rows_and_the_run_says_what_to_load(
    home: Settings, warehouse: Warehouse
) -> None:
    candidates(warehouse)
    said = select_products(home, warehouse, cutoff=CUTOFF, run_id="r")
    assert "load orders" in said
    assert table(warehouse, "bestseller_forecast").is_empty()


def test_launches_are_called_by_the_latest_day_they_reached_and_labelled(
    home: Settings, warehouse: Warehouse
) -> None:
    warehouse.append("order_line", lines())
    candidates(warehouse)
    said = select_products(home, warehouse, cutoff=CUTOFF, run_id="r")
    calls = table(warehouse, "bestseller_forecast").filter(pl.col("question") == "launch")
    assert dict(calls.select("subject_id", "decision_on").iter_rows()) == {
        "new": LAUNCHED["new"] + timedelta(days=28), "young": LAUNCHED["young"] + timedelta(days=14),
    }  # fmt: skip
    assert calls["fallback_reason"].to_list() == ["few_launches:1"] * 2
    assert calls["probability"].is_between(0, 1).all()
    assert calls.select((pl.col("low_yuan") <= pl.col("high_yuan")).all()).item()
    assert "'young' is not decided about" in said
    reasons = table(warehouse, "bestseller_reason").group_by("question", "subject_id").len()
    assert reasons["len"].to_list() == [3] * 5
    before = {
        name: table(warehouse, name)
        for name in ("bestseller_forecast", "selection_recommendation", "bestseller_reason")
    }
    select_products(home, warehouse, cutoff=CUTOFF, run_id="r")
    for name, rows in before.items():
        assert table(warehouse, name).rows() == rows.rows(), name


def test_candidates_are_checked_against_land_and_committed_in_mu_or_packs(
    home: Settings, warehouse: Warehouse
) -> None:
    warehouse.append("order_line", lines())
    candidates(warehouse)
    select_products(home, warehouse, cutoff=CUTOFF, run_id="r")
    rows = {r["subject_id"]: r for r in table(warehouse, "selection_recommendation").iter_rows(named=True)}
    assert set(rows) == {"grown", "no-land", "bought", "new"}
    assert rows["no-land"]["answer"] == "drop"
    assert "paddy" in rows["no-land"]["blocked_en"]
    assert rows["grown"]["commit_kind"] == "mu"
    assert rows["grown"]["commit_by"] == date(2026, 3, 1)
    assert rows["grown"]["commit_quantity"] == pytest.approx(rows["grown"]["first_quantity_kg"] / 1000)
    assert rows["bought"]["commit_kind"] == "packs"
    listed = table(warehouse, "bestseller_forecast").filter(pl.col("question") == "listing")
    assert listed["fallback_reason"].str.starts_with("like_products:").all()


def test_where_nothing_has_matured_calls_are_ranked_by_sales_and_say_so(
    home: Settings, warehouse: Warehouse
) -> None:
    warehouse.append("order_line", lines(75).filter(pl.col("seller_sku") == "a"))
    params = SelectParams(records_days=0)
    facts = select_facts(home, warehouse, cutoff=FIRST + timedelta(days=40), params=params)
    assert facts is not None
    said = select_products(home, warehouse, cutoff=FIRST + timedelta(days=40), run_id="r", params=params)
    calls = table(warehouse, "bestseller_forecast")
    assert calls["fallback_reason"].to_list() == ["too_little_matured"]
    assert calls["probability"].to_list() == [None]
    assert "ranked by sales so far" in said


def test_what_is_known_later_does_not_change_a_call(home: Settings, warehouse: Warehouse) -> None:
    early = CUTOFF - timedelta(days=5)
    warehouse.append("order_line", lines().filter(pl.col("known_at") <= home.known_by(early).astimezone(UTC)))
    select_products(home, warehouse, cutoff=early, run_id="r")
    before = table(warehouse, "bestseller_forecast")
    warehouse.append("order_line", lines().filter(pl.col("known_at") > home.known_by(early).astimezone(UTC)))
    select_products(home, warehouse, cutoff=early, run_id="r")
    assert table(warehouse, "bestseller_forecast").equals(before)


def test_matured_calls_are_scored_once_by_their_first_call(home: Settings, warehouse: Warehouse) -> None:
    warehouse.append("order_line", lines())
    call = {
        "run_id": "r", "question": "launch", "name": "x", "category": "all", "decision_on": FIRST, "window_from": FIRST,
        "window_to": FIRST + timedelta(days=56), "top_share": 0.4, "base_rate": 0.4, "rank_in_category": 1, "expected_yuan": 1.0,
        "lead_days": 56, "model_version": "m",
    }  # fmt: skip
    for day, chances in ((1, {"a": 0.9, "b": 0.2, "c": 0.3}), (2, {"a": 0.1, "b": 0.2, "c": 0.9})):
        rows = [{**call, "subject_id": s, "probability": p} for s, p in chances.items()]
        warehouse.replace("bestseller_forecast", pl.DataFrame(rows), cutoff=FIRST + timedelta(days=day))
    assert score_calls(home, warehouse, cutoff=CUTOFF, run_id="r") == 3
    score = table(warehouse, "bestseller_score").row(0, named=True)
    assert (score["called"], score["hits"], score["false_alarms"], score["missed"]) == (1, 0, 1, 1)
    assert score_calls(home, warehouse, cutoff=FIRST + timedelta(days=10), run_id="r") == 0


def test_a_crop_without_practice_is_named(home: Settings, warehouse: Warehouse) -> None:
    found = growing_of(home, warehouse, ["leek", "tea"], cutoff=CUTOFF)
    assert found["leek"].way is not None
    assert found["tea"].blocked is not None
    assert "table practice" in found["tea"].blocked[1]
