"""What past sales say on a day: level, spread, gaps, stock-outs, for one series and for pools of series.

Every column of a row is made of that day and earlier ones, so a later sale never changes it.
"""

from collections.abc import Sequence

import polars as pl

from features.calendar import by_series

PART_OUT_HOURS = 1.0
"""Out of stock at least this long is counted as a stock-out in features."""
ALL_OUT_HOURS = 20.0
"""Out of stock at least this long, a day tells nothing of demand."""
LEAST_WEIGHT = 0.05
ORDERS_PRIOR = 20.0
"""Orders in a window at which it counts as much as the longer one (chosen on earlier origins, docs/methods-forecasting.md)."""
WEEKS = (0, 7, 14, 21)
TOLD_DAYS = (1, 3, 7, 14, 28)
WHOLE_DAYS = (7, 14, 28)


def stock_out_weight(hours: pl.Expr) -> pl.Expr:
    """How far a day's sales tell its demand: 1, and 0.05 where stock was out for 20 hours or more; null hours: 1.

    A day on which stock ran out for a part keeps its weight: what it sold is a lower bound, but such days are those of
    high demand, and leaving them out biases what is learnt further down than keeping them
    (docs/methods-forecasting.md, "Stock-outs").
    """
    return pl.when(hours >= ALL_OUT_HOURS).then(LEAST_WEIGHT).otherwise(1.0)


def add_stock_outs(
    grid: pl.DataFrame, stock_day: pl.DataFrame, latent: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Say of each day how far stock was there, and what it tells.

    Args:
        grid: As features.calendar.day_grid.
        stock_day: `product_id`, `channel_id`, `region_id`, `stock_date`, `hours_out_of_stock`; may be empty.
        latent: SERIES, `date`, `demand_kg` (kg) of days whose hidden demand was recovered; None: of no day.

    Returns:
        `grid` in order with `out_hours` (h, null where nothing is known), `is_whole` (stock lasted; also where nothing is
        known), `demand_kg` (kg: recovered, else sold; null on closed days) and `told_kg` (kg: as `demand_kg`, but null on
        days out of stock for 20 h or more that were not recovered).
    """
    keys = ["series", "date"]
    hours = (
        by_series(stock_day, grid)
        .group_by("series", date="stock_date")
        .agg(out_hours=pl.col("hours_out_of_stock").max().cast(pl.Float32))
    )
    had_stock = pl.col("out_hours").fill_null(0) < ALL_OUT_HOURS
    stocked = grid.join(hours, on=keys, how="left", maintain_order="left")
    found = pl.lit(None, pl.Float32).alias("_latent")
    if latent is not None:
        recovered = by_series(latent, grid).select(*keys, _latent=pl.col("demand_kg").cast(pl.Float32))
        stocked, found = (
            stocked.join(recovered, on=keys, how="left", maintain_order="left"),
            pl.col("_latent"),
        )
    return (
        stocked.with_columns(found)
        .with_columns(
            is_whole=pl.col("out_hours").fill_null(0) < PART_OUT_HOURS,
            demand_kg=pl.when(pl.col("sold_kg").is_not_null()).then(pl.max_horizontal("_latent", "sold_kg")),
            told_kg=pl.when(had_stock | pl.col("_latent").is_not_null()).then(
                pl.max_horizontal("_latent", "sold_kg")
            ),
        )
        .with_columns(told_kg=pl.when(pl.col("sold_kg").is_not_null()).then("told_kg"))
        .drop("_latent")
    )


def series_state(grid: pl.DataFrame) -> pl.DataFrame:
    """What is known of each series at the end of each day.

    Args:
        grid: As add_stock_outs returns it: every day of every series, sorted by `series`, `date`.

    Returns:
        One row per row of `grid`: `series`, `date`, and, all Float32 and over open days only, `level_kg` (kg per day
        to be expected: mean of 7 days with stock drawn towards that of 28, that one towards that of 182, the more so the
        fewer orders it rests on; never below 0.001), `mean_7`, `mean_28`, `mean_182`, `std_28` (kg), `idle_share_28`
        (share of days without a sale), `days_since_sale`, `out_days_7`, `out_days_28` (days out for 1 h or more),
        `history_days`, `sale_days` (count so far), `kg_per_order` (of 182 days; kg per selling day
        where no orders are counted; null before the first sale), `weekday_kg`, `weekday_mean_kg` (this day, and the mean
        of this weekday over 4 weeks, days with stock if any), `told_N` (mean of what N days told: 1, 3, 7, 14, 28),
        `whole_N`, `whole_days_N` (mean and count of days on which stock lasted: 7, 14, 28; null: none), `out_hours_1`,
        `out_hours_7` (mean hours out), `stock_days_28` (days of 28 with a record of hours out).
    """
    seen = grid.with_columns(
        is_out=(pl.col("out_hours").fill_null(0) >= PART_OUT_HOURS).cast(pl.Float32),
        idle=(pl.col("sold_kg") == 0).cast(pl.Float32),
        orders=pl.coalesce(
            pl.when(pl.col("orders") > 0).then("orders"), (pl.col("sold_kg") > 0).cast(pl.Float32)
        ),
        sale_date=pl.when(pl.col("sold_kg") > 0).then("date"),
        whole_kg=pl.when("is_whole").then("sold_kg"),
        hours=pl.col("out_hours").fill_null(0),
        recorded=pl.col("out_hours").is_not_null().cast(pl.Float32),
    )
    return (
        seen.select(
            "series",
            "date",
            *_windows(),
            *_counts(),
            *_stock_windows(),
            *_weekday_kg("sold_kg", "told_kg", "series"),
        )
        .with_columns(level_kg=_level())
        .drop(r"^_.*$")
    )


def _mean(column: str, days: int, *, least: int = 1) -> pl.Expr:
    return pl.col(column).rolling_mean(days, min_samples=least).over("series").cast(pl.Float32)


def _sum(column: str, days: int) -> pl.Expr:
    return pl.col(column).rolling_sum(days, min_samples=1).over("series")


def _windows() -> list[pl.Expr]:
    kg, orders = (_sum(column, 182) for column in ("sold_kg", "orders"))
    return [
        _mean("sold_kg", 7).alias("mean_7"),
        _mean("sold_kg", 28).alias("mean_28"),
        _mean("sold_kg", 182).alias("mean_182"),
        _mean("told_kg", 7, least=3).alias("_told_7"),
        _mean("told_kg", 28, least=7).alias("_told_28"),
        _mean("told_kg", 182, least=7).alias("_told_182"),
        pl.col("sold_kg").rolling_std(28, min_samples=2).over("series").cast(pl.Float32).alias("std_28"),
        _mean("idle", 28).alias("idle_share_28"),
        _sum("orders", 7).alias("_orders_7"),
        _sum("orders", 28).alias("_orders_28"),
        pl.when(orders > 0).then(kg / orders).cast(pl.Float32).alias("kg_per_order"),
    ]


def _stock_windows() -> list[pl.Expr]:
    """What days told, those on which stock lasted, and how long it did not."""
    lasted = pl.col("whole_kg").is_not_null().cast(pl.Float32)
    return [
        *(_mean("told_kg", n).alias(f"told_{n}") for n in TOLD_DAYS),
        *(_mean("whole_kg", n).alias(f"whole_{n}") for n in WHOLE_DAYS),
        *(
            lasted.rolling_sum(n, min_samples=1).over("series").cast(pl.Float32).alias(f"whole_days_{n}")
            for n in WHOLE_DAYS
        ),
        *(_mean("hours", n).alias(f"out_hours_{n}") for n in (1, 7)),
        pl.col("recorded")
        .rolling_sum(28, min_samples=1)
        .over("series")
        .cast(pl.Float32)
        .alias("stock_days_28"),
    ]


def _counts() -> list[pl.Expr]:
    last_sale = pl.col("sale_date").forward_fill().over("series")
    return [
        (pl.col("date") - last_sale).dt.total_days().cast(pl.Float32).alias("days_since_sale"),
        ((pl.col("date") - pl.col("first_sale")).dt.total_days() + 1).cast(pl.Float32).alias("history_days"),
        (pl.col("sold_kg") > 0)
        .cast(pl.UInt32)
        .fill_null(0)
        .cum_sum()
        .over("series")
        .cast(pl.Float32)
        .alias("sale_days"),
        *(
            pl.col("is_out")
            .rolling_sum(n, min_samples=1)
            .over("series")
            .cast(pl.Float32)
            .alias(f"out_days_{n}")
            for n in (7, 28)
        ),
    ]


def _level() -> pl.Expr:
    """The longer the window, the more it is worth when orders are few: each one is drawn to the next longer by ORDERS_PRIOR."""
    year = pl.coalesce("_told_182", "mean_182")
    month = _drawn(pl.coalesce("_told_28", "mean_28"), year, "_orders_28")
    week = _drawn(pl.coalesce("_told_7", "mean_7"), month, "_orders_7")
    return week.fill_null(0).clip(0.001).cast(pl.Float32)


def _drawn(near: pl.Expr, far: pl.Expr, orders: str) -> pl.Expr:
    share = pl.col(orders) / (pl.col(orders) + ORDERS_PRIOR)
    return pl.coalesce(share * near + (1 - share) * far, far, near)


def _weekday_kg(sold: str, told: str, key: str) -> list[pl.Expr]:
    with_stock, any_day = (
        pl.mean_horizontal(pl.col(column).shift(n).over(key) for n in WEEKS) for column in (told, sold)
    )
    return [
        pl.col(sold).cast(pl.Float32).alias("weekday_kg"),
        pl.coalesce(with_stock, any_day).cast(pl.Float32).alias("weekday_mean_kg"),
    ]


def pool_state(grid: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """What is known at the end of each day of series taken together.

    Args:
        grid: As add_stock_outs returns it, with the columns `by`; what is pooled is `demand_kg`.
        by: What is pooled, e.g. product, or family and channel.

    Returns:
        One row per pool and day from its first to the grid's last day, sorted: `by`, `date`, `pool_mean_1`, `pool_mean_3`,
        `pool_mean_7`, `pool_mean_28` (kg per day over open days), `pool_kg_3` (mean of this day, the day before and the day after: the
        one column that looks a day ahead, to be read at least a day late), `weekday_kg`, `weekday_mean_kg` (as
        series_state). Float32; null where no day of the window was open.
    """
    of_series = grid.select("series", *by).unique("series")
    pools = of_series.select(by).unique().sort(by).with_row_index("pool")
    numbered = of_series.join(pools, on=by).select("series", "pool")
    total = (
        grid.select("series", "date", "demand_kg")
        .join(numbered, on="series")
        .group_by("pool", "date")
        .agg(kg=pl.when(pl.col("demand_kg").count() > 0).then(pl.col("demand_kg").cast(pl.Float64).sum()))
        .sort("pool", "date")
        .join(pools, on="pool", how="left", maintain_order="left")
    )
    centred = pl.col("kg").shift(-1).over("pool").alias("_next")
    return total.with_columns(centred).select(
        *by,
        "date",
        *(
            pl.col("kg").rolling_mean(n, min_samples=1).over("pool").cast(pl.Float32).alias(f"pool_mean_{n}")
            for n in (1, 3, 7, 28)
        ),
        pl.mean_horizontal("kg", "_next", pl.col("kg").shift(1).over("pool"))
        .cast(pl.Float32)
        .alias("pool_kg_3"),
        *_weekday_kg("kg", "kg", "pool"),
    )
