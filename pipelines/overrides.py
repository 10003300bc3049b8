"""Which overrides of people a night reckons with, and which a release shows."""

from datetime import date, timedelta

import polars as pl

from settings import Settings
from warehouse import Warehouse

SHOWN_DAYS = 90
"""How long a release goes on showing an override that is past or was taken back."""


def standing_overrides(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """The overrides known by the cutoff that nobody took back by then; as the table demand_override."""
    known_by = settings.known_by(cutoff)
    written = warehouse.read("demand_override", known_by=known_by)
    gone = warehouse.read("override_withdrawal", known_by=known_by)
    return written.join(gone.select("override_id"), on="override_id", how="anti", maintain_order="left")


def published_overrides(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """The overrides known by the cutoff, those in force and those of the last months, for a release.

    Returns:
        The columns of demand_override but `known_at`, with `withdrawn_by`, `withdrawn_reason`, `withdrawn_at` of the first
        withdrawal (null: none), by `written_at` and `override_id`.
    """
    known_by = settings.known_by(cutoff)
    first = (
        warehouse.read("override_withdrawal", known_by=known_by)
        .sort("written_at", "withdrawal_id")
        .unique("override_id", keep="first", maintain_order=True)
        .select("override_id", withdrawn_by="author", withdrawn_reason="reason", withdrawn_at="written_at")
    )
    return (
        warehouse.read("demand_override", known_by=known_by)
        .filter(pl.col("expires_on") >= cutoff - timedelta(days=SHOWN_DAYS))
        .drop("known_at")
        .join(first, on="override_id", how="left")
        .sort("written_at", "override_id")
    )
