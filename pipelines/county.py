"""A county folder: made by `anxu init`, found again by every command."""

import shutil
from datetime import date
from pathlib import Path

from settings import FILE_NAME, Settings
from warehouse import Warehouse

TEMPLATE = """\
# Settings of this county; every key can also be given as ANXU_<KEY> in the environment.
# 本县的设置;每一项也可以用环境变量 ANXU_<名称> 给出。

timezone = "Asia/Shanghai"
day_closes = "06:00:00"      # what arrives until then belongs to the day before
horizon_days = 28            # daily forecast
train_every_days = 7
plan_years = 3
threads = 2                  # never above the free cores
keep_releases = 14
keep_forecast_days = 120
keep_raw_reading_days = 400
host = "127.0.0.1"
port = 8000
"""


def parse_day(text: str) -> date:
    """A day as YYYY-MM-DD; raises ValueError that names the text and the form."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no day: write YYYY-MM-DD, such as 2026-05-01") from error


def init_county(home: Path) -> Settings:
    """Make the folder with its settings file, inbox and empty warehouse; what exists is left alone."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / FILE_NAME).exists():
        (home / FILE_NAME).write_text(TEMPLATE, "utf-8")
    settings = Settings(home=home)
    for folder in (settings.inbox_dir, settings.releases_dir, settings.artifacts_dir):
        folder.mkdir(exist_ok=True)
    with Warehouse.open(settings.warehouse_path, zone=settings.timezone):
        pass
    return settings


def deliver(files: list[Path], inbox: Path, *, relative_to: Path) -> None:
    """Copy files into the watched folder as a sender would: under a .part name, then renamed."""
    for file in files:
        target = inbox / file.relative_to(relative_to)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        shutil.copyfile(file, part)
        part.replace(target)
