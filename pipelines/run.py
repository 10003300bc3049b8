"""Run the nightly flow from a command and show what it came to."""

import os
from datetime import date, datetime
from pathlib import Path

from settings import Settings
from warehouse import Warehouse

QUIET = {
    "OMP_WAIT_POLICY": "passive",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
"""What the libraries read from the environment: no telemetry, no spinning threads, no chatter."""


def quiet(home: Path) -> None:
    """Set the libraries' environment, without overriding what the user set."""
    for key, value in {**QUIET, "PREFECT_HOME": str((home / ".prefect").resolve())}.items():
        os.environ.setdefault(key, value)


def flow_night(home: Path, cutoff: date, now: datetime | None) -> None:
    """Run the nightly flow in this process."""
    quiet(home)
    from pipelines.nightly import nightly

    nightly(home=str(home), cutoff=cutoff, now=now)


def show_result(settings: Settings, cutoff: date) -> None:
    """Print what the night of `cutoff` came to."""
    from pipelines.console import show_night
    from pipelines.registry import champion_error
    from pipelines.summary import night_summary

    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        show_night(
            night_summary(settings, warehouse, cutoff=cutoff, error=champion_error(settings, cutoff=cutoff))
        )
