"""The published planting plan: recommendations with names and reasons, balance, plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from serving.problems import unknown
from serving.published import Release
from serving.reads.things import plots

REASON = ["rank", "kind", "text_zh", "text_en", "value_yuan"]


@dataclass(frozen=True)
class Planted:
    """Filters of recommendations; None is all."""

    plot: str | None = None
    crop: str | None = None
    year: int | None = None
    season: int | None = None
    village: str | None = None


def recommendations(release: Release) -> pl.DataFrame:
    """One row per recommendation, by year, village, plot, season: names, area, kg, yuan, reasons (list of struct)."""
    crops = release.frame("crop").select(
        "crop_id", crop_name_zh=pl.col("name_zh"), crop_name_en=pl.col("name_en")
    )
    places = plots(release).select("plot_id", "village_id", "village_name", "land_class")
    return (
        release.frame("planting_recommendation")
        .join(places, on="plot_id", how="left", maintain_order="left")
        .join(crops, on="crop_id", how="left", maintain_order="left")
        .join(_reasons(release), on="recommendation_id", how="left", maintain_order="left")
        .sort("year", "village_name", "plot_id", "season", "recommendation_id", nulls_last=True)
        .select(
            "recommendation_id",
            "plot_id",
            "village_id",
            "village_name",
            "land_class",
            "practice_id",
            "crop_id",
            "crop_name_zh",
            "crop_name_en",
            "year",
            "season",
            "area_mu",
            "expected_kg",
            "expected_profit_yuan",
            "demand_source",
            "cutoff",
            "run_id",
            "reasons",
        )
    )


def chosen(release: Release, wish: Planted) -> pl.DataFrame:
    """The recommendations that a wish names.

    Raises:
        Problem: 404 for a plot, crop, year or village that this release does not know.
    """
    rows = release.made(recommendations)
    for noun, column, value, see in (
        ("plot", "plot_id", wish.plot, "/v1/plots"),
        ("crop", "crop_id", wish.crop, "/v1/crops"),
        ("year", "year", wish.year, ""),
        ("season", "season", wish.season, ""),
        ("village", "village_id", wish.village, "/v1/places"),
    ):
        if value is None:
            continue
        found = rows.filter(pl.col(column) == value)
        if found.is_empty() and value not in _known(release, column):
            raise unknown(noun, str(value), [str(v) for v in _known(release, column)], see)
        rows = found
    return rows


def one(release: Release, recommendation_id: str) -> dict[str, Any]:
    """A recommendation by id.

    Raises:
        Problem: 404 when this release has none of that id.
    """
    at = release.made(_positions).get(recommendation_id)
    if at is None:
        raise unknown("recommendation", recommendation_id, see="/v1/recommendations/planting")
    return release.made(recommendations).row(at, named=True)


def plan(release: Release) -> dict[str, Any] | None:
    """The newest planting plan, or None."""
    plans = release.frame("planting_plan").sort("cutoff")
    return plans.row(-1, named=True) if plans.height else None


def value(release: Release) -> dict[str, Any] | None:
    """What the newest plan is worth on fresh paths of demand and yields, or None."""
    values = release.frame("planting_value").sort("cutoff")
    return values.row(-1, named=True) if values.height else None


def worth(release: Release) -> dict[str, Any]:
    """Status, profit, bound and gap of the newest plan, and its `value` beside the plan for mean demand; null: none."""
    made, found = plan(release), value(release)
    solve = {name: made and made[name] for name in ("status", "profit_yuan", "bound_yuan", "gap")}
    if found is None:
        return {**solve, "value": None}
    over = found["expected_yuan"] - found["mean_plan_yuan"]
    told = {name: v for name, v in found.items() if name != "run_id"}
    return {**solve, "value": {**told, "over_mean_plan_yuan": over}}


def balance(release: Release) -> pl.DataFrame:
    """One row per crop, year and season: demand, supply, sold, surplus, unserved (kg), with the crop's names."""
    crops = release.frame("crop").select(
        "crop_id", crop_name_zh=pl.col("name_zh"), crop_name_en=pl.col("name_en")
    )
    return (
        release.frame("planting_balance")
        .join(crops, on="crop_id", how="left", maintain_order="left")
        .sort("year", "season", "crop_id")
        .drop("run_id")
    )


def _reasons(release: Release) -> pl.DataFrame:
    return (
        release.frame("recommendation_reason")
        .sort("recommendation_id", "rank")
        .group_by("recommendation_id", maintain_order=True)
        .agg(reasons=pl.struct(REASON))
    )


def _positions(release: Release) -> Mapping[str, int]:
    ids = release.made(recommendations)["recommendation_id"]
    return {value: i for i, value in enumerate(ids)}


def _known(release: Release, column: str) -> list[Any]:
    if column in {"plot_id", "village_id"}:
        found = plots(release)[column]
    elif column == "crop_id":
        found = release.frame("crop")["crop_id"]
    elif column == "season":
        return [1, 2, 3, 4]
    else:
        found = release.made(recommendations)[column]
    return found.drop_nulls().unique().sort().to_list()
