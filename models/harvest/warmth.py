"""Thermal time of plantings from a county's daily means: under the open sky, under cover, and of vines from New Year on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.crop_stages import Stages
from models.harvest.effects import Effects, fit_effects
from models.harvest.paths import Temperatures
from models.harvest.phenology import SUM_ERROR_SHARE, daily_rate

Floats = NDArray[np.float64]
VENTS_OPEN_C, FULL_COVER_C = 22.0, 12.0
"""Above the first mean a cover adds nothing (vents stand open), below the second all it can; assumed."""
COVER_TRIED_C = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
COVER_ASSUMED_C = 6.0
"""Where no harvest under cover tells; assumed."""
LEAST_SEASONS = 6
KEYS = ("crop_id", "place_id")


def under_cover(mean_c: Floats, cover_c: float) -> Floats:
    """Mean temperature below a cover that adds up to `cover_c` on cool days."""
    result: Floats = mean_c + cover_c * np.clip(
        (VENTS_OPEN_C - mean_c) / (VENTS_OPEN_C - FULL_COVER_C), 0.0, 1.0
    )
    return result


@dataclass(frozen=True)
class Warmth:
    """What a county's harvests say of warmth: `cover_c` that a greenhouse adds, and effects on the log of the sums."""

    cover_c: float
    effects: Effects


def heat_from(row: dict[str, object]) -> date:
    """The day from which a planting counts heat: sowing, or New Year of its year for what stays on its land."""
    if row["is_perennial"]:
        return date(int(row["year"]), 1, 1)  # type: ignore[call-overload]
    return row["sown_on"]  # type: ignore[return-value]


def rates(
    temperatures: Temperatures, stages: dict[str, Stages], *, cover_c: float
) -> dict[tuple[str, bool], Floats]:
    """(crop, under cover) → thermal time of each day; NaN where the mean is not known."""
    inside = under_cover(temperatures.mean_c, cover_c)
    return {
        (crop, covered): daily_rate(inside if covered else temperatures.mean_c, s.rate)
        for crop, s in stages.items()
        for covered in (False, True)
    }


def sums_at_first_cut(
    seasons: pl.DataFrame,
    temperatures: Temperatures,
    stages: dict[str, Stages],
    *,
    cover_c: float,
    sheltered: Collection[str],
) -> pl.DataFrame:
    """crop_id, place_id, is_covered, y: log of the thermal time at the first cut ÷ the table's sum to ripe.

    Of seasons with a first cut whose days all have a temperature. Half the last day's time is taken off: a day is known,
    not an hour.
    """
    by = rates(temperatures, stages, cover_c=cover_c)
    total = {key: np.concatenate([[0.0], np.cumsum(r)]) for key, r in by.items()}
    rows = []
    for row in seasons.filter(pl.col("first_cut_on").is_not_null()).iter_rows(named=True):
        covered = row["land_class"] in sheltered
        if row["crop_id"] not in stages:
            continue
        a, b = temperatures.index(heat_from(row)), temperatures.index(row["first_cut_on"])
        if not 0 <= a < b - 1 <= len(temperatures.mean_c) - 1:
            continue
        key = (row["crop_id"], covered)
        heat = total[key][b] - total[key][a] - by[key][b - 1] / 2
        if np.isfinite(heat) and heat > 0:
            rows.append(
                (
                    row["crop_id"],
                    row["place_id"],
                    covered,
                    float(np.log(heat / stages[row["crop_id"]].sums[2])),
                )
            )
    schema = {"crop_id": pl.String, "place_id": pl.String, "is_covered": pl.Boolean, "y": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def fit_warmth(
    seasons: pl.DataFrame,
    temperatures: Temperatures,
    stages: dict[str, Stages],
    *,
    sheltered: Collection[str],
) -> Warmth:
    """Learn the cover's warmth (the one at which a crop's sums under cover agree best) and the effects on the sums."""
    cover, best = COVER_ASSUMED_C, np.inf
    for tried in COVER_TRIED_C:
        rows = sums_at_first_cut(seasons, temperatures, stages, cover_c=tried, sheltered=sheltered)
        inside = rows.filter("is_covered")
        if inside.height < LEAST_SEASONS:
            break
        spread = float((inside["y"] - inside.select(pl.col("y").mean().over("crop_id"))["y"]).pow(2).mean())  # type: ignore[arg-type]
        if spread < best:
            cover, best = tried, spread
    rows = sums_at_first_cut(seasons, temperatures, stages, cover_c=cover, sheltered=sheltered)
    keyed = rows.with_columns(crop_id=crop_key("is_covered"))
    return Warmth(
        cover,
        fit_effects(
            keyed, keys=KEYS, prior_sd=SUM_ERROR_SHARE, between_sd=(SUM_ERROR_SHARE, 0.01), prior_rows=1.0
        ),
    )


def crop_key(covered: str) -> pl.Expr:
    """A crop under cover is a case of its own: crop_id, or crop_id/cover."""
    return pl.when(covered).then(pl.format("{}/cover", "crop_id")).otherwise("crop_id")
