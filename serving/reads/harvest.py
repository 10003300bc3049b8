"""Fields and harvest as published: how plots stand, when and how much they will bear, what came of it."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from serving.published import Release
from serving.reads.things import matching, placed

SEASON = ["plot_id", "crop_id", "year", "season"]


@dataclass(frozen=True)
class Wish:
    """Of which plot, village and crop; None is all."""

    plot: str | None = None
    village: str | None = None
    crop: str | None = None


def fields(
    release: Release, *, plot: str | None, village: str | None, day: date | None, level: int | None
) -> pl.DataFrame:
    """Plot and day, worst first within the newest day; with its place and what stands on it.

    Args:
        day: None: the newest day published.
        level: At least so bad (0 well, 1 watch, 2 act).
    """
    rows = release.made(_fields)
    found = matching(rows, plot_id=plot, village_id=village, day=day or rows["day"].max())
    return found if level is None else found.filter(pl.col("level") >= level)


def outlook(release: Release, wish: Wish) -> pl.DataFrame:
    """Standing plantings, the soonest ready first."""
    return _wished(release.made(_outlook), wish)


def days(release: Release, wish: Wish) -> pl.DataFrame:
    """Kilograms that ripen by planting and day, in order of days."""
    return _wished(release.made(_days), wish)


def actuals(release: Release, wish: Wish) -> pl.DataFrame:
    """Planned against actual by planting, the newest season first."""
    return _wished(release.made(_actuals), wish)


def value(release: Release) -> pl.DataFrame:
    """What telling yields added to last year's mean, by year and crop ('*': all)."""
    return release.frame("harvest_value").sort("year", "crop_id", descending=[True, False])


def stages(release: Release) -> dict[tuple[str, str], str | None]:
    """(plot, crop) → stage of what stands."""
    rows = release.frame("harvest_outlook").select("plot_id", "crop_id", "stage")
    return {(plot, crop): stage for plot, crop, stage in rows.iter_rows()}


def _wished(rows: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    return matching(rows, plot_id=wish.plot, village_id=wish.village, crop_id=wish.crop)


def _fields(release: Release) -> pl.DataFrame:
    crops = release.frame("harvest_outlook").group_by("plot_id").agg(
        standing=pl.struct("crop_id", "stage").sort_by("crop_id")
    )  # fmt: skip
    rows = release.frame("field_state").join(crops, on="plot_id", how="left")
    return placed(release, rows).sort("day", "level", "plot_id", descending=[True, True, False])


def _outlook(release: Release) -> pl.DataFrame:
    rows = placed(release, release.frame("harvest_outlook").drop("place_id"))
    return rows.sort("is_overdue", "ready_p50", *SEASON, nulls_last=True)


def _days(release: Release) -> pl.DataFrame:
    return placed(release, release.frame("harvest_day")).sort("forecast_date", *SEASON)


def _actuals(release: Release) -> pl.DataFrame:
    rows = placed(release, release.frame("harvest_actual"))
    return rows.sort("year", "season", "plot_id", "crop_id", descending=[True, True, False, False])
