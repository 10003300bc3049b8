"""Fields and harvest as published: how plots stand, when and how much they will bear, what came of it."""

from datetime import date

import polars as pl

from serving.published import Release
from serving.reads.things import plots

SEASON = ["plot_id", "crop_id", "year", "season"]


def fields(
    release: Release, *, plot: str | None, village: str | None, day: date | None, level: int | None
) -> pl.DataFrame:
    """Plot and day, worst first within the newest day; with its place and what stands on it.

    Args:
        day: None: the newest day published.
        level: At least so bad (0 well, 1 watch, 2 act).
    """
    rows = release.made(_fields)
    wanted = day or rows["day"].max()
    found = rows.filter(pl.col("day") == wanted) if rows.height else rows
    if level is not None:
        found = found.filter(pl.col("level") >= level)
    return _of(_of(found, "plot_id", plot), "village_id", village)


def outlook(release: Release, *, plot: str | None, village: str | None, crop: str | None) -> pl.DataFrame:
    """Standing plantings, the soonest ready first."""
    return _of(_of(_of(release.made(_outlook), "plot_id", plot), "village_id", village), "crop_id", crop)


def days(release: Release, *, plot: str | None, village: str | None, crop: str | None) -> pl.DataFrame:
    """Kilograms that ripen by planting and day, in order of days."""
    return _of(_of(_of(release.made(_days), "plot_id", plot), "village_id", village), "crop_id", crop)


def actuals(release: Release, *, plot: str | None, village: str | None, crop: str | None) -> pl.DataFrame:
    """Planned against actual by planting, the newest season first."""
    return _of(_of(_of(release.made(_actuals), "plot_id", plot), "village_id", village), "crop_id", crop)


def value(release: Release) -> pl.DataFrame:
    """What telling yields added to last year's mean, by year and crop ('*': all)."""
    return release.frame("harvest_value").sort("year", "crop_id", descending=[True, False])


def standing(release: Release) -> dict[str, list[tuple[str, str | None, date | None]]]:
    """Plot → (crop, stage, median ready date) of what stands on it."""
    return release.made(_standing)


def _of(rows: pl.DataFrame, column: str, wanted: str | None) -> pl.DataFrame:
    return rows if wanted is None else rows.filter(pl.col(column) == wanted)


def _placed(release: Release, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.join(plots(release).select("plot_id", "village_id", "village_name"), on="plot_id", how="left")


def _fields(release: Release) -> pl.DataFrame:
    crops = release.frame("harvest_outlook").group_by("plot_id").agg(
        standing=pl.struct("crop_id", "stage").sort_by("crop_id")
    )  # fmt: skip
    rows = release.frame("field_state").join(crops, on="plot_id", how="left")
    return _placed(release, rows).sort("day", "level", "plot_id", descending=[True, True, False])


def _outlook(release: Release) -> pl.DataFrame:
    rows = _placed(release, release.frame("harvest_outlook").drop("place_id"))
    return rows.sort("is_overdue", "ready_p50", *SEASON, nulls_last=True)


def _days(release: Release) -> pl.DataFrame:
    return _placed(release, release.frame("harvest_day")).sort("forecast_date", *SEASON)


def _actuals(release: Release) -> pl.DataFrame:
    rows = _placed(release, release.frame("harvest_actual"))
    return rows.sort("year", "season", "plot_id", "crop_id", descending=[True, True, False, False])


def _standing(release: Release) -> dict[str, list[tuple[str, str | None, date | None]]]:
    found: dict[str, list[tuple[str, str | None, date | None]]] = {}
    rows = release.frame("harvest_outlook").sort(SEASON)
    for plot, crop, stage, ready in rows.select("plot_id", "crop_id", "stage", "ready_p50").iter_rows():
        found.setdefault(plot, []).append((crop, stage, ready))
    return found
