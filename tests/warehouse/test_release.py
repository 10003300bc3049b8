"""Releases: complete or absent, equal when their content is, and never pointing to what is not there."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from warehouse import release
from warehouse.release import (
    ModelFile,
    ReleaseError,
    broken_releases,
    current,
    list_releases,
    prune,
    use,
    write_release,
)

NOW = datetime(2026, 5, 2, 2, tzinfo=UTC)


def tables(run_id: str = "r1", kg: float = 3.0) -> dict[str, pl.DataFrame]:
    forecast = pl.DataFrame({"run_id": run_id, "product_id": ["rice", "crab"], "demand_kg": [kg, 1.0]})
    return {"demand_forecast": forecast, "run": pl.DataFrame({"run_id": [run_id], "detail": [run_id]})}


def write(folder: Path, run_id: str = "r1", day: int = 1, *, kg: float = 3.0, **other: Any) -> Path:
    return write_release(
        folder, run_id=run_id, cutoff=date(2026, 5, day), created_at=NOW, tables=tables(run_id, kg), **other
    )


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return found


def test_a_release_holds_tables_models_and_a_manifest_with_their_hashes(tmp_path: Path) -> None:
    booster = tmp_path / "model.txt"
    booster.write_text("tree")
    folder = write(tmp_path / "releases", model_files=[ModelFile("demand.txt", booster, "7")])
    assert folder.name == "2026-05-01-r1"
    assert pl.read_parquet(folder / "demand_forecast.parquet").height == 2
    about = manifest(folder)
    assert (about["run_id"], about["cutoff"], about["created_at"]) == ("r1", "2026-05-01", NOW.isoformat())
    assert about["tables"]["demand_forecast"]["rows"] == 2
    assert about["models"]["demand.txt"]["version"] == "7"
    files = {"demand_forecast.parquet", "run.parquet", "models/demand.txt"}
    assert set(about["files"]) == files
    assert about["files"]["models/demand.txt"] == about["models"]["demand.txt"]["sha256"]
    assert current(tmp_path / "releases") == folder.name


def test_two_runs_with_the_same_content_compare_equal_and_another_content_does_not(tmp_path: Path) -> None:
    one, other = write(tmp_path, "r1"), write(tmp_path, "r2")
    shuffled = {name: frame.reverse() for name, frame in tables("r3").items()}
    third = write_release(tmp_path, run_id="r3", cutoff=date(2026, 5, 1), created_at=NOW, tables=shuffled)
    hashes = {manifest(folder)["content_sha256"] for folder in (one, other, third)}
    assert len(hashes) == 1
    assert manifest(write(tmp_path, "r4", kg=4.0))["content_sha256"] not in hashes


def test_writing_the_same_run_again_gives_the_release_that_is_there(tmp_path: Path) -> None:
    assert write(tmp_path) == write(tmp_path)
    assert write(tmp_path, kg=4.0).name == "2026-05-01-r1-2"
    assert len(list_releases(tmp_path)) == 2


def test_a_back_filled_day_does_not_take_the_place_of_a_later_one(tmp_path: Path) -> None:
    later = write(tmp_path, "r9", day=9)
    early = write(tmp_path, "r1", day=1)
    assert current(tmp_path) == later.name
    assert list_releases(tmp_path) == [later.name, early.name]
    use(tmp_path, early.name)
    assert current(tmp_path) == early.name


def test_pointing_to_a_release_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ReleaseError, match=r"release 'gone' is not in .*; there is 2026-05-01-r1"):
        use(tmp_path, "gone")
    assert current(tmp_path) == "2026-05-01-r1"


def test_pruning_keeps_the_newest_and_the_current(tmp_path: Path) -> None:
    names = [write(tmp_path, f"r{day}", day=day).name for day in (1, 2, 3, 4)]
    use(tmp_path, names[0])
    assert sorted(prune(tmp_path, keep=2)) == names[1:2]
    assert sorted(list_releases(tmp_path)) == [names[0], *names[2:]]
    assert current(tmp_path) == names[0]


def test_the_hours_of_a_day_push_out_no_earlier_night(tmp_path: Path) -> None:
    nights = [write(tmp_path, f"night{day}", day=day).name for day in (1, 2, 3)]
    for n in range(4):
        write(tmp_path, f"hour{n}", day=3)
    prune(tmp_path, keep=2)
    left = list_releases(tmp_path)
    assert nights[1] in left
    assert nights[0] not in left
    assert len([name for name in left if name.startswith("2026-05-03")]) == 2


@pytest.mark.parametrize("moment", ["_write_durably", "_sync_file", "_sync_folder", "use"])
def test_a_run_killed_while_publishing_leaves_the_old_release_and_a_rerun_ends_as_undisturbed(
    moment: str, tmp_path: Path
) -> None:
    """Killed at the first call of a step inside write_release, in a process of its own."""
    first = write(tmp_path, "r1")
    code = (
        "import os, signal, sys; sys.path[:0] = [sys.argv[2], sys.argv[3]]\n"
        "import test_release as t\n"
        "setattr(t.release, sys.argv[4], lambda *a: os.kill(os.getpid(), signal.SIGKILL))\n"
        "t.write(t.Path(sys.argv[1]), 'r2', day=2)\n"
    )
    here = Path(__file__)
    killed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(here.parents[2]), str(here.parent), moment],
        timeout=60,
        check=False,
    )
    assert killed.returncode == -9
    assert current(tmp_path) == first.name
    again = write(tmp_path, "r2", day=2)
    assert current(tmp_path) == again.name == "2026-05-02-r2"
    assert sorted(p.name for p in tmp_path.iterdir()) == [first.name, again.name, "current"]
    assert manifest(again)["content_sha256"] == manifest(first)["content_sha256"]
    assert release.read_manifest(again) == manifest(again)


def test_a_folder_with_a_torn_manifest_is_no_release_and_blocks_no_other(tmp_path: Path) -> None:
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "manifest.json").write_text('{"cutoff": "2026-', "utf-8")
    folder = write(tmp_path)
    assert list_releases(tmp_path) == [folder.name]
    assert broken_releases(tmp_path) == ["torn"]


def test_a_list_is_a_part_of_what_a_table_says(tmp_path: Path) -> None:
    def of(run_id: str, *paths: list[float]) -> str:
        frame = pl.DataFrame({"run_id": run_id, "crop_id": ["rice", "crab"], "path_kg": list(paths)})
        made = write_release(
            tmp_path, run_id=run_id, cutoff=date(2026, 5, 1), created_at=NOW, tables={"p": frame}
        )
        assert pl.read_parquet(made / "p.parquet")["path_kg"].to_list() == list(paths)
        return str(manifest(made)["content_sha256"])

    assert of("r1", [1.0, 2.5], [3.0]) == of("r2", [1.0, 2.5], [3.0])
    others = {of("r3", [1.0], [2.5, 3.0]), of("r4", [2.5, 1.0], [3.0]), of("r5", [1.0, 2.5], [3.5])}
    assert len(others | {of("r6", [1.0, 2.5], [3.0])}) == 4
