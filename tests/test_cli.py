"""The front door: what it answers when something is missing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from anxu import app

run = CliRunner().invoke


@pytest.mark.parametrize("command", ["nightly", "serve", "backup", "experiments", "schedule", "watch"])
def test_a_missing_county_folder_is_named_with_the_way_out(command: str, tmp_path: Path) -> None:
    result = run(app, [command, "--home", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "anxu init" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_init_makes_a_county_and_leaves_an_existing_one_alone(tmp_path: Path) -> None:
    home = tmp_path / "county"
    assert run(app, ["init", str(home)]).exit_code == 0
    (home / "anxu.toml").write_text("port = 8123\n", "utf-8")
    assert run(app, ["init", str(home)]).exit_code == 0
    assert (home / "anxu.toml").read_text("utf-8") == "port = 8123\n"
    assert (home / "inbox").is_dir()
    assert (home / "warehouse.duckdb").exists()


def test_an_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "anxu.toml").write_text("prot = 8123\n", "utf-8")
    result = run(app, ["doctor", "--home", str(tmp_path)])
    assert result.exit_code != 0
    assert "prot" in str(result.exception) + result.output


def test_the_doctor_names_what_is_missing_and_the_way_out(tmp_path: Path) -> None:
    result = run(app, ["doctor", "--home", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "anxu init" in " ".join(result.output.split())


def test_real_without_its_data_says_what_is_missing_and_exits_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANXU_DATA", str(tmp_path / "empty"))
    result = run(app, ["real", "--home", str(tmp_path / "real")])
    assert result.exit_code == 3
    assert "cumcm2024c" in result.output


def test_a_back_fill_with_swapped_days_is_refused(tmp_path: Path) -> None:
    run(app, ["init", str(tmp_path / "c")])
    result = run(app, ["backfill", "2026-06-02", "2026-06-01", "--home", str(tmp_path / "c")])
    assert result.exit_code == 2
    assert "after" in result.output
