"""Bad input ends in a clear message and a refused line or file: never a traceback, never a silent guess."""

import gzip
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.kinds import Context, FileRefused
from pipelines.sources.recognise import look, recognise, sources

ARRIVED = datetime(2026, 5, 10, 1, tzinfo=UTC)
CONTEXT = Context("f" * 64, ARRIVED, is_history=False, timezone="Asia/Shanghai", shop="farm")
LIMIT = 4 * 1024 * 1024
HEADER = "订单号,订单状态,商品数量(件),用户实付金额(元),商家编码-规格维度,商品规格,订单成交时间,快递单号"
GOOD = "260501-1,待发货,1,39.90,RICE-5,5斤装,2026-05-01 08:00:00,"


def read(path: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """Rows, refused lines and drops of a file that is recognised."""
    what = recognise(look(path, LIMIT), sources())
    batches = list(what.source.parse(path, what.profile, CONTEXT))
    rows = [b.rows for b in batches if b.table == "order_line" and b.rows.height]
    dropped = {k: v for b in batches for k, v in b.dropped.items()}
    return pl.concat(rows) if rows else pl.DataFrame(), pl.concat(b.rejected for b in batches), dropped


def write(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "orders.csv"
    path.write_bytes(("\n".join([header, *rows]) + "\n").encode(encoding))
    return path


def refusal(path: Path) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read(path)
    return caught.value


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    sheet.write(i, j, cell) if not isinstance(cell, str) else sheet.write_string(i, j, cell)
    return path


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    assert refusal(path).rule == "empty_file"


def test_a_gzip_that_was_cut_off_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    rows = "\n".join(GOOD.replace("-1", f"-{i}") for i in range(9000))
    path.write_bytes(gzip.compress(f"{HEADER}\n{rows}\n".encode())[:-20])
    assert refusal(path).rule == "truncated_gzip"


def test_a_whole_gzip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{GOOD}\n".encode()))
    assert read(path)[0].height == 1


def test_the_first_byte_of_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    start = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"260501-2,\xff\xff,1,1,A,B,2026-05-01 08:00:00,\n")
    refused = refusal(path)
    assert refused.rule == "wrong_encoding"
    assert f"UTF-8 at byte {start + len('260501-2,')}" in str(refused)


def test_a_bad_byte_deep_in_a_file_is_found_too(tmp_path: Path) -> None:
    path = write(tmp_path, *(GOOD.replace("-1", f"-{i}") for i in range(3000)))
    start = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\xff\n")
    assert f"at byte {start}" in str(refusal(path))


def test_utf_16_is_refused_with_the_way_out(tmp_path: Path) -> None:
    assert "CSV UTF-8" in str(refusal(write(tmp_path, GOOD, encoding="utf-16")))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(b"\xff\xfd\xfe" * 100)
    assert refusal(path).rule == "wrong_encoding"


def test_gbk_and_utf_8_with_bom_read_the_same(tmp_path: Path) -> None:
    one = read(write(tmp_path, GOOD, encoding="gbk"))[0]
    assert one.equals(read(write(tmp_path, GOOD, encoding="utf-8-sig"))[0])
    assert one["spec"].to_list() == ["5斤装"]


def test_a_header_below_title_rows_is_found_and_lines_keep_their_number(tmp_path: Path) -> None:
    path = write(tmp_path, "导出时间：2026-05-02", "", HEADER, GOOD, header="拼多多订单导出")
    assert read(path)[0]["line_number"].to_list() == [5]


def test_reordered_and_unknown_columns_change_nothing(tmp_path: Path) -> None:
    names, cells = [*HEADER.split(","), "新列"], [*GOOD.split(","), "?"]
    path = write(tmp_path, ",".join(reversed(cells)), header=",".join(reversed(names)))
    assert read(path)[0].drop("line_number").equals(read(write(tmp_path, GOOD))[0].drop("line_number"))


def test_full_width_brackets_in_a_header_are_the_same_name(tmp_path: Path) -> None:
    header = HEADER.replace("(", "（").replace(")", "） ")
    assert read(write(tmp_path, GOOD, header=header))[0]["quantity"].to_list() == [1]


@pytest.mark.parametrize(
    "cell",
    ['"=""6917926768823643751"""', '="6917926768823643751"', "\t6917926768823643751", "'6917926768823643751"],
)
def test_wrapped_ids_come_out_bare_and_whole(tmp_path: Path, cell: str) -> None:
    assert read(write(tmp_path, GOOD.replace("260501-1", cell)))[0]["order_id"].to_list() == [
        "6917926768823643751"
    ]


def test_an_id_that_a_spreadsheet_rounded_is_refused(tmp_path: Path) -> None:
    refused = read(write(tmp_path, GOOD.replace("260501-1", "6.91793E+18")))[1]
    assert refused["rule"].to_list() == ["order_id_rounded"]


@pytest.mark.parametrize(
    ("cell", "yuan"),
    [
        ('"¥1,299.90"', "1299.90"),
        ("￥39.9", "39.90"),
        ("39.90元", "39.90"),
        ("\t39.90", "39.90"),
        ("-", "None"),
    ],
)
def test_money_is_read_as_it_is_written(tmp_path: Path, cell: str, yuan: str) -> None:
    assert str(read(write(tmp_path, GOOD.replace("39.90", cell)))[0]["goods_yuan"][0]) == yuan


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (",1,", ",-1,", "quantity_positive"),
        (",1,", ",0,", "quantity_positive"),
        (",1,", ",1000000,", "quantity_limit"),
        (",1,", ",1.5,", "quantity_whole"),
        (",1,", ",两件,", "quantity_whole"),
        (",1,", ",99999999999999999999,", "quantity_whole"),
        ("39.90", "(39.90)", "goods_yuan_negative"),
        ("39.90", "约四十", "goods_yuan_unreadable"),
        ("39.90", "nan", "goods_yuan_unreadable"),
        ("2026-05-01 08:00:00", "2026-05-12 08:00:00", "paid_in_future"),
        ("2026-05-01 08:00:00", "2026/13/45 99:00", "paid_at_unreadable"),
        ("2026-05-01 08:00:00", "0001-01-01 00:00:00", "paid_at_missing"),
        ("2026-05-01 08:00:00", "1926-05-01 08:00:00", "paid_too_early"),
        ("260501-1", "", "order_id_missing"),
        ("待发货", "", "status_missing"),
        ("5斤装", "5斤,装", "too_many_cells"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_and_the_next_is_taken(
    tmp_path: Path, old: str, new: str, rule: str
) -> None:
    bad = GOOD.replace(old, new, 1).replace("260501-1", "260501-9") + "YT1"
    rows, refused, _ = read(write(tmp_path, bad, GOOD))
    assert refused.select("line_number", "rule").rows() == [(2, rule)]
    assert rows["line_number"].to_list() == [3]
    assert refused["detail"].str.len_chars().min() > 20


def test_totals_notes_and_blank_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    note = "平台生成的编号,订单当前状态,整数,单位元,编码,规格,时间,单号"
    rows, refused, dropped = read(write(tmp_path, note, GOOD, "", "合计,,1,39.90,,,,"))
    assert rows.height == 1
    assert refused.height == 0
    assert dropped == {"note_row": 1, "blank_row": 1, "totals_row": 1}


def test_the_same_line_again_is_dropped_and_one_that_differs_is_refused(tmp_path: Path) -> None:
    rows, refused, dropped = read(write(tmp_path, GOOD, GOOD, GOOD.replace("39.90", "59.90")))
    assert rows.height == 1
    assert dropped == {"repeated_line": 1}
    assert refused["rule"].to_list() == ["duplicate_key"]
    assert "order '260501-1'" in refused["detail"][0]


def test_a_stray_quote_costs_its_line_only(tmp_path: Path) -> None:
    rows, refused, _ = read(
        write(tmp_path, GOOD.replace("5斤装", '5" 装'), '"260501-8,待发货,1,1,,,,', GOOD.replace("-1", "-2"))
    )
    assert rows["order_id"].to_list() == ["260501-1", "260501-2"]
    assert refused["rule"].to_list() == ["unclosed_quote"]


def test_a_cell_may_hold_line_ends_and_commas(tmp_path: Path) -> None:
    rows, _, _ = read(write(tmp_path, GOOD.replace("5斤装", '"5斤,\n装"'), GOOD.replace("-1", "-2")))
    assert rows["spec"].to_list() == ["5斤,\n装", "5斤装"]
    assert rows["line_number"].to_list() == [2, 3]


def test_an_unknown_header_is_refused_with_the_three_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2,3", header="订单号,订单状态,别的")
    refused = refusal(path)
    assert refused.rule == "layout_unknown"
    assert "Pinduoduo order export" in str(refused)
    assert "商品数量(件)" in str(refused)
    assert str(refused).count("(0.") == 3


def test_a_header_that_fits_two_layouts_is_refused(tmp_path: Path) -> None:
    pinduoduo, douyin = "订单号,商品数量(件),支付时间,是否分期", "主订单编号,选购商品,商品数量,订单提交时间"
    refused = refusal(write(tmp_path, "1", header=f"{pinduoduo},订单状态,{douyin}"))
    assert refused.rule == "layout_ambiguous"


@pytest.mark.parametrize("profile", ["taobao_orders", "taobao_items"])
def test_half_a_taobao_pair_is_refused_and_told_what_is_missing(tmp_path: Path, profile: str) -> None:
    sample = Path(__file__).parents[1] / "data" / "orders" / f"{profile}_gbk.csv"
    assert recognise(look(sample, LIMIT), sources()).profile == profile
    assert refusal(sample).rule == "other_half_missing"


def cells() -> list[list[object]]:
    return [HEADER.split(","), [*GOOD.split(",")[:2], 1, 39.9, *GOOD.split(",")[4:]]]


def test_a_workbook_reads_like_its_csv(tmp_path: Path) -> None:
    path = workbook(tmp_path / "orders.xlsx", {"订单": cells()})
    assert read(path)[0].equals(read(write(tmp_path, GOOD))[0])


def test_all_sheets_with_the_layout_are_read_and_others_counted(tmp_path: Path) -> None:
    second = [row if i == 0 else ["260501-2", *row[1:]] for i, row in enumerate(cells())]
    path = workbook(tmp_path / "orders.xlsx", {"一": cells(), "说明": [["见说明", "二"]], "二": second})
    rows, _, dropped = read(path)
    assert rows["order_id"].to_list() == ["260501-1", "260501-2"]
    assert dropped == {"other_sheet '说明'": 1}


def test_a_19_digit_number_cell_is_refused_because_it_lost_digits(tmp_path: Path) -> None:
    table = cells()
    table[1][0] = 6917926768823643751
    refused = read(workbook(tmp_path / "orders.xlsx", {"订单": table}))[1]
    assert refused["rule"].to_list() == ["order_id_rounded"]


def test_a_password_protected_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
    )
    assert refusal(path).rule == "password_protected"


def zeros(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(9 * 1024 * 1024))


def lying_zeros(path: Path) -> None:
    """A bomb whose directory claims 10 bytes."""
    zeros(path)
    data, size = bytearray(path.read_bytes()), (9 * 1024 * 1024).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("bomb", [zeros, lying_zeros])
def test_a_decompression_bomb_is_refused_before_it_is_parsed(
    tmp_path: Path, bomb: Callable[[Path], None]
) -> None:
    bomb(tmp_path / "orders.xlsx")
    assert refusal(tmp_path / "orders.xlsx").rule == "unpacks_too_large"


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "orders.xlsx", {"订单": cells()})
    path.write_bytes(path.read_bytes()[:-200])
    assert refusal(path).rule == "damaged_workbook"


JUNK = [
    '"',
    ",",
    "\n",
    "\t",
    "\x00",
    "=",
    "'",
    "-",
    "9" * 23,
    "1e400",
    "NaN",
    ";",
    "(",
    "合计",
    '=""',
    "99:99",
    "\r",
]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(JUNK), st.integers(0, 30)), min_size=1, max_size=6
    )
)
def test_whatever_is_put_into_a_file_every_line_is_accounted_for(
    tmp_path: Path, cuts: list[tuple[float, str, int]]
) -> None:
    sample = Path(__file__).parents[1] / "data" / "orders" / "pinduoduo_27.csv"
    text = sample.read_text("utf-8-sig")
    for where, junk, cut in cuts:
        at = int(where * len(text))
        text = text[:at] + junk + text[at + cut :]
    path = tmp_path / "orders.csv"
    path.write_text(text, "utf-8", newline="")
    try:
        what = recognise(look(path, LIMIT), sources())
        batches = list(what.source.parse(path, what.profile, CONTEXT))
    except FileRefused:
        return  # told, and nothing of it taken
    for batch in batches:
        lines = batch.rows["line_number"].n_unique() if batch.rows.height else 0
        assert batch.read == lines + batch.rejected.height + sum(batch.dropped.values())


def test_a_bad_byte_behind_a_byte_order_mark_is_counted_from_the_files_start(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, encoding="utf-8-sig")
    start = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\xff\n")
    assert f"UTF-8 at byte {start}" in str(refusal(path))
