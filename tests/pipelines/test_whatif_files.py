"""What a release carries for what-ifs: kept by the forecast, or made anew, and the same either way."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.assemble import future_frame
from features.panel import build_panel
from pipelines import whatif_files
from pipelines.demand_inputs import demand_tables
from pipelines.whatif_files import book_files, keep_book
from settings import Settings
from warehouse import Warehouse

START, DAYS = date(2026, 1, 1), 80
CUTOFF = START + timedelta(days=DAYS - 1)
KNOWN = datetime(2025, 12, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county", horizon_days=14)


@pytest.fixture
def wh(settings: Settings) -> Iterator[Warehouse]:
    """Two products in a shop, prices known a month ahead, one campaign behind and one ahead."""
    with Warehouse.open(settings.warehouse_path) as warehouse:
        products = ["p0", "p1"]
        named = {"name_zh": products, "name_en": products, "known_at": [KNOWN] * 2}
        warehouse.append("product", pl.DataFrame({"product_id": products, "family": ["leaf"] * 2, **named}))
        warehouse.append("region", pl.DataFrame({"region_id": ["r"], "name": ["r"], "known_at": [KNOWN]}))
        shop = {"channel_id": ["s"], "name": ["s"], "platform": ["m"], "shop": ["s"], "known_at": [KNOWN]}
        warehouse.append("channel", pl.DataFrame(shop))
        kg = np.random.default_rng(1).poisson(8, (2, DAYS)).astype(float)
        sales = [
            (p, START + timedelta(days=d), kg[i, d]) for i, p in enumerate(products) for d in range(DAYS)
        ]
        sold = pl.DataFrame(sales, schema=["product_id", "sale_date", "sold_kg"], orient="row")
        warehouse.append(
            "daily_sale",
            sold.filter(pl.col("sold_kg") > 0).with_columns(
                channel_id=pl.lit("s"),
                region_id=pl.lit("r"),
                known_at=pl.col("sale_date").cast(pl.Datetime("us", "UTC")) + timedelta(hours=17),
            ),
        )
        prices = [(p, START + timedelta(days=d), 10.0 + d % 3) for p in products for d in range(DAYS + 14)]
        asked = pl.DataFrame(prices, schema=["product_id", "price_date", "price_yuan_per_kg"], orient="row")
        warehouse.append("price_day", asked.with_columns(channel_id=pl.lit("s"), known_at=pl.lit(KNOWN)))
        spans = [(20, 22), (DAYS + 3, DAYS + 5)]
        campaigns = [
            (f"c{i}", "*", "sale", START + timedelta(days=a), START + timedelta(days=b), 0.2, KNOWN)
            for i, (a, b) in enumerate(spans)
        ]
        columns = ["campaign_id", "channel_id", "name", "starts_on", "ends_on", "discount_share", "known_at"]
        warehouse.append("campaign", pl.DataFrame(campaigns, schema=columns, orient="row"))
        yield warehouse


@pytest.fixture
def champion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A champion by name alone: the files do not depend on which it is."""
    version = SimpleNamespace(name="demand-1")
    monkeypatch.setattr(whatif_files, "load_champion", lambda *_, **__: (version, None))


def read(files: tuple[object, ...]) -> dict[str, pl.DataFrame]:
    return {f.name: pl.read_parquet(f.path) for f in files}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("champion")
def test_files_made_anew_are_those_the_forecast_kept(settings: Settings, wh: Warehouse) -> None:
    tables = demand_tables(settings, wh, cutoff=CUTOFF)
    panel = build_panel(tables, cutoff=CUTOFF, horizon_days=14)
    keep_book(settings, tables, panel, future_frame(panel, origin=CUTOFF, horizon_days=14))
    kept = read(book_files(settings, wh, cutoff=CUTOFF))
    assert kept.keys() == {f"whatif_{name}.parquet" for name in ("row", "price", "campaign", "live", "seen")}
    for path in (settings.home / "whatif" / f"{CUTOFF}").iterdir():
        path.unlink()
    (settings.home / "whatif" / f"{CUTOFF}").rmdir()
    anew = read(book_files(settings, wh, cutoff=CUTOFF))
    assert anew.keys() == kept.keys()
    for name, frame in kept.items():
        assert_frame_equal(anew[name], frame, check_exact=True)
    assert kept["whatif_row.parquet"].height == 2 * 14
    assert kept["whatif_campaign.parquet"]["starts_on"].to_list() == [START + timedelta(days=DAYS + 3)]
    assert (
        kept["whatif_seen.parquet"].select("price_low", "price_high", "campaign_days").rows()
        == [(10.0, 12.0, 3)] * 2
    )


@pytest.mark.usefixtures("champion")
def test_files_of_one_cutoff_take_the_place_of_anothers(settings: Settings, wh: Warehouse) -> None:
    for cutoff in (CUTOFF, CUTOFF - timedelta(days=1)):
        files = book_files(settings, wh, cutoff=cutoff)
        assert {f.path.parent.name for f in files} == {f"{cutoff}"}
        assert [p.name for p in (settings.home / "whatif").iterdir()] == [f"{cutoff}"]


def test_without_a_model_a_release_carries_nothing_for_what_ifs(settings: Settings, wh: Warehouse) -> None:
    assert book_files(settings, wh, cutoff=CUTOFF) == ()
