"""What customers take and send back of each grade."""

import polars as pl

LEAST_LINES = 30
"""A return share of fewer lines is not told from chance and stays empty."""


def grade_demand(lines: pl.DataFrame) -> pl.DataFrame:
    """Kilograms, money and returns by crop and grade.

    Args:
        lines: One row per paid order line that was not refunded before shipping: `crop_id`, `grade` (null: not graded; left
            out), `sold_kg` (kg of product), `goods_yuan` (null: not known), `is_returned` (refunded after shipping),
            `paid_on` (date).

    Returns:
        One row per crop and grade, sorted: `sold_kg`, `sold_share` (of the crop's graded kg, 0–1), `yuan_per_kg` (of lines with
        money; null: none), `lines`, `return_share` (of lines, 0–1; null under LEAST_LINES), `days` (first to last sale).
    """
    has_money = pl.col("goods_yuan").is_not_null()
    return (
        lines.drop_nulls(["crop_id", "grade"])
        .group_by("crop_id", "grade")
        .agg(
            pl.sum("sold_kg"),
            yuan_per_kg=pl.when(has_money.any()).then(
                pl.col("goods_yuan").filter(has_money).sum() / pl.col("sold_kg").filter(has_money).sum()
            ),
            lines=pl.len().cast(pl.Int64),
            return_share=pl.when(pl.len() >= LEAST_LINES).then(pl.col("is_returned").mean()),
            days=(pl.col("paid_on").max() - pl.col("paid_on").min()).dt.total_days() + 1,
        )
        .sort("crop_id", "grade")
        .with_columns(sold_share=pl.col("sold_kg") / pl.col("sold_kg").sum().over("crop_id"))
    )
