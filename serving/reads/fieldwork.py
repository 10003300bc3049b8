"""When each planned line is sown and sold, how that stands against what was planted, and what supply it makes by week."""

from datetime import date, timedelta

import polars as pl

from serving.published import Release
from serving.reads.health import cutoff
from serving.reads.planting import recommendations

SOON_DAYS = 14
UNCERTAIN_CV = 0.25
"""A spread of yields (standard deviation ÷ mean) from here on is called uncertain."""
P90 = 1.2816
"""Standard normal quantile 0.9."""
WINDOWS = ["sow_from", "sow_to", "ready_from", "ready_to"]
SUPPLY = {
    "crop_id": pl.String,
    "week_start": pl.Date,
    "kg": pl.Float64,
    "low_kg": pl.Float64,
    "high_kg": pl.Float64,
}


def lines(release: Release) -> pl.DataFrame:
    """One row per recommendation as `recommendations`, with its days and how it stands.

    Returns:
        Further columns: `sow_from`, `sow_to` (null for what stands for years), `ready_from`, `ready_to` (days from which and
        until which it is sold; over the year's end where it must), `yield_cv`, `is_planted` (a planting of the same plot, crop,
        year and season is known), `risk`: late (sowing is over and nothing is known planted), now (sowing is open or opens
        within SOON_DAYS), uncertain (yield spread ≥ UNCERTAIN_CV), steady.
    """
    past = cutoff(release) or date.min
    planted = release.frame("planting").select("plot_id", "crop_id", "year", "season", is_planted=True)
    spread = (
        release.frame("practice_yield")
        .group_by("practice_id")
        .agg(pl.col("yield_cv").max().alias("yield_cv"))
    )
    rows = (
        with_days(release, release.made(recommendations))
        .join(spread, on="practice_id", how="left", maintain_order="left")
        .join(
            planted.unique(), on=["plot_id", "crop_id", "year", "season"], how="left", maintain_order="left"
        )
    )
    waits = pl.col("is_planted").is_null() & pl.col("sow_from").is_not_null()
    return rows.with_columns(
        is_planted=pl.col("is_planted").fill_null(False),
        risk=pl.when(waits & (pl.col("sow_to") < past))
        .then(pl.lit("late"))
        .when(waits & (pl.col("sow_from") <= past + timedelta(days=SOON_DAYS)))
        .then(pl.lit("now"))
        .when(pl.col("yield_cv") >= UNCERTAIN_CV)
        .then(pl.lit("uncertain"))
        .otherwise(pl.lit("steady")),
    )


def with_days(release: Release, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `practice_id` and `year` → the same with WINDOWS (dates, null where the practice names none)."""
    practices = release.frame("practice").select(
        "practice_id", "sow_from_doy", "sow_to_doy", "sell_from_doy", "sell_to_doy"
    )
    joined = rows.join(practices, on="practice_id", how="left", maintain_order="left")
    start = pl.coalesce("sow_from_doy", pl.lit(0))
    years = (pl.col("sell_from_doy") < start).cast(pl.Int64)
    more = years + (pl.col("sell_to_doy") < pl.col("sell_from_doy")).cast(pl.Int64)
    wraps = (pl.col("sow_to_doy") < pl.col("sow_from_doy")).cast(pl.Int64)
    return joined.with_columns(
        sow_from=_day("sow_from_doy", pl.lit(0)),
        sow_to=_day("sow_to_doy", wraps),
        ready_from=_day("sell_from_doy", years),
        ready_to=_day("sell_to_doy", more),
    ).drop("sow_from_doy", "sow_to_doy", "sell_from_doy", "sell_to_doy")


def supply(release: Release) -> pl.DataFrame:
    """One row per crop and week (Monday): kg ready to sell of what is planted and of what is planned.

    Each line's harvest is spread evenly over its days of sale. `low_kg`, `high_kg` are quantiles 0.1 and 0.9 as if all plots
    had their good and bad years together (lognormal of the practice's spread), so rather too wide; a practice without a known
    spread adds none. A planned line that is already planted counts once. Where the release names no yields per crop,
    the main crop's expected kg stand in.
    """
    past = cutoff(release)
    if past is None:
        return pl.DataFrame(schema=SUPPLY)
    kg = _harvests(release).drop_nulls(["ready_from", "ready_to"]).filter(pl.col("ready_to") > past)
    if kg.is_empty():
        return pl.DataFrame(schema=SUPPLY)
    sigma = (1 + pl.col("yield_cv").fill_null(0.0) ** 2).log().sqrt()
    days = (
        kg.with_columns(day=pl.date_ranges("ready_from", "ready_to"), sigma=sigma)
        .with_columns(per_day=pl.col("kg") / pl.col("day").list.len())
        .explode("day")
        .filter(pl.col("day") > past)
    )
    return (
        days.group_by("crop_id", week_start=pl.col("day").dt.truncate("1w"))
        .agg(
            kg=pl.col("per_day").sum(),
            low_kg=(pl.col("per_day") * (-P90 * pl.col("sigma")).exp()).sum(),
            high_kg=(pl.col("per_day") * (P90 * pl.col("sigma")).exp()).sum(),
        )
        .sort("crop_id", "week_start")
    )


def _harvests(release: Release) -> pl.DataFrame:
    """crop_id, kg, yield_cv, ready_from, ready_to: one row per practice, crop and year, plots added up."""
    keys = ["plot_id", "year", "season", "practice_id", "area_mu"]
    planned = release.made(lines).filter(~pl.col("is_planted")).select(*keys)
    planted = release.frame("planting").drop_nulls("practice_id").select(*keys)
    area = pl.concat([planned, planted]).group_by("practice_id", "year").agg(pl.col("area_mu").sum())
    yields = release.frame("practice_yield")
    if yields.is_empty():
        rows = release.made(lines).group_by("crop_id", *WINDOWS).agg(kg=pl.col("expected_kg").sum())
        return rows.with_columns(yield_cv=pl.lit(None, pl.Float64))
    kg = area.join(yields, on="practice_id").with_columns(kg=pl.col("area_mu") * pl.col("yield_kg_per_mu"))
    return with_days(release, kg)


def _day(column: str, years_later: pl.Expr) -> pl.Expr:
    first = pl.date(pl.col("year").cast(pl.Int32) + years_later.cast(pl.Int32), 1, 1)
    return first + pl.duration(days=pl.col(column) - 1)
