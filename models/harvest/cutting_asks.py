"""Who a cutting plan serves: open orders, promises by day, expected demand in tiers; what is in store; how likely it rains."""

from datetime import date, timedelta

import polars as pl

TIERS = (("p10_kg", 0.95), ("p50_kg", 0.7), ("p90_kg", 0.3))
"""Demand up to a level of the forecast, and how likely somebody asks for a kilogram between it and the level below."""
LEAST_KG = 0.1
RAINY_MM = 1.0
"""A day with so much rain is rainy (WMO's count of rain days)."""
FORECAST_RAIN, FORECAST_DRY = 0.8, 0.15
"""Chance of rain on a day whose forecast says rain, or none; assumed until the county's own forecasts are scored."""
USUAL_SPAN_DAYS = 15
"""Beyond the forecast: rainy days of earlier years within so many days of the date."""
ORDERS = {
    "order_id": pl.String, "crop_id": pl.String, "grade": pl.String, "region_id": pl.String, "ship_on": pl.Date,
    "order_kg": pl.Float64, "is_promised": pl.Boolean, "chance": pl.Float64,
}  # fmt: skip


def promised_days(commitments: pl.DataFrame, first_day: date, days: int) -> pl.DataFrame:
    """Promises spread evenly over their days, those within `days` from `first_day`: ORDERS and `kind`.

    Args:
        commitments: commitment_id, kind, crop_id, quantity_kg, due_from, due_to.
    """
    ahead = pl.DataFrame({"ship_on": [first_day + timedelta(days=n) for n in range(days)]})
    span = (pl.col("due_to") - pl.col("due_from")).dt.total_days() + 1
    return (
        commitments.filter(pl.col("quantity_kg") > 0)
        .join_where(
            ahead, pl.col("due_from") <= pl.col("ship_on"), pl.col("due_to") >= pl.col("ship_on")
        )
        .select(
            pl.format("promise/{}/{}", "commitment_id", "ship_on").alias("order_id"), "crop_id",
            pl.lit(None, pl.String).alias("grade"), pl.lit(None, pl.String).alias("region_id"), "ship_on",
            (pl.col("quantity_kg") / span).alias("order_kg"), pl.lit(value=True).alias("is_promised"),
            pl.lit(1.0).alias("chance"), "kind",
        )
        .sort("order_id")
    )  # fmt: skip


def expected_tiers(levels: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """Rows of ORDERS of expected demand: up to three a crop, grade, region and day.

    Args:
        levels: crop_id, grade, region_id, ship_on, p10_kg, p50_kg, p90_kg.
        taken: crop_id, ship_on, taken_kg: already among the promises (pre-orders, orders so far), taken off the surest first
            in proportion to what each region and grade is expected to ask.
    """
    keys = ["crop_id", "ship_on"]
    rows = levels.join(taken, on=keys, how="left").with_columns(
        share=pl.col("p50_kg") / pl.col("p50_kg").sum().over(keys)
    )
    off = (pl.col("taken_kg").fill_null(0.0) * pl.col("share").fill_nan(0.0)).alias("off")
    rows = rows.with_columns(off)
    parts, below = [], pl.col("off")
    for n, (name, chance) in enumerate(TIERS):
        upper = pl.max_horizontal(name, *(x for x, _ in TIERS[:n]), below)
        parts.append(rows.with_columns(order_kg=upper - below, chance=pl.lit(chance), tier=pl.lit(str(n))))
        below = upper
    return (
        pl.concat(parts)
        .filter(pl.col("order_kg") >= LEAST_KG)
        .select(
            pl.concat_str(
                pl.lit("expected"), "crop_id", pl.col("grade").fill_null(""), pl.col("region_id").fill_null(""),
                pl.col("ship_on").cast(pl.String), "tier", separator="/",
            ).alias("order_id"),
            "crop_id", "grade", "region_id", "ship_on", "order_kg", pl.lit(value=False).alias("is_promised"), "chance",
        )
        .sort("order_id")
    )  # fmt: skip


def stock_left(cut: pl.DataFrame, sold: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
    """What lies in store for orders that wait: of each crop as much as was cut more than sold, but no more than they ask.

    No record says what has left the store, so what was cut beyond sales is not counted as there. The best grade comes first, then
    the newest: it may serve any of them.

    Args:
        cut: crop_id, grade (rank), cold_room_id, cut_on, kg: cuts of the days for which the crop keeps.
        sold: crop_id, kg: sold in the same days, those that wait included; a crop without a row sold nothing.
        waiting: crop_id, kg: of orders not shipped.

    Returns:
        cold_room_id, crop_id, grade, cut_on, stock_kg > 0.
    """
    ordered = (
        cut.sort(
            "crop_id", "grade", "cut_on", "cold_room_id", "kg", descending=[False, False, True, False, False]
        )
        .join(waiting.rename({"kg": "open_kg"}), on="crop_id", maintain_order="left")
        .join(sold.rename({"kg": "sold_kg"}), on="crop_id", how="left", maintain_order="left")
    )
    balance = pl.col("kg").sum().over("crop_id") - pl.col("sold_kg").fill_null(0.0) + pl.col("open_kg")
    before = pl.col("kg").cum_sum().over("crop_id") - pl.col("kg")
    return (
        ordered.with_columns(left=pl.min_horizontal(balance, "open_kg") - before)
        .with_columns(stock_kg=pl.min_horizontal("kg", "left"))
        .filter(pl.col("stock_kg") > LEAST_KG)
        .group_by("cold_room_id", "crop_id", "grade", "cut_on")
        .agg(pl.sum("stock_kg"))
        .sort("cold_room_id", "crop_id", "grade", "cut_on")
    )  # fmt: skip


def rain_chances(forecast: pl.DataFrame, past: pl.DataFrame, first_day: date, days: int) -> pl.DataFrame:
    """`day`, `rain_chance` of the days ahead: by the forecast where there is one, else by earlier years' same time of year.

    Args:
        forecast, past: `day`, `rain_mm` (of the day, stations' mean; null: not known).
    """
    told = dict(forecast.drop_nulls().select("day", "rain_mm").iter_rows())
    known = past.drop_nulls().select("rain_mm", doy=pl.col("day").dt.ordinal_day().cast(pl.Int64))
    rows = []
    for day in (first_day + timedelta(days=n) for n in range(days)):
        if day in told:
            rows.append((day, FORECAST_RAIN if told[day] >= RAINY_MM else FORECAST_DRY))
            continue
        off = (pl.col("doy") - day.timetuple().tm_yday).abs()
        near = known.filter(pl.min_horizontal(off, 365 - off) <= USUAL_SPAN_DAYS)
        if near.height:
            rows.append((day, near.filter(pl.col("rain_mm") >= RAINY_MM).height / near.height))
    return pl.DataFrame(rows, schema={"day": pl.Date, "rain_chance": pl.Float64}, orient="row")
