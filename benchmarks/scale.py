"""`anxu bench scale`: what a night costs for a whole county, and whether its time grows no faster than its series."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.demand_jobs import EVERY_S, tree_bytes

MOST_PREDICT_S, MOST_WITH_REFIT_S, MOST_GB, MOST_GROWTH = 600.0, 2_700.0, 8.0, 1.1
CACHE = Path("bench-cache")
JOBS = {"draw": "benchmarks.scale_data", "refit": "benchmarks.scale_jobs", "predict": "benchmarks.scale_jobs"}
"""Jobs in order, and the module that does each."""


@dataclass(frozen=True)
class Cost:
    """What one job took."""

    wall_s: float
    cpu_s: float
    """User and system time of the process and its children."""
    peak_gb: float
    """Most resident memory of the process tree, looked at five times a second."""
    seconds: dict[str, float]
    counts: dict[str, int]


def run(
    *,
    leaves: int = 20_000,
    days: int = 730,
    steps: int = 0,
    threads: int = 2,
    seed: int = 1,
    limit_s: float = 3_600.0,
    cache: Path = CACHE,
) -> dict[str, object]:
    """Draw a county, then predict as every night does and refit as every week, each in a process of its own.

    Args:
        leaves: Series (product × channel × region).
        days: Days of history.
        steps: 1: also at a quarter and at half of the leaves, and hold the growth of CPU time against that of the series.
        threads: Of polars, LightGBM and numpy.
        seed: Of the county.
        limit_s: A job that takes longer is ended.
        cache: Folder for the county, which is removed again.

    Raises:
        RuntimeError: A job failed or took longer than `limit_s`; the message has its last words.
    """
    sizes = [leaves // 4, leaves // 2, leaves] if steps else [leaves]
    found = {size: _county(size, days, seed, threads, limit_s, cache) for size in sizes}
    rows = [row for size, jobs in found.items() for row in _rows(size, jobs)]
    predict, refit = found[leaves]["predict"], found[leaves]["refit"]
    must = [
        _must("predict, s", predict.wall_s, MOST_PREDICT_S),
        _must("predict and refit, s", predict.wall_s + refit.wall_s, MOST_WITH_REFIT_S),
        _must("peak memory, GB", max(predict.peak_gb, refit.peak_gb), MOST_GB),
    ]
    for small, large in pairwise(sizes):
        for job in ("predict", "refit"):
            growth = found[large][job].cpu_s / found[small][job].cpu_s
            series = found[large]["predict"].counts["series"] / found[small]["predict"].counts["series"]
            must.append(_must(f"{job}: CPU at {large} ÷ at {small} leaves", growth, series * MOST_GROWTH))
    return {"bench": "scale", "data": f"{leaves} × {days} days", "seed": seed, "rows": rows, "must": must}


def _county(size: int, days: int, seed: int, threads: int, limit_s: float, cache: Path) -> dict[str, Cost]:
    folder = cache / f"scale-{size}-{days}-{seed}-{os.getpid()}"
    asked = {"leaves": size, "days": days, "seed": seed, "threads": threads}
    try:
        return {job: _measured(job, folder, asked, limit_s) for job in JOBS}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(job: str, folder: Path, asked: dict[str, int], limit_s: float) -> Cost:
    """Run one job in a child, watch its tree, and return its cost."""
    folder.mkdir(parents=True, exist_ok=True)
    threads = f"{asked['threads']}"
    quiet = {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    command = [sys.executable, "-m", JOBS[job], job, str(folder.resolve()), json.dumps(asked)]
    said, peak, begun = folder / f"{job}.said", 0, time.monotonic()
    with said.open("w") as words:
        process = subprocess.Popen(
            command, env=os.environ | quiet, cwd=Path(__file__).parents[1], stdout=words, stderr=words
        )
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = max(peak, tree_bytes(process.pid))
            if time.monotonic() - begun > limit_s:
                process.kill()
            time.sleep(EVERY_S)
    wall, used = time.monotonic() - begun, ended[2]
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode:
        raise RuntimeError(
            f"{job} of {asked['leaves']} leaves ended with {process.returncode} after {wall:.0f} s "
            f"(limit {limit_s:.0f}): {said.read_text()[-800:]}"
        )
    last = json.loads(said.read_text().splitlines()[-1])
    return Cost(wall, used.ru_utime + used.ru_stime, peak / 1e9, last["seconds"], last["counts"])


def _rows(size: int, jobs: dict[str, Cost]) -> list[dict[str, object]]:
    figures: list[tuple[str, str, float]] = []
    for job, cost in jobs.items():
        if job == "draw":
            continue
        figures += [(job, "wall_s", cost.wall_s), (job, "cpu_s", cost.cpu_s), (job, "peak_gb", cost.peak_gb)]
        figures += [(job, f"cpu_s: {name}", value) for name, value in cost.seconds.items()]
        figures += [(job, f"rows: {name}", value) for name, value in cost.counts.items()]
    return [
        {"segment": f"{size} leaves", "metric": metric, "method": job, "value": value}
        for job, metric, value in figures
    ]


def _must(what: str, value: float, limit: float) -> dict[str, object]:
    return {"what": what, "value": value, "limit": f"≤ {limit:,.4g}", "holds": value <= limit}
