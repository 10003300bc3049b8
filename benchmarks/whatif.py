"""`anxu bench whatif`: how long the service takes to answer demand what-ifs from the model files of a release."""

import json
import random
import sys
import time
import urllib.request
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serve import OURS, serving
from warehouse.release import current

MOST_SECONDS = 2.0
SERIES = ("product_id", "channel_id", "region_id")


def run(home: Path, *, nodes: int = 100, requests: int = 60, seed: int = 101) -> dict[str, object]:
    """Ask for changed prices, campaigns and live-stream slots of random series, one request after another.

    Args:
        home: A county folder whose current release carries a model.
        nodes: Nodes of a request.
        requests: How many requests of that size, and as many of one node; the first of each is not counted.
        seed: Of the series and changes.

    Raises:
        FileNotFoundError: Nothing is published in `home`.
    """
    if current(home / "releases") is None:
        raise FileNotFoundError(f"nothing is published in '{home}'; run `anxu nightly --home {home}` first")
    draw = random.Random(seed)
    with serving([sys.executable, "-c", OURS], {"ANXU_HOME": str(home)}, "/v1/health") as base:
        series, days = _forecast(base)
        took = {n: [_asked(base, draw, series, days, n) for _ in range(requests + 1)][1:] for n in (1, nodes)}
    rows = [
        {"segment": f"{n} nodes", "metric": metric, "method": "anxu", "value": value}
        for n, seconds in took.items()
        for metric, value in (
            ("median_s", float(np.median(seconds))),
            ("p95_s", float(np.quantile(seconds, 0.95))),
            ("worst_s", max(seconds)),
        )
    ]
    p95 = float(np.quantile(took[nodes], 0.95))
    must = [
        {
            "what": f"p95 of a what-if of {nodes} nodes, s",
            "value": p95,
            "limit": f"< {MOST_SECONDS:g}",
            "holds": p95 < MOST_SECONDS,
        }
    ]
    return {
        "bench": "whatif",
        "data": str(home),
        "seed": seed,
        "rows": rows,
        "must": must,
        "series": len(series),
    }


def _forecast(base: str) -> tuple[list[tuple[str, ...]], list[date]]:
    """Every series that is forecast, and the days."""
    series, days, cursor = set(), set(), ""
    while True:
        page = _json(f"{base}/v1/forecasts?limit=1000&levels=0.5{cursor}")
        series |= {tuple(row[name] for name in SERIES) for row in page["items"]}
        days |= {row["forecast_date"] for row in page["items"]}
        if not page["next_cursor"]:
            return sorted(series), sorted(date.fromisoformat(day) for day in days)
        cursor = f"&cursor={page['next_cursor']}"


def _asked(
    base: str, draw: random.Random, series: list[tuple[str, ...]], days: list[date], nodes: int
) -> float:
    """Seconds until the answer to one what-if is read whole."""
    body = {"nodes": [_node(draw, draw.choice(series), days) for _ in range(nodes)]}
    start = time.perf_counter()
    answer = _json(f"{base}/v1/what-if", json.dumps(body).encode())
    took = time.perf_counter() - start
    assert len(answer["nodes"]) == nodes
    return took


def _node(draw: random.Random, series: tuple[str, ...], days: list[date]) -> dict[str, Any]:
    first = draw.choice(days[: max(1, len(days) - 10)])
    span = {"starts_on": f"{first}", "ends_on": f"{min(first + timedelta(days=2), days[-1])}"}
    changes: dict[str, list[dict[str, Any]]] = draw.choice(
        [
            {"prices": [{**span, "discount_share": 0.2}]},
            {"campaigns": [{"action": "add", **span, "discount_share": 0.15}]},
            {"live_slots": [{"action": "add", "slot_date": f"{first}", "allotment_kg": 200}]},
        ]
    )
    return dict(zip(SERIES, series, strict=True)) | changes


def _json(url: str, body: bytes | None = None) -> Any:
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
    with urllib.request.urlopen(asked, timeout=120) as answer:
        return json.loads(answer.read())
