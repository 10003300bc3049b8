"""What series with little or no history of their own may be expected to sell: from like products at the same age, and from pools."""

from datetime import date, timedelta

import polars as pl

from features.calendar import SERIES
from features.panel import Panel

KNOWN_LAUNCH_DAYS = 28
"""A series is a launch when its first sale came at least so long after the records begin."""
WEEKS = 9
"""Weeks of age a launch curve has: 28 days of history and 28 ahead, and one."""
DONORS = 20
"""So many launches most like a newcomer are its neighbours."""
OTHER_FAMILY, PRICE_WIDTH, SEASON_DAYS, OTHER_REGION = 2.0, 0.4, 60.0, 0.7
"""How far apart a launch is put by another family, by log price ÷ width, by days of the year ÷ days, by another region."""
MATURE_DAYS = 28
TARGET = ("origin", *SERIES, "family", "birth")
"""What names a newcomer: as seen from a day, the series, its family and its first day on sale."""


def add_newcomers(panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `neighbour_kg` and `floor_kg` (kg, null but for rows with `fallback_reason` 'short_history').

    Args:
        panel: Must reach to every `origin`.
        rows: As features.assemble.add_features, with `series` and `origin`.

    Returns:
        `rows` in order. `neighbour_kg`: what the launches most like the series sold per day at the age of the target day, in the
        same channel, known in full at the origin; other products only. `floor_kg`: the product's mean where it sells
        elsewhere, brought to the size of channel and region, else the mean of its family there. Both × the weekday's index of
        the family in the channel.
    """
    short = rows.filter(pl.col("fallback_reason") == "short_history")
    birth = panel.series.select("series", birth="first_sale")
    asked = short.join(birth, on="series", how="left").select("series", "date", "weekday", *TARGET)
    known = expected_of_newcomers(panel, asked).select("series", "origin", "date", "neighbour_kg", "floor_kg")
    return rows.join(known, on=["series", "origin", "date"], how="left", maintain_order="left")


def expected_of_newcomers(panel: Panel, asked: pl.DataFrame) -> pl.DataFrame:
    """Add `neighbour_kg` and `floor_kg` (kg per day, null: not known) to rows of TARGET, `date` and `weekday`."""
    curves = _curves(panel, asked.select(TARGET).unique())
    floors = _floors(panel, asked.select(TARGET).unique())
    week = ((pl.col("date") - pl.col("birth")).dt.total_days() // 7).clip(0, WEEKS - 1).cast(pl.Int64)
    index = _weekday_index(panel, asked["origin"])
    return (
        asked.with_columns(week=week)
        .join(curves, on=[*TARGET, "week"], how="left", maintain_order="left")
        .join(floors, on=list(TARGET), how="left", maintain_order="left")
        .join(index, on=["origin", "family", "channel_id", "weekday"], how="left", maintain_order="left")
        .with_columns(pl.col("curve_kg", "mean_kg") * pl.col("index").fill_null(1.0))
        .rename({"curve_kg": "neighbour_kg", "mean_kg": "floor_kg"})
        .drop("week", "index")
    )


def _curves(panel: Panel, targets: pl.DataFrame) -> pl.DataFrame:
    """Launch curve of each target by week of age: TARGET, `week`, `curve_kg`; later weeks repeat the last one known."""
    sold, launches = _launches(panel)
    priced = _with_price(panel, targets.with_columns(day=pl.min_horizontal("birth", "origin")))
    pairs = (
        priced.join(launches, on="channel_id", how="inner", suffix="_of")
        .filter(
            (pl.col("product_id_of") != pl.col("product_id"))
            & (pl.col("birth_of") + timedelta(days=6) <= pl.col("origin"))
        )
        .with_columns(apart=_apart())
        .with_columns(place=pl.col("apart").rank("ordinal").over(TARGET))
        .filter(pl.col("place") <= DONORS)
    )
    weights = pairs.select(*TARGET, "series", weight=(-pl.col("apart")).exp())
    known = weights.join(sold, on="series", how="inner").filter(pl.col("week_ends") <= pl.col("origin"))
    curve = known.group_by(*TARGET, "week").agg(
        curve_kg=(pl.col("kg") * pl.col("weight")).sum() / pl.col("weight").sum()
    )
    weeks = pl.DataFrame({"week": range(WEEKS)}, schema={"week": pl.Int64})
    return (
        targets.join(weeks, how="cross")
        .join(curve, on=[*TARGET, "week"], how="left")
        .sort(*TARGET, "week")
        .with_columns(pl.col("curve_kg").forward_fill().over(TARGET))
    )


def _launches(panel: Panel) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What launches sold by week of age (`series`, `week`, `kg` per open day, `week_ends`), and what is known of them."""
    begun = panel.records_begin + timedelta(days=KNOWN_LAUNCH_DAYS)
    known = panel.series.filter(pl.col("first_sale") >= begun).with_columns(
        birth="first_sale", day="first_sale"
    )
    age = (pl.col("date") - pl.col("birth")).dt.total_days()
    sold = (
        panel.days.join(known.select("series", "birth"), on="series", how="inner")
        .with_columns(week=age // 7)
        .filter(pl.col("week") < WEEKS)
        .group_by("series", "week")
        .agg(kg=pl.col("sold_kg").mean().cast(pl.Float64), birth=pl.col("birth").first())
        .with_columns(week_ends=pl.col("birth") + pl.duration(days=7 * pl.col("week") + 6))
        .drop_nulls("kg")
        .select("series", "week", "kg", "week_ends")
    )
    priced = _with_price(panel, known)
    return sold, priced.select("series", *SERIES, "family", "birth", "log_price")


def _with_price(panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `log_price` of product and channel on `day` (null: none asked until then)."""
    asked = panel.prices.select("product_id", "channel_id", day="date", log_price=pl.col("price").log())
    return rows.join(asked, on=["product_id", "channel_id", "day"], how="left")


def _apart() -> pl.Expr:
    """How unlike a launch is: 0 for the same family, price, time of year and region."""
    of_year = (pl.col("birth") - pl.col("birth_of")).dt.total_days().abs() % 365
    season = pl.min_horizontal(of_year, 365 - of_year) / SEASON_DAYS
    price = ((pl.col("log_price") - pl.col("log_price_of")).abs() / PRICE_WIDTH).fill_null(1.0)
    family = pl.when(pl.col("family") == pl.col("family_of")).then(0.0).otherwise(OTHER_FAMILY)
    region = pl.when(pl.col("region_id") == pl.col("region_id_of")).then(0.0).otherwise(OTHER_REGION)
    return family + price.clip(0, 3) + season.clip(0, 2) + region


def _floors(panel: Panel, targets: pl.DataFrame) -> pl.DataFrame:
    """Mean kg per day of mature series like each target: TARGET, `mean_kg`."""
    state = panel.state.filter(pl.col("date").is_in(targets["origin"].unique().implode()))
    mature = (
        state.filter((pl.col("history_days") >= MATURE_DAYS) & (pl.col("days_since_sale") < MATURE_DAYS))
        .select("series", origin="date", kg=pl.col("mean_28").cast(pl.Float64))
        .join(panel.series.select("series", *SERIES, "family"), on="series", how="left")
    )

    def mean(name: str, *by: str) -> pl.DataFrame:
        return mature.group_by("origin", *by).agg(pl.col("kg").mean().alias(name))

    place = ["channel_id", "region_id"]
    return (
        targets.join(mean("product_kg", "product_id"), on=["origin", "product_id"], how="left")
        .join(mean("place_kg", *place), on=["origin", *place], how="left")
        .join(mean("all_kg"), on="origin", how="left")
        .join(mean("family_place_kg", "family", *place), on=["origin", "family", *place], how="left")
        .select(
            *TARGET,
            mean_kg=pl.coalesce(
                pl.col("product_kg") * (pl.col("place_kg") / pl.col("all_kg")).clip(0.1, 10),
                "family_place_kg",
                "place_kg",
                "all_kg",
            ),
        )
    )


def _weekday_index(panel: Panel, origins: pl.Series) -> pl.DataFrame:
    """Each weekday's kg ÷ the mean day's, of the family in the channel over the 28 days to an origin."""
    pool = panel.pools["family_channel"].select("family", "channel_id", "date", "weekday_mean_kg")
    parts = []
    for origin in origins.unique().sort().to_list():
        week = pool.filter(pl.col("date").is_between(origin - timedelta(days=7), origin, closed="right"))
        mean = pl.col("weekday_mean_kg").mean().over("family", "channel_id")
        parts.append(
            week.select(
                "family",
                "channel_id",
                origin=pl.lit(origin),
                weekday=pl.col("date").dt.weekday().cast(pl.Int16),
                index=(pl.col("weekday_mean_kg") / mean).fill_nan(1.0).clip(0.2, 5).cast(pl.Float64),
            )
        )
    if parts:
        return pl.concat(parts)
    return pool.clear().select(
        "family", "channel_id", origin="date", weekday=pl.lit(0, pl.Int16), index=pl.lit(1.0)
    )


def unsold_rows(panel: Panel, product: pl.DataFrame, *, origin: date, horizon_days: int) -> pl.DataFrame:
    """Lay out the days after `origin` of products that are listed and have never sold.

    Args:
        panel: With prices of these products.
        product: `product_id`, `family`, `launched_on`; those without a launch day are passed over.
        origin: Last known day.
        horizon_days: Days ahead.

    Returns:
        One row per product, channel in which it has a price, region in which that channel has sold, and day from its
        launch on, sorted: `date`, `weekday`, TARGET (`birth`: launched_on, or the day after the origin where that has passed).
    """
    sold = panel.series.filter(pl.col("first_sale") <= origin)
    ahead = pl.DataFrame({"date": [origin + timedelta(days=h) for h in range(1, horizon_days + 1)]})
    priced = panel.prices.filter(pl.col("date") <= origin + timedelta(days=horizon_days))
    listed = (
        product.drop_nulls("launched_on")
        .join(sold, on="product_id", how="anti")
        .select("product_id", pl.col("family").fill_null("unsorted"), "launched_on")
        .join(priced.select("product_id", "channel_id").unique(), on="product_id", how="inner")
        .join(sold.select("channel_id", "region_id").unique(), on="channel_id", how="inner")
    )
    return (
        listed.join(ahead, how="cross")
        .filter(pl.col("date") >= pl.col("launched_on"))
        .select(
            "date",
            pl.col("date").dt.weekday().cast(pl.Int16).alias("weekday"),
            origin=pl.lit(origin),
            product_id="product_id",
            channel_id="channel_id",
            region_id="region_id",
            family="family",
            birth=pl.max_horizontal("launched_on", pl.lit(origin + timedelta(days=1))),
        )
        .sort(*SERIES, "date")
    )
