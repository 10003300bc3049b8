"""What a kilogram of a product family sold in a channel takes of each crop and grade."""

from datetime import date, timedelta

import polars as pl

SHARE_DAYS = 364
"""A family is split over its products by what each sold in so many days before the cutoff."""
DRAWN_WEEKS = 4.0
"""A channel's split is drawn to the family's own as by so many weeks of an average channel's sales."""


def product_shares(sold: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Split families over their products, channel by channel.

    Args:
        sold: family, product_id, channel_id, sale_date, sold_kg.
        cutoff: Last known day; the SHARE_DAYS up to it count.

    Returns:
        One row per family, channel_id of the family and product_id that sold, sorted: `share` (0–1, adds up to 1 in a family and
        channel). A channel with few sales follows the family's split over all channels.
    """
    recent = sold.filter(pl.col("sale_date").is_between(cutoff - timedelta(days=SHARE_DAYS - 1), cutoff))
    per = recent.group_by("family", "channel_id", "product_id").agg(kg=pl.col("sold_kg").sum())
    per = per.filter(pl.col("kg") > 0)
    family = per.group_by("family", "product_id").agg(all_kg=pl.col("kg").sum())
    channels = sold.select("family", "channel_id").unique()
    count = per.group_by("family").agg(channels=pl.col("channel_id").n_unique())
    drawn = pl.col("all_kg") / pl.col("channels") * (DRAWN_WEEKS * 7 / SHARE_DAYS)
    return (
        family.join(count, on="family")
        .join(channels, on="family")
        .join(per, on=["family", "channel_id", "product_id"], how="left")
        .with_columns(kg=pl.col("kg").fill_null(0.0) + drawn)
        .sort("family", "channel_id", "product_id")
        .select(
            "family",
            "channel_id",
            "product_id",
            share=pl.col("kg") / pl.col("kg").sum().over("family", "channel_id"),
        )
    )


def crop_mix(shares: pl.DataFrame, product: pl.DataFrame, product_crop: pl.DataFrame) -> pl.DataFrame:
    """Kilograms of crop and grade in a kilogram of a family sold in a channel.

    Args:
        shares: As product_shares.
        product: product_id, grade (null: not graded).
        product_crop: product_id, crop_id, crop_kg_per_product_kg. Products without a row make no crop.

    Returns:
        One row per family, channel_id, crop_id and grade, sorted: `crop_kg_per_kg`.
    """
    return (
        shares.join(product_crop.select("product_id", "crop_id", "crop_kg_per_product_kg"), on="product_id")
        .join(product.select("product_id", "grade"), on="product_id", how="left")
        .group_by("family", "channel_id", "crop_id", "grade")
        .agg(crop_kg_per_kg=(pl.col("share") * pl.col("crop_kg_per_product_kg")).sum())
        .sort("family", "channel_id", "crop_id", "grade")
    )
