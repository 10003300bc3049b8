"""Which products are asked about and when: launches, and windows of products long on sale that teach beside them."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

OLDER_STEP_DAYS = 28


def find_launches(
    entries: pl.DataFrame, *, first_on: date, last_on: date, known: Sequence[str] = ()
) -> pl.DataFrame:
    """Products whose first sale lies in [first_on, last_on]; those in `known` were sold before and are none.

    Returns:
        `product_id`, `start_on` (day of the first sale), sorted by day and product.
    """
    first = entries.filter(pl.col("units") > 0).group_by("product_id").agg(start_on=pl.col("day").min())
    is_new = pl.col("start_on").is_between(first_on, last_on) & ~pl.col("product_id").is_in(list(known))
    return first.filter(is_new).sort("start_on", "product_id")


def asked(launched: pl.DataFrame, *, day: int) -> pl.DataFrame:
    """The question about each launch on its decision day: adds `decision_on`, on which the first `day` days are known."""
    return launched.with_columns(decision_on=pl.col("start_on") + timedelta(days=day))


def outcomes(entries: pl.DataFrame, asks: pl.DataFrame, *, from_day: int, to_day: int) -> pl.DataFrame:
    """What each asked product earned from day `from_day` until before day `to_day` after its start.

    Returns:
        The asks with `worth_yuan` (revenue, less what was cancelled before day `to_day`) and `worth_units`; 0 where nothing was sold.
    """
    age = (pl.col("day") - pl.col("start_on")).dt.total_days()
    seen = (pl.col("known_on") - pl.col("start_on")).dt.total_days() < to_day
    later = (
        asks.select("product_id", "start_on")
        .unique()
        .join(entries, on="product_id")
        .filter((age >= from_day) & (age < to_day) & seen)
    )
    earned = later.group_by("product_id", "start_on", maintain_order=True).agg(
        worth_yuan=pl.col("revenue_yuan").sum(), worth_units=pl.col("units").sum()
    )
    return asks.join(earned, on=["product_id", "start_on"], how="left", maintain_order="left").with_columns(
        pl.col("worth_yuan", "worth_units").fill_null(0.0).clip(lower_bound=0.0)
    )


def older_windows(
    entries: pl.DataFrame, *, before: date, day: int, to_day: int, most: int, seed: int
) -> pl.DataFrame:
    """Windows of products long on sale, each starting like a launch with a day of sales; drawn evenly from all there are.

    Args:
        entries: As order_rules.RuledOrders.entries.
        before: The window that counts ends before this day.
        day: Days known at the decision.
        to_day: End of the window that counts, in days after the start.
        most: Rows drawn at most.
        seed: Of the draw.

    Returns:
        `product_id`, `start_on` (after the product's first sale; one a product and four weeks), `decision_on`, sorted.
    """
    sold = entries.filter((pl.col("units") > 0) & (pl.col("day") + timedelta(days=to_day) <= before))
    first = sold.group_by("product_id").agg(first_on=pl.col("day").min())
    grid = (pl.col("day") - pl.col("day").min()).dt.total_days() // OLDER_STEP_DAYS
    windows = (
        sold.with_columns(grid=grid)
        .group_by("product_id", "grid")
        .agg(start_on=pl.col("day").min())
        .join(first, on="product_id")
        .filter(pl.col("start_on") > pl.col("first_on"))
        .sort("start_on", "product_id")
    )
    if windows.height > most:
        drawn = np.sort(np.random.default_rng(seed).permutation(windows.height)[:most])
        windows = windows[drawn]
    return asked(windows.select("product_id", "start_on"), day=day)


def learning_asks(
    launched: pl.DataFrame,
    older: pl.DataFrame,
    *,
    before: date,
    sure_from: date,
    day: int,
    to_day: int,
    older_weight: float,
) -> pl.DataFrame:
    """What a model may learn from before a day: launches whose window has passed, and windows of older products.

    A first sale before `sure_from` may be that of an old product that sells rarely: it teaches like a launch, but says
    nothing about how launches compare, so it does not count as one.

    Returns:
        `product_id`, `start_on`, `decision_on`, `is_launch`, `weight` (1; of older ones `older_weight`).
    """
    matured = launched.filter(pl.col("start_on") + timedelta(days=to_day) <= before)
    ours = asked(matured.select("product_id", "start_on"), day=day)
    rest = older.select("product_id", "start_on", "decision_on").join(
        ours, on=["product_id", "decision_on"], how="anti"
    )
    return pl.concat(
        [
            ours.with_columns(is_launch=pl.col("start_on") >= sure_from, weight=pl.lit(1.0)),
            rest.with_columns(is_launch=pl.lit(value=False), weight=pl.lit(older_weight)),
        ]
    )
