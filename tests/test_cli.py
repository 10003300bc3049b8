"""The front door: what it answers when something is missing."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from anxu import app
from pipelines.check import CutoffAhead, NothingToForecast, check_inputs
from pipelines.night import Night
from settings import Settings
from warehouse import Warehouse

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


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "2026-02-30"])
def test_a_day_that_is_none_is_named_with_the_form(day: str, tmp_path: Path) -> None:
    run(app, ["init", str(tmp_path / "c")])
    result = run(app, ["nightly", "--cutoff", day, "--home", str(tmp_path / "c")])
    assert result.exit_code == 2
    assert "YYYY-MM-DD" in " ".join(result.output.split())


def test_a_day_that_has_not_ended_is_refused(tmp_path: Path) -> None:
    run(app, ["init", str(tmp_path / "c")])
    with pytest.raises(CutoffAhead, match="no whole day yet"):
        Night.of(Settings(home=tmp_path / "c"), date(2099, 1, 1), None)


def test_an_order_nobody_listed_is_named_when_nothing_can_be_forecast(tmp_path: Path) -> None:
    home = tmp_path / "c"
    run(app, ["init", str(home)])
    settings = Settings(home=home)
    known = datetime(2026, 5, 2, tzinfo=UTC)
    row = {
        "platform": "pinduoduo", "shop": "field", "order_id": "1", "line_id": "1", "seller_sku": "R5", "quantity": 1,
        "goods_yuan": 30.0, "status": "paid", "status_rank": 1, "raw_status": "paid", "known_at": known,
        "paid_at": datetime(2026, 5, 1, tzinfo=UTC), "line_number": 2,
    }  # fmt: skip
    with Warehouse.open(settings.warehouse_path) as warehouse:
        warehouse.take_in("order_line", pl.DataFrame([row]), "f")
        with pytest.raises(
            NothingToForecast, match=r"seller SKU 'R5' of pinduoduo/field; listing knows no shop"
        ):
            check_inputs(settings, warehouse, cutoff=date(2026, 5, 2), run_id="r")


def test_a_backup_comes_back_into_a_new_folder_ready_to_use(tmp_path: Path) -> None:
    home, copy, back = tmp_path / "c", tmp_path / "copy", tmp_path / "back"
    run(app, ["init", str(home)])
    assert run(app, ["backup", str(copy), "--home", str(home)]).exit_code == 0
    source = next(p for p in [copy, *copy.iterdir()] if (p / "warehouse.duckdb").exists())
    assert run(app, ["restore", str(source), "--home", str(back)]).exit_code == 0
    assert (back / "inbox").is_dir()
    assert run(app, ["restore", str(source), "--home", str(back), "--overwrite"]).exit_code == 0


def test_every_command_and_every_setting_is_in_the_operating_guide() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "operating.md").read_text("utf-8")
    commands = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    wanted = {c.removesuffix("_command") for c in commands} | set(Settings.model_fields)
    assert not {name for name in wanted if f"`{name}" not in guide}
