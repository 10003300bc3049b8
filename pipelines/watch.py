"""Take in the watched folder again and again."""

import time
from datetime import UTC, datetime

from pipelines.ingest import LOAD_MEMORY_MB, watch_once
from pipelines.load_report import show
from pipelines.watched import ready_files
from settings import Settings
from warehouse import Warehouse


def watch_inbox(settings: Settings, *, every_seconds: float) -> None:
    """Look every few seconds until interrupted; the warehouse is closed between looks so that a night can run."""
    while True:
        if ready_files(settings.inbox_dir, settle_seconds=0):
            with Warehouse.open(
                settings.warehouse_path, zone=settings.timezone, memory_mb=LOAD_MEMORY_MB
            ) as warehouse:
                report = watch_once(settings, warehouse, now=datetime.now(UTC))
            if report.files:
                show(report)
        time.sleep(every_seconds)
