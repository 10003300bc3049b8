"""Bodies, signatures and answers of the robots."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from pipelines.messages.robots import (
    BYTES,
    Address,
    Text,
    call,
    dingtalk_sign,
    feishu_sign,
    fitting,
    plain,
    verdict,
    webhook_sign,
)

AT = datetime.fromtimestamp(1_700_000_000, UTC)


def test_signatures_are_those_reckoned_by_the_vendors_formulas() -> None:
    assert (
        dingtalk_sign("SEC000test", 1_700_000_000_000) == "1hLl2KkRX3rps9FaitIUwaac%2BCtAFEaP345jvdrTL7c%3D"
    )
    assert feishu_sign("SEC000test", 1_700_000_000) == "VJoDIs2fdNFeN6NS/KG4L8NIxm+bN/FYQRhY2lP3Mf8="
    wanted = hmac.new(b"SEC000test", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert webhook_sign("SEC000test", 1_700_000_000, b'{"a":1}') == wanted


def test_dingtalk_signs_in_the_query_and_feishu_in_the_body() -> None:
    text = Text("Anxu 按需", ["一", "二"])
    ding = call(Address("dingtalk", "https://d/robot/send", "T", "SEC000test"), text, parcel_id="p", now=AT)
    assert ding.url.endswith(
        "?access_token=T&timestamp=1700000000000&sign=1hLl2KkRX3rps9FaitIUwaac%2BCtAFEaP345jvdrTL7c%3D"
    )
    feishu = call(Address("feishu", "https://f/hook", "ID", "SEC000test"), text, parcel_id="p", now=AT)
    body = json.loads(feishu.body)
    assert (feishu.url, body["timestamp"], body["sign"]) == (
        "https://f/hook/ID",
        "1700000000",
        "VJoDIs2fdNFeN6NS/KG4L8NIxm+bN/FYQRhY2lP3Mf8=",
    )
    assert [row[0]["text"] for row in body["content"]["post"]["zh_cn"]["content"]] == ["一", "二"]


@pytest.mark.parametrize(
    ("kind", "status", "body", "wanted"),
    [
        ("dingtalk", 200, {"errcode": 0}, "sent"),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": "sign not match"}, "refused"),
        ("dingtalk", 200, {"errcode": 130101}, "throttled"),
        ("dingtalk", 200, {"errcode": -1}, "later"),
        ("wecom", 200, {"errcode": 45009}, "throttled"),
        ("wecom", 200, {"errcode": 93000}, "refused"),
        ("feishu", 200, {"code": 11232}, "throttled"),
        ("feishu", 200, {"code": 19021}, "refused"),
        ("feishu", 200, "<html>", "later"),
        ("webhook", 204, None, "sent"),
        ("webhook", 302, None, "refused"),
        ("webhook", 404, None, "refused"),
        ("webhook", 429, None, "throttled"),
        ("webhook", 503, None, "later"),
    ],
)
def test_an_answer_is_judged_by_its_code_not_by_http_200(
    kind: str, status: int, body: object, wanted: str
) -> None:
    assert verdict(kind, status, json.dumps(body).encode())[0] == wanted


def test_a_text_is_cut_at_bytes_and_says_how_much_is_left_out() -> None:
    lines = [f"第{i}条消息" * 20 for i in range(100)]
    kept = fitting(lines, BYTES["wecom"], "还有 {n} 条")
    assert kept[-1] == f"还有 {100 - len(kept) + 1} 条"
    assert sum(len(line.encode()) for line in kept) <= BYTES["wecom"]
    assert fitting(["长" * 9000], BYTES["wecom"], "还有 {n} 条")[0].endswith("…")


def test_nothing_in_a_line_mentions_links_or_draws() -> None:
    line = plain('a\n<at user_id="all">x</at> ![p](http://e/x.png) <@all>')
    assert not set(line) & set("<>[]\n")
