"""When which flow runs: Prefect deployments, served by one long-lived process."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prefect import flow

from pipelines.hour import run_hour
from pipelines.nightly import nightly
from pipelines.operations.logs import write_logs
from settings import Settings
from warehouse import WarehouseBusyError

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


@flow(name="anxu-hourly", persist_result=False, validate_parameters=True)
def hourly(home: str, now: datetime | None = None) -> str:
    """Compare orders and fields with the night's word and plan the cutting anew where either left its band; returns a line.

    While a night holds the warehouse nothing is done: it publishes a plan of its own.

    Args:
        home: The county folder.
        now: None means the clock.
    """
    settings = Settings(home=Path(home))
    if settings.log_format == "json" or not sys.stderr.isatty():
        write_logs(settings.log_format)
    try:
        return run_hour(settings, now=now or datetime.now(UTC))
    except WarehouseBusyError as busy:
        return f"left to the next hour: {busy}"


def serve_schedule(settings: Settings, *, cron: str) -> None:
    """Register the deployments of a county on the Prefect server and run them when due, until stopped.

    Args:
        settings: Its home, time zone and `hourly_cron` ('': the hourly flow never runs).
        cron: When the night runs; five fields, local time.

    Raises:
        RuntimeError: No Prefect server answers at PREFECT_API_URL.
    """
    from prefect import serve
    from prefect.schedules import Cron

    home, timezone = settings.home.resolve(), settings.timezone
    county, given = home.name, {"home": str(home)}
    night = nightly.to_deployment(
        name=f"nightly-{county}",
        parameters=given,
        schedule=Cron(cron, timezone=timezone),
        concurrency_limit=1,
    )
    if not settings.hourly_cron:
        serve(cast("RunnerDeployment", night), limit=2)
        return
    hour = hourly.to_deployment(
        name=f"hourly-{county}",
        parameters=given,
        schedule=Cron(settings.hourly_cron, timezone=timezone),
        concurrency_limit=1,
    )
    serve(cast("RunnerDeployment", night), cast("RunnerDeployment", hour), limit=2)
