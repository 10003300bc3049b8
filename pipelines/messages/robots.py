"""What each kind of robot is sent, how it is signed, and what its answer means. Pure; no network here.

HTTP 200 is no success for the three vendors: their answers carry a code.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

VENDORS = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook",
}
BYTES = {"dingtalk": 18_000, "wecom": 4_000, "feishu": 18_000, "webhook": 60_000}
"""Room for the text in bytes of UTF-8, below each vendor's limit."""
TITLE = "Anxu 按需"
"""Stands in every message, so that it may be the keyword a robot asks for."""
Verdict = Literal["sent", "later", "throttled", "refused"]
THROTTLED = {"dingtalk": {130101}, "wecom": {45009}, "feishu": {11232}}
"""Codes for 'too many messages'."""
REFUSED = {"dingtalk": {310000}, "wecom": {93000, 40058}, "feishu": {19021, 19022, 19024, 9499}}
"""Codes that the same request would meet again: signature, address, keyword, body."""
SWAPPED = str.maketrans({"<": "‹", ">": "›", "[": "［", "]": "］", "`": "'", "\r": " ", "\n": " ", "\t": " "})
"""Signs that would mention people, draw pictures or set links in one of the dialects."""


@dataclass(frozen=True)
class Text:
    """A message before it takes a vendor's form. `url` '' for none."""

    title: str
    lines: Sequence[str]
    url: str = ""


@dataclass(frozen=True)
class Call:
    """One request: `url` and `headers` may hold secrets and are never logged."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Address:
    """Where a message goes, its secrets resolved."""

    kind: str
    url: str
    token: str = ""
    secret: str = ""


def call(address: Address, text: Text, *, parcel_id: str, now: datetime) -> Call:
    """The signed request that carries a text."""
    return _CALLS[address.kind](address, text, parcel_id, now)


def verdict(kind: str, status: int, body: bytes) -> tuple[Verdict, str]:
    """What an answer means, and its code and message in short."""
    if status == 429:
        return "throttled", "HTTP 429"
    if status >= 500 or status == 408:
        return "later", f"HTTP {status}"
    if not 200 <= status < 300:
        return "refused", f"HTTP {status}"
    if kind == "webhook":
        return "sent", ""
    code, message = _code(kind, body)
    if code == 0:
        return "sent", ""
    told = f"code {code}: {message}"
    if code in THROTTLED[kind]:
        return "throttled", told
    return ("refused" if code in REFUSED[kind] else "later"), told


def dingtalk_sign(secret: str, millis: int) -> str:
    """Base64 of HMAC-SHA256 with the secret as key, quoted for a query."""
    text = f"{millis}\n{secret}".encode()
    return quote(base64.b64encode(hmac.digest(secret.encode(), text, hashlib.sha256)), safe="")


def feishu_sign(secret: str, seconds: int) -> str:
    """Base64 of HMAC-SHA256 of nothing, with time and secret as key."""
    return base64.b64encode(hmac.digest(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256)).decode()


def webhook_sign(secret: str, seconds: int, body: bytes) -> str:
    """Hex of HMAC-SHA256 over `SECONDS.BODY`, so that an old request cannot be sent again as new."""
    return hmac.digest(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hex()


def plain(text: str) -> str:
    """One line in which nothing mentions, links or draws."""
    return text.translate(SWAPPED).strip()


def fitting(lines: Sequence[str], room: int, rest: str) -> list[str]:
    """As many lines as fit `room` bytes, then how many more there are (`rest` with {n}); a line alone too long is cut."""
    kept: list[str] = []
    room -= len(rest.encode()) + 8
    for number, line in enumerate(lines):
        size = len(line.encode()) + 4
        if size > room:
            if not kept:
                kept.append(line.encode()[: max(room - 8, 0)].decode("utf-8", "ignore") + "…")
                number += 1
            if left := len(lines) - number:
                kept.append(rest.format(n=left))
            return kept
        kept.append(line)
        room -= size
    return kept


def _dingtalk(address: Address, text: Text, _: str, now: datetime) -> Call:
    millis = int(now.timestamp() * 1000)
    url = f"{address.url}?{urlencode({'access_token': address.token})}"
    if address.secret:
        url += f"&timestamp={millis}&sign={dingtalk_sign(address.secret, millis)}"
    body = {"msgtype": "markdown", "markdown": {"title": text.title, "text": _markdown(text)}}
    return _json(url, body)


def _wecom(address: Address, text: Text, _: str, __: datetime) -> Call:
    body = {"msgtype": "markdown", "markdown": {"content": _markdown(text)}}
    return _json(f"{address.url}?{urlencode({'key': address.token})}", body)


def _feishu(address: Address, text: Text, _: str, now: datetime) -> Call:
    rows: list[list[dict[str, str]]] = [[{"tag": "text", "text": line}] for line in text.lines]
    if text.url:
        rows.append([{"tag": "a", "text": text.url, "href": text.url}])
    content = {"post": {"zh_cn": {"title": text.title, "content": rows}}}
    body: dict[str, Any] = {"msg_type": "post", "content": content}
    if address.secret:
        seconds = int(now.timestamp())
        body |= {"timestamp": str(seconds), "sign": feishu_sign(address.secret, seconds)}
    return _json(f"{address.url}/{quote(address.token, safe='')}", body)


def _webhook(address: Address, text: Text, parcel_id: str, now: datetime) -> Call:
    made = _json(
        address.url, {"id": parcel_id, "title": text.title, "lines": list(text.lines), "url": text.url}
    )
    seconds = int(now.timestamp())
    headers = {**made.headers, "Idempotency-Key": parcel_id, "X-Anxu-Timestamp": str(seconds)}
    if address.secret:
        headers["X-Anxu-Signature"] = f"sha256={webhook_sign(address.secret, seconds, made.body)}"
    if address.token:
        headers["Authorization"] = f"Bearer {address.token}"
    return Call(made.url, made.body, headers)


_CALLS: Mapping[str, Callable[[Address, Text, str, datetime], Call]] = {
    "dingtalk": _dingtalk,
    "wecom": _wecom,
    "feishu": _feishu,
    "webhook": _webhook,
}


def _markdown(text: Text) -> str:
    link = [f"[{text.url}]({text.url})"] if text.url else []
    return "\n".join([f"### {text.title}", *(f"- {line}" for line in text.lines), *link])


def _json(url: str, body: Mapping[str, Any]) -> Call:
    data = json.dumps(body, ensure_ascii=False).encode()
    return Call(url, data, {"Content-Type": "application/json; charset=utf-8"})


def _code(kind: str, body: bytes) -> tuple[int, str]:
    """The vendor's code and message; −1 where there is none."""
    try:
        found = json.loads(body)
        code = found["code" if kind == "feishu" else "errcode"]
        return int(code), str(found.get("msg" if kind == "feishu" else "errmsg", ""))[:200]
    except (ValueError, TypeError, KeyError, AttributeError):
        return -1, "the answer carries no code"
