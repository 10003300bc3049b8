"""The MLflow page with light settings, as a process of its own."""

import os
import signal
import subprocess
import sys
import threading

from settings import Settings

GRACE_S = 10.0


LIGHT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""With these and one worker the server takes 2 processes instead of 15."""


def mlflow_command(settings: Settings) -> tuple[str, ...]:
    """The command that serves the MLflow page of a county."""
    return (
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", settings.tracking_uri),
        *("--artifacts-destination", str(settings.artifacts_dir.resolve())),
        *("--host", settings.host, "--port", str(settings.mlflow_port), "--workers", "1"),
    )


def open_experiments(settings: Settings) -> int:
    """Serve the MLflow page of a county until Ctrl-C or SIGTERM; returns the server's exit code."""
    command = mlflow_command(settings)
    process = subprocess.Popen(command, env=os.environ | LIGHT, start_new_session=True)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    while process.poll() is None and not stop.wait(0.2):
        pass
    return _end(process) if stop.is_set() else process.returncode


def _end(process: subprocess.Popen[bytes]) -> int:
    """End the server and the children it spawned; what does not heed is killed after GRACE_S."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return 0
