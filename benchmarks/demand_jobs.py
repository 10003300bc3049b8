"""One method at one origin in a process of its own: its time, its memory, and its forecast kept for the next call."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from benchmarks.demand_case import WEIGHT, peer_frames
from benchmarks.demand_names import DECILE, MAE, OURS, PLAIN, STATISTICAL, STRONG, TWEEDIE
from benchmarks.fresh_data import STATICS, read_fresh

PACKAGES = ("lightgbm", "mlforecast", "polars", "statsforecast")
METHODS = (OURS, TWEEDIE, MAE, STRONG, DECILE, PLAIN, STATISTICAL)
MODULES = {OURS: "benchmarks.demand_ours"}
"""Where a method's code begins; the others' is benchmarks.demand_peers."""
EVERY_S = 0.2


@dataclass(frozen=True)
class Job:
    """What is asked; two equal ones on equal data and code give equal forecasts."""

    method: str
    data: str
    origin: str
    horizon: int
    series: int
    seed: int
    threads: int
    most: int = 0
    """A sample of so many series is forecast; 0: all."""


@dataclass(frozen=True)
class Done:
    """A finished job."""

    forecast: pl.DataFrame
    """`unique_id`, `ds` and the method's columns."""
    cpu_s: float
    """User and system time of the process and its children."""
    peak_gb: float
    """Most resident memory of the process tree, looked at five times a second."""


def done(job: Job, *, cache: Path, limit_s: float) -> Done:
    """Run the job, or read what an earlier run of the same job on the same data and code kept.

    Raises:
        RuntimeError: The process failed or took longer than `limit_s`; the message has its last words.
    """
    folder = cache / f"{job.method}-{job.origin}-{_key(job)}"
    if not (folder / "cost.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        cost = _run(job, folder, limit_s)
        (folder / "cost.json").write_text(json.dumps(cost))
    cost = json.loads((folder / "cost.json").read_text())
    return Done(pl.read_parquet(folder / "forecast.parquet"), cost["cpu_s"], cost["peak_gb"])


def _run(job: Job, folder: Path, limit_s: float) -> dict[str, float]:
    """Start the process, watch its tree, and return its cost."""
    threads = str(job.threads)
    said = folder / "said.txt"
    quiet = {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    command = [sys.executable, "-m", "benchmarks.demand_jobs", json.dumps(asdict(job)), str(folder)]
    peak, begun = 0, time.monotonic()
    with said.open("w") as words:
        process = subprocess.Popen(
            command,
            env=os.environ | quiet,
            cwd=Path(__file__).parents[1],
            stdout=words,
            stderr=words,
        )
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, tree_bytes(process.pid))
            if time.monotonic() - begun > limit_s:
                process.kill()
            time.sleep(EVERY_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(
            f"{job.method} at {job.origin} ended with {process.returncode} after {time.monotonic() - begun:.0f} s "
            f"(limit {limit_s:.0f}): {said.read_text()[-800:]}"
        )
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_gb": peak / 1e9}


def tree_bytes(pid: int) -> int:
    """Resident memory of a process and all below it; 0 once it is gone."""
    try:
        parent = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _key(job: Job) -> str:
    """The job, its data (names, sizes and times of files), and the code it runs, hashed."""
    files = sorted(p for p in Path(job.data).iterdir() if p.is_file())
    stamps = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    code = code_of(MODULES.get(job.method, "benchmarks.demand_peers"), "benchmarks.demand_case")
    versions = [importlib.metadata.version(name) for name in PACKAGES]
    return hashlib.sha256(json.dumps([asdict(job), stamps, code, versions]).encode()).hexdigest()[:16]


def code_of(*modules: str) -> str:
    """Hash of the source of modules and of all of ours that they import, directly or not."""
    found, left = dict[str, str](), list(modules)
    while left:
        name = left.pop()
        spec = importlib.util.find_spec(name)
        if name in found or spec is None or spec.origin is None:
            continue
        found[name] = source = Path(spec.origin).read_text()
        left += [m for m in _imports(source) if m.split(".")[0] in ("benchmarks", "features", "models")]
    return hashlib.sha256("".join(found[name] for name in sorted(found)).encode()).hexdigest()


def _imports(source: str) -> list[str]:
    named = list[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            named.append(node.module)
        elif isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
    return named


def forecast(job: Job) -> pl.DataFrame:
    """Do the job in this process; see Done.

    Raises:
        ValueError: There is no such method.
    """
    if job.method not in METHODS:
        raise ValueError(f"method '{job.method}': there are {', '.join(METHODS)}")
    data = read_fresh(Path(job.data), series=job.series, seed=job.seed)
    origin = date.fromisoformat(job.origin)
    if job.method == OURS:
        from benchmarks import demand_ours  # each process reads the libraries of its own method only

        return demand_ours.forecast(
            data, origin=origin, horizon=job.horizon, seed=job.seed, threads=job.threads
        )
    train, ahead = peer_frames(data, origin=origin, horizon=job.horizon)
    if job.most:
        chosen = sampled(train["unique_id"].unique().sort(), job.most, job.seed)
        train = train.filter(pl.col("unique_id").is_in(chosen.implode()))
    from benchmarks import demand_peers

    if job.method == STATISTICAL:
        return demand_peers.statistical(train, horizon=job.horizon)
    if job.method == PLAIN:
        return demand_peers.weekly_mean(train, horizon=job.horizon).join(
            demand_peers.last_week(train, horizon=job.horizon), on=["unique_id", "ds"]
        )
    return _lightgbm(job, train, ahead)


def _lightgbm(job: Job, train: pl.DataFrame, ahead: pl.DataFrame) -> pl.DataFrame:
    from benchmarks import demand_peers

    common = partial(
        demand_peers.lightgbm_point,
        horizon=job.horizon,
        statics=STATICS,
        seed=job.seed,
        threads=job.threads,
    )
    if job.method == DECILE:
        return demand_peers.lightgbm_deciles(
            train.drop(WEIGHT),
            ahead,
            horizon=job.horizon,
            statics=STATICS,
            seed=job.seed,
            threads=job.threads,
        )
    if job.method == STRONG:
        return common(train, ahead, objective=TWEEDIE, weight=WEIGHT).rename({TWEEDIE: STRONG})
    return common(train.drop(WEIGHT), ahead, objective=job.method)


def sampled(ids: pl.Series, most: int, seed: int) -> pl.Series:
    """At most so many of the ids, drawn evenly, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(ids))[:most]
    return ids.gather(np.sort(drawn).tolist())


def main(arguments: Sequence[str]) -> None:
    """Do a job given as JSON and write its forecast into a folder."""
    job, folder = Job(**json.loads(arguments[0])), Path(arguments[1])
    forecast(job).write_parquet(folder / "forecast.parquet")


if __name__ == "__main__":
    main(sys.argv[1:])
