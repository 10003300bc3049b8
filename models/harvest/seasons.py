"""Plantings and what was cut of them: one row per season of a plot and crop, past and standing."""

import polars as pl

from models.harvest.yields import SEASON

CUTS_SCHEMA = pl.Schema({
    "plot_id": pl.String, "crop_id": pl.String, "year": pl.Int32, "season": pl.Int32, "day": pl.Date, "kg": pl.Float64,
})  # fmt: skip
LONGEST_DAYS = 420
"""A cut later than this after sowing belongs to no planting; perennials have a row each year."""


def plantings_of(
    planting: pl.DataFrame, practices: pl.DataFrame, yields: pl.DataFrame, plots: pl.DataFrame
) -> pl.DataFrame:
    """One row per planting and crop it yields, with what its practice promises.

    Args:
        planting, practices, yields, plots: In the warehouse's columns (planting, practice, practice_yield, plot).

    Returns:
        plot_id, crop_id (as yielded), year, season, area_mu, sown_on, practice_id, place_id, land_class, is_perennial,
        sell_from_doy, promised_kg_per_mu, yield_cv. Plantings without a sowing day, a practice or a promise are left out:
        nothing tells what they bear.
    """
    promised = yields.select(
        "practice_id", "yield_cv", yielded="crop_id", promised_kg_per_mu="yield_kg_per_mu"
    )
    return (
        planting.filter(pl.col("area_mu") > 0, pl.col("sown_on").is_not_null())
        .join(practices.select("practice_id", "is_perennial", "sell_from_doy"), on="practice_id")
        .join(promised, on="practice_id")
        .join(plots.select("plot_id", "place_id", "land_class"), on="plot_id")
        .select(
            "plot_id", pl.col("yielded").alias("crop_id"), pl.col("year", "season").cast(pl.Int32), "area_mu", "sown_on",
            "practice_id", pl.col("place_id").fill_null(""), "land_class", "is_perennial", "sell_from_doy",
            "promised_kg_per_mu", "yield_cv",
        )
        .sort(*SEASON)
    )  # fmt: skip


def cuts_of(plantings: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Cuts by day, each given to the newest planting of its plot and crop sown by then: CUTS_SCHEMA.

    `events`: plot_id, crop_id, day, kg; cuts of plots without such a planting are left out.
    """
    if events.is_empty() or plantings.is_empty():
        return pl.DataFrame(schema=CUTS_SCHEMA)
    placed = events.sort("day").join_asof(
        plantings.select(*SEASON, "sown_on").sort("sown_on"),
        left_on="day", right_on="sown_on", by=["plot_id", "crop_id"], strategy="backward", check_sortedness=False,
    )  # fmt: skip
    return (
        placed.drop_nulls("sown_on")
        .filter((pl.col("day") - pl.col("sown_on")).dt.total_days() <= LONGEST_DAYS)
        .group_by(*SEASON, "day")
        .agg(pl.col("kg").sum())
        .select(CUTS_SCHEMA.names())
        .cast(CUTS_SCHEMA)
        .sort(*SEASON, "day")
    )


def with_cuts(plantings: pl.DataFrame, cuts: pl.DataFrame) -> pl.DataFrame:
    """Add cut_kg (0: none yet), cuts, first_cut_on, last_cut_on to plantings."""
    total = cuts.group_by(SEASON).agg(
        cut_kg=pl.col("kg").sum(),
        cuts=pl.len(),
        first_cut_on=pl.col("day").min(),
        last_cut_on=pl.col("day").max(),
    )
    return plantings.join(total, on=SEASON, how="left", maintain_order="left").with_columns(
        pl.col("cut_kg").fill_null(0.0), pl.col("cuts").fill_null(0).cast(pl.Int64)
    )
