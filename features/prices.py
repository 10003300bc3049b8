"""Prices and discounts as a forecaster may know them: what was asked until the origin, and what is planned."""

from datetime import date

import polars as pl

KEYS = ("product_id", "channel_id")
ALWAYS = date(1, 1, 1)


def prices_are_planned(price_day: pl.DataFrame) -> bool:
    """Whether the seller fixes prices ahead: any price recorded before its day (`known_on` < `price_date`)."""
    return bool((price_day["known_on"] < price_day["price_date"]).any())


def price_days(price_day: pl.DataFrame, families: pl.DataFrame, *, last: date) -> pl.DataFrame:
    """Lay prices out day by day; a day without one keeps the last price asked.

    Args:
        price_day: `product_id`, `channel_id`, `price_date`, `price_yuan_per_kg`, `list_price_yuan_per_kg` (null: no
            discount known), `known_on` (the first cutoff that knows the row); may be empty.
        families: `product_id`, `family`.
        last: Last day laid out; later rows are not looked at.

    Returns:
        One row per product, channel and day from its first price, sorted: KEYS, `date`, `price` (yuan/kg),
        `list_price` (the last one recorded, yuan/kg; null: none so far), `discount_share` (0–1; against the list price, else 0), `price_mean_28` (mean of the 28 days to this one,
        yuan/kg), `price_in_family` (price ÷ mean price of the family in the channel that day), `price_known_on` (first
        cutoff that knows this day's price; null when the day has no row of its own). Where prices are planned, a row
        recorded only after its day (a history load) counts as planned all along.
    """
    late = pl.col("known_on") >= pl.col("price_date")
    planned_all_along = late & prices_are_planned(price_day)
    off_list = _off_list(pl.col("price_yuan_per_kg"), pl.col("list_price_yuan_per_kg"))
    asked = price_day.filter(pl.col("price_date") <= last).select(
        *KEYS,
        date="price_date",
        price=pl.col("price_yuan_per_kg").cast(pl.Float32),
        list_price=pl.col("list_price_yuan_per_kg").cast(pl.Float32),
        discount_share=off_list.cast(pl.Float32),
        price_known_on=pl.when(planned_all_along).then(ALWAYS).otherwise("known_on"),
    )
    first = asked.group_by(KEYS).agg(pl.col("date").min())
    mean_7 = pl.col("price").rolling_mean(7, min_samples=1).over(KEYS)
    mean_28 = pl.col("price").rolling_mean(28, min_samples=1).over(KEYS)
    family_mean = pl.col("price").mean().over("family", "channel_id", "date")
    return (
        first.with_columns(date=pl.date_ranges("date", pl.lit(last)))
        .explode("date")
        .join(asked, on=[*KEYS, "date"], how="left")
        .join(families.select("product_id", "family"), on="product_id", how="left")
        .sort(*KEYS, "date")
        .with_columns(
            pl.col("price", "list_price").forward_fill().over(KEYS), pl.col("discount_share").fill_null(0)
        )
        .with_columns(
            price_mean_7=mean_7.cast(pl.Float32),
            price_mean_28=mean_28.cast(pl.Float32),
            price_in_family=(pl.col("price") / family_mean).cast(pl.Float32),
        )
        .drop("family")
    )


def set_prices(prices: pl.DataFrame, asked: pl.DataFrame, *, origin: date) -> pl.DataFrame:
    """Put other prices in place of those planned, as if they had been recorded by the origin.

    Args:
        prices: As price_days, from the origin on.
        asked: At most one row per KEYS and day after the origin: KEYS, `date`, and one of `price_yuan_per_kg`, `list_share`
            (taken off the list price; off the planned price where no list price was recorded) and `planned_share` (taken
            off the planned price), the others null.
        origin: Last known day; a day without a price of its own is planned at the origin's.

    Returns:
        `prices` in order; on the days of `asked` with their `price`, `discount_share` and `price_known_on`. Days without a
        row in `prices` (a product that never had a price) are passed over.
    """
    at_origin = prices.filter(pl.col("date") == origin).select(*KEYS, _price_origin="price")
    is_known = (pl.col("price_known_on") <= origin).fill_null(False)
    planned = pl.when(is_known).then("price").otherwise("_price_origin")
    price = pl.coalesce(
        "price_yuan_per_kg",
        (1 - pl.col("list_share")) * pl.coalesce("list_price", planned),
        (1 - pl.col("planned_share")) * planned,
    )
    is_asked = pl.col("_price").is_not_null()
    return (
        prices.join(asked, on=[*KEYS, "date"], how="left", maintain_order="left")
        .join(at_origin, on=KEYS, how="left", maintain_order="left")
        .with_columns(_price=price.cast(pl.Float32))
        .with_columns(
            price=pl.coalesce("_price", "price"),
            discount_share=pl.when(is_asked)
            .then(_off_list(pl.col("_price"), pl.col("list_price")))
            .otherwise("discount_share"),
            price_known_on=pl.when(is_asked).then(origin).otherwise("price_known_on"),
        )
        .select(prices.columns)
    )


def _off_list(price: pl.Expr, list_price: pl.Expr) -> pl.Expr:
    """Share a price lies below the list price; 0 above it and where no list price is known."""
    return (1 - price / list_price).clip(0).fill_null(0)


def add_price(rows: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Add the price of the target day as it could be known at the origin.

    Args:
        rows: Has KEYS, `origin`, `date` (the target day).
        prices: As price_days.

    Returns:
        `rows` in order with `price_ratio` (the target day's price, or the origin's where that was not known at the
        origin, ÷ mean of the 28 days to the origin), `price_ratio_week` and `price_ratio_origin` (the same ÷ mean of the 7
        days to the origin, ÷ the origin's), `price_step` (÷ that of the day before the target day, as known),
        `discount_share` (of the target day; 0 where not known), `discount_share_origin`, `price_in_family` (at the
        origin). Null where no price was asked until the origin.
    """
    there = prices.select(*KEYS, "date", "price", "discount_share", "price_known_on")
    here = prices.select(
        *KEYS,
        pl.col("date").alias("origin"),
        pl.col("price").alias("_price_origin"),
        pl.col("discount_share").alias("discount_share_origin"),
        "price_mean_7",
        "price_mean_28",
        "price_in_family",
    )
    before = prices.select(
        *KEYS, _eve=pl.col("date").dt.offset_by("1d"), _price_eve="price", _eve_known_on="price_known_on"
    )
    is_known = (pl.col("price_known_on") <= pl.col("origin")).fill_null(False)
    eve_is_known = (pl.col("_eve_known_on") <= pl.col("origin")).fill_null(False)
    has_price = pl.col("price_mean_28").is_not_null()
    return (
        rows.join(there, on=[*KEYS, "date"], how="left", maintain_order="left")
        .join(here, on=[*KEYS, "origin"], how="left", maintain_order="left")
        .join(before, left_on=[*KEYS, "date"], right_on=[*KEYS, "_eve"], how="left", maintain_order="left")
        .with_columns(
            _planned=pl.when(is_known).then("price").otherwise("_price_origin"),
            _eve=pl.when(eve_is_known).then("_price_eve").otherwise("_price_origin"),
        )
        .with_columns(
            price_ratio=pl.col("_planned") / pl.col("price_mean_28"),
            price_ratio_week=pl.col("_planned") / pl.col("price_mean_7"),
            price_ratio_origin=pl.col("_planned") / pl.col("_price_origin"),
            price_step=pl.col("_planned") / pl.col("_eve"),
            discount_share=pl.when(has_price).then(pl.when(is_known).then("discount_share").otherwise(0)),
        )
        .drop("price", "price_mean_7", "price_mean_28", "price_known_on", r"^_(price_|eve|planned).*$")
    )
