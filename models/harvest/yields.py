"""Kilograms of a planting: what its practice promises, what crop, village and plot have borne, and what is cut so far."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.effects import Effects, fit_effects

Floats = NDArray[np.float64]
KEYS = ("crop_id", "place_id", "plot_id")
BETWEEN_SD = (0.10, 0.04, 0.06)
NOISE_SD = 0.15
"""Log spreads before harvests are known: crop against its practice table, village, plot, season. Assumed; field trials
give coefficients of variation of 0.1–0.2 between seasons of a plot."""
CUT_ERROR = 0.02
"""Log error of what a cut weighs; assumed."""
SEASON = ["plot_id", "crop_id", "year", "season"]


@dataclass(frozen=True)
class PickPattern:
    """How a crop's season parts into cuts: share of the season after each cut (ends with 1), its log spread, and the usual
    days between cuts. A crop never seen is cut once."""

    after: tuple[float, ...] = (1.0,)
    log_sd: tuple[float, ...] = (0.0,)
    gap_days: float = 7.0

    @property
    def shares(self) -> Floats:
        """Of each cut [cut]."""
        result: Floats = np.diff(np.array(self.after), prepend=0.0)
        return result


def fit_yields(history: pl.DataFrame) -> Effects:
    """Learn from whole seasons: crop_id, place_id, plot_id, area_mu, harvested_kg, promised_kg_per_mu (practice table).

    Seasons without kilograms (crop lost) are left out of the yield and belong to the flags.
    """
    usable = history.filter(
        pl.col("harvested_kg") > 0, pl.col("area_mu") > 0, pl.col("promised_kg_per_mu") > 0
    )
    ratio = pl.col("harvested_kg") / (pl.col("area_mu") * pl.col("promised_kg_per_mu"))
    rows = usable.select(*KEYS, y=ratio.log())
    return fit_effects(rows, keys=KEYS, prior_sd=NOISE_SD, between_sd=BETWEEN_SD)


def pick_patterns(cuts: pl.DataFrame) -> dict[str, PickPattern]:
    """Crop → pattern, from finished seasons: plot_id, crop_id, year, season, day, kg (one row per day of cutting).

    The usual number of cuts is the median; the share after cut k is the mean over seasons with as many cuts or more.
    """
    ordered = cuts.sort(*SEASON, "day").with_columns(
        k=pl.int_range(pl.len()).over(SEASON), n=pl.len().over(SEASON),
        share=pl.col("kg").cum_sum().over(SEASON) / pl.col("kg").sum().over(SEASON),
        gap=pl.col("day").diff().over(SEASON).dt.total_days(),
    )  # fmt: skip
    found = {}
    for (crop,), rows in ordered.group_by("crop_id", maintain_order=True):
        usual = int(rows.unique(SEASON)["n"].median() or 1)  # type: ignore[arg-type]
        of = (
            rows.filter(pl.col("n") >= usual, pl.col("k") < usual)
            .sort("k")
            .group_by("k", maintain_order=True)
        )
        per = of.agg(mean=pl.col("share").mean(), sd=pl.col("share").log().std().fill_null(0.0))
        after = [*per["mean"].to_list()[:-1], 1.0]
        gap = rows["gap"].drop_nulls().median()
        found[str(crop)] = PickPattern(
            tuple(after), (*per["sd"].to_list()[:-1], 0.0), float(gap) if gap is not None else 7.0  # type: ignore[arg-type]
        )  # fmt: skip
    return found


def updated(
    log_mean: float, log_sd: float, cut_kg: float, cuts: int, pattern: PickPattern
) -> tuple[float, float]:
    """Log mean and spread of a season's kilograms after so many cuts brought `cut_kg`; conjugate normal on the log.

    After the last usual cut the season is what was cut. What was cut is never above the season: the look ahead holds that.
    """
    if cuts == 0 or cut_kg <= 0:
        return log_mean, log_sd
    k = min(cuts, len(pattern.after)) - 1
    seen, error = np.log(cut_kg / pattern.after[k]), np.hypot(pattern.log_sd[k], CUT_ERROR)
    precision = 1 / log_sd**2 + 1 / error**2
    return float((log_mean / log_sd**2 + seen / error**2) / precision), float(precision**-0.5)


def against_last_year(actual: pl.DataFrame) -> dict[str, float]:
    """Errors of forecasts made before a season beside last year's mean of the crop.

    Args:
        actual: One row per season: crop_id, year, area_mu, harvested_kg, forecast_kg, last_year_kg_per_mu (null: none).

    Returns:
        wape_anxu, wape_last_year, value_added (1 − their ratio), seasons; empty when no season has both.
    """
    rows = actual.drop_nulls(["forecast_kg", "last_year_kg_per_mu"])
    if rows.is_empty():
        return {}
    kg = rows["harvested_kg"].to_numpy()
    ours = float(np.abs(rows["forecast_kg"].to_numpy() - kg).sum())
    theirs = float(np.abs((rows["last_year_kg_per_mu"] * rows["area_mu"]).to_numpy() - kg).sum())
    total = max(float(kg.sum()), 1e-9)
    gain = 1 - ours / theirs if theirs > 0 else 0.0
    return {
        "wape_anxu": ours / total,
        "wape_last_year": theirs / total,
        "value_added": gain,
        "seasons": float(rows.height),
    }
