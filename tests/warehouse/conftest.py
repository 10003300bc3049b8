"""A warehouse in a temporary folder, and short ways to write order lines and daily sales."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from warehouse import Warehouse

Row = dict[str, Any]
DAY_1 = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
"""Noon of 1 May in Shanghai."""
RANKS = {"paid": 1, "shipped": 3, "received": 4, "refunded_before_ship": 6}


def noon(days: float) -> datetime:
    return DAY_1 + timedelta(days=days)


def file_of(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(
        [{"line_number": n, **row} for n, row in enumerate(rows, 2)], infer_schema_length=None
    )


def order_line(order_id: str, *, status: str = "paid", known: float = 0, **other: Any) -> Row:
    row = {
        "platform": "douyin",
        "shop": "farm",
        "order_id": order_id,
        "line_id": "1",
        "seller_sku": "rice-5",
        "title": "rice",
        "quantity": 2,
        "goods_yuan": 30.0,
        "status": status,
        "status_rank": RANKS[status],
        "raw_status": status,
        "paid_at": DAY_1,
        "region_id": "310000",
        "known_at": noon(known),
    }
    return row | other


def daily_sale(sold_kg: float, *, day: int = 0, known: float = 1, **other: Any) -> Row:
    sale = {"product_id": "rice", "channel_id": "till", "region_id": "310000", "sold_kg": sold_kg}
    return {**sale, "sale_date": date(2026, 5, 1) + timedelta(days=day), "known_at": noon(known), **other}


@pytest.fixture(scope="session")
def instant() -> Callable[[float], datetime]:
    """So many days after noon of 1 May (Shanghai)."""
    return noon


@pytest.fixture(scope="session")
def lines() -> Callable[..., pl.DataFrame]:
    """Rows of one file, numbered from line 2 where they carry no number."""
    return file_of


@pytest.fixture(scope="session")
def order() -> Callable[..., Row]:
    """One version of an order line of 2 units; `known` in days after noon of 1 May."""
    return order_line


@pytest.fixture(scope="session")
def sale() -> Callable[..., Row]:
    """One version of the kg a till sold on a day; `known` in days after noon of 1 May."""
    return daily_sale


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An empty warehouse and one with a shop, made once and copied by each test."""
    folder = tmp_path_factory.mktemp("templates")
    for name in ("empty", "shop"):
        with Warehouse.open(folder / f"{name}.duckdb", threads=1) as warehouse:
            if name == "shop":
                add_shop(warehouse)
    return {name: folder / f"{name}.duckdb" for name in ("empty", "shop")}


def opened(template: Path, folder: Path) -> Warehouse:
    path = folder / "county" / "warehouse.duckdb"
    path.parent.mkdir()
    shutil.copyfile(template, path)
    return Warehouse.open(path, threads=1)


@pytest.fixture
def wh(templates: dict[str, Path], tmp_path: Path) -> Iterator[Warehouse]:
    with opened(templates["empty"], tmp_path) as warehouse:
        yield warehouse


@pytest.fixture
def shop(templates: dict[str, Path], tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse that knows a product, two channels, two regions and a listing of 5 kg a piece."""
    with opened(templates["shop"], tmp_path) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def shared_shop(templates: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The same for property tests, which leave it as it was by rolling back."""
    with opened(templates["shop"], tmp_path_factory.mktemp("shared")) as warehouse:
        yield warehouse


def add_shop(wh: Warehouse) -> None:
    def add(table: str, **columns: Any) -> None:
        assert wh.take_in(table, file_of({**columns, "known_at": DAY_1}), "f").taken == 1

    add("product", product_id="rice", name_zh="米", name_en="rice", family="rice")
    add("channel", channel_id="douyin", name="抖音", platform="douyin", shop="farm")
    add("channel", channel_id="till", name="till", platform="market", shop="till")
    add("region", region_id="310000", name="上海市")
    add("region", region_id="unknown", name="unknown")
    listing = {"platform": "douyin", "shop": "farm", "seller_sku": "rice-5", "valid_from": date(2026, 1, 1)}
    add("listing", **listing, product_id="rice", net_weight_kg=5.0)
