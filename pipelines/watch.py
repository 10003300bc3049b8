"""Take in the watched folder again and again."""

import time
from datetime import UTC, datetime

from pipelines.ingest import watch_once
from pipelines.load_report import show
from settings import Settings
from warehouse import Warehouse


def watch_inbox(settings: Settings, *, every_seconds: float) -> None:
    """Look every few seconds until interrupted; the warehouse is closed between looks so that a night can run."""
    while True:
        if any(p.is_file() for p in settings.inbox_dir.rglob("*")):
            with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
                report = watch_once(settings, warehouse, now=datetime.now(UTC))
            if report.files:
                show(report)
        time.sleep(every_seconds)
