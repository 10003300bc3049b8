"""When which flow runs: Prefect deployments, served by one long-lived process."""

from pathlib import Path

from pipelines.nightly import nightly


def serve_schedule(home: Path, *, cron: str, timezone: str) -> None:
    """Register the nightly deployment of a county on the Prefect server and run it when due, until stopped.

    Args:
        home: The county folder.
        cron: Five fields, local time of `timezone`.
        timezone: e.g. Asia/Shanghai.

    Raises:
        RuntimeError: No Prefect server answers at PREFECT_API_URL.
    """
    from prefect.schedules import Cron

    nightly.serve(
        name=f"nightly-{home.resolve().name}",
        parameters={"home": str(home.resolve())},
        schedule=Cron(cron, timezone=timezone),
        limit=1,
    )
