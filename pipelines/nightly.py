"""The nightly flow: coarse Prefect tasks around the plain steps of pipelines/night.py."""

import logging
import sys
from datetime import date, datetime
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.messages import pass_on
from pipelines.night import STEPS, Night, begin, run_step
from pipelines.operations.logs import write_logs
from settings import Settings

log = logging.getLogger("anxu.messages")


@task(cache_policy=NO_CACHE, persist_result=False)
def step(night: Night, name: str) -> str:
    """Run one step of a night."""
    return run_step(night, name)


@flow(name="anxu-nightly", persist_result=False, validate_parameters=True)
def nightly(home: str, cutoff: date | None = None, now: datetime | None = None) -> str:
    """Ingest, check, clean, train if due, forecast, plan, score and publish; returns the run's id.

    Args:
        home: The county folder.
        cutoff: Last day whose sales count as known; none means yesterday.
        now: When files found tonight count as arrived; none means the clock.
    """
    settings = Settings(home=Path(home))
    if settings.log_format == "json" or not sys.stderr.isatty():
        write_logs(settings.log_format)
    night = Night.of(settings, cutoff, now)
    begin(night)
    try:
        for name in STEPS:
            step.with_options(name=name)(night, name)
    except Exception:
        tell(settings, None)
        raise
    tell(settings, night.cutoff)
    return night.run_id


def tell(settings: Settings, cutoff: date | None) -> None:
    """Pass on what people should know; a night that is published stays a good one when that fails."""
    try:
        pass_on(settings, cutoff)
    except Exception:
        log.exception("messages could not be passed on; `anxu messages send` tries again")
