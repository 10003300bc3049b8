"""What a night keeps for what-ifs, and a release carries beside its model: feature rows of the days ahead, and plans."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl

from features.assemble import future_frame
from features.panel import DemandTables, Panel, build_panel
from features.plans import Plans, coming
from models.forecasting.whatif import Book
from models.forecasting.whatif_support import own_history
from pipelines.demand_inputs import demand_tables
from pipelines.registry import load_champion
from settings import Settings
from warehouse import Warehouse
from warehouse.release import ModelFile

PREFIX = "whatif_"
SEEN_DAYS = 500
"""How far back a product's own prices and events are looked at: as far as the model learns."""
SERIES_AT_ONCE = 512
"""Series in a stretch of the row file; the service reads only the stretches it needs."""


def keep_book(settings: Settings, tables: DemandTables, panel: Panel, future: pl.DataFrame) -> Path:
    """Keep what-if files of the panel's cutoff in place of any others; returns their folder.

    Args:
        settings: Where the county is, and its horizon.
        tables: What the panel was built of.
        panel: Of the forecast.
        future: Its future frame: the rows the published forecast was made from.
    """
    ahead: list[date] = future["date"].unique().to_list()
    plans = coming(Plans(panel.cutoff, panel.prices, tables.campaign, tables.live_slot), last=max(ahead))
    book = Book(future, plans, own_history(panel, days=SEEN_DAYS))
    folder, beside = _folder(settings, panel.cutoff), settings.home / "whatif" / "unfinished"
    if folder.parent.exists():
        shutil.rmtree(folder.parent)
    beside.mkdir(parents=True)
    for name, frame in book.tables().items():
        frame.write_parquet(beside / f"{PREFIX}{name}.parquet", row_group_size=SERIES_AT_ONCE * len(ahead))
    beside.rename(folder)
    return folder


def book_files(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> tuple[ModelFile, ...]:
    """What a release of the cutoff carries for what-ifs; nothing while no model forecasts.

    Files the forecast did not keep, or that are gone, are made anew from what is known at the cutoff.
    """
    loaded = load_champion(settings, cutoff=cutoff)
    if loaded is None:
        return ()
    folder = _folder(settings, cutoff)
    if not folder.is_dir():
        tables = demand_tables(settings, warehouse, cutoff=cutoff)
        if tables.sales.is_empty():
            return ()
        panel = build_panel(tables, cutoff=cutoff, horizon_days=settings.horizon_days)
        future = future_frame(panel, origin=cutoff, horizon_days=settings.horizon_days)
        folder = keep_book(settings, tables, panel, future)
    return tuple(ModelFile(path.name, path, loaded[0].name) for path in sorted(folder.glob("*.parquet")))


def _folder(settings: Settings, cutoff: date) -> Path:
    return settings.home / "whatif" / f"{cutoff}"
