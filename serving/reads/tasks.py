"""What is to do on the plots now: sowings of the plan whose days have come, and plantings that are ready to cut."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import cutting, fieldwork, things
from serving.reads.health import cutoff

AHEAD_DAYS = 7
BEHIND_DAYS = 21
"""So long after its last day a sowing that nobody recorded stays on the list."""
KEEPS_DAYS, CUT_DAYS = 120, 45
"""A crop sold for longer than KEEPS_DAYS is kept in store: it is cut within CUT_DAYS of its first day of sale."""
MOST = 200


def tasks(release: Release, plots: frozenset[str] | None, village: str = "") -> list[dict[str, Any]]:
    """One row per task, sowings first, then by day and plot.

    Args:
        plots: The only ones to tell of; None is all.
        village: Only of this village; '' is all.

    Returns:
        task (sow, harvest), plot_id, village_id, village_name, crop_id, crop_name_zh, crop_name_en, area_mu, from, to (days), year, season,
        practice_id, is_late (its days are over), kg, crew_id (of a cut that the cutting plan names; else null).
    """
    past = cutoff(release)
    if past is None:
        return []
    today = past + timedelta(days=1)
    rows = pl.concat([_sowings(release, today), _cuts(release, today)], how="diagonal_relaxed")
    if plots is not None:
        rows = rows.filter(pl.col("plot_id").is_in(list(plots)))
    if village:
        rows = rows.filter(pl.col("village_id") == village)
    return (
        rows.with_columns(is_late=(pl.col("to") < today).fill_null(False))
        .sort("is_late", "from", "plot_id", "crop_id", descending=[True, False, False, False])
        .head(MOST)
        .to_dicts()
    )


def _sowings(release: Release, today: date) -> pl.DataFrame:
    opens = pl.col("sow_from") <= today + timedelta(days=AHEAD_DAYS)
    lasts = pl.col("sow_to") >= today - timedelta(days=BEHIND_DAYS)
    return _told(
        release.made(fieldwork.lines).filter(~pl.col("is_planted") & opens & lasts),
        "sow",
        "sow_from",
        "sow_to",
    )


def _cuts(release: Release, today: date) -> pl.DataFrame:
    """What the cutting plan names for the days ahead, each plot and crop once, by its first day; without a plan what is on sale."""
    planned = cutting.recommendations(release).filter(
        pl.col("day").is_between(today, today + timedelta(days=AHEAD_DAYS - 1))
    )
    told = _harvests(release, today).with_columns(
        kg=pl.lit(None, pl.Float64), crew_id=pl.lit(None, pl.String)
    )
    if cutting.plan(release) is None:
        return told
    first = planned.filter(pl.col("day") == pl.col("day").min().over("plot_id", "crop_id"))
    once = first.group_by("plot_id", "crop_id").agg(
        pl.col("day").first(), kg=pl.col("cut_kg").sum(), crew_id=pl.col("crew_id").first(), to=pl.col("last_on").min()
    )  # fmt: skip
    return _told(
        _standing(release).join(once, on=["plot_id", "crop_id"], how="inner"), "harvest", "day", "to", "kg", "crew_id"
    )  # fmt: skip


def _standing(release: Release) -> pl.DataFrame:
    """The newest planting that stands per plot and crop, with names."""
    crops = release.frame("crop").select(
        "crop_id", crop_name_zh=pl.col("name_zh"), crop_name_en=pl.col("name_en")
    )
    places = things.plots(release).select("plot_id", "village_id", "village_name")
    stands = release.frame("harvest_outlook").sort("year", "season")
    newest = stands.unique(["plot_id", "crop_id"], keep="last")
    return newest.join(crops, on="crop_id", how="left").join(places, on="plot_id", how="left")


def _harvests(release: Release, today: date) -> pl.DataFrame:
    """The newest planting per plot and crop that is on sale; what is sold for months was cut when its sale began."""
    crops = release.frame("crop").select(
        "crop_id", crop_name_zh=pl.col("name_zh"), crop_name_en=pl.col("name_en")
    )
    places = things.plots(release).select("plot_id", "village_id", "village_name")
    newest = release.frame("planting").sort("year", "season").unique(["plot_id", "crop_id"], keep="last")
    keeps = (pl.col("ready_to") - pl.col("ready_from")) > timedelta(days=KEEPS_DAYS)
    planted = (
        fieldwork.with_days(release, newest)
        .with_columns(
            ready_to=pl.when(keeps)
            .then(pl.col("ready_from") + timedelta(days=CUT_DAYS))
            .otherwise("ready_to")
        )
        .filter(
            pl.col("ready_from") <= today + timedelta(days=AHEAD_DAYS),
            pl.col("ready_to") >= today,
            pl.col("sown_on").is_null() | (pl.col("sown_on") <= today),
        )
        .join(crops, on="crop_id", how="left")
        .join(places, on="plot_id", how="left")
    )
    return _told(planted, "harvest", "ready_from", "ready_to")


def _told(rows: pl.DataFrame, task: str, first: str, last: str, *more: str) -> pl.DataFrame:
    return rows.select(
        pl.lit(task).alias("task"),
        "plot_id",
        "village_id",
        "village_name",
        "crop_id",
        "crop_name_zh",
        "crop_name_en",
        "area_mu",
        pl.col(first).alias("from"),
        pl.col(last).alias("to"),
        "year",
        "season",
        "practice_id",
        *more,
    )
