"""One status scale for all platforms, from their status, after-sale and shipping words."""

from collections.abc import Mapping

import polars as pl

from pipelines.sources.profile import Profile, normal

STATUS_RANK = {
    "unknown": 0,
    "paid": 10,
    "part_shipped": 20,
    "shipped": 30,
    "received": 40,
    "part_refunded": 50,
    "refunded_before_ship": 60,
    "refunded_after_ship": 70,
}
"""How far an order line has come; a lower rank never replaces a higher one."""
NO_SALE = ("unpaid", "cancelled")
"""Outcomes that are no sale: such lines are dropped with their number."""
_ON_ITS_WAY = ("part_shipped", "shipped", "received", "refunded_after_ship")


def tokens(words: pl.Series, declared: Mapping[str, str]) -> pl.Series:
    """The declared meaning of each word (case and bracket width do not count); null for blank and unknown words."""
    meanings = {normal(word): token for word, token in declared.items()}
    unique = words.drop_nulls().unique()
    found = pl.Series([meanings.get(normal(word)) for word in unique], dtype=pl.String)
    return words.replace_strict(unique, found, default=None, return_dtype=pl.String)


def outcomes(texts: pl.DataFrame, profile: Profile) -> pl.Series:
    """What became of each line: a status of `STATUS_RANK`, or one of `NO_SALE`.

    `texts` has the roles status, after_sale, shipping, paid_at, shipped_at, cancelled_at, parcel. A closed order
    is a refund when it was paid or sent, else no sale. A word the profile does not know gives `unknown`.
    """
    words = pl.DataFrame(
        {
            "main": tokens(texts["status"], profile.status_words),
            "after": tokens(texts["after_sale"], profile.after_sale_words),
            "way": tokens(texts["shipping"], profile.shipping_words),
        }
    )
    main, after, way = pl.col("main"), pl.col("after"), pl.col("way")
    is_sent = main.is_in(_ON_ITS_WAY) | way.is_in(_ON_ITS_WAY)
    is_sent |= pl.col("shipped_at").is_not_null() | pl.col("parcel").is_not_null()
    is_closed = (main == "closed") | (pl.col("cancelled_at").is_not_null() & ~main.is_in(NO_SALE))
    is_refunded = (main == "refunded") | (after == "refunded")
    is_refunded |= is_closed & (pl.col("paid_at").is_not_null() | is_sent.fill_null(value=False))
    return (
        pl.concat([words, texts.select("paid_at", "shipped_at", "cancelled_at", "parcel")], how="horizontal")
        .lazy()
        .select(
            pl.when(main.is_in(NO_SALE))
            .then(main)
            .when(is_refunded)
            .then(_refunded(is_sent))
            .when(is_closed)
            .then(pl.lit("cancelled"))
            .when((after == "part_refunded") & main.is_not_null())
            .then(pl.lit("part_refunded"))
            .when((main == "paid") & way.is_not_null() & (way != "none"))
            .then(way)
            .otherwise(main.fill_null("unknown"))
        )
        .collect()
        .to_series()
    )


def _refunded(is_sent: pl.Expr) -> pl.Expr:
    return (
        pl.when(is_sent.fill_null(value=False))
        .then(pl.lit("refunded_after_ship"))
        .otherwise(pl.lit("refunded_before_ship"))
    )
