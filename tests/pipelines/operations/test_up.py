"""`anxu up`: which parts, on which ports; and once for real."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from anxu import app
from pipelines.operations.up import PortsTaken, environment, free_ports, parts_of
from settings import Settings

run = CliRunner().invoke


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_everything_listens_on_this_machine_only(tmp_path: Path) -> None:
    parts = parts_of(Settings(home=tmp_path))
    assert [part.name for part in parts][:2] == ["prefect", "service"]
    addresses = [part.address for part in parts if part.address]
    assert len(addresses) == 3
    assert all(address.startswith("http://127.0.0.1:") for address in addresses)
    assert next(part for part in parts if part.name == "schedule").needs == ("prefect",)


def test_a_prefect_server_elsewhere_is_used_and_not_started(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prefect_api_url="http://prefect.example:4200/api")
    parts = {part.name: part for part in parts_of(settings)}
    assert "prefect" not in parts
    assert parts["schedule"].needs == ()
    assert environment(settings)["PREFECT_API_URL"] == "http://prefect.example:4200/api"


def test_every_taken_port_is_named_with_its_setting(tmp_path: Path, taken: int) -> None:
    settings = Settings(
        home=tmp_path, port=taken, mlflow_port=taken, prefect_api_url=f"http://127.0.0.1:{taken}/api"
    )
    with pytest.raises(PortsTaken) as error:
        free_ports(settings)
    for name in ("setting port", "setting mlflow_port", "setting prefect_api_url", str(taken)):
        assert name in str(error.value)


def test_a_taken_port_ends_up_before_anything_starts(tmp_path: Path, taken: int) -> None:
    run(app, ["init", str(tmp_path / "c")])
    (tmp_path / "c" / "anxu.toml").write_text(f"port = {taken}\n", "utf-8")
    result = run(app, ["up", "--home", str(tmp_path / "c")])
    assert result.exit_code == 1
    assert str(taken) in result.output
    assert not (tmp_path / "c" / "up.json").exists()


@pytest.mark.slow
def test_a_county_comes_up_is_restarted_where_it_fails_and_goes_down_without_a_rest(tmp_path: Path) -> None:
    home = tmp_path / "c"
    run(app, ["init", str(home)])
    ports = _free_ports(3)
    text = (
        f'port = {ports[0]}\nmlflow_port = {ports[1]}\nprefect_api_url = "http://127.0.0.1:{ports[2]}/api"\n'
    )
    (home / "anxu.toml").write_text(text, "utf-8")
    up = subprocess.Popen([sys.executable, "-m", "anxu", "up", "--home", str(home)])
    try:
        parts = _well(home, 400)
        assert _get(f"http://127.0.0.1:{ports[0]}/v1/health")
        deployments = f"http://127.0.0.1:{ports[2]}/api/deployments/filter"
        _until(lambda: "nightly-c" in {one["name"] for one in _post(deployments)}, 240)
        os.kill(parts["service"]["pid"], signal.SIGKILL)
        _until(lambda: _parts(home)["service"]["restarts"] == 1, 120)
        parts = _well(home, 240)
        family = psutil.Process(up.pid).children(recursive=True)
        assert len(family) >= 4
        up.send_signal(signal.SIGTERM)
        assert up.wait(timeout=180) == 0
        assert not [one for one in family if one.is_running()]
        assert not (home / "up.json").exists()
    finally:
        if up.poll() is None:
            up.terminate()
            up.wait(timeout=180)


def _free_ports(n: int) -> list[int]:
    probes = [socket.socket() for _ in range(n)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _parts(home: Path) -> dict[str, dict]:
    if not (home / "up.json").exists():
        return {}
    return {part["name"]: part for part in json.loads((home / "up.json").read_text())["parts"]}


def _well(home: Path, seconds: float) -> dict[str, dict]:
    _until(lambda: bool(parts := _parts(home)) and {p["state"] for p in parts.values()} == {"well"}, seconds)
    return _parts(home)


def _until(true: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "did not come true in time"
        time.sleep(0.2)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def _post(url: str) -> list:
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())
