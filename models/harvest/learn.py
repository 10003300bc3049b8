"""Everything a county's own seasons teach, in one call."""

from collections.abc import Collection, Mapping

import polars as pl

from models.harvest.crop_stages import Stages, stages_of
from models.harvest.outlook import Knowledge, first_cut_days
from models.harvest.paths import Temperatures
from models.harvest.seasons import with_cuts
from models.harvest.warmth import fit_warmth
from models.harvest.yields import SEASON, fit_yields, pick_patterns

FINISHED_GAPS = 3.0
"""A season is over when no cut came for so many usual gaps, or after its usual number of cuts."""


def crop_table_stages(crops: pl.DataFrame) -> dict[str, Stages]:
    """Stages of each crop of the crop table that has any."""
    found = {
        crop: stages_of(crop, name, base, ripe)
        for crop, name, base, ripe in crops.select(
            "crop_id", "name_en", "base_temp_c", "mature_gdd_c_d"
        ).iter_rows()
    }
    return {crop: s for crop, s in found.items() if s is not None}


def finished(plantings: pl.DataFrame, cuts: pl.DataFrame, temperatures: Temperatures) -> pl.DataFrame:
    """Plantings with their cuts and `is_finished`: as many cuts as usual, or none for FINISHED_GAPS usual gaps."""
    table = with_cuts(plantings, cuts)
    patterns = pick_patterns(cuts) if cuts.height else {}
    usual = {c: len(p.after) for c, p in patterns.items()}
    gaps = {c: p.gap_days for c, p in patterns.items()}
    since = (pl.lit(temperatures.last) - pl.col("last_cut_on")).dt.total_days()
    expected = pl.col("crop_id").replace_strict(usual, default=1, return_dtype=pl.Int64)
    gap = pl.col("crop_id").replace_strict(gaps, default=7.0, return_dtype=pl.Float64)
    done = (pl.col("cuts") > 0) & ((pl.col("cuts") >= expected) | (since > FINISHED_GAPS * gap))
    return table.with_columns(is_finished=done)


def learn(
    plantings: pl.DataFrame,
    cuts: pl.DataFrame,
    temperatures: Temperatures,
    stages: Mapping[str, Stages],
    *,
    sheltered: Collection[str],
) -> Knowledge:
    """Learn cuts, yields, sums and first days from the seasons that are over.

    Args:
        plantings: Rows of seasons.plantings_of.
        cuts: Rows of seasons.cuts_of.
        temperatures: Up to the cutoff.
    """
    over = finished(plantings, cuts, temperatures).filter("is_finished")
    done = cuts.join(over.select(SEASON), on=SEASON, how="semi")
    return Knowledge(
        stages=stages,
        warmth=fit_warmth(over, temperatures, dict(stages), sheltered=sheltered),
        yields=fit_yields(over.with_columns(harvested_kg=pl.col("cut_kg"))),
        patterns=pick_patterns(done) if done.height else {},
        first_cut_doy=first_cut_days(over),
    )
