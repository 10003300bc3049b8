"""Every command in the README is run, in its order, on the smallest sample, as a newcomer would."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv" / "bin"
LIMIT_S = 160
pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]


def commands(name: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout: the Makefile and this environment, and room for counties."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copyfile(ROOT / "Makefile", folder / "Makefile")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    port = {name: str(free_port()) for name in ("service", "mlflow", "prefect")}
    return {
        "ANXU_PORT": port["service"],
        "ANXU_MLFLOW_PORT": port["mlflow"],
        "ANXU_PREFECT_API_URL": f"http://127.0.0.1:{port['prefect']}/api",
        "PREFECT_SERVER_API_PORT": port["prefect"],
    }


def ends(command: str, place: Path, env: dict[str, str]) -> str:
    """Run a command that ends by itself and must end well; returns what it printed."""
    done = subprocess.run(
        command.replace("make ", "make -o .venv/.ok ", 1),
        shell=True,
        cwd=place,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, follow_redirects=True).status_code == 200
    except httpx.TransportError:
        return False


def serves(command: str, place: Path, env: dict[str, str], url: str) -> Iterator[None]:
    """Run a command that serves until Ctrl-C: it must answer at `url`, and end when asked."""
    process = subprocess.Popen(
        command.replace("make ", "make -o .venv/.ok ", 1),
        shell=True,
        cwd=place,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + LIMIT_S
        while not answers(url):
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            assert time.monotonic() < end, f"{command}: no answer at {url}"
            time.sleep(0.5)
        yield
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_both_languages_give_the_same_commands() -> None:
    assert commands("README.md") == commands("README.zh.md")
    assert len(commands("README.md")) > 10


def test_every_link_of_the_readmes_leads_somewhere() -> None:
    for name in ("README.md", "README.zh.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8")):
            assert (ROOT / target).exists(), f"{name}: {target}"


@pytest.mark.slow
def test_the_commands_of_the_readme_work_in_their_order(place: Path, ports: dict[str, str]) -> None:
    service = f"http://127.0.0.1:{ports['ANXU_PORT']}/v1/health"
    mlflow = f"http://127.0.0.1:{ports['ANXU_MLFLOW_PORT']}/health"
    prefect = f"{ports['ANXU_PREFECT_API_URL']}/health"
    for command in commands("README.md"):
        if command == "make run":
            for _ in serves(f"{command} SIZE=tiny COUNTY=small-county", place, ports, service):
                assert httpx.get(service.replace("/v1/health", "/"), timeout=10).status_code == 200
        elif command.endswith("prefect server start"):
            with_schedule(command, place, ports, prefect)
        elif "anxu schedule" in command:
            continue  # run beside the Prefect server above
        elif "anxu experiments" in command:
            for _ in serves(command, place, ports, mlflow):
                pass
        elif "anxu serve" in command:
            for _ in serves(command, place, ports, service):
                pass
        elif "anxu doctor" in command:
            finds_only_that_no_file_came_since(command, place, ports)
        else:
            ends(command, place, ports)


def with_schedule(command: str, place: Path, ports: dict[str, str], url: str) -> None:
    """The Prefect server answers, and the schedule registers the nightly deployment on it."""
    schedule = next(line for line in commands("README.md") if "anxu schedule" in line)
    deployment = f"{ports['ANXU_PREFECT_API_URL']}/deployments/name/anxu-nightly/nightly-my-county"
    env = ports | {"PREFECT_HOME": str(place / "prefect")}
    for _ in serves(command, place, env, url):
        for _ in serves(schedule, place, env, deployment):
            found = httpx.get(deployment, timeout=5).json()
            assert found["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
            assert found["parameters"]["home"] == str((place / "my-county").resolve())


def finds_only_that_no_file_came_since(command: str, place: Path, ports: dict[str, str]) -> None:
    """The sample ends in the past, so the doctor is right to complain of that, and of nothing else."""
    done = subprocess.run(
        command, shell=True, cwd=place, env=os.environ | ports, capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert all("no file since" in line or "last run" in line for line in complaints), done.stdout
