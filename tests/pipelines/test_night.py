"""A whole night on the smallest county: what it ends with, and that a power cut at any step changes nothing."""

import json
import multiprocessing
import shutil
import signal
from datetime import date, datetime
from pathlib import Path
from runpy import run_path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.demo import prepare_demo
from pipelines.night import STEPS
from warehouse.release import current

KILLER = Path(__file__).with_name("killed_night.py")
PROCESSES = multiprocessing.get_context("forkserver")
"""Nights are processes of their own, from one that has read the libraries once."""
PROCESSES.set_forkserver_preload(["pipelines.night"])
DIFFER = {"run_id", "started_at", "finished_at", "known_at", "arrived_at", "model_version"}
"""Columns that name a run or a time."""
NOT_COMPARED = {"run", "run_step"}
"""A killed run leaves its own record there."""

County = tuple[Path, date, datetime]
pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    """A tiny county with everything taken in but the last day, which waits in the inbox."""
    home = tmp_path_factory.mktemp("county") / "home"
    _, cutoff, now = prepare_demo(home, size="tiny", seed=1)
    return home, cutoff, now


def copied(county: County, to: Path) -> Path:
    shutil.copytree(county[0], to)
    return to


def night(home: Path, county: County, step: str = "none", moment: str = "after") -> int:
    arguments = (str(home), str(county[1]), county[2].isoformat(), step, moment)
    process = PROCESSES.Process(target=run_path, args=(str(KILLER), {"ARGUMENTS": arguments}, "__main__"))
    process.start()
    process.join(150)
    assert process.exitcode is not None, f"the night of {step} still runs after 150 s"
    return process.exitcode


def released(home: Path) -> dict[str, pl.DataFrame]:
    name = current(home / "releases")
    assert name is not None
    files = sorted((home / "releases" / name).glob("*.parquet"))
    frames = {p.stem: pl.read_parquet(p) for p in files if p.stem not in NOT_COMPARED}
    return {name: f.drop(DIFFER & set(f.columns)) for name, f in frames.items()}


@pytest.fixture(scope="module")
def first_night(county: County, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = copied(county, tmp_path_factory.mktemp("undisturbed") / "home")
    assert night(home, county) == 0
    return home


@pytest.fixture(scope="module")
def undisturbed(first_night: Path) -> dict[str, pl.DataFrame]:
    return released(first_night)


def test_a_night_publishes_forecasts_and_a_plan_that_breaks_no_rule(
    undisturbed: dict[str, pl.DataFrame],
) -> None:
    assert undisturbed["demand_forecast"].height > 0
    assert undisturbed["season_forecast"].height > 0
    assert undisturbed["planting_recommendation"].height > 0
    assert undisturbed["planting_plan"]["rules_broken"].to_list() == [0]
    assert undisturbed["planting_plan"]["profit_yuan"][0] > 0
    assert undisturbed["grading_recommendation"].height > 0
    assert undisturbed["lot_grade"].height > 0
    assert undisturbed["recommendation_reason"].height >= undisturbed["planting_recommendation"].height


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["inside", "after"])
def test_a_night_killed_at_every_step_in_turn_ends_as_an_undisturbed_one(
    moment: str, county: County, undisturbed: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    home = copied(county, tmp_path / "home")
    for step in STEPS:
        assert night(home, county, step, moment) == -signal.SIGKILL, step
    assert night(home, county) == 0
    again = released(home)
    assert again.keys() == undisturbed.keys()
    for name, frame in undisturbed.items():
        assert_frame_equal(again[name], frame, check_row_order=False)


@pytest.mark.slow
def test_a_night_run_twice_changes_nothing(
    county: County, first_night: Path, undisturbed: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(first_night, home)
    assert night(home, county) == 0
    for name, frame in released(home).items():
        assert_frame_equal(undisturbed[name], frame, check_row_order=False)
    assert content_hash(home) == content_hash(first_night)


def content_hash(home: Path) -> str:
    manifest = home / "releases" / str(current(home / "releases")) / "manifest.json"
    return str(json.loads(manifest.read_text("utf-8"))["content_sha256"])
