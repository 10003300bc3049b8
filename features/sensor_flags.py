"""Values that cannot be: error words, limits, spikes, flat lines, frozen soil; and times that are missing.

A flag depends on a reading's own calendar month and its near neighbours only, so cleaning a stretch again gives
what cleaning the whole would.
"""

import polars as pl

from features.sensor_clock import MESSAGE
from features.sensor_limits import NEVER, limits_of

SERIES = ["sensor_id", "quantity"]
SIDE = 3
"""Readings on each side that a spike is held against; their median bears one bad neighbour, so pairs are seen too."""
SIDE_HOURS = 12.0
"""Neighbours further away than this say nothing."""
ROUGHNESS = 4.0
"""Spike limit = max(floor, ROUGHNESS × 95th percentile of the month's excursions): sunlit sensors are rough."""
FLATNESS = 4.0
"""Stuck limit = max(floor, FLATNESS × 99th percentile of the month's flat lines): coarse sensors are flat."""
MIN_RUN = 5
"""A flat line has at least this many readings."""
GAP_RATIO = 1.75
"""A step longer than this × the usual interval misses readings (2 would miss drifting clocks)."""
GAP_SIDE = 24
"""Steps before and after that say what is usual; the slower side counts, so a changed interval is no gap."""
FREEZING_C = 0.0


def limit_columns(quantities: list[str]) -> pl.DataFrame:
    """The limits as a frame, one row per quantity."""
    rows = [
        {"quantity": q, **{k: v for k, v in vars(limits_of(q)).items() if k != "sentinels"}}
        for q in quantities
    ]
    schema = {"quantity": pl.String, "low": pl.Float64, "high": pl.Float64, "spike": pl.Float64}
    flat = dict.fromkeys(("stuck_hours", "flat_from", "flat_to", "flat_near_zero"), pl.Float64)
    return pl.DataFrame(rows, schema={**schema, **flat})


def add_flags(readings: pl.DataFrame, sentinels: pl.DataFrame) -> pl.DataFrame:
    """Flag each value that is not to be believed.

    Args:
        readings: One row per (sensor_id, quantity, measured_at), sorted so, times corrected: `value`, `profile`, `known_at`,
            and the message it came in: `device`, `file_order`, `line_number`.
        sentinels: `profile`, `quantity`, `value`, `with_others`: error words a profile declares (after unit
            conversion); `with_others`: one only where another reading of the message is an error word.

    Returns:
        The rows with `flag` (null: good; sentinel, range, spike, stuck, frozen: the first
        that holds) and `known_at` moved to when the flag could be told: a spike needs the readings after it.
    """
    quantities = readings["quantity"].unique().sort().to_list()
    common = pl.DataFrame(
        [{"quantity": q, "value": v} for q in quantities for v in limits_of(q).sentinels],
        schema={"quantity": pl.String, "value": pl.Float64},
    )
    others = pl.col("with_others")
    flagged = (
        readings.join(limit_columns(quantities), on="quantity", how="left", maintain_order="left")
        .with_columns(
            month=pl.col("measured_at").dt.truncate("1mo"),
            flag=pl.when(_among(readings, sentinels.filter(~others), common)).then(pl.lit("sentinel")),
            doubtful=_among(readings, sentinels.filter(others), common.clear()),
        )
        .with_columns(
            flag=_first(
                pl.lit("sentinel"), pl.col("doubtful") & (pl.col("flag") == "sentinel").any().over(MESSAGE)
            )
        )
        .with_columns(flag=_first(pl.lit("range"), ~pl.col("value").is_between("low", "high")))
    )
    steps = (flag_spikes, flag_frozen, flag_stuck)
    for step in steps:
        flagged = step(flagged)
    return flagged.select(*readings.columns, "flag")


def _among(readings: pl.DataFrame, declared: pl.DataFrame, common: pl.DataFrame) -> pl.Series:
    """Whether each value is a declared or a common error word, to 1e-6 of its size."""
    key = (pl.col("value") * 1000).round().cast(pl.Int64, strict=False).alias("key")
    words = readings.select("profile", "quantity", key)
    own = declared.select("profile", "quantity", key, own=pl.lit(True)).unique()
    shared = common.select("quantity", key, shared=pl.lit(True)).unique()
    joined = words.join(own, on=["profile", "quantity", "key"], how="left", maintain_order="left").join(
        shared, on=["quantity", "key"], how="left", maintain_order="left"
    )
    return joined.select(hit=pl.col("own").fill_null(value=False) | pl.col("shared").fill_null(value=False))[
        "hit"
    ]


def _first(flag: pl.Expr, when: pl.Expr) -> pl.Expr:
    """Keep an earlier flag; else set this one where `when` holds."""
    return pl.when(pl.col("flag").is_null() & when.fill_null(value=False)).then(flag).otherwise("flag")


def excursion(value: pl.Expr, time: pl.Expr) -> pl.Expr:
    """How far a value lies beyond the medians of the SIDE readings on both sides (0 if between them, unsigned).

    A step (rain into soil) or a steep slope gives 0: it agrees with one side. Null where a side has no neighbour
    within SIDE_HOURS.
    """
    left_median = value.shift(1).rolling_median(SIDE, min_samples=2)
    right_median = value.reverse().shift(1).rolling_median(SIDE, min_samples=2).reverse()
    left, right = value - left_median, value - right_median
    near = ((time - time.shift(2)).dt.total_minutes() <= SIDE_HOURS * 60) & (
        (time.shift(-2) - time).dt.total_minutes() <= SIDE_HOURS * 60
    )
    same = (left * right) > 0
    return pl.when(near).then(pl.when(same).then(pl.min_horizontal(left.abs(), right.abs())).otherwise(0.0))


def flag_spikes(readings: pl.DataFrame) -> pl.DataFrame:
    """Flag one or two readings that leave their neighbours on both sides and come back.

    Source: the running-median test of Hampel (1974) with the two sides apart, after the buddy and step checks of
    WMO-No. 488; its scale is the series' own excursions of the month.
    """
    good = pl.when(pl.col("flag").is_null()).then("value")
    out = readings.with_columns(away=excursion(good, pl.col("measured_at")).over(SERIES))
    usual = pl.col("away").quantile(0.95, "linear").over([*SERIES, "month"])
    limit = pl.max_horizontal("spike", ROUGHNESS * usual.fill_null(0))
    later = pl.col("known_at").shift(-2).over(SERIES)
    spike = pl.col("away") > limit
    return out.with_columns(
        flag=_first(pl.lit("spike"), spike),
        known_at=pl.when(spike & pl.col("flag").is_null())
        .then(pl.max_horizontal("known_at", later))
        .otherwise("known_at"),
    ).drop("away")


def flag_frozen(readings: pl.DataFrame) -> pl.DataFrame:
    """Flag soil moisture of a probe whose own soil temperature is at or below freezing: ice is not drought."""
    moisture = pl.col("quantity").str.starts_with("soil_vwc")
    if not readings.select(moisture.any()).item():
        return readings
    soil = (
        readings.filter(pl.col("quantity").str.starts_with("soil_temp_c"), pl.col("flag").is_null())
        .select("sensor_id", "measured_at", soil_c="value")
        .sort("measured_at")
    )
    joined = (
        readings.with_row_index("order")
        .sort("measured_at")
        .join_asof(
            soil, on="measured_at", by="sensor_id", strategy="nearest", tolerance="2h", check_sortedness=False
        )
        .sort("order")
    )
    return joined.with_columns(
        flag=_first(pl.lit("frozen"), moisture & (pl.col("soil_c") <= FREEZING_C))
    ).drop("order", "soil_c")


def flag_stuck(readings: pl.DataFrame) -> pl.DataFrame:
    """Flag flat lines longer than the quantity and the device's own resolution explain."""
    usable = pl.when(pl.col("flag").is_null()).then("value")
    marked = readings.with_columns(run=usable.rle_id().over(SERIES))
    time = pl.col("measured_at")
    hours = (time.max() - time.min()).dt.total_seconds() / 3600
    runs = marked.group_by(*SERIES, "run").agg(
        hours=hours,
        n=pl.len(),
        value=usable.first(),
        month=pl.col("month").first(),
        floor=pl.col("stuck_hours").first(),
        natural=_flat_by_nature().first(),
        from_at=time.min(),
    )
    usual = pl.col("hours").quantile(0.99, "higher").over([*SERIES, "month"])
    others = pl.col("hours").count().over([*SERIES, "month"]) > 100
    limit = pl.max_horizontal("floor", pl.when(others).then(FLATNESS * usual).otherwise(0.0))
    stuck = (
        (pl.col("hours") >= limit)
        & (pl.col("n") >= MIN_RUN)
        & pl.col("value").is_not_null()
        & ~pl.col("natural")
    )
    found = runs.filter(stuck, pl.col("floor") < NEVER).select(*SERIES, "run", limit=limit, from_at="from_at")
    told = (pl.col("measured_at") - pl.col("from_at")).dt.total_seconds() / 3600 >= pl.col("limit")
    first_told = pl.col("known_at").filter(told).min().over([*SERIES, "run"])
    out = marked.join(found, on=[*SERIES, "run"], how="left", maintain_order="left")
    is_stuck = pl.col("limit").is_not_null()
    return out.with_columns(
        flag=_first(pl.lit("stuck"), is_stuck),
        known_at=pl.when(is_stuck).then(pl.max_horizontal("known_at", first_told)).otherwise("known_at"),
    ).drop("run", "limit", "from_at")


def _flat_by_nature() -> pl.Expr:
    value = pl.col("value")
    near_zero = value.abs() <= pl.col("flat_near_zero")
    return (value >= pl.col("flat_from")) | (value <= pl.col("flat_to")) | near_zero


def find_gaps(readings: pl.DataFrame) -> pl.DataFrame:
    """Where readings are missing.

    Args:
        readings: One row per (sensor_id, quantity, measured_at), sorted so.

    Returns:
        One row per gap: the series, `from_at` and `to_at` (the readings around it), `missing` (readings), `known_at`
        (of the reading after it), sorted. A series that has fallen silent has no gap at its end.
    """
    step = pl.col("measured_at").diff().dt.total_milliseconds() / 1000
    left = pl.col("step").shift(1).rolling_median(GAP_SIDE, min_samples=3)
    right = pl.col("step").reverse().shift(1).rolling_median(GAP_SIDE, min_samples=3).reverse()
    return (
        readings.with_columns(step=step.over(SERIES), from_at=pl.col("measured_at").shift(1).over(SERIES))
        .with_columns(usual=pl.max_horizontal(left.over(SERIES), right.over(SERIES)))
        .filter(pl.col("step") > GAP_RATIO * pl.col("usual"))
        .select(
            *SERIES,
            "from_at",
            to_at="measured_at",
            missing=((pl.col("step") / pl.col("usual")).round() - 1).cast(pl.Int64).clip(lower_bound=1),
            known_at="known_at",
        )
    )
