"""Backup, restore and retention of a county folder."""

import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

from settings import FILE_NAME, Settings
from warehouse import Warehouse, WarehouseError
from warehouse.release import current, use

_SQLITE = ("inbox.sqlite", "mlflow.sqlite", "access.sqlite", "messages.sqlite")
_DONE = "backup.complete"


def backup(settings: Settings, to: Path, *, now: datetime | None = None, with_secret: bool = False) -> Path:
    """Copy a county into a new folder `to`/COUNTY-TIME and return it.

    Holds the warehouse, the inbox, keys and users (hashed, mode 0600), what was told to whom, the runs and models of
    MLflow, the current release and anxu.toml; the secret key only when asked for, since it turns buyer hashes back into guesses. While it runs no flow can
    write; the service may go on. The folder counts as a backup once its last file is written.

    Raises:
        WarehouseError: There is no warehouse, or a flow has it open.
    """
    home = settings.home
    if not settings.warehouse_path.exists():
        raise WarehouseError(f"{home} has no warehouse to back up; make one with `anxu init {home}`")
    stamp = (now or datetime.now(settings.zone)).strftime("%Y%m%dT%H%M%S")
    target = to / f"{home.resolve().name}-{stamp}"
    target.mkdir(parents=True)
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        warehouse.copy_to(target / settings.warehouse_path.name)
        for name in _SQLITE:
            _copy_sqlite(home / name, target / name)
        _copy_tree(settings.artifacts_dir, target / settings.artifacts_dir.name)
        if release := current(settings.releases_dir):
            _copy_tree(settings.releases_dir / release, target / "releases" / release)
            use(target / "releases", release)
    for path in [home / FILE_NAME, *([settings.key_path] if with_secret else [])]:
        if path.exists():
            shutil.copy2(path, target / path.name)
    (target / _DONE).write_text(f"{stamp}\n", "utf-8")
    return target


def restore(settings: Settings, source: Path, *, overwrite: bool = False) -> None:
    """Bring a backup into the county folder of `settings`.

    Raises:
        WarehouseError: `source` is no finished backup, or the county folder holds something and `overwrite`
            was not said.
    """
    if not (source / _DONE).exists():
        raise WarehouseError(
            f"{source} is no finished backup: it has no {_DONE}; name a folder that backup made"
        )
    home = settings.home
    there = sorted(p.name for p in home.iterdir()) if home.exists() else []
    if there and not overwrite:
        raise WarehouseError(
            f"{home} is not empty ({', '.join(there[:4])}); restore into a new folder, or say overwrite to lose it"
        )
    if settings.warehouse_path.exists():
        Warehouse.open(settings.warehouse_path, zone=settings.timezone).close()
    home.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.name == _DONE:
            continue
        _remove(home / path.name)
        shutil.copytree(path, home / path.name) if path.is_dir() else shutil.copy2(path, home / path.name)


def retention(warehouse: Warehouse, settings: Settings, *, today: date) -> dict[str, int]:
    """Delete forecasts, grades of lots and raw readings past their keeping time; returns rows deleted per table.

    Forecasts count from their cutoff, raw readings from the local day they were measured; scores, cleaned
    readings and recommendations stay. The file does not shrink; what follows uses the freed space.
    """
    forecasts_from = today - timedelta(days=settings.keep_forecast_days)
    readings_from = today - timedelta(days=settings.keep_raw_reading_days)
    first_instant = datetime.combine(readings_from, datetime.min.time(), settings.zone)
    with warehouse.transaction():
        return {
            "demand_forecast": warehouse.delete_before("demand_forecast", "cutoff", forecasts_from),
            "season_forecast": warehouse.delete_before("season_forecast", "cutoff", forecasts_from),
            "demand_forecast_node": warehouse.delete_before("demand_forecast_node", "cutoff", forecasts_from),
            "demand_before": warehouse.delete_before("demand_before", "cutoff", forecasts_from),
            "node_status": warehouse.delete_before("node_status", "cutoff", forecasts_from),
            "field_state": warehouse.delete_before("field_state", "cutoff", forecasts_from),
            "harvest_day": warehouse.delete_before("harvest_day", "cutoff", forecasts_from),
            "harvest_serve": warehouse.delete_before("harvest_serve", "cutoff", forecasts_from),
            "season_kept": warehouse.delete_before("season_kept", "week_start", forecasts_from),
            "grade_curve": warehouse.delete_before("grade_curve", "cutoff", forecasts_from),
            "lot_grade": warehouse.delete_before("lot_grade", "cutoff", forecasts_from),
            "lot_allocation": warehouse.delete_before("lot_allocation", "cutoff", forecasts_from),
            "raw_reading": warehouse.delete_before("raw_reading", "measured_at", first_instant),
        }


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy, also while another process writes."""
    if source.exists():
        target.touch(mode=source.stat().st_mode & 0o777)
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)


def _copy_tree(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    for suffix in ("", ".wal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
