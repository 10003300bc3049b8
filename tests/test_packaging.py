"""The units and the Containerfile name what is there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from anxu import app

ROOT = Path(__file__).parents[1]
UNITS = sorted((ROOT / "packaging" / "systemd").iterdir())
COMMANDS = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda p: p.name)
def test_a_unit_calls_a_command_that_exists_with_the_county_it_may_write(unit: Path) -> None:
    text = unit.read_text("utf-8")
    called = re.findall(r"^ExecStart=\S+/anxu (\S+) --home (\S+)$", text, re.MULTILINE)
    assert called
    assert called[0][0] in COMMANDS
    assert f"ReadWritePaths={called[0][1]}" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/anxu/.venv/bin/anxu", "/bin/true")
        named = unit.name.replace("@", "@try")
        (tmp_path / named).write_text(text.replace("User=anxu\n", "").replace("/opt/anxu", "/"), "utf-8")
    names = sorted(str(p) for p in tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "anxu" in line]
    assert not ours


def test_the_containerfile_copies_every_package_and_what_they_need() -> None:
    text = (ROOT / "packaging" / "Containerfile").read_text("utf-8")
    copied = {name for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for name in line.split()[:-1]}
    assert copied >= {"warehouse", "features", "models", "pipelines", "serving", "benchmarks", "settings.py"}
    assert all((ROOT / name).exists() for name in copied)
