"""Seasons numbered without holes, and what stood in them before a plan."""

import polars as pl

from models.planning.problem import Problem


def class_seasons(practices: pl.DataFrame) -> pl.DataFrame:
    """Per land class and season in use: its rank within the year and how many there are."""
    return (
        practices.select("land_class", season=pl.int_ranges("season", pl.col("last_season") + 1))
        .explode("season")
        .unique()
        .sort("land_class", "season")
        .with_columns(
            rank=pl.int_range(pl.len()).over("land_class"),
            per_year=pl.len().over("land_class").cast(pl.Int64),
        )
    )


def with_slots(frame: pl.DataFrame, seasons: pl.DataFrame) -> pl.DataFrame:
    """Add `start` and `end` slots to rows with land_class, year, season, last_season.

    A season the class does not use counts as the last used one before it (the first when there is none).
    """
    used = seasons.group_by("land_class", maintain_order=True).agg("season", pl.first("per_year"))
    found = frame.join(
        used.rename({"season": "used"}), on="land_class", how="left", maintain_order="left"
    ).with_columns(per_year=pl.col("per_year").fill_null(1))

    long = found.with_row_index("row").explode("used")
    ranks = long.group_by("row", maintain_order=True).agg(
        start=(pl.col("used") <= pl.col("season")).sum().cast(pl.Int64) - 1,
        end=(pl.col("used") <= pl.col("last_season")).sum().cast(pl.Int64) - 1,
    )
    first = pl.col("year").cast(pl.Int64) * pl.col("per_year")
    return (
        pl.concat([found, ranks.select("start", "end")], how="horizontal")
        .with_columns(
            start=first + pl.col("start").clip(lower_bound=0),
            end=first + pl.col("end").clip(lower_bound=0),
        )
        .drop("used", "per_year")
    )


def past_plantings(problem: Problem, seasons: pl.DataFrame) -> pl.DataFrame:
    """History with land class, group of the crop, the seasons each planting took, and its slots."""
    by_practice = problem.practices.select("practice_id", known_last="last_season")
    by_crop = problem.practices.group_by("crop_id", "land_class", "season").agg(guess=pl.max("last_season"))
    rows = (
        problem.history.filter(pl.col("area_mu") > 0)
        .join(problem.plots.select("plot_id", "land_class"), on="plot_id", maintain_order="left")
        .join(by_practice, on="practice_id", how="left", maintain_order="left")
        .join(by_crop, on=["crop_id", "land_class", "season"], how="left", maintain_order="left")
        .with_columns(last_season=pl.coalesce("known_last", "guess", "season"))
        .join(
            problem.crops.select("crop_id", "family", "is_legume"),
            on="crop_id",
            how="left",
            maintain_order="left",
        )
    )
    return with_slots(rows, seasons)


def standing_perennials(problem: Problem, past: pl.DataFrame) -> pl.DataFrame:
    """Land under perennials in a plot's last known year."""
    perennial = problem.practices.filter("is_perennial").select("crop_id", "land_class").unique()
    return (
        past.filter(pl.col("year") == pl.col("year").max().over("plot_id"))
        .join(perennial, on=["crop_id", "land_class"], how="semi")
        .group_by("plot_id", "crop_id")
        .agg(standing_mu=pl.max("area_mu"))
        .sort("plot_id", "crop_id")
    )
