"""The published grading: recommendations with their cuts, prices and reasons; standards; lots; the mix of grades."""

import polars as pl

from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads.things import matching

CUT = [
    "grade", "rank", "attribute", "min_value", "max_value", "present_min", "present_max", "goods_share", "goods_kg",
    "demand_kg", "price_yuan_per_kg",
]  # fmt: skip
PRICE = [
    "grade", "base_grade", "price_ratio", "low", "high", "cells", "markets", "advice", "yuan_per_kg", "sold_kg",
    "sold_share", "lines", "return_share",
]  # fmt: skip
REASON = ["rank", "kind", "text_zh", "text_en", "value_yuan"]
SHARE = ["grade", "rank", "share", "low", "high"]
FLOW = ["destination", "kind", "kg", "yuan", "steps_down"]


def recommendations(release: Release) -> pl.DataFrame:
    """One row per crop asked about: proposals to answer first, then by what the answer brings above the present."""
    keyed = {
        name: release.frame(table)
        .sort("recommendation_id", "rank")
        .group_by("recommendation_id", maintain_order=True)
        .agg(pl.struct(columns).alias(name))
        for name, table, columns in (("cuts", "grade_cut", CUT), ("reasons", "grading_reason", REASON))
    }
    prices = (
        release.frame("grade_price")
        .group_by("crop_id", maintain_order=True)
        .agg(pl.struct(PRICE).alias("prices"))
    )
    return (
        release.frame("grading_recommendation")
        .join(keyed["cuts"], on="recommendation_id", how="left", maintain_order="left")
        .join(prices, on="crop_id", how="left", maintain_order="left")
        .join(keyed["reasons"], on="recommendation_id", how="left", maintain_order="left")
        .with_columns(
            _open=pl.col("status") != "proposed", _more=pl.col("net_yuan") - pl.col("present_yuan").fill_null(0.0)
        )
        .sort("_open", "_more", "crop_id", descending=[False, True, False])
        .drop("_open", "_more")
    )  # fmt: skip


def lots(release: Release) -> pl.DataFrame:
    """One row per lot with a sample or a destination, by crop and lot; shares and flows as lists."""
    sampled = (
        release.frame("lot_grade")
        .sort("lot_id", "rank")
        .group_by("lot_id", "crop_id", "standard", "label", "pieces", "needed", maintain_order=True)
        .agg(shares=pl.struct(SHARE))
    )
    sent = (
        release.frame("lot_allocation")
        .sort("lot_id", "kg", descending=[False, True])
        .group_by("lot_id", "crop_id", maintain_order=True)
        .agg(flows=pl.struct(FLOW))
    )
    return sampled.join(sent, on=["lot_id", "crop_id"], how="full", coalesce=True).sort("crop_id", "lot_id")


def standards(release: Release) -> pl.DataFrame:
    """One row per standard, version, class and attribute; what is in force first."""
    order = ["crop_id", "is_in_force", "standard", "version", "rank", "attribute"]
    return release.frame("published_standard").sort(
        order, descending=[False, True, False, False, False, False]
    )


def mix(release: Release) -> pl.DataFrame:
    """One row per crop, land class and grade."""
    return release.frame("grade_mix").sort("crop_id", "land_class", "grade")


def of_crop(rows: pl.DataFrame, crop: str | None, see: str, **wanted: object) -> pl.DataFrame:
    """The rows of a crop with the values wanted, None asking for all; raises Problem 404 for a crop that has none here."""
    if crop is not None and crop not in (known := rows["crop_id"].unique().sort().to_list()):
        raise unknown("crop", crop, known, see)
    return matching(rows, crop_id=crop, **wanted)


def one(release: Release, recommendation_id: str) -> dict[str, object]:
    """One recommendation; raises Problem 404 for an id there is not."""
    found = release.made(recommendations).filter(pl.col("recommendation_id") == recommendation_id)
    if found.is_empty():
        raise unknown("recommendation", recommendation_id, see="/v1/grading")
    return found.row(0, named=True)


def to_answer(release: Release, recommendation_id: str) -> dict[str, object]:
    """A proposed standard that can be answered.

    Raises:
        Problem: 404 for an id there is not, 409 for an answer that proposes nothing or is in force already.
    """
    found = one(release, recommendation_id)
    if found["answer"] != "new_cuts":
        raise Problem(
            409,
            "conflict",
            f"'{recommendation_id}' proposes no standard: its answer is '{found['answer']}'",
            "answer a recommendation whose answer is new_cuts; see /v1/grading?answer=new_cuts",
        )
    return found
