"""Writes while the service is killed (ANXU_INBOX_WRITES=1000: five times): each one that was acknowledged is taken in, exactly once."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from pipelines.county import init_county
from settings import Settings
from warehouse import Warehouse
from warehouse.inbox import Inbox, take_in_inbox

from .conftest import put_release, whole_county

WRITES = int(os.environ.get("ANXU_INBOX_WRITES", "120"))
KILLS, SENDERS = max(1, WRITES // 200), 4
OURS = "from serving.app import serve; from settings import Settings; serve(Settings())"


class Service:
    """The service as a process of its own, on one port, started again after each kill."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home, self.url = home, f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        given = {
            **os.environ,
            "ANXU_HOME": str(self.home),
            "ANXU_PORT": str(self.port),
            "ANXU_RATE_PER_MINUTE": "0",
        }
        self.process = subprocess.Popen([sys.executable, "-c", OURS], env=given)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def body(number: int) -> dict[str, object]:
    due = date(2026, 6, 1) + timedelta(days=number % 90)
    return {
        "commitment_id": f"c{number}", "kind": "preorder", "crop_id": "rice", "quantity_kg": 1.0 + number,
        "due_from": due.isoformat(), "due_to": due.isoformat(), "author": f"sender {number}",
    }  # fmt: skip


def send(client: httpx.Client, number: int) -> str:
    """Send one write until it is acknowledged, with the same key each time; its message id."""
    deadline = time.monotonic() + 150
    while True:
        try:
            answer = client.post(
                "/v1/commitments", json=body(number), headers={"Idempotency-Key": f"write-number-{number}"},
            )  # fmt: skip
            if answer.status_code == 202:
                return str(answer.json()["message_id"])
            assert answer.status_code == 503, answer.text
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"write {number} was never acknowledged"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_acknowledged_write_is_taken_in_exactly_once_whenever_the_service_is_killed(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path / "county")
    init_county(settings.home)
    put_release(settings.releases_dir, "r1", whole_county())
    service, chance = Service(settings.home), random.Random(7)
    acknowledged: dict[int, str] = {}
    try:
        with (
            httpx.Client(base_url=service.url, timeout=20, trust_env=False) as client,
            ThreadPoolExecutor(SENDERS) as pool,
        ):
            writes = [pool.submit(send, client, number) for number in range(WRITES)]
            marks = sorted(chance.sample(range(50, WRITES - 50), KILLS))
            for mark in marks:
                while sum(w.done() for w in writes) < mark:
                    time.sleep(chance.uniform(0.001, 0.01))
                service.kill()
                service.start()
            acknowledged = {number: write.result() for number, write in enumerate(writes)}
    finally:
        service.kill()
    inbox = Inbox.open(settings.inbox_path)
    kept = {m.message_id: m.payload["commitment_id"] for m in inbox.pending()}
    assert kept == {message_id: f"c{number}" for number, message_id in acknowledged.items()}
    assert len(kept) == WRITES
    now = datetime(2026, 5, 4, tzinfo=UTC)
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        assert take_in_inbox(warehouse, inbox, run_id="n1", now=now) == WRITES
        assert take_in_inbox(warehouse, inbox, run_id="n2", now=now) == 0
        taken = warehouse.read("commitment_entry")
    assert sorted(taken["entry_id"]) == sorted(kept)
