"""The published bestseller calls with their reasons, what to take on, and how earlier calls turned out."""

import polars as pl

from serving.problems import unknown
from serving.published import Release

REASON = ["place", "theme", "effect", "text_zh", "text_en"]
QUESTIONS = ("launch", "listing")


def calls(release: Release) -> pl.DataFrame:
    """One row per call, launches first, then by chance and money: the table's columns, English name, reasons (list of struct)."""
    names = release.frame("product").select(subject_id="product_id", name_en="name_en")
    reasons = (
        release.frame("bestseller_reason")
        .sort("question", "subject_id", "place")
        .group_by("question", "subject_id", maintain_order=True)
        .agg(reasons=pl.struct(REASON))
    )
    order = ["question", "probability", "expected_margin_yuan", "expected_yuan", "subject_id"]
    return (
        release.frame("bestseller_forecast")
        .join(names, on="subject_id", how="left", maintain_order="left")
        .join(reasons, on=["question", "subject_id"], how="left", maintain_order="left")
        .sort(order, descending=[False, True, True, True, False], nulls_last=True)
        .drop("run_id")
    )


def selections(release: Release) -> pl.DataFrame:
    """One row per product decided about: the highest expected margin first."""
    rows = release.frame("selection_recommendation").drop("run_id")
    return rows.sort(["expected_margin_yuan", "recommendation_id"], descending=[True, False], nulls_last=True)


def scores(release: Release) -> pl.DataFrame:
    """One row per question: how calls of the last year turned out."""
    return release.frame("bestseller_score").sort("question")


def chosen(
    release: Release, rows: pl.DataFrame, *, question: str | None, category: str | None, answer: str | None
) -> pl.DataFrame:
    """Rows of calls or selections that filters name.

    Raises:
        Problem: 404 for a category that this release does not know.
    """
    for column, value in (("question", question), ("answer", answer)):
        if value is not None:
            rows = rows.filter(pl.col(column) == value)
    if category is not None:
        known = release.frame("bestseller_forecast")["category"].unique().sort().to_list()
        if category not in known:
            raise unknown("category", category, known, "/v1/bestsellers")
        rows = rows.filter(pl.col("category") == category)
    return rows
