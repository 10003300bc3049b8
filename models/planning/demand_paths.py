"""Joint demand paths as what each crop is asked for in each planned year and season, path by path."""

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from models.planning.demand import FORECAST
from models.planning.seasons import selling_days

Floats = npt.NDArray[np.float64]
KEY = ["crop_id", "year", "season"]


def season_paths(
    paths: pl.DataFrame, *, catchment: pl.DataFrame, practices: pl.DataFrame, yields: pl.DataFrame
) -> tuple[pl.DataFrame, Floats]:
    """Kilograms of one year that each path asks of each crop and season.

    Args:
        paths: crop_id, channel_id, week_start (Monday), path_kg (list, as long in every row), by grade or not.
        catchment: channel_id, factor: of which channels the forecast stands for how much more; others 1.
        practices, yields: Selling windows, by practice.

    Returns:
        crop_id, season; and [row, path] (kg). The mean over paths is what demand.crop_demand makes of `expected_kg`: a week
        is spread evenly over its days, a day of the year that is forecast twice counts once.
    """
    weeks = paths.join(catchment.select("channel_id", "factor"), on="channel_id", how="left").with_row_index(
        "at"
    )
    weight = _week_weights(weeks, selling_days(practices, yields))
    keys = weight.select("crop_id", "season").unique().sort("crop_id", "season").with_row_index("row")
    placed = (
        weeks.select("at", "crop_id", "week_start", pl.col("factor").fill_null(1.0))
        .join(weight, on=["crop_id", "week_start"])
        .join(keys, on=["crop_id", "season"])
    )
    kg = np.array(weeks["path_kg"].to_list(), dtype=np.float64).reshape(weeks.height, -1)
    value = (placed["factor"] * placed["weight"]).to_numpy()
    place = (placed["row"].to_numpy().astype(np.int64), placed["at"].to_numpy().astype(np.int64))
    gathered = sp.csr_matrix((value, place), shape=(keys.height, weeks.height))
    return keys.drop("row"), np.asarray(gathered @ kg)


def _week_weights(weeks: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """crop_id, week_start, season, weight: what part of a week's kg falls to the season."""
    days = (
        weeks.select("crop_id", "week_start")
        .unique()
        .with_columns(day=pl.date_ranges("week_start", pl.col("week_start") + pl.duration(days=6)))
        .explode("day")
        .with_columns(doy=pl.col("day").dt.ordinal_day().cast(pl.Int64))
        .with_columns(times=pl.len().over("crop_id", "doy"))
    )
    return (
        days.join(windows, on=["crop_id", "doy"])
        .group_by("crop_id", "week_start", "season")
        .agg(weight=(pl.col("part") / (7 * pl.col("times"))).sum())
        .sort("crop_id", "week_start", "season")
    )


def demand_by_path(demand: pl.DataFrame, parts: pl.DataFrame, keys: pl.DataFrame, path_kg: Floats) -> Floats:
    """What each row of a plan's demand is on each path: [row, path] (kg).

    Args:
        demand: As Problem has it, less what stands already.
        parts: crop_id, year, season, preorder_kg, other_kg, borne_kg; a row that is not there has none of them.
        keys, path_kg: As season_paths; the forecast's year stands for every planned year, so a path that asks for much does
            so in all of them.

    Returns:
        The larger of forecast and pre-orders, plus other promises, less what stands, never below 0; rows whose demand comes
        from no forecast stay as they are.
    """
    found = (
        demand.with_row_index("at")
        .join(parts, on=KEY, how="left", maintain_order="left")
        .join(keys.with_row_index("row"), on=["crop_id", "season"], how="left", maintain_order="left")
        .with_columns(pl.col("preorder_kg", "other_kg", "borne_kg").fill_null(0.0))
    )
    kg = np.repeat(demand["demand_kg"].to_numpy()[:, None], path_kg.shape[1], axis=1).astype(np.float64)
    drawn = found.filter(pl.col("row").is_not_null() & pl.col("demand_source").str.starts_with(FORECAST))
    pre, other, borne = (drawn[c].to_numpy()[:, None] for c in ("preorder_kg", "other_kg", "borne_kg"))
    asked = path_kg[drawn["row"].cast(pl.Int64).to_numpy()]
    kg[drawn["at"].to_numpy()] = np.maximum(np.maximum(asked, pre) + other - borne, 0.0)
    return kg
