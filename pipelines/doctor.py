"""Is everything in its place: versions, paths, disk, ports, the last run, what has stopped arriving."""

import importlib.metadata
import shutil
import socket
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from settings import Settings
from warehouse import Warehouse
from warehouse.release import broken_releases, current

PACKAGES = ("duckdb", "fastapi", "highspy", "lightgbm", "mlflow", "polars", "prefect")
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
MIN_FREE_GB = 2.0
SILENT = timedelta(days=2)


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    ok: bool
    what: str
    value: str
    way_out: str = ""


def examine(settings: Settings, *, now: datetime) -> list[Finding]:
    """Look at everything that can be looked at without changing anything."""
    found = [*versions(), *places(settings), *ports(settings)]
    if settings.warehouse_path.exists():
        with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
            found += [last_run(warehouse, now), *arrivals(warehouse, now)]
    return found


def versions() -> list[Finding]:
    """Python and the main packages against constraints.txt."""
    wanted = dict(
        line.strip().split("==") for line in CONSTRAINTS.read_text("utf-8").splitlines() if "==" in line
    )
    found = [
        Finding(sys.version_info >= (3, 11), "python", sys.version.split()[0], "install Python 3.11 or newer")
    ]
    for name in PACKAGES:
        have = importlib.metadata.version(name)
        found.append(
            Finding(have == wanted[name], name, have, f"constraints.txt says {wanted[name]}: make env")
        )
    return found


def places(settings: Settings) -> list[Finding]:
    """The county's folder, warehouse, release and the disk under it."""
    home = settings.home
    if not home.exists():
        return [Finding(False, "county folder", str(home), f"anxu init {home}")]
    free = shutil.disk_usage(home).free / 1e9
    release = current(settings.releases_dir)
    return [
        Finding(True, "county folder", str(home)),
        Finding(
            settings.warehouse_path.exists(), "warehouse", str(settings.warehouse_path), f"anxu init {home}"
        ),
        Finding(release is not None, "release", release or "none", "anxu nightly"),
        *(
            Finding(False, "broken release", name, f"remove {settings.releases_dir / name}")
            for name in broken_releases(settings.releases_dir)
        ),
        Finding(
            free >= MIN_FREE_GB,
            "free disk",
            f"{free:.1f} GB",
            f"free {MIN_FREE_GB:.0f} GB or move the folder",
        ),
    ]


def ports(settings: Settings) -> list[Finding]:
    """Whether the service's and MLflow's ports are free (taken is fine when it is us)."""
    found = []
    for what, port in (("service port", settings.port), ("MLflow port", settings.mlflow_port)):
        with socket.socket() as probe:
            probe.settimeout(0.5)
            taken = probe.connect_ex((settings.host, port)) == 0
        found.append(Finding(True, what, f"{port} {'in use' if taken else 'free'}"))
    return found


def last_run(warehouse: Warehouse, now: datetime) -> Finding:
    """When the last night ended and how."""
    runs = warehouse.read("run").sort("started_at")
    if runs.is_empty():
        return Finding(False, "last run", "never", "anxu nightly, or anxu schedule")
    row = runs.row(-1, named=True)
    recent = now - row["started_at"] < timedelta(hours=36)
    return Finding(
        row["status"] == "completed" and recent,
        "last run",
        f"{row['started_at']:%Y-%m-%d %H:%M} UTC, cutoff {row['cutoff']}, {row['status']} {row['detail']}".strip(),
        "anxu nightly; its steps and reasons are under Runs",
    )


def arrivals(warehouse: Warehouse, now: datetime) -> list[Finding]:
    """Per kind of file that is not a master table: when the last one came."""
    files = warehouse.read("source_file").filter(pl.col("kind").is_in(["orders", "readings", "weather"]))
    last = files.group_by("kind").agg(last=pl.col("arrived_at").max()).sort("kind")
    return [
        Finding(
            now - at < SILENT,
            kind,
            _since(at, now),
            "ask the sender, or load by hand",
        )
        for kind, at in last.iter_rows()
    ]


def _since(at: datetime, now: datetime) -> str:
    return f"{'last file' if now - at < SILENT else 'no file since'} {at:%Y-%m-%d %H:%M} UTC"
