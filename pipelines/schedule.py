"""When which flow runs: Prefect deployments, served by one long-lived process."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from pipelines.nightly import nightly

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


def serve_schedule(home: Path, *, cron: str, timezone: str) -> None:
    """Register the deployments of a county on the Prefect server and run them when due, until stopped.

    Args:
        home: The county folder.
        cron: When the night runs; five fields, local time of `timezone`.
        timezone: e.g. Asia/Shanghai.

    Raises:
        RuntimeError: No Prefect server answers at PREFECT_API_URL.
    """
    from prefect import serve
    from prefect.schedules import Cron

    county, given = home.resolve().name, {"home": str(home.resolve())}
    night = nightly.to_deployment(
        name=f"nightly-{county}",
        parameters=given,
        schedule=Cron(cron, timezone=timezone),
        concurrency_limit=1,
    )
    serve(cast("RunnerDeployment", night), limit=2)
