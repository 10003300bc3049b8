"""What telling yields adds to last year's mean, and how a season went against what was said of it."""

import polars as pl

from models.harvest.yields import SEASON, against_last_year, fit_yields

VALUE_SCHEMA = pl.Schema({
    "crop_id": pl.String, "year": pl.Int32, "seasons": pl.Int64, "harvested_kg": pl.Float64, "wape_anxu": pl.Float64,
    "wape_last_year": pl.Float64, "value_added": pl.Float64,
})  # fmt: skip
ALL = "*"
LEAST_SEASONS = 3
"""Fewer seasons of a crop in a year say nothing about it alone; they count under ALL."""


def last_year_means(over: pl.DataFrame) -> pl.DataFrame:
    """crop_id, year, last_year_kg_per_mu: what the crop bore per mu in the year before, over all plots that are over.

    `over`: finished plantings with crop_id, year, area_mu, cut_kg.
    """
    return over.group_by("crop_id", year=pl.col("year") + 1).agg(
        last_year_kg_per_mu=pl.col("cut_kg").sum() / pl.col("area_mu").sum()
    )


def value_by_year(over: pl.DataFrame, *, years: int = 2) -> pl.DataFrame:
    """Seasons of each of the newest `years` years, told from the years before alone, beside last year's mean of the crop.

    Args:
        over: Finished plantings: SEASON, place_id, area_mu, promised_kg_per_mu, cut_kg.

    Returns:
        VALUE_SCHEMA, one row per year and crop of LEAST_SEASONS or more, and one per year of ALL. Years without an
        earlier one are left out.
    """
    whole = over.filter(pl.col("cut_kg") > 0, pl.col("area_mu") > 0).join(
        last_year_means(over), on=["crop_id", "year"], how="left"
    )
    rows: list[dict[str, object]] = []
    for year in sorted(whole["year"].unique())[-years:]:
        history, judged = whole.filter(pl.col("year") < year), whole.filter(pl.col("year") == year)
        if history.is_empty():
            continue
        told = fit_yields(history.with_columns(harvested_kg=pl.col("cut_kg"))).predict(judged)
        told_kg = pl.Series(told["log_mean"]).exp() * judged["promised_kg_per_mu"] * judged["area_mu"]
        seasons = judged.with_columns(forecast_kg=told_kg, harvested_kg=pl.col("cut_kg"))
        for crop in [*sorted(seasons["crop_id"].unique()), ALL]:
            part = seasons if crop == ALL else seasons.filter(pl.col("crop_id") == crop)
            found = against_last_year(part)
            if found and (crop == ALL or found["seasons"] >= LEAST_SEASONS):
                rows.append({**found, "crop_id": crop, "year": year, "seasons": int(found["seasons"]),
                             "harvested_kg": part.drop_nulls("last_year_kg_per_mu")["harvested_kg"].sum()})  # fmt: skip
    return pl.DataFrame(rows, schema=VALUE_SCHEMA)


def against_told(
    plantings: pl.DataFrame, told: pl.DataFrame, reported: pl.DataFrame, *, since_year: int
) -> pl.DataFrame:
    """Planned against actual: one row per planting from `since_year` on.

    Args:
        plantings: Rows of learn.finished: SEASON, area_mu, promised_kg_per_mu, cut_kg, cuts, first_cut_on, is_finished.
        told: First outlook of each on record: SEASON, told_on, told_kg, told_ready_on.
        reported: SEASON, reported_kg: of the cuts, what growers reported themselves.

    Returns:
        SEASON, area_mu, is_finished, practice_kg, told_on, told_kg, told_ready_on, cut_kg, cuts, first_cut_on, reported_kg.
    """
    return (
        plantings.filter(pl.col("year") >= since_year)
        .join(told, on=SEASON, how="left")
        .join(reported, on=SEASON, how="left")
        .select(
            *SEASON, "area_mu", "is_finished", (pl.col("promised_kg_per_mu") * pl.col("area_mu")).alias("practice_kg"),
            "told_on", "told_kg", "told_ready_on", "cut_kg", "cuts", "first_cut_on", pl.col("reported_kg").fill_null(0.0),
        )
        .sort(SEASON)
    )  # fmt: skip
