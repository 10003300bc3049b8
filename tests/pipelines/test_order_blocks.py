"""Where a block of a file ends changes nothing: records, an order's first row, and the numbers of its lines."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.sources import seen
from pipelines.sources.cells import clean_text, instants, whole, yuan
from pipelines.sources.kinds import Batch, Context
from pipelines.sources.order_lines import OrderLines
from pipelines.sources.orders import raw_blocks
from pipelines.sources.profile import Profile, normal, profiles
from pipelines.sources.provinces import region_of
from pipelines.sources.seen import Seen

CONTEXT = Context(
    "f" * 64,
    datetime(2026, 5, 10, tzinfo=UTC),
    is_history=False,
    timezone="Asia/Shanghai",
    shop="farm",
    buyer_secret=b"s",
)
SHOPIFY = "Name,Email,Financial Status,Paid at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku"


def read_batches(path: Path, profile: Profile, block_bytes: int) -> Iterator[Batch]:
    """The order lines of a file that is read in blocks of this size."""
    reader = None
    for layout, raw, _ in raw_blocks(path, profile, block_bytes):
        assert layout is not None
        reader = reader or OrderLines(profile, layout.roles(profile), layout.header_row, CONTEXT)
        yield from (b for b in reader.batches(raw) if b.table == "order_line")


def read(path: Path, profile: Profile, block_bytes: int) -> pl.DataFrame:
    return pl.concat(b.rows for b in read_batches(path, profile, block_bytes))


def shopify_file(path: Path, orders: list[list[str]]) -> Path:
    rows = [
        f"#{number},{'b@example.invalid,paid,2026-05-01 10:00:00 +0800' if first else ',,'},1,{title},9.9,SKU"
        for number, titles in enumerate(orders)
        for first, title in zip([True] + [False] * len(titles), titles, strict=False)
    ]
    path.write_text("\n".join([SHOPIFY, *rows]) + "\n", "utf-8")
    return path


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(
        st.lists(st.sampled_from(["米", '"a,b"', '"two\nlines"', '"say ""hi"""']), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
    ),
    block_bytes=st.integers(60, 400),
)
def test_a_file_reads_the_same_in_blocks_of_any_size(
    tmp_path: Path, orders: list[list[str]], block_bytes: int
) -> None:
    path = shopify_file(tmp_path / "s.csv", orders)
    in_one = read(path, profiles()["shopify"], 1 << 20)
    assert in_one["line_id"].to_list() == [f"SKU||{i + 1}" for titles in orders for i in range(len(titles))]
    assert_frame_equal(read(path, profiles()["shopify"], block_bytes), in_one)


def test_a_line_repeated_in_a_later_block_is_told_from_one_that_differs(tmp_path: Path) -> None:
    header = "订单号,订单状态,商品数量(件),订单成交时间"
    rows = [f"{n},待发货,1,2026-05-01 08:00:00" for n in [*range(50), 3]] + ["4,待发货,2,2026-05-01 08:00:00"]
    path = tmp_path / "p.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    batches = list(read_batches(path, profiles()["pinduoduo"], 100))
    assert sum(b.rows.height for b in batches) == 50
    assert sum(b.dropped.get("repeated_line", 0) for b in batches) == 1
    refused = pl.concat(b.rejected for b in batches)
    assert refused.select("line_number", "rule").rows() == [(53, "duplicate_key")]


@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=8))
@settings(max_examples=50, deadline=None)
def test_seen_counts_what_was_added_before(batches: list[list[int]]) -> None:
    memory, plain = Seen(), list[int]()
    for batch in batches:
        hashes = np.array(batch, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        assert memory.before(hashes).tolist() == [plain.count(n) for n in batch]
        memory.add(hashes)
        plain += batch


def test_seen_grows_beyond_its_first_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "FIRST_CAPACITY", 64)
    memory = Seen()
    for start in range(0, 1000, 50):
        memory.add(np.arange(start, start + 50, dtype=np.uint64))
    assert memory.before(np.arange(2000, dtype=np.uint64)).tolist() == [1] * 1000 + [0] * 1000


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1299.9", 1299.9),
        ("¥1,299.90", 1299.9),
        ("￥12", 12.0),
        ("12.5元", 12.5),
        ("(12.3)", -12.3),
        ("（12.3）", -12.3),
        ("-3", -3.0),
        ("1.2.3", None),
        ("inf", None),
        ("499.00（仅供参考）", None),
    ],
)
def test_money_cells(cell: str, value: float | None) -> None:
    assert yuan(pl.Series([cell])).to_list() == [value]


def test_a_note_behind_money_is_cut_only_where_the_profile_says_so() -> None:
    assert yuan(pl.Series(["499.00（系统计算中，该值仅供参考）"]), notes=True).to_list() == [499.0]


def test_whole_numbers() -> None:
    assert whole(pl.Series(["2", "2.0", "1,200", "1.5", "x", None])).to_list() == [
        2,
        2,
        1200,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "2026-05-01 10:00:00",
        "2026/5/1 10:00:00",
        "2026-05-01 10:00",
        "2026/05/01 10:00",
        "2026-05-01T10:00:00+08:00",
        "2026-05-01 02:00:00 +0000",
        "2026-05-01T02:00:00Z",
        "2026年05月01日 10:00:00",
        "46143.4166666667",
    ],
)
def test_times_in_every_writing_are_the_same_instant(cell: str) -> None:
    assert instants(pl.Series([cell]), "Asia/Shanghai").to_list() == [datetime(2026, 5, 1, 2, tzinfo=UTC)]


def test_what_stands_for_no_value_is_missing() -> None:
    cells = pl.DataFrame({"a": ["-", "--", "—", "/", "null", " ", "\t", "0001-01-01 00:00:00", '=""', "x"]})
    assert clean_text(cells)["a"].drop_nulls().to_list() == ["x"]


@pytest.mark.parametrize(
    ("place", "region"),
    [
        ("上海市", "上海"),
        ("广东", "广东"),
        ("内蒙古自治区", "内蒙古"),
        ("某某，86-1**********，黑龙江省 某市 某区 路1号 ，", "黑龙江"),
        ("中国 江苏省 某市", "江苏"),
        ("海南岛先生，86-1**********，广东省 某市，", "广东"),
        ("Guangdong", "广东"),
        ("##密文##", None),
        (None, None),
    ],
)
def test_an_address_gives_its_province_and_no_more(place: str | None, region: str | None) -> None:
    frame = pl.DataFrame({"place": pl.Series([place], dtype=pl.String)})
    assert frame.select(region_of(pl.col("place"))).to_series().to_list() == [region]


def test_header_names_compare_without_width_case_and_blanks() -> None:
    assert normal("\ufeff 商品总价（元） ") == normal("商品总价(元)")


def test_every_declared_profile_scores_its_own_columns_best() -> None:
    for profile in profiles().values():
        header = [normal(names[0]) for names in profile.columns.values()]
        scores = {other.name: other.score(header) for other in profiles().values()}
        assert max(scores, key=lambda name: scores[name]) == profile.name
        assert sorted(scores.values())[-2] < scores[profile.name] - 0.2
