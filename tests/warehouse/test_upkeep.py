"""Backup and restore give the county back; retention forgets what is past its time and nothing else."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from settings import Settings
from warehouse import Warehouse, WarehouseError, upkeep
from warehouse.inbox import Inbox
from warehouse.release import current, write_release

NOW = datetime(2026, 5, 2, 2, tzinfo=UTC)
Rows = Callable[..., pl.DataFrame]


@pytest.fixture
def county(tmp_path: Path) -> Settings:
    """A county with a crop, a release, a message, settings and a secret."""
    settings = Settings(home=tmp_path / "county")
    with Warehouse.open(settings.warehouse_path) as wh:
        run = {
            "run_id": "r",
            "flow": "nightly",
            "cutoff": date(2026, 5, 1),
            "started_at": NOW,
            "status": "running",
        }
        wh.upsert("run", pl.DataFrame([run]))
    Inbox.open(settings.inbox_path).write("decision", {"answer": "accept", "recommendation_id": "x"}, "Li")
    for run_id, day in (("r1", 1), ("r2", 2)):
        tables = {"product": pl.DataFrame({"product_id": [run_id]})}
        write_release(
            settings.releases_dir, run_id=run_id, cutoff=date(2026, 5, day), created_at=NOW, tables=tables
        )
    (settings.home / "anxu.toml").write_text("seed = 7\n", "utf-8")
    settings.key_path.write_bytes(b"secret")
    return settings


def test_a_restored_county_holds_what_was_backed_up_but_not_the_secret(
    county: Settings, tmp_path: Path
) -> None:
    made = upkeep.backup(county, tmp_path / "backups", now=NOW)
    other = Settings(home=tmp_path / "other")
    upkeep.restore(other, made)
    with Warehouse.open(other.warehouse_path) as wh:
        assert wh.read("run")["run_id"].to_list() == ["r"]
    assert len(Inbox.open(other.inbox_path).pending()) == 1
    assert current(other.releases_dir) == "2026-05-02-r2"
    assert sorted(p.name for p in other.releases_dir.iterdir()) == ["2026-05-02-r2", "current"]
    assert Settings(home=other.home).seed == 7
    assert not other.key_path.exists()
    assert upkeep.backup(county, tmp_path / "all", now=NOW, with_secret=True).joinpath("secret.key").exists()


def test_a_county_that_holds_something_is_overwritten_only_when_told(
    county: Settings, tmp_path: Path
) -> None:
    made = upkeep.backup(county, tmp_path / "backups", now=NOW)
    Inbox.open(county.inbox_path).write("decision", {"answer": "refuse", "recommendation_id": "y"}, "Li")
    with pytest.raises(
        WarehouseError, match=r"county is not empty \(anxu\.toml, .*\); restore into a new folder"
    ):
        upkeep.restore(county, made)
    upkeep.restore(county, made, overwrite=True)
    assert len(Inbox.open(county.inbox_path).pending()) == 1


def test_a_folder_that_is_no_finished_backup_is_refused(county: Settings, tmp_path: Path) -> None:
    made = upkeep.backup(county, tmp_path / "backups", now=NOW)
    (made / "backup.complete").unlink()
    with pytest.raises(WarehouseError, match="is no finished backup"):
        upkeep.restore(Settings(home=tmp_path / "other"), made)
    with pytest.raises(WarehouseError, match="has no warehouse to back up; make one with `anxu init"):
        upkeep.backup(Settings(home=tmp_path / "nothing"), tmp_path / "backups")


def test_the_message_database_is_copied_whole_while_someone_has_it_open(
    county: Settings, tmp_path: Path
) -> None:
    open_one = sqlite3.connect(county.inbox_path)
    open_one.execute("begin immediate")
    open_one.execute("update message set author = 'nobody'")
    made = upkeep.backup(county, tmp_path / "backups", now=NOW)
    open_one.close()
    assert [m.author for m in Inbox.open(made / "inbox.sqlite").pending()] == ["Li"]


def test_retention_forgets_old_forecasts_and_raw_readings_and_keeps_scores(
    county: Settings, lines: Rows
) -> None:
    def forecast(cutoff: date) -> dict[str, Any]:
        return {"run_id": "r", "product_id": "rice", "channel_id": "c", "region_id": "x", "forecast_date": cutoff,
                "level": 0.5, "demand_kg": 1.0, "model_version": "1"}  # fmt: skip

    def reading(at: datetime) -> dict[str, Any]:
        return {"sensor_id": "a", "quantity": "air_temp_c", "measured_at": at, "value": 1.0, "known_at": at}

    today = date(2026, 5, 1)
    with Warehouse.open(county.warehouse_path) as wh:
        for cutoff in (date(2026, 1, 1), date(2025, 12, 31), today):
            wh.replace("demand_forecast", pl.DataFrame([forecast(cutoff)]), cutoff=cutoff)
        score = {"run_id": "r", "cutoff": date(2024, 1, 1), "scored_cutoff": date(2023, 12, 1), "segment": "all",
                 "lead_days": "all", "metric": "wape", "method": "anxu", "value": 0.3}  # fmt: skip
        wh.append("forecast_score", pl.DataFrame([score]))
        times = [datetime(2025, 3, 26, 15, 59, tzinfo=UTC), datetime(2025, 3, 26, 16, tzinfo=UTC)]
        wh.take_in("raw_reading", lines(*[reading(at) for at in times]), "f")
        gone = upkeep.retention(wh, county, today=today)
        assert {table: rows for table, rows in gone.items() if rows} == {
            "demand_forecast": 1,
            "raw_reading": 1,
        }
        assert wh.read("raw_reading")["measured_at"].to_list() == times[1:]
        assert wh.read("forecast_score").height == 1
        assert upkeep.retention(wh, county, today=today)["demand_forecast"] == 0
