"""The hourly flow: a Prefect task around pipelines.hour."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow

from pipelines.hour import run_hour
from pipelines.operations.logs import write_logs
from settings import Settings
from warehouse import WarehouseBusyError


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
