"""One origin of `anxu bench demand`: what forecasters may know, and what came."""

from datetime import date, timedelta

import polars as pl

from benchmarks.demand_names import STRONG_WEIGHT
from benchmarks.fresh_data import HOURS, STATICS, FreshData, series_keys
from features.calendar import SERIES
from features.latent import profile_of, whole_days
from features.latent_hours import hidden_share
from features.panel import DemandTables

WEIGHT = "weight"
HISTORY_CLASSES = ((0, "0"), (2, "1-2"), (7, "3+"))
"""Most days with a stock-out among the last 7, and the name of the class."""
VOLUME_CLASSES = 5


def weekly_origins(data: FreshData, *, count: int, horizon: int, skip: int = 0) -> list[date]:
    """The last day − horizon, and a week earlier each, ascending; the newest `skip` are left out."""
    last = data.last - timedelta(days=horizon)
    return [last - timedelta(days=7 * i) for i in reversed(range(skip, count + skip))]


def known_tables(data: FreshData, latent: pl.DataFrame, *, origin: date, horizon: int) -> DemandTables:
    """What the product may know at the origin, in its own tables: sales in place of kilograms, the price as a share of its list.

    Discounts and promotions of the days ahead are plans; the store is the channel, the city the region, and the third
    category the family. A promotion day is one with `activity_flag`.
    """
    end = origin + timedelta(days=horizon)
    keys = series_keys(data.series)
    days = data.daily.filter(pl.col("dt") <= end).join(keys, on="series_id", maintain_order="left")
    orders = data.hourly(last=origin).select(
        "series_id", "dt", orders=pl.sum_horizontal((pl.col(h) > 0).cast(pl.Int64) for h in HOURS)
    )
    known = days.filter(pl.col("dt") <= origin).join(
        orders.collect(), on=["series_id", "dt"], how="left", maintain_order="left"
    )
    planned = date(1, 1, 1)
    shop_day = ["product_id", "channel_id", "dt"]
    none_of = {"channel_id": pl.String, "known_on": pl.Date}
    return DemandTables(
        sales=known.select(*SERIES, "orders", sale_date="dt", sold_kg=pl.col("sale_amount").cast(pl.Float64)),
        stock_day=known.select(
            *SERIES, stock_date="dt", hours_out_of_stock=pl.col("stock_hour6_22_cnt").cast(pl.Float64)
        ),
        price_day=days.group_by(shop_day, maintain_order=True)
        .agg(price_yuan_per_kg=pl.col("discount").mean().cast(pl.Float64))
        .select(
            "product_id",
            "channel_id",
            "price_yuan_per_kg",
            price_date="dt",
            list_price_yuan_per_kg=pl.lit(1.0),
            known_on=pl.lit(planned),
        ),
        campaign=pl.DataFrame(
            schema=none_of
            | dict.fromkeys(("presale_from", "starts_on", "ends_on"), pl.Date)
            | {"discount_share": pl.Float64}
        ),
        live_slot=pl.DataFrame(
            schema=none_of | {"product_id": pl.String, "slot_date": pl.Date, "allotment_kg": pl.Float64}
        ),
        product=keys.select("product_id", "family", launched_on=pl.lit(None, pl.Date)).unique(
            "product_id", keep="first", maintain_order=True
        ),
        promotion=days.filter("activity_flag").select(
            "product_id", "channel_id", promotion_date="dt", known_on=pl.lit(planned)
        ),
        latent=latent,
    )


def peer_frames(data: FreshData, *, origin: date, horizon: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same for the peers: training days with `y`, covariates, STATICS and WEIGHT, and the covariates of the days ahead."""
    end = origin + timedelta(days=horizon)
    covariates = {
        "discount": pl.col("discount"),
        "activity": pl.col("activity_flag").cast(pl.Int8),
        "holiday": pl.col("holiday_flag").cast(pl.Int8),
    }
    ran_out = pl.col("stock_hour6_22_cnt") > 0
    days = (
        data.daily.filter(pl.col("dt") <= end)
        .join(data.series, on="series_id", maintain_order="left")
        .join(data.holidays, on="dt", how="left", maintain_order="left")
        .select(
            *STATICS,
            unique_id="series_id",
            ds="dt",
            y="sale_amount",
            **covariates,
            **{WEIGHT: pl.when(ran_out).then(STRONG_WEIGHT).otherwise(1.0)},
        )
    )
    ahead = days.filter(pl.col("ds") > origin).select("unique_id", "ds", *covariates)
    return days.filter(pl.col("ds") <= origin), ahead


def what_came(data: FreshData, *, origin: date, horizon: int) -> pl.DataFrame:
    """The scored days.

    Returns:
        `series_id`, `dt`, `y`, `is_whole` (no stock-out between 6 and 22 h), `share` (of a usual day's sales in the hours in
        stock, by hours of the days known at the origin) and the segments `category`, `promotion`, `history` (days with a stock-out
        among the last 7), `volume` (fifths of the series by sales of the last 28 days).
    """
    known = data.until(origin)
    end = origin + timedelta(days=horizon)
    came = data.daily.filter((pl.col("dt") > origin) & (pl.col("dt") <= end)).join(
        data.series.select("series_id", "third_category_id"), on="series_id", maintain_order="left"
    )
    fifth = ((pl.col("sold").rank("ordinal") - 1) * VOLUME_CLASSES // pl.len() + 1).cast(pl.String)
    recent = (
        known.daily.group_by("series_id", maintain_order=True)
        .agg(
            out=(pl.col("stock_hour6_22_cnt").filter(_last(origin, 7)) > 0).sum(),
            sold=pl.col("sale_amount").filter(_last(origin, 28)).sum(),
        )
        .select("series_id", history=_history(pl.col("out")), volume=fifth)
    )
    return came.join(recent, on="series_id", how="left", maintain_order="left").select(
        "series_id",
        "dt",
        "history",
        "volume",
        y=pl.col("sale_amount").cast(pl.Float64),
        is_whole=pl.col("stock_hour6_22_cnt") == 0,
        share=_share_in_stock(known, came),
        category=pl.col("third_category_id").cast(pl.String),
        promotion=pl.when("activity_flag").then(pl.lit("on")).otherwise(pl.lit("off")),
    )


def _last(origin: date, days: int) -> pl.Expr:
    return pl.col("dt") > origin - timedelta(days=days)


def _history(days: pl.Expr) -> pl.Expr:
    return pl.coalesce(pl.when(days <= most).then(pl.lit(name)) for most, name in HISTORY_CLASSES)


def _share_in_stock(known: FreshData, came: pl.DataFrame) -> pl.Series:
    """Of each row of `came`: the share of a usual day that falls into the hours it was in stock."""
    keys = series_keys(known.series)
    place = keys.select("series_id").with_row_index("series")
    days = known.daily.join(place, on="series_id").select(
        "series",
        "series_id",
        "dt",
        date="dt",
        sold_kg="sale_amount",
        out_mask="stockout_mask",
        out_hours=pl.col("stockout_hours_24").cast(pl.Float32),
    )
    both = days.join(known.hourly(last=known.last).collect(), on=["series_id", "dt"]).sort("series", "dt")
    profile = profile_of(both, both.select(HOURS).to_numpy(), keys, rows=whole_days(both))
    rows = came.join(place, on="series_id", how="left", maintain_order="left")
    day = (rows["dt"] - date(1970, 1, 1)).dt.total_days()
    hidden = hidden_share(
        profile,
        rows["series"].cast(pl.Int64).to_numpy(),
        day.cast(pl.Int64).to_numpy(),
        out_mask=rows["stockout_mask"].cast(pl.Int64).to_numpy(),
        out_hours=rows["stockout_hours_24"].cast(pl.Float32).to_numpy(),
    )
    return pl.Series("share", 1 - hidden, dtype=pl.Float64)
