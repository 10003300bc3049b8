"""`anxu up`: everything a county needs on one machine, under one supervisor, on this machine's own address."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.experiments import LIGHT, mlflow_command
from pipelines.operations.logs import PLAIN, rotating
from pipelines.operations.processes import Known
from pipelines.operations.state import only_one, read_state, write_state
from pipelines.operations.supervisor import Pace, Part, Supervisor
from pipelines.run import QUIET
from settings import Settings

ANSWERS_WITHIN_S = 5.0
LOCAL = {"127.0.0.1", "localhost", "::1"}
FIXED = {"PREFECT_LOGGING_LEVEL", "PREFECT_API_URL", "PYTHONUNBUFFERED"}
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PortsTaken(RuntimeError):  # noqa: N818
    """Ports that `anxu up` needs are in use; the message names each, for what, and the setting that moves it."""


def parts_of(settings: Settings) -> list[Part]:
    """What runs, in the order of its starting: Prefect server, schedule, service, MLflow page.

    A Prefect server on another machine (`prefect_api_url`) is used and not started.
    """
    given = environment(settings)
    ours = partial(_ours, settings, given)
    service, mlflow = (
        f"http://{settings.host}:{settings.port}",
        f"http://{settings.host}:{settings.mlflow_port}",
    )
    server = [_prefect(settings, given)] if _is_here(settings) else []
    return [
        *server,
        ours("service", "serve", well=answers(f"{service}/v1/health"), address=service),
        ours("schedule", "schedule", needs=tuple(part.name for part in server)),
        Part("mlflow", mlflow_command(settings), given | LIGHT, answers(f"{mlflow}/health"), address=mlflow),
    ]


def environment(settings: Settings) -> dict[str, str]:
    """What the parts read from the environment, without overriding what the user set."""
    wanted = {
        **QUIET,
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_HOME": str((settings.home / ".prefect").resolve()),
        "PREFECT_API_URL": settings.prefect_api_url,
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in wanted.items() if name not in os.environ or name in FIXED}


def run_up(settings: Settings, *, pace: Pace | None = None) -> None:
    """Run all parts until SIGINT or SIGTERM, then end every one of them.

    Raises:
        AlreadyUp: Another supervisor holds the county.
        PortsTaken: Something else listens where a part would.
    """
    with only_one(settings.home):
        free_ports(settings)
        me = Known.of(os.getpid())
        assert me is not None
        changed = partial(write_state, settings.home, me)
        supervisor = Supervisor(
            parts_of(settings), log_dir=logs_dir(settings.home), pace=pace, changed=changed
        )
        _log_to(logs_dir(settings.home) / "up.log")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.stop())
        supervisor.run()


def start_behind(settings: Settings, *, within_s: float) -> bool:
    """Start `anxu up` as a process of its own that outlives this one; returns whether all was well in time."""
    folder = logs_dir(settings.home)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.out").open("wb") as log:
        process = subprocess.Popen(
            [*_anxu(), "up", "--home", str(settings.home.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and process.poll() is None:
        state = read_state(settings.home)
        if state and state.parts and all(part.state == "well" for part in state.parts):
            return True
        time.sleep(0.3)
    return False


def free_ports(settings: Settings) -> None:
    """See that nothing listens where the parts will.

    Raises:
        PortsTaken: Something does; names every port at once.
    """
    wanted = {
        "port": (settings.host, settings.port, "the service"),
        "mlflow_port": (settings.host, settings.mlflow_port, "MLflow"),
    }
    if _is_here(settings):
        wanted["prefect_api_url"] = (*_prefect_place(settings), "the Prefect server")
    taken = [
        f"{port} for {what} (setting {name})"
        for name, (host, port, what) in wanted.items()
        if not _is_free(host, port)
    ]
    if taken:
        raise PortsTaken(
            f"in use already: {'; '.join(taken)}. Stop what listens there, or set other ports in anxu.toml"
        )


def logs_dir(home: Path) -> Path:
    """Where the parts' logs lie."""
    return home / "logs"


def answers(url: str) -> Callable[[], bool]:
    """A look whether an address answers; an answer below 500 counts."""

    def look() -> bool:
        try:
            with _direct.open(url, timeout=ANSWERS_WITHIN_S):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    return look


def _log_to(path: Path) -> None:
    handler = rotating(path)
    handler.setFormatter(logging.Formatter(PLAIN))
    logging.getLogger("anxu.up").addHandler(handler)


def _prefect(settings: Settings, given: Mapping[str, str]) -> Part:
    host, port = _prefect_place(settings)
    command = (sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port))
    well = answers(f"http://{host}:{port}/api/health")
    return Part("prefect", command, given, well, address=f"http://{host}:{port}")


def _ours(
    settings: Settings,
    given: Mapping[str, str],
    name: str,
    command: str,
    *,
    well: Callable[[], bool] | None = None,
    needs: tuple[str, ...] = (),
    address: str = "",
) -> Part:
    line = (*_anxu(), command, "--home", str(settings.home.resolve()))
    return Part(name, line, given, well, needs, address)


def _anxu() -> tuple[str, ...]:
    return (sys.executable, "-m", "anxu")


def _is_here(settings: Settings) -> bool:
    return urlsplit(settings.prefect_api_url).hostname in LOCAL


def _prefect_place(settings: Settings) -> tuple[str, int]:
    parts = urlsplit(settings.prefect_api_url)
    return parts.hostname or "127.0.0.1", parts.port or 4200


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
