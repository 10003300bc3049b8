"""What the night reckoned beside the plan: what changed and why, what its lines need by week, what decisions were worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads.things import matching, placed

CAUSES = ("demand", "price_cost", "field_state", "decision", "horizon", "knock_on", "frozen", "kept")
STAGES = ("ahead", "past")
ANSWERS = ("accept", "change", "refuse")


@dataclass(frozen=True)
class Needed:
    """Filters of what the plan's lines need; None is all."""

    village: str | None = None
    crop: str | None = None
    item: str | None = None
    first: date | None = None
    last: date | None = None
    is_accepted: bool | None = None


def changes(
    release: Release, *, plot: str | None = None, crop: str | None = None, cause: str | None = None
) -> pl.DataFrame:
    """One row per line that differs from the plan before, or stands because of it; the largest yuan first.

    Raises:
        Problem: 404 for a plot or crop not known, 422 for a cause there is not.
    """
    _one_of("cause", cause, CAUSES)
    _known(release, plot=plot, crop=crop)
    return matching(release.made(_changes), plot_id=plot, crop_id=crop, cause=cause)


def supplies(release: Release, wish: Needed) -> pl.DataFrame:
    """One row per week, village, crop and item, by week: `quantity` in `unit`, of accepted lines and of others.

    Raises:
        Problem: 404 for a village or crop not known.
    """
    _known(release, village=wish.village, crop=wish.crop)
    rows = release.made(_supplies)
    if wish.first is not None:
        rows = rows.filter(pl.col("week_start") >= wish.first)
    if wish.last is not None:
        rows = rows.filter(pl.col("week_start") <= wish.last)
    if wish.is_accepted is not None:
        rows = rows.filter(pl.col("is_accepted") == wish.is_accepted)
    return matching(rows, village_id=wish.village, crop_id=wish.crop, item=wish.item)


def supply_weeks(release: Release) -> pl.DataFrame:
    """Needs of all villages together: one row per week, crop, item and unit: `quantity`, and `accepted` of it; sorted."""
    accepted = pl.col("quantity").filter(pl.col("is_accepted")).sum()
    keys = ["week_start", "crop_id", "item", "unit"]
    return release.made(_supplies).group_by(keys).agg(pl.col("quantity").sum(), accepted=accepted).sort(keys)


def decision_scores(release: Release, *, stage: str | None = None, answer: str | None = None) -> pl.DataFrame:
    """One row per decision that can be judged: the plan's profit as proposed and as decided; the largest gain first.

    Raises:
        Problem: 422 for a stage or an answer there is not.
    """
    _one_of("stage", stage, STAGES)
    _one_of("answer", answer, ANSWERS)
    rows = release.frame("planting_decision_score").sort(
        ["gained_yuan", "decision_id"], descending=[True, False]
    )
    return matching(rows, stage=stage, answer=answer).drop("run_id")


def _changes(release: Release) -> pl.DataFrame:
    return _named(release, placed(release, release.frame("planting_change").sort("rank").drop("run_id")))


def _supplies(release: Release) -> pl.DataFrame:
    places = release.frame("place").select(village_id="place_id", village_name="name")
    rows = release.frame("supply_need").join(places, on="village_id", how="left").drop("run_id")
    order = ["week_start", "village_id", "crop_id", "item", "is_accepted"]
    return _named(release, rows).sort(order, nulls_last=True)


def _named(release: Release, rows: pl.DataFrame) -> pl.DataFrame:
    crops = release.frame("crop").select(
        "crop_id", crop_name_zh=pl.col("name_zh"), crop_name_en=pl.col("name_en")
    )
    return rows.join(crops, on="crop_id", how="left", maintain_order="left")


def _one_of(noun: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise Problem(422, "unknown-value", f"{noun} '{value[:40]}' is none", f"known: {', '.join(known)}")


def _known(
    release: Release, *, plot: str | None = None, crop: str | None = None, village: str | None = None
) -> None:
    for noun, value, table, column, see in (
        ("plot", plot, "plot", "plot_id", "/v1/plots"),
        ("crop", crop, "crop", "crop_id", "/v1/crops"),
        ("village", village, "place", "place_id", "/v1/places"),
    ):
        if value is not None and value not in set(release.frame(table)[column]):
            raise unknown(noun, value, see=see)
