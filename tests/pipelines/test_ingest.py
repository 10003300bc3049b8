"""Taking in: whole or not at all, twice equals once, any order ends in the same view."""

import os
import random
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from rich.console import Console

from pipelines.ingest import load, watch_once
from pipelines.load_report import LoadReport, show
from settings import Settings
from warehouse import Warehouse

SAMPLES = Path(__file__).parents[1] / "data" / "orders"
NOW = datetime(2026, 5, 10, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
HEADER = "订单号,订单状态,商品数量(件),用户实付金额(元),商家编码-规格维度,商品规格,订单成交时间,快递单号"
STATES = ("待发货", "已发货，待签收", "已签收", "已签收，退款成功")


class County:
    """A county folder with a warehouse, for one test."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(home=home)
        self.wh = Warehouse.open(self.settings.warehouse_path, threads=1)

    def load(self, *paths: Path, now: datetime = NOW, **how: bool | str) -> LoadReport:
        return load(self.settings, self.wh, paths, now=now, **how)  # type: ignore[arg-type]

    def view(self, *, with_arrival: bool = False) -> pl.DataFrame:
        arrival = ["known_at", "file_id"] if not with_arrival else []
        return self.wh.read("order_line").drop(arrival).sort("platform", "order_id", "line_id")

    def rows(self, table: str) -> int:
        return int(self.wh.sql(f"select count(*) from {table}").item())


@pytest.fixture
def county(tmp_path: Path) -> County:
    return County(tmp_path / "county")


def order_file(path: Path, *orders: tuple[int, int], shop_day: int = 1) -> Path:
    """A Pinduoduo file of (order number, index of its state)."""
    rows = [f"26050{shop_day}-{n},{STATES[s]},1,39.90,RICE-5,5斤装,2026-05-01 08:00:00," for n, s in orders]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return path


def test_all_layouts_of_a_folder_are_taken_and_every_line_is_accounted_for(county: County) -> None:
    report = county.load(SAMPLES)
    assert report.ok
    assert [f.taken for f in report.files] == [5, 6, 4, 5, 0]
    for file in report.files:
        assert file.read == file.taken + file.unchanged + file.rejected + sum(file.dropped.values())
    assert county.rows("source_file") == 5
    assert county.rows("rejected_row") == 1


def test_the_same_file_twice_changes_nothing(county: County, tmp_path: Path) -> None:
    county.load(SAMPLES)
    before = county.view(with_arrival=True)
    renamed = tmp_path / "again.csv"
    renamed.write_bytes((SAMPLES / "shopify.csv").read_bytes())
    report = county.load(SAMPLES, renamed, now=NOW + timedelta(days=1))
    assert {file.state for file in report.files} == {"known"}
    assert_frame_equal(county.view(with_arrival=True), before)


def test_the_same_lines_in_other_bytes_are_unchanged(county: County, tmp_path: Path) -> None:
    county.load(SAMPLES / "shopify.csv")
    other = tmp_path / "shopify.csv"
    other.write_bytes((SAMPLES / "shopify.csv").read_bytes() + b"\n")
    [file] = county.load(other, now=NOW + timedelta(days=1)).files
    assert (file.taken, file.unchanged, file.dropped["blank_row"]) == (0, 4, 1)


def test_a_later_state_is_a_new_version_and_the_old_one_can_still_be_read(
    county: County, tmp_path: Path
) -> None:
    county.load(order_file(tmp_path / "a.csv", (1, 0)))
    county.load(order_file(tmp_path / "b.csv", (1, 3)), now=NOW + timedelta(days=3))
    assert county.wh.read("order_line", known_by=NOW)["status"].to_list() == ["paid"]
    assert county.view()["status"].to_list() == ["refunded_after_ship"]


def test_an_older_export_that_comes_late_changes_nothing(county: County, tmp_path: Path) -> None:
    county.load(order_file(tmp_path / "b.csv", (1, 2)))
    county.load(order_file(tmp_path / "a.csv", (1, 0)), now=NOW + timedelta(days=3))
    assert county.view()["status"].to_list() == ["received"]


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.lists(
        st.lists(
            st.tuples(st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda o: o[0]
        ),
        min_size=1,
        max_size=3,
    ),
    seed=st.integers(0, 2**16),
)
def test_files_shuffled_and_doubled_end_in_the_same_view(
    tmp_path_factory: pytest.TempPathFactory, days: list[list[tuple[int, int]]], seed: int
) -> None:
    folder, draw = tmp_path_factory.mktemp("shuffled"), random.Random(seed)
    files = [order_file(folder / f"{i}.csv", *orders) for i, orders in enumerate(days)]
    mixed = [*files, draw.choice(files)]
    draw.shuffle(mixed)
    for i, orders in enumerate(days):  # the lines of a file in another order
        mixed.append(order_file(folder / f"again-{i}.csv", *draw.sample(orders, len(orders))))
    plain, shuffled = County(folder / "plain"), County(folder / "shuffled")
    for number, path in enumerate(files):
        plain.load(path, now=NOW + timedelta(hours=number))
    for number, path in enumerate(mixed):
        shuffled.load(path, now=NOW + timedelta(hours=number))
    assert_frame_equal(shuffled.view(), plain.view())
    for one in (plain, shuffled):
        one.wh.close()


def test_history_loads_know_each_fact_on_the_morning_after_it(county: County) -> None:
    county.load(SAMPLES / "pinduoduo_27.csv", history=True)
    morning = datetime(2026, 5, 1, 22, tzinfo=UTC)
    assert county.wh.read("order_line", known_by=morning)["status"].unique().to_list() != []
    early = county.wh.read("order_line", known_by=morning).filter(
        pl.col("order_id") == "260501-100000000000004"
    )
    assert early["status"].to_list() == ["paid"]
    late = county.wh.read("order_line").filter(pl.col("order_id") == "260501-100000000000004")
    assert late["status"].to_list() == ["refunded_before_ship"]


def test_a_check_says_what_would_happen_and_changes_nothing(county: County) -> None:
    report = county.load(SAMPLES, check=True)
    assert sum(file.taken for file in report.files) == 20
    assert {file.state for file in report.files} == {"checked"}
    assert [county.rows(t) for t in ("order_line", "source_file", "rejected_row", "channel", "region")] == [
        0
    ] * 5


def test_a_file_that_breaks_off_leaves_nothing_but_its_refusal(county: County, tmp_path: Path) -> None:
    path = order_file(tmp_path / "a.csv", *((n, 0) for n in range(2000)))
    path.write_bytes(path.read_bytes() + b"\xff\n")
    report = county.load(path)
    assert not report.ok
    assert county.rows("order_line") == 0
    assert county.wh.sql("select line_number, rule from rejected_row").rows() == [(0, "wrong_encoding")]
    county.load(path)
    assert county.rows("rejected_row") == 1


def test_half_a_pair_is_refused_and_taken_when_its_other_half_comes(county: County) -> None:
    assert not county.load(SAMPLES / "taobao_items_gbk.csv").ok
    assert county.rows("order_line") == 0
    both = county.load(SAMPLES / "taobao_orders_gbk.csv", SAMPLES / "taobao_items_gbk.csv")
    assert both.ok
    assert county.rows("order_line") == 5


def test_a_missing_file_is_told_and_the_others_are_taken(county: County, tmp_path: Path) -> None:
    report = county.load(tmp_path / "nothing.csv", SAMPLES / "shopify.csv")
    assert [file.state for file in report.files] == ["refused", "taken"]


def test_a_file_over_the_size_limit_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "county"
    home.mkdir()
    big = tmp_path / "big.csv"
    with big.open("wb") as stream:
        stream.truncate(2 * 1024 * 1024)
    with Warehouse.open(home / "w.duckdb") as wh:
        [file] = load(Settings(home=home, max_file_mb=1), wh, [big], now=NOW).files
    assert file.rule == "file_too_large"


def test_the_shop_comes_from_the_option_the_name_or_the_folder(county: County, tmp_path: Path) -> None:
    order_file(tmp_path / "in" / "west" / "a.csv", (1, 0))
    order_file(tmp_path / "in" / "east__b.csv", (2, 0))
    order_file(tmp_path / "in" / "c.csv", (3, 0))
    county.load(tmp_path / "in")
    assert county.view().select("order_id", "shop").rows() == [
        ("260501-1", "west"),
        ("260501-2", "east"),
        ("260501-3", "default"),
    ]
    county.load(order_file(tmp_path / "d.csv", (4, 0)), shop="north")
    assert sorted(county.wh.read("channel")["channel_id"]) == [
        "pinduoduo/default",
        "pinduoduo/east",
        "pinduoduo/north",
        "pinduoduo/west",
    ]


def test_a_channel_that_is_known_is_not_made_again(county: County, tmp_path: Path) -> None:
    own = {
        "channel_id": "our-pdd",
        "name": "我们的店",
        "platform": "pinduoduo",
        "shop": "farm",
        "known_at": NOW,
    }
    county.wh.append("channel", pl.DataFrame([own]))
    county.load(order_file(tmp_path / "a.csv", (1, 0)), shop="farm")
    assert county.wh.read("channel")["channel_id"].to_list() == ["our-pdd"]


def test_the_buyer_secret_is_made_once_for_its_owner_only(county: County) -> None:
    county.load(SAMPLES / "shopify.csv")
    path = county.settings.key_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_bytes()
    assert len(secret) == 32
    county.load(SAMPLES / "douyin_by_item.csv")
    assert path.read_bytes() == secret


def test_the_report_names_the_rule_the_line_and_the_way_out(county: County) -> None:
    console = Console(width=160, record=True, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    show(county.load(SAMPLES, SAMPLES / "none.csv"), console)
    text = console.export_text()
    for words in ("joined_items", "line 7", "按商品导出", "拼团成功", "none.csv was refused (file_missing)"):
        assert words in text


def put(county: County, name: str, content: bytes) -> Path:
    path = county.settings.inbox_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def inside(county: County) -> list[str]:
    inbox = county.settings.inbox_dir
    return sorted(str(p.relative_to(inbox)) for p in inbox.rglob("*") if p.is_file())


def test_the_watched_folder_is_emptied_into_taken_and_refused(county: County) -> None:
    put(county, "orders/west/s.csv", (SAMPLES / "shopify.csv").read_bytes())
    put(county, "notes.csv", "一,二\n1,2\n".encode())
    put(county, "coming.csv.part", b"x")
    report = watch_once(county.settings, county.wh, NOW, settle_seconds=0)
    assert sorted(file.state for file in report.files) == ["refused", "taken"]
    assert inside(county) == [
        "coming.csv.part",
        "refused/notes.csv",
        "refused/notes.csv.reason.txt",
        "taken/2026-05-10/orders/west/s.csv",
    ]
    assert county.view()["shop"].unique().to_list() == ["west"]
    assert watch_once(county.settings, county.wh, NOW, settle_seconds=0).files == ()


def test_half_a_pair_waits_in_the_watched_folder_for_the_other(county: County) -> None:
    put(county, "tb/orders.csv", (SAMPLES / "taobao_orders_gbk.csv").read_bytes())
    assert watch_once(county.settings, county.wh, NOW, settle_seconds=0).files == ()
    assert inside(county) == ["tb/orders.csv"]
    put(county, "tb/items.csv", (SAMPLES / "taobao_items_gbk.csv").read_bytes())
    assert watch_once(county.settings, county.wh, NOW, settle_seconds=0).ok
    assert county.rows("order_line") == 5


def test_half_a_pair_is_refused_after_a_day_alone(county: County) -> None:
    path = put(county, "tb/orders.csv", (SAMPLES / "taobao_orders_gbk.csv").read_bytes())
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 25 * 3600))
    [file] = watch_once(county.settings, county.wh, NOW, settle_seconds=0).files
    assert file.rule == "other_half_missing"


def test_a_file_taken_but_not_moved_is_only_moved_the_next_time(county: County) -> None:
    path = put(county, "s.csv", (SAMPLES / "shopify.csv").read_bytes())
    county.load(path)
    before = county.view(with_arrival=True)
    [file] = watch_once(county.settings, county.wh, NOW, settle_seconds=0).files
    assert file.state == "known"
    assert inside(county) == ["taken/2026-05-10/s.csv"]
    assert_frame_equal(county.view(with_arrival=True), before)


def test_a_file_that_is_still_growing_stays(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(county, "s.csv", b"Name")

    def grow(seconds: float) -> None:
        path.write_bytes((SAMPLES / "shopify.csv").read_bytes())

    monkeypatch.setattr("pipelines.watched.time.sleep", grow)
    assert watch_once(county.settings, county.wh, NOW, settle_seconds=2).files == ()
    assert inside(county) == ["s.csv"]
