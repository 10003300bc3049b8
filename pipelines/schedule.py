"""When which flow runs: Prefect deployments, served by one long-lived process."""

from typing import TYPE_CHECKING, cast

from pipelines.hourly import hourly
from pipelines.nightly import nightly
from settings import Settings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


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
