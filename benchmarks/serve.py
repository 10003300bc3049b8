"""`anxu bench serve`: the service's reads beside a bare FastAPI route that returns the same bytes, measured by wrk."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlencode

from warehouse.release import current, use

CONNECTIONS = 16
SWITCHES = 20
BARE = """
import sys, uvicorn
from fastapi import FastAPI
from starlette.responses import Response
app, body = FastAPI(), open(sys.argv[2], "rb").read()
@app.get("/{path:path}")
async def bare(path: str) -> Response:
    return Response(body, media_type="application/json")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
OURS = "from serving.app import serve; from settings import Settings; serve(Settings())"


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests a second, 99th percentile (ms), answers that were no 2xx and broken connections."""

    per_second: float
    p99_ms: float
    failed: int


def run(home: Path, *, seconds: int = 4, articles: int = 2000, seed: int = 101) -> dict[str, object]:
    """Measure reads asked again, reads of many series, and reads while the pointer moves.

    Args:
        home: A county folder with a published release; the pointer of a copy is moved to and fro.
        seconds: Length of each load.
        articles: How many different series "many series" draws from.

    Raises:
        FileNotFoundError: wrk is not installed, or nothing is published in `home`.
    """
    if shutil.which("wrk") is None:
        raise FileNotFoundError("wrk is not installed; install it (Debian: apt-get install wrk)")
    release = current(home / "releases")
    if release is None:
        raise FileNotFoundError(f"nothing is published in '{home}'; run `anxu nightly --home {home}` first")
    with tempfile.TemporaryDirectory() as folder:
        copy = _county(home, release, Path(folder))
        loads = _measure(copy, Path(folder), seconds, articles, seed)
    return _document(home, seed, loads)


def _measure(home: Path, folder: Path, seconds: int, articles: int, seed: int) -> dict[str, Load]:
    with serving([sys.executable, "-c", OURS], {"ANXU_HOME": str(home)}, "/v1/health") as ours:
        paths = series_paths(ours)
        random.Random(seed).shuffle(paths)
        body = folder / "body.json"
        body.write_bytes(_get(ours + paths[0]))
        with serving([sys.executable, "-c", BARE, "{port}", str(body)], {}, "/") as bare:
            loads = {
                "bare": load(bare, paths[:1], seconds, folder),
                "one series": load(ours, paths[:1], seconds, folder),
                "bare, many paths": load(bare, paths[:articles], seconds, folder),
                "many series": load(ours, paths[:articles], seconds, folder),
            }
        loads["switching"] = _while_switching(home, ours, paths[:articles], folder)
    return loads


def _while_switching(home: Path, ours: str, paths: list[str], folder: Path) -> Load:
    """Load during SWITCHES moves of the pointer, each awaited until it is served."""
    releases = home / "releases"
    with subprocess.Popen(_wrk(ours, paths, 60, folder), stdout=subprocess.PIPE, text=True) as process:
        for turn in range(SWITCHES):
            name = sorted(p.name for p in releases.iterdir() if p.is_dir())[turn % 2]
            use(releases, name)
            _wait(partial(_serves, ours, name), 30)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    return _read(output)


def load(base: str, paths: list[str], seconds: int, folder: Path) -> Load:
    """Ask for the paths in turn for some seconds."""
    return _read(
        subprocess.run(_wrk(base, paths, seconds, folder), capture_output=True, text=True, check=True).stdout
    )


def series_paths(base: str) -> list[str]:
    """One path per series of the release: its forecast with all levels."""
    found: dict[tuple[str, str, str], None] = {}
    cursor: str | None = ""
    while cursor is not None:
        query = urlencode({"limit": 1000, "levels": 0.5, **({"cursor": cursor} if cursor else {})})
        page = json.loads(_get(f"{base}/v1/forecasts?{query}"))
        found |= {(r["product_id"], r["channel_id"], r["region_id"]): None for r in page["items"]}
        cursor = page["next_cursor"]
    return [
        f"/v1/forecasts/{quote(p, safe='')}?{urlencode({'channel_id': c, 'region_id': r})}"
        for p, c, r in found
    ]


@contextmanager
def serving(command: list[str], environment: dict[str, str], path: str) -> Iterator[str]:
    """A server process on a free port; yields its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    full = {**os.environ, "ANXU_PORT": port, **environment}
    with subprocess.Popen([part.replace("{port}", port) for part in command], env=full) as process:
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(lambda: bool(_get(base + path)), 60)
            yield base
        finally:
            process.terminate()
            process.wait(timeout=30)


def _county(home: Path, release: str, folder: Path) -> Path:
    """A county folder with the release twice."""
    releases = folder / "county" / "releases"
    for name in (release, f"{release}-again"):
        shutil.copytree(home / "releases" / release, releases / name)
    use(releases, release)
    return folder / "county"


def _wrk(base: str, paths: list[str], seconds: int, folder: Path) -> list[str]:
    script = folder / "paths.lua"
    listed = ",".join(json.dumps(path) for path in paths)
    script.write_text(
        f"local paths = {{{listed}}}\nlocal i = 0\n"
        "request = function() i = i % #paths + 1; return wrk.format('GET', paths[i]) end\n",
        "utf-8",
    )
    return ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", "-s", str(script), base]


def _read(output: str) -> Load:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", output)
    if not rate or not p99:
        raise ValueError(f"wrk said something else: {output[:500]}")
    failed = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", output))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Load(
        float(rate[1]), float(p99[1]) * scale, failed + sum(map(int, errors.groups() if errors else ()))
    )


def _wait(check: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            if check():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"no answer within {seconds:.0f} s")


def _serves(base: str, release: str) -> bool:
    return bool(json.loads(_get(f"{base}/v1/health"))["release_id"] == release)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def _document(home: Path, seed: int, loads: dict[str, Load]) -> dict[str, object]:
    rows = [
        {"segment": name, "metric": metric, "method": "bare" if "bare" in name else "anxu", "value": value}
        for name, one in loads.items()
        for metric, value in vars(one).items()
    ]
    must = []
    for name, bare in (("one series", "bare"), ("many series", "bare, many paths")):
        rate = loads[name].per_second / loads[bare].per_second
        slower = loads[name].p99_ms / loads[bare].p99_ms
        must += [
            {"what": f"{name}: requests a second ÷ bare", "value": rate, "limit": 0.6, "holds": rate >= 0.6},
            {"what": f"{name}: p99 ÷ bare", "value": slower, "limit": 3.0, "holds": slower <= 3.0},
        ]
    failed = sum(one.failed for one in loads.values())
    must.append(
        {"what": f"failed requests, {SWITCHES} switches", "value": failed, "limit": 0, "holds": not failed}
    )
    return {"bench": "serve", "data": home.name, "seed": seed, "rows": rows, "must": must}
