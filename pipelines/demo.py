"""The sample county, from nothing to a released plan, through the doors a customer's files come in by."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from pipelines.county import deliver, init_county
from pipelines.ingest import load, watch_once
from pipelines.progress import report
from pipelines.sample import write_sample
from settings import Settings
from warehouse import Warehouse

ARRIVES = time(1, 0)
"""Daily exports come at this local hour of the next morning."""


def prepare_demo(home: Path, *, size: str, seed: int) -> tuple[Settings, date, datetime]:
    """Write a sample county and take in all but its last day.

    Returns:
        The county's settings, the cutoff (its last day) and the hour of the night that is left to run, with the
        last day's files waiting in the inbox.
    """
    settings = init_county(home)
    marker = home / "sample" / "written"
    report("sample", 0, 1, f"size {size}, seed {seed}")
    if not marker.exists() or marker.read_text("utf-8") != f"{size} {seed}":
        write_sample(size, seed, home / "sample")
        marker.write_text(f"{size} {seed}", "utf-8")
    report("sample", 1, 1, f"size {size}, seed {seed}")
    deliveries = home / "sample" / "deliveries"
    days = sorted(folder for folder in (deliveries / "daily").iterdir() if folder.is_dir())
    cutoff = date.fromisoformat(days[-1].name)
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
        started = _morning_after(date.fromisoformat(days[0].name) - timedelta(days=1), settings)
        load(settings, warehouse, [deliveries / "history"], history=True, now=started)
        for number, folder in enumerate(days):
            files = sorted(p for p in folder.rglob("*") if p.is_file())
            deliver(files, settings.inbox_dir, relative_to=folder)
            report("inbox", number + 1, len(days), folder.name)
            if folder != days[-1]:
                watch_once(settings, warehouse, now=_morning_after(date.fromisoformat(folder.name), settings))
    return settings, cutoff, _morning_after(cutoff, settings)


def _morning_after(day: date, settings: Settings) -> datetime:
    return datetime.combine(day + timedelta(days=1), ARRIVES, settings.zone).astimezone(UTC)
