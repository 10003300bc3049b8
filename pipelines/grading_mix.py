"""The share of each grade in harvests, by crop and land class: what planting may count on."""

from collections.abc import Mapping

import polars as pl

from pipelines.grading_facts import GradeFacts
from pipelines.grading_standards import APPROVED, Known

MIX = pl.Schema({
    "crop_id": pl.String(), "land_class": pl.String(), "grade": pl.String(), "share": pl.Float64(), "harvest_kg": pl.Float64(),
})  # fmt: skip


def mix_rows(facts: GradeFacts, own: Mapping[str, Known]) -> pl.DataFrame:
    """Rows of grade_mix without run and cutoff, one per crop, land class ('' is all) and grade of the standard.

    Harvests count as they were graded when cut. Under a standard that a person approved they were graded by another, so the pieces
    measured are graded again by it, each for the kilograms it stands for.
    """
    again = {c: k for c, k in own.items() if k.origin == APPROVED}
    cut = facts.cut.drop_nulls("grade").filter(~pl.col("crop_id").is_in(list(again)))
    parts = [cut, *(_graded(facts.pieces.filter(crop_id=c), k) for c, k in again.items())]
    rows = pl.concat(parts).filter(pl.col("harvested_kg") > 0)
    every = pl.concat([rows.with_columns(land_class=pl.lit("")), rows.drop_nulls("land_class")])
    keys = ["crop_id", "land_class"]
    return (
        every.group_by(*keys, "grade")
        .agg(harvest_kg=pl.sum("harvested_kg"))
        .with_columns(share=pl.col("harvest_kg") / pl.col("harvest_kg").sum().over(keys))
        .select(MIX.names())
        .cast(MIX)
        .sort(*keys, "grade")
    )


def _graded(pieces: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Pieces as harvests of the grades of a standard; what keeps no class is left out."""
    grades = [known.standard.grade_of({a: v}) for a, v in pieces.select("attribute", "value").iter_rows()]
    return pieces.select(
        "crop_id", "land_class", grade=pl.Series(grades, dtype=pl.String), harvested_kg="kg"
    ).drop_nulls("grade")
