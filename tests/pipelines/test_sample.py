"""The sample's deliveries: real layouts that the sources read back to the truth, the same bytes from the same seed."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.simulation.orders import as_of, midnight
from models.simulation.sizes import ENDS_ON
from models.simulation.world import World, build_world
from pipelines.sample import SampleReport, write_sample
from pipelines.sample_book import HEADERS, workbook
from pipelines.sample_broken import break_some
from pipelines.sample_orders import BOM, MASK, WRITERS
from pipelines.sources.kinds import Batch, Context
from pipelines.sources.orders import PAIR, OrdersSource
from pipelines.sources.recognise import look, recognise, sources
from pipelines.sources.taobao import Half, parse_pair

ARRIVED = datetime(2026, 9, 1, 1, tzinfo=UTC)
CONTEXT = Context("file", ARRIVED, True, "Asia/Shanghai", shop="qinghe-x", buyer_secret=b"secret")


@pytest.fixture(scope="module")
def tiny() -> World:
    return build_world("tiny", 1)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleReport]:
    folder = tmp_path_factory.mktemp("sample")
    return folder, write_sample("tiny", 1, folder)


def hashes(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def parsed(platform: str, lines: pl.DataFrame, folder: Path) -> list[Batch]:
    """The platform's files of these lines, written and read back by the order sources."""
    found = WRITERS[platform](lines, midnight(build_world("tiny", 1).size, 400))
    for name, data in found.items():
        (folder / name).write_bytes(data)
    if platform != "taobao":
        return list(OrdersSource().parse(folder / next(iter(found)), platform, CONTEXT))
    names = ("ExportOrderList.csv", "ExportOrderDetailList.csv")
    halves = [Half(folder / name, profile, CONTEXT) for name, profile in zip(names, PAIR, strict=True)]
    return [batch for _, batch in parse_pair(halves)]


def test_the_same_seed_writes_the_same_bytes(written: tuple[Path, SampleReport], tmp_path: Path) -> None:
    folder, report = written
    again = write_sample("tiny", 1, tmp_path)
    assert hashes(tmp_path) == hashes(folder)
    assert again == report
    assert report.files == sum(1 for _ in (folder / "deliveries").rglob("*.*"))


def test_a_folder_with_deliveries_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deliveries").mkdir()
    with pytest.raises(FileExistsError, match="was not written by this command; take another folder"):
        write_sample("tiny", 1, tmp_path)


def test_an_unknown_size_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no size 'huge'"):
        write_sample("huge", 1, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_every_file_is_recognised_for_what_it_is(written: tuple[Path, SampleReport]) -> None:
    folder, _ = written
    kinds: dict[str, set[str]] = {}
    for path in (folder / "deliveries").rglob("*.*"):
        if path.is_file():
            kind = recognise(look(path, 64 << 20), sources()).source.kind
            kinds.setdefault(kind, set()).add(path.name.split("_2026")[0].split("_history")[0].split(".")[0])
    assert {"orders", "readings", "weather"} <= set(kinds)
    for table in (
        "place",
        "channel",
        "region",
        "product",
        "listing",
        "plot",
        "planting",
        "practice",
        "stock_day",
        "price_day",
        "live_slot",
    ):
        assert any(name.startswith(table) for name in kinds[table]), table


@pytest.mark.parametrize("platform", sorted(WRITERS))
def test_order_files_read_back_to_the_paid_lines(tiny: World, platform: str, tmp_path: Path) -> None:
    assert tiny.lines is not None
    lines = as_of(tiny.lines.filter(pl.col("channel_id") == "taobao"), midnight(tiny.size, 400))
    if platform == "pinduoduo":  # one article an order
        lines = lines.filter(pl.col("line_no") == 1)
    batches = parsed(platform, lines, tmp_path)
    assert sum(b.rejected.height for b in batches) == 0
    rows = pl.concat(
        [b.rows for b in batches if b.table == "order_line" and b.rows.height], how="diagonal_relaxed"
    )
    newest = rows.sort("known_at").unique(["order_id", "line_id"], keep="last")
    paid = lines.filter(pl.col("paid_at").is_not_null())
    before = pl.col("status") == "refunded_before_ship"
    assert newest.height == paid.height
    assert newest.filter(before).height == paid.filter(pl.col("refund") == "before_ship").height
    assert (
        newest.filter(~before)["quantity"].sum()
        == paid.filter(pl.col("refund") != "before_ship")["quantity"].sum()
    )
    money = float(newest["goods_yuan"].cast(pl.Float64).sum())
    assert money == pytest.approx(paid["goods_yuan"].sum(), rel=1e-4)
    assert dict(newest["seller_sku"].value_counts().iter_rows()) == dict(
        paid["seller_sku"].value_counts().iter_rows()
    )
    assert set(newest["region_id"]) == {"上海", "江苏"}


def test_names_addresses_and_phones_stand_in_the_files_as_masks_for_privacy_tests(
    written: tuple[Path, SampleReport],
) -> None:
    orders = list((written[0] / "deliveries").rglob("orders/*/*.csv"))
    masked = [
        p for p in orders if MASK.encode() in p.read_bytes() or MASK.encode("gb18030") in p.read_bytes()
    ]
    assert len(masked) >= len(orders) / 2


def test_taobao_comes_in_gbk_and_the_others_with_a_byte_order_mark(
    written: tuple[Path, SampleReport],
) -> None:
    for path in (written[0] / "deliveries").rglob("orders/*/*.csv"):
        data = path.read_bytes()
        if "taobao" in path.parent.name:
            assert data.decode("gb18030").startswith('"订单编号"')
            with pytest.raises(UnicodeDecodeError):
                data.decode("utf-8")
        else:
            assert data.startswith(BOM)
            assert "\t69" in data.decode("utf-8-sig")


def test_daily_deliveries_hold_what_changed_that_day_and_nothing_later(
    written: tuple[Path, SampleReport], tiny: World
) -> None:
    days = sorted(p.name for p in (written[0] / "deliveries" / "daily").iterdir())
    assert days == [(ENDS_ON - timedelta(days=k)).isoformat() for k in (2, 1, 0)]
    sold = pl.read_csv(
        written[0]
        / "deliveries/daily"
        / days[-1]
        / "orders/qinghe-douyin"
        / f"{ENDS_ON:%Y%m%d}_orders_by_item.csv"
    )
    created = sold["订单提交时间"]
    assert created.max() < f"{ENDS_ON + timedelta(days=1)}"  # type: ignore[operator]
    assert (created < f"{ENDS_ON}").any()  # older orders that shipped or arrived that day
    stock = pl.read_csv(
        written[0] / "deliveries/daily" / days[-1] / "stock" / f"stock_day_{ENDS_ON:%Y%m%d}.csv"
    )
    assert set(stock["stock_date"]) == {ENDS_ON.isoformat()}


def test_prices_and_slots_are_known_five_weeks_ahead_and_say_when_they_were_decided(
    written: tuple[Path, SampleReport],
) -> None:
    folder = written[0] / "deliveries"
    prices = pl.concat(pl.read_csv(p, try_parse_dates=True) for p in folder.rglob("price_day_*.csv"))
    assert prices["price_date"].max() == ENDS_ON + timedelta(days=35)
    assert (prices["price_date"] - prices["decided_on"]).unique().to_list() == [timedelta(days=35)]
    assert not prices.select("product_id", "channel_id", "price_date").is_duplicated().any()
    slots = pl.concat(pl.read_csv(p, try_parse_dates=True) for p in folder.rglob("live_slot*.csv"))
    assert slots["slot_date"].max() > ENDS_ON  # type: ignore[operator]
    assert (slots["decided_on"] <= ENDS_ON).all()
    assert slots["live_slot_id"].is_unique().all()


@pytest.mark.parametrize("platform", ["douyin", "pinduoduo", "shopify"])
def test_broken_rows_are_refused_as_often_as_the_truth_says(
    tiny: World, platform: str, tmp_path: Path
) -> None:
    assert tiny.lines is not None
    lines = as_of(tiny.lines.filter(pl.col("line_no") == 1).tail(400), midnight(tiny.size, 399))
    files, broken = break_some(
        platform, WRITERS[platform](lines, midnight(tiny.size, 399)), np.random.default_rng(1)
    )
    path = tmp_path / next(iter(files))
    path.write_bytes(files[path.name])
    batches = list(OrdersSource().parse(path, platform, CONTEXT))
    assert sum(b.rejected.height for b in batches) == sum(b.rejected for b in broken) == 10
    assert sum(n for b in batches for reason, n in b.dropped.items() if "total" in reason) == 1


def test_the_truth_stands_apart_and_reads_back(written: tuple[Path, SampleReport]) -> None:
    truth = written[0] / "truth"
    latent = pl.read_parquet(truth / "latent_demand.parquet")
    assert (latent["sold_kg"] <= latent["demand_kg"] + 1e-9).all()
    assert latent["sale_date"].max() >= ENDS_ON + timedelta(days=28)  # type: ignore[operator]
    oracle = pl.read_parquet(truth / "demand_quantiles.parquet")
    assert oracle["cutoff"].n_unique() >= 5
    assert ENDS_ON in oracle["cutoff"].to_list()
    assert pl.read_parquet(truth / "broken_rows.parquet")["rejected"].sum() == 16
    assert {p.stem for p in truth.iterdir()} >= {
        "sensor_faults",
        "fields",
        "play_demand",
        "play_plots",
        "weather",
    }


def test_a_workbook_of_the_same_rows_is_the_same_bytes_and_holds_dates() -> None:
    frame = pl.DataFrame({"plot_id": ["p1"], "crop_id": ["rice"], "year": [2026], "season": [1], "area_mu": [2.5], "practice_id": ["rice-paddy"], "sown_on": [ENDS_ON]})  # fmt: skip
    data = workbook("planting", frame)
    assert data == workbook("planting", frame)
    sheet = pl.read_excel(data)
    assert sheet.columns == list(HEADERS["planting"].values())
    assert sheet["播种日期"].to_list() == [ENDS_ON]
