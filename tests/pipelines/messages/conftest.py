"""A stand-in for the vendors' robots on 127.0.0.1: it checks signatures and answers what a test tells it to."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from settings import Settings
from warehouse.outbox import Outbox, Said

SECRET, TOKEN = "SEC-very-hidden", "tok-very-hidden"
NIGHT = date(2026, 5, 3)
NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai."""
OK = {"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success"}


@dataclass
class StandIn:
    """What came in, and what is answered next (then OK): a status with a body, or 'hang', which never answers."""

    secrets = (SECRET, TOKEN)

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    next: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def _wrong(path: str, headers: Any, body: bytes) -> str:
    """Why the vendor would not take it; '' when it would."""
    parts = urlsplit(path)
    query, key = parse_qs(parts.query), SECRET.encode()
    if parts.path == "/robot/send":
        stamp = query["timestamp"][0]
        wanted = base64.b64encode(hmac.digest(key, f"{stamp}\n{SECRET}".encode(), hashlib.sha256)).decode()
        return "" if query["sign"] == [wanted] and query["access_token"] == [TOKEN] else "sign not match"
    if parts.path == "/cgi-bin/webhook/send":
        return "" if query["key"] == [TOKEN] else "invalid key"
    if parts.path.startswith("/hook/"):
        told = json.loads(body)
        given = f"{told['timestamp']}\n{SECRET}".encode()
        wanted = base64.b64encode(hmac.digest(given, b"", hashlib.sha256)).decode()
        return "" if told["sign"] == wanted and parts.path == f"/hook/{TOKEN}" else "sign match fail"
    stamp = headers["X-Anxu-Timestamp"]
    wanted = hmac.digest(key, stamp.encode() + b"." + body, hashlib.sha256).hex()
    signed = headers["X-Anxu-Signature"] == f"sha256={wanted}"
    return "" if signed and headers["Authorization"] == f"Bearer {TOKEN}" else "bad signature"


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    state, freed = StandIn(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if wrong := _wrong(self.path, self.headers, body):
                state.refused.append(wrong)
            state.got.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)})
            answer = state.next.pop(0) if state.next else (200, OK)
            if answer == "hang":
                freed.wait(30)
                return
            status, told, *headers = answer
            data = json.dumps(told).encode()
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(data)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        freed.set()
        server.shutdown()
        thread.join()


PATHS = {"dingtalk": "/robot/send", "wecom": "/cgi-bin/webhook/send", "feishu": "/hook", "webhook": "/in"}
County = Callable[..., Settings]


@pytest.fixture
def county(tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> County:
    """Settings with one robot at the stand-in, called `duty`."""
    monkeypatch.setenv("DUTY_TOKEN", TOKEN)
    (tmp_path / "duty.secret").write_text(SECRET + "\n", "utf-8")
    (tmp_path / "duty.secret").chmod(0o600)

    def make(kind: str = "webhook", **more: object) -> Settings:
        robot = {
            "kind": kind,
            "url": stand_in.url + PATHS[kind],
            "token": "env:DUTY_TOKEN",
            "secret": "file:duty.secret",
            "allow_private": True,
            **more,
        }
        return Settings(home=tmp_path, robots={"duty": robot})

    return make


@pytest.fixture
def noted(tmp_path: Path) -> Outbox:
    """An outbox that holds two matters to tell."""
    outbox = Outbox.open(tmp_path)
    matters = [
        Said("a", "finding", False, 1.0, NIGHT, "渠道甲没有订单", "channel A has no orders", "/runs"),
        Said("b", "finding", False, 3.0, NIGHT, '缺货 <at user_id="all">', "out of stock", "/demand"),
    ]
    outbox.note(matters, NOON)
    return outbox
