"""What a kilogram of a crop brings, as sold lately: for telling effects in yuan."""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from serving.published import Release

PRICE_DAYS = 90


def crop_prices(release: Release) -> Mapping[str, float]:
    """Crop → yuan per kg of crop, over what was sold with a price in the last PRICE_DAYS days; crops without sales are left out.

    Revenue of all products made of the crop ÷ the crop in them (`crop_kg_per_product_kg`): a selling price, not a farm-gate one.
    """
    sold = release.frame("history_daily").drop_nulls("revenue_yuan").filter(pl.col("sold_kg") > 0)
    if sold.is_empty():
        return {}
    recent = sold.filter(pl.col("sale_date") > pl.col("sale_date").max() - timedelta(days=PRICE_DAYS))
    rows = (
        recent.group_by("product_id")
        .agg(pl.col("sold_kg", "revenue_yuan").sum())
        .join(release.frame("product_crop"), on="product_id")
        .group_by("crop_id")
        .agg(
            yuan=pl.col("revenue_yuan").sum(),
            kg=(pl.col("sold_kg") * pl.col("crop_kg_per_product_kg")).sum(),
        )
        .filter(pl.col("kg") > 0)
    )
    return dict(rows.select("crop_id", pl.col("yuan") / pl.col("kg")).iter_rows())


def causes(release: Release) -> Mapping[tuple[str, int, int], tuple[str, str]]:
    """(crop, year, season) → why the plan leaves demand unserved, in Chinese and English."""
    rows = release.frame("recommendation_reason").filter(pl.col("kind") == "unserved")
    found = {}
    for row in rows.iter_rows(named=True):
        parts = str(row["recommendation_id"]).split("/")
        if len(parts) == 4 and parts[2].isdigit() and parts[3].isdigit():
            found[parts[1], int(parts[2]), int(parts[3])] = (row["text_zh"], row["text_en"])
    return found
