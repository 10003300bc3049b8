"""What a listing tells that has sold nothing yet: each figure as its place within its own file, so that platforms compare."""

import numpy as np
import numpy.typing as npt
import polars as pl

from features.titles import fit_titles

PRODUCT = (
    "discount_share", "price_against_similar", "price_against_seller", "rating_distance", "title_length", "title_digits",
    "title_capitals",
)  # fmt: skip
"""What is known of the product without any count, and means the same on another platform."""
ASSORTMENT = ("price_share", "list_price_share")
"""Places of bare prices: they depend on what else a platform sells, so they serve within one platform only."""
SELLER = ("seller_standing", "seller_rating", "seller_listings")
"""What is known of the seller, with its counts; `seller_standing` is the mean place of reviews and of reviews per listing."""
COUNTS = ("reviews",)
"""The product's own review count: nearly what it sold, so it is reported apart."""
NEIGHBOURS = 20


def unique_listings(listings: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """One row per product, the last of its id; and how many were left out.

    Another id with the same title and seller is counted and kept: it has sales of its own.
    """
    once = listings.unique("product_id", keep="last", maintain_order=True)
    twins = once.height - once.unique(["title", "seller_id"]).height
    return once, {
        "listings read": listings.height,
        "repeated ids left out": listings.height - once.height,
        "another id with title and seller of an earlier one (kept)": twins,
    }


def listing_features(listings: pl.DataFrame) -> pl.DataFrame:
    """Features of listings of one platform.

    Args:
        listings: One row per product: `product_id`, `title`, `price`, `list_price` (or null), `seller_id`, `seller_reviews`,
            `seller_rating`, `rating` (0 or null: none yet), `reviews`.

    Returns:
        The rows in their order with PRODUCT, ASSORTMENT, SELLER and COUNTS: each the place (0–1) of its value among the rows, ties
        sharing one, null where there is no value. `rating_distance` is that of |rating − median|: an average of few
        ratings lies far out, one of many near the middle. Prices against similar titles and the seller's other products are
        logs of ratios to medians.
    """
    rated = pl.when(pl.col("rating") > 0).then("rating")
    price = pl.col("price").cast(pl.Float64)
    raw = listings.with_columns(
        price_against_similar=pl.Series(_against_similar(listings)),
        price_against_seller=(price / price.median().over("seller_id")).log(),
        price_share=price,
        list_price_share=pl.col("list_price").cast(pl.Float64),
        discount_share=(1 - price / pl.col("list_price")).clip(0, 1),
        rating_distance=(rated - rated.median()).abs(),
        title_length=pl.col("title").str.len_chars().cast(pl.Float64),
        title_digits=pl.col("title").str.count_matches(r"\d").cast(pl.Float64),
        title_capitals=pl.col("title").str.count_matches(r"\p{Lu}") / pl.col("title").str.len_chars(),
        seller_listings=pl.len().over("seller_id").cast(pl.Float64),
        reviews_per_listing=pl.col("seller_reviews") / pl.len().over("seller_id"),
    )
    standing = (_place("seller_reviews") + _place("reviews_per_listing")) / 2
    names = (*PRODUCT, *ASSORTMENT, *SELLER[1:], *COUNTS)
    return raw.with_columns(standing.alias("seller_standing"), *(_place(n).alias(n) for n in names)).drop(
        "reviews_per_listing"
    )


def _place(column: str) -> pl.Expr:
    return (pl.col(column).rank("average") - 0.5) / pl.col(column).count()


def _against_similar(listings: pl.DataFrame) -> npt.NDArray[np.float64]:
    """log of price ÷ median price of the 20 nearest titles."""
    titles = listings["title"].to_list()
    place = fit_titles(titles, dimensions=24).place(titles)
    price = np.log(listings["price"].cast(pl.Float64).to_numpy())
    near = min(NEIGHBOURS + 1, price.size)
    found = np.empty(price.size)
    for start in range(0, price.size, 500):
        alike = place[start : start + 500] @ place.T
        rows = np.argpartition(-alike, near - 1, axis=1)[:, :near]
        found[start : start + 500] = price[start : start + 500] - np.median(price[rows], axis=1)
    return found
