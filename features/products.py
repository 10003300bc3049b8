"""What a product is: its family, and how long it has been on sale."""

import polars as pl

NO_FAMILY = "unsorted"


def product_families(product: pl.DataFrame, sold: pl.Series) -> pl.DataFrame:
    """Give every product that is known or sold its family.

    Args:
        product: `product_id`, `family`, `launched_on` (or null); may be empty.
        sold: Ids of products that were sold; those missing in `product` get the family 'unsorted'.

    Returns:
        One row per product, sorted: `product_id`, `family`, `launched_on` (null: not known).
    """
    known = product.select("product_id", "family", "launched_on").unique(
        "product_id", keep="last", maintain_order=True
    )
    rest = pl.DataFrame({"product_id": sold.unique()}, schema={"product_id": pl.String}).join(
        known, on="product_id", how="anti"
    )
    return pl.concat(
        [known, rest.with_columns(family=pl.lit(NO_FAMILY), launched_on=pl.lit(None, pl.Date))]
    ).sort("product_id")


def launch_age(first_records: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Days since the launch, cut at 730 (d, Float32).

    The launch is `launched_on`, else the first sale (`first_sale`), provided that came at least 28 days after the
    records begin (`first_records`): a product sold from the first day on was launched nobody knows when (null).
    """
    since = pl.coalesce(
        "launched_on",
        pl.when((pl.col("first_sale") - first_records).dt.total_days() >= 28).then("first_sale"),
    )
    return (day - since).dt.total_days().clip(0, 730).cast(pl.Float32)
