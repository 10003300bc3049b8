"""What one may decide: what to plant where, when to cut, where to set the grade cuts; and how it is done at present."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from models.simulation import parameters as p
from models.simulation.land import practices_for
from models.simulation.stage import Truth


@dataclass(frozen=True)
class Harvest:
    """When ripe goods are cut. `cover_days` 0 cuts all at once; else so many days of expected orders are kept in store."""

    cover_days: float


def cut_when_ripe() -> Harvest:
    """Present practice: everything is cut the day it is ripe, as far as the crews come."""
    return Harvest(cover_days=0.0)


def cut_to_order() -> Harvest:
    """Present practice of the pack houses: only today's orders are cut; what nobody ordered stays in the field.

    Grain and roots are cut when ripe all the same: they are not cut by the day.
    """
    return Harvest(cover_days=1.0)


def present_grade_cuts() -> dict[str, tuple[float, float]]:
    """Present practice: the limits of the class tables, whatever customers pay for."""
    return dict(p.PRESENT_CUTS)


@dataclass(frozen=True)
class Actions:
    """A plan to play.

    `plantings`: plot_id, practice_id, year, season, area_mu (> 0); several rows may share a plot and season.
    `cuts`: limits of the two better grades per crop, as parameters.PRESENT_CUTS.
    """

    plantings: pl.DataFrame
    harvest: Harvest = field(default_factory=cut_when_ripe)
    cuts: Mapping[str, tuple[float, float]] = field(default_factory=present_grade_cuts)


def as_last_year(truth: Truth, year: int) -> pl.DataFrame:
    """Present practice: every plot bears in `year` what it last bore in each season before that year.

    Raises:
        ValueError: The records hold nothing before `year`.
    """
    before = truth.plantings.filter(pl.col("year") < year)
    if before.is_empty():
        first = truth.plantings.select(pl.col("year").min()).item()
        raise ValueError(f"no planting before {year} is recorded; take a year after {first}")
    last = before.sort("year").group_by("plot_id", "season", maintain_order=True).last()
    return last.with_columns(year=pl.lit(year, last["year"].dtype)).select(
        "plot_id", "practice_id", "year", "season", "area_mu"
    ).sort("season", "plot_id")  # fmt: skip


def check_plantings(truth: Truth, plantings: pl.DataFrame) -> None:
    """Refuse what cannot stand on the ground.

    Raises:
        ValueError: An unknown plot or practice, a practice that does not fit the land, or more area than the plot has.
    """
    known = truth.plots.select("plot_id", "land_class", plot_mu="area_mu")
    rows = plantings.join(known, on="plot_id", how="left")
    if (lost := rows.filter(pl.col("plot_mu").is_null())).height:
        raise ValueError(f"plot '{lost['plot_id'][0]}' is not in this county; plan only its plots")
    fits = {
        (x.practice_id, land, s) for land in p.LAND_SHARES for s in (1, 2) for x in practices_for(land, s)
    }
    for practice_id, land, season in rows.select("practice_id", "land_class", "season").unique().iter_rows():
        if (practice_id, land, season) not in fits:
            raise ValueError(
                f"practice '{practice_id}' does not fit '{land}' in season {season}; take one of table practice"
            )
    used = rows.group_by("plot_id", "year", "season", maintain_order=True).agg(
        pl.col("area_mu").sum(), pl.col("plot_mu").first()
    )
    over = used.filter(pl.col("area_mu") > pl.col("plot_mu") + 1e-6)
    if over.height:
        row = over.row(0, named=True)
        raise ValueError(
            f"plot '{row['plot_id']}': planned {row['area_mu']:.1f} mu in {row['year']} season {row['season']} exceed its "
            f"{row['plot_mu']:.1f} mu; lower the area"
        )
