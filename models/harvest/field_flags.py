"""Frost, heat, water and disease flags per plot and day. What is not known is never good news.

Levels: 0 well, 1 watch, 2 act. A plot's own sensor counts on days with enough good readings. On other days of a plot that
has one, the worst of three holds: what it last said, the stations, and the sensors of its village on that day; and the
plot is at least on watch. A plot that never had a sensor goes by the stations.
"""

import polars as pl

KINDS = ("frost", "heat", "water", "disease")
FROST_NEAR_C, HEAT_NEAR_C = 2.0, 2.0
"""So near the limit is watched; assumed, the spread of minima within a village."""
WATER_WATCH, WATER_ACT = 0.5, 0.8
"""Share of available water gone; FAO-56, table 22: most vegetables bear 0.3–0.5 without stress."""
BLIGHT_HOURS = 11.0
"""Wet hours a day; two days running make a blight period; Smith 1956."""
SILENT_DAYS = 10
"""A plot whose sensor has been silent this long is named apart."""
NEED = {"frost": "low_c", "heat": "high_c", "water": "depleted_share", "disease": "wet_hours"}


def levels(days: pl.DataFrame) -> pl.DataFrame:
    """Add level_frost, level_heat, level_water, level_disease (0–2; null: not measured).

    `days`: by plot (or station) in order of day, `owner`, with low_c, high_c, wet_hours, depleted_share, frost_c, heat_c,
    is_flooded and, for the second blight day, yesterday in the row before.
    """
    wet = pl.col("wet_hours") >= BLIGHT_HOURS
    before = (pl.col("day").diff().dt.total_days() == 1) & wet.shift(1)
    second = before.over("owner").fill_null(value=False)

    def two(act: pl.Expr, watch: pl.Expr, known: str) -> pl.Expr:
        level = pl.when(act).then(2).when(watch).then(1).otherwise(0)
        return pl.when(pl.col(known).is_not_null()).then(level).cast(pl.Int64)

    gone = pl.when("is_flooded").then(pl.lit(0.0)).otherwise("depleted_share")
    return days.with_columns(
        level_frost=two(pl.col("low_c") <= pl.col("frost_c"), pl.col("low_c") <= pl.col("frost_c") + FROST_NEAR_C, "low_c"),
        level_heat=two(pl.col("high_c") >= pl.col("heat_c"), pl.col("high_c") >= pl.col("heat_c") - HEAT_NEAR_C, "high_c"),
        level_water=two(gone >= WATER_ACT, gone >= WATER_WATCH, "depleted_share"),
        level_disease=two(wet & second, wet, "wet_hours"),
    )  # fmt: skip


def field_levels(
    plots: pl.DataFrame, own: pl.DataFrame, station: pl.DataFrame, days: pl.DataFrame
) -> pl.DataFrame:
    """One row per plot and day.

    Args:
        plots: plot_id, place_id, frost_c, heat_c, is_flooded, one row each.
        own: Rows of field_days.sensor_days.
        station: Rows of field_days.station_days.
        days: `day`, without holes.

    Returns:
        plot_id, day, level_KIND (0–2) and source_KIND (sensor, held: the sensor is silent, station, none: nothing is
        known, which counts as watch) for each of KINDS, silent_days (since its sensors last said anything; null: none has
        ever), level (the worst). Sorted.
    """  # fmt: skip
    grid = plots.join(days, how="cross").sort("plot_id", "day").with_columns(owner=pl.col("plot_id"))
    values = list(NEED.values())
    mine = levels(grid.join(own.select("plot_id", "day", *values), on=["plot_id", "day"], how="left"))
    theirs = levels(grid.join(station.select("day", *values), on="day", how="left"))
    names = [f"level_{k}" for k in KINDS]
    table = mine.with_columns(theirs.select(pl.col(n).alias(f"station_{n}") for n in names))
    for kind in KINDS:
        table = _judged(table, kind)
    heard = pl.any_horizontal(pl.col(v).is_not_null() for v in values)
    last = pl.when(heard).then("day").forward_fill().over("plot_id")
    return table.with_columns(
        silent_days=(pl.col("day") - last).dt.total_days(), level=pl.max_horizontal(names)
    ).select(
        "plot_id", "day", *names, *(f"source_{k}" for k in KINDS), "silent_days", "level"
    )  # fmt: skip


def _judged(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Settle one kind: the sensor's word, else the worst of what it last said, station and village, at least watch."""
    name, station = f"level_{kind}", pl.col(f"station_level_{kind}")
    own = pl.col(name)
    held = own.forward_fill().over("plot_id")
    village = own.max().over("place_id", "day")
    worst = pl.max_horizontal(held, station, village, pl.lit(1))
    return table.with_columns(
        pl.when(own.is_not_null()).then(own)
        .when(held.is_not_null()).then(worst)
        .otherwise(pl.coalesce(station, pl.lit(1))).alias(name),
        pl.when(own.is_not_null()).then(pl.lit("sensor"))
        .when(held.is_not_null()).then(pl.lit("held"))
        .when(station.is_not_null()).then(pl.lit("station"))
        .otherwise(pl.lit("none")).alias(f"source_{kind}"),
    )  # fmt: skip
