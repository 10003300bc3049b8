"""What it costs to get from order lines to published calls, in a process of its own."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from benchmarks.bestseller_data import case_of, read_orders
from features.launches_early import FEATURES
from models.forecasting.bestseller import fit_calls
from models.forecasting.bestseller_label import LabelSpec

MOST_SECONDS, MOST_MB = 60.0, 2000.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
DAYS, PRODUCTS, BUYERS = 730, 8000, 6000
WORDS = (
    "red",
    "white",
    "tea",
    "light",
    "heart",
    "bag",
    "box",
    "clock",
    "cake",
    "garden",
    "paper",
    "set",
    "glass",
    "card",
    "tin",
)


def cost_figures(lines: int, *, seed: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows and limits: seconds and peak memory (MB) of reading, rules, features, learning, calls and writing."""
    with tempfile.TemporaryDirectory() as folder:
        made_up_orders(lines, seed=seed).write_parquet(Path(folder) / "orders.parquet")
        seconds, cpu, megabytes = _measured(
            [sys.executable, "-m", "benchmarks.bestseller_cost", folder, str(seed)]
        )
        calls = pl.read_parquet(Path(folder) / "calls" / "calls.parquet").height
    segment = f"{lines:,} made-up order lines"
    rows: list[dict[str, object]] = [
        {"segment": segment, "metric": name, "method": "anxu", "value": value}
        for name, value in (
            ("seconds", seconds),
            ("CPU seconds", cpu),
            ("peak MB", megabytes),
            ("calls published", calls),
        )
    ]
    must: list[dict[str, object]] = [
        {"what": f"{segment}: {name}", "value": value, "limit": limit, "holds": value <= limit}
        for name, value, limit in (("seconds", seconds, MOST_SECONDS), ("peak MB", megabytes, MOST_MB))
    ]
    return rows, must


def made_up_orders(lines: int, *, seed: int) -> pl.DataFrame:
    """Order lines in the layout of online-retail-2009-2010 over two years, with launches, cancellations and charges."""
    rng = np.random.default_rng(seed)
    launch = np.where(rng.random(PRODUCTS) < 0.4, 0, rng.integers(0, DAYS, PRODUCTS))
    appeal, price = rng.lognormal(0, 1.3, PRODUCTS), rng.lognormal(0.8, 0.8, PRODUCTS).round(2) + 0.05
    product = rng.choice(PRODUCTS, lines, p=appeal / appeal.sum())
    day = (launch[product] + (DAYS - launch[product]) * rng.beta(1.0, 1.3, lines)).astype(int)
    order = day * 300 + rng.integers(0, 300, lines)
    units = rng.geometric(0.15, lines)
    is_cancelled, is_charge = rng.random(lines) < 0.02, rng.random(lines) < 0.005
    words = rng.integers(0, len(WORDS), (PRODUCTS, 4))
    titles = np.array([" ".join(WORDS[w] for w in row).upper() for row in words])
    codes = np.array([f"{10000 + i}" for i in range(PRODUCTS)])
    start = datetime.fromisoformat("2020-01-01")
    number = pl.Series(order).cast(pl.String)
    return pl.DataFrame(
        {
            "Invoice": pl.select(pl.when(pl.Series(is_cancelled)).then("C" + number).otherwise(number)).to_series(),
            "StockCode": np.where(is_charge, "POST", codes[product]),
            "Description": titles[product],
            "Quantity": np.where(is_cancelled, -units, units),
            "InvoiceDate": pl.Series([start + timedelta(days=int(d), hours=9) for d in day]),
            "Price": price[product],
            "Customer ID": (order % BUYERS).astype(float),
            "Country": np.where(rng.random(lines) < 0.9, "United Kingdom", "France"),
        }
    ).sort("InvoiceDate")  # fmt: skip


def _measured(command: list[str]) -> tuple[float, float, float]:
    """Wall and CPU seconds and peak MB of a process with one thread for algebra."""
    begun, peak = time.perf_counter(), 0.0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(command, env=os.environ | ONE_THREAD)
    process = psutil.Process(child.pid)
    while child.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    if child.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}")
    seconds, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, peak


def publish(folder: Path, *, seed: int) -> None:
    """Read the folder's orders, learn, call the newest launches and write the calls with their reasons into `calls/`."""
    label = LabelSpec()
    case = case_of(read_orders(folder), None, label=label, seed=seed)
    model = fit_calls(case.train, label=label, features=FEATURES, seed=seed, threads=1)
    out = folder / "calls"
    out.mkdir(exist_ok=True)
    model.predict(case.test).write_parquet(out / "calls.parquet")
    model.reasons(case.test).write_parquet(out / "reasons.parquet")


if __name__ == "__main__":
    publish(Path(sys.argv[1]), seed=int(sys.argv[2]))
