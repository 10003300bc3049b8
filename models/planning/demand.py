"""How much of each crop each season is asked for: from joint paths or forecasts, promises and expected sales."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

from models.planning.seasons import days_between, selling_days

FORECAST, LAST_YEAR, EXPECTED, PROMISED = "forecast", "last year's sales", "expected sales", "commitment"
GRAMS = 3
"""Decimals of a kg in demand: sums of floats in another order must not lead to another plan."""
DEMAND_SCHEMA = pl.Schema(
    {
        "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64, "demand_kg": pl.Float64, "committed_kg": pl.Float64,
        "demand_source": pl.String,
    }
)  # fmt: skip


@dataclass(frozen=True)
class CropDemand:
    """`demand`: as Problem wants it. `promised`: crop_id, year, season, preorder_kg, other_kg. `notes`: what could not be
    counted, in words."""

    demand: pl.DataFrame
    promised: pl.DataFrame
    notes: tuple[str, ...]


def crop_days(
    weekly: pl.DataFrame, product_share: pl.DataFrame, product_crop: pl.DataFrame, catchment: pl.DataFrame
) -> pl.DataFrame:
    """Kilograms of each crop asked for on each forecast day.

    Args:
        weekly: family, channel_id, week_start (Monday), demand_kg: the median, added up over regions.
        product_share: family, product_id, share (0–1, adds up to 1 in a family).
        product_crop: product_id, crop_id, crop_kg_per_product_kg.
        catchment: channel_id, factor: of which channels the forecast stands for how much more; others 1.

    Returns:
        crop_id, sale_date, kg, is_scaled; a week's kg are spread evenly over its days.
    """
    return (
        weekly.join(catchment.select("channel_id", "factor"), on="channel_id", how="left")
        .join(product_share, on="family")
        .join(product_crop.select("product_id", "crop_id", "crop_kg_per_product_kg"), on="product_id")
        .with_columns(
            kg=pl.col("demand_kg")
            * pl.col("factor").fill_null(1.0)
            * pl.col("share")
            * pl.col("crop_kg_per_product_kg"),
            is_scaled=pl.col("factor").fill_null(1.0) != 1.0,
        )
        .pipe(_over_days)
    )


def scenario_days(weekly: pl.DataFrame, catchment: pl.DataFrame) -> pl.DataFrame:
    """Kilograms of each crop asked for on each forecast day, as the mean of joint demand paths.

    Args:
        weekly: crop_id, channel_id, week_start (Monday), expected_kg (kg of crop, mean of the paths), by grade or not.
        catchment: As for crop_days.

    Returns:
        As crop_days.
    """
    scale = pl.col("factor").fill_null(1.0)
    return (
        weekly.join(catchment.select("channel_id", "factor"), on="channel_id", how="left")
        .with_columns(kg=pl.col("expected_kg") * scale, is_scaled=scale != 1.0)
        .pipe(_over_days)
    )


def _over_days(weekly: pl.DataFrame) -> pl.DataFrame:
    """A crop's weeks (crop_id, week_start, kg, is_scaled) added up and spread evenly over their days."""
    return (
        weekly.group_by("crop_id", "week_start")
        .agg(pl.sum("kg"), pl.any("is_scaled"))
        .select(
            "crop_id",
            sale_date=pl.date_ranges("week_start", pl.col("week_start") + pl.duration(days=6)),
            kg=pl.col("kg") / 7,
            is_scaled="is_scaled",
        )
        .explode("sale_date")
        .sort("crop_id", "sale_date")
    )


def crop_demand(
    daily: pl.DataFrame,
    *,
    practices: pl.DataFrame,
    yields: pl.DataFrame,
    commitments: pl.DataFrame,
    expected: pl.DataFrame,
    years: Sequence[int],
    first_season: int,
    source: str = FORECAST,
) -> CropDemand:
    """Demand per crop, planned year and season.

    The forecast's year (its days by day of the year) falls into the selling windows of the practices and stands for every
    planned year. Contracts and adoptions come on top; pre-orders are placed through channels the forecast covers, so they
    are a part of it, and only what exceeds it adds. Crops without forecast take the expected sales of `expected`
    (crop_id, season, year_kg), if any.

    Args:
        daily: scenario_days, or crop_days where no paths are drawn.
        practices, yields: Selling windows, by practice.
        commitments: kind, crop_id, quantity_kg, due_from, due_to.
        expected: crop_id, season, year_kg; may be empty.
        years: The planned years.
        first_season: Where the first of them begins.
        source: What `daily` is: FORECAST, or LAST_YEAR where there is none yet. Scaled demand is named "… × catchment".
    """
    windows = selling_days(practices, yields)
    notes = _thin_forecast(daily) + _outside(daily, windows)
    forecast = _by_season(daily, windows, source)
    standing = expected.join(forecast.select("crop_id").unique(), on="crop_id", how="anti")
    yearly = pl.concat(
        [
            forecast.select("crop_id", "season", "kg", "source"),
            standing.select(
                "crop_id", pl.col("season").cast(pl.Int64), kg="year_kg", source=pl.lit(EXPECTED)
            ),
        ]
    )
    promised, more = _promised(commitments, windows, years, first_season)
    horizon = pl.DataFrame({"year": list(years)}, schema={"year": pl.Int64})
    key = ["crop_id", "year", "season"]
    demand = (
        yearly.join(horizon, how="cross")
        .join(promised, on=key, how="full", coalesce=True)
        .with_columns(pl.col("kg", "preorder_kg", "other_kg").fill_null(0.0))
        .filter((pl.col("year") > years[0]) | (pl.col("season") >= first_season))
        .with_columns(
            demand_kg=(pl.max_horizontal("kg", "preorder_kg") + pl.col("other_kg")).round(GRAMS),
            committed_kg=(pl.col("preorder_kg") + pl.col("other_kg")).round(GRAMS),
            demand_source=pl.col("source").fill_null(PROMISED),
        )
        .select(DEMAND_SCHEMA.names())
        .cast(DEMAND_SCHEMA)
        .sort(key)
    )
    return CropDemand(demand, promised, (*notes, *more))


def less_standing(
    demand: pl.DataFrame,
    *,
    planting: pl.DataFrame,
    plots: pl.DataFrame,
    practices: pl.DataFrame,
    yields: pl.DataFrame,
) -> pl.DataFrame:
    """Demand less what plantings already recorded in the planned seasons will bear (standing_kg), never below 0."""
    borne = standing_kg(planting=planting, plots=plots, practices=practices, yields=yields)
    left = (pl.col("demand_kg", "committed_kg") - pl.col("borne_kg").fill_null(0.0)).clip(lower_bound=0.0)
    return (
        demand.join(borne, on=["crop_id", "year", "season"], how="left", maintain_order="left")
        .with_columns(left.round(GRAMS))
        .select(demand.columns)
    )


def standing_kg(
    *, planting: pl.DataFrame, plots: pl.DataFrame, practices: pl.DataFrame, yields: pl.DataFrame
) -> pl.DataFrame:
    """What recorded plantings bear at usual yields: crop_id, year, season, borne_kg.

    A planting without practice takes the first that fits its crop, land class and season; without one it bears nothing.
    """
    fitting = practices.sort("practice_id").unique(["crop_id", "land_class", "season"], keep="first")
    guess = fitting.select("crop_id", "land_class", "season", guess="practice_id")
    return (
        planting.select("plot_id", "practice_id", "year", "season", "area_mu", main="crop_id")
        .join(plots.select("plot_id", "land_class"), on="plot_id")
        .join(
            guess,
            left_on=["main", "land_class", "season"],
            right_on=["crop_id", "land_class", "season"],
            how="left",
        )
        .with_columns(practice_id=pl.coalesce("practice_id", "guess"))
        .join(yields.select("practice_id", "crop_id", "yield_kg_per_mu"), on="practice_id")
        .group_by("crop_id", pl.col("year", "season").cast(pl.Int64))
        .agg(borne_kg=(pl.col("area_mu") * pl.col("yield_kg_per_mu")).sum())
    )


def _thin_forecast(daily: pl.DataFrame) -> list[str]:
    if daily.is_empty():
        return ["no product with a forecast is mapped to a crop, so no demand comes from forecasts"]
    days = daily["sale_date"].n_unique()
    if days >= 360:
        return []
    return [f"the season forecast covers {days} days of 365; demand of the other days is not counted"]


def _outside(daily: pl.DataFrame, windows: pl.DataFrame) -> list[str]:
    """Notes on what is asked for on days when no practice sells the crop."""
    doy = pl.col("sale_date").dt.ordinal_day().cast(pl.Int64)
    missed = daily.with_columns(doy=doy).join(windows, on=["crop_id", "doy"], how="anti")
    per_crop = missed.group_by("crop_id").agg(pl.sum("kg")).filter(pl.col("kg") > 0.5).sort("crop_id")
    return [
        f"{kg:,.0f} kg of crop '{crop_id}' are asked for on days when no practice sells it; they are not planned for"
        for crop_id, kg in per_crop.iter_rows()
    ]


def _by_season(daily: pl.DataFrame, windows: pl.DataFrame, source: str) -> pl.DataFrame:
    """crop_id, season, kg of one year, source. A day of the year forecast twice counts once, as the mean."""
    per_doy = (
        daily.with_columns(doy=pl.col("sale_date").dt.ordinal_day().cast(pl.Int64))
        .group_by("crop_id", "doy")
        .agg(pl.mean("kg"), pl.any("is_scaled"))
    )
    return (
        per_doy.join(windows, on=["crop_id", "doy"])
        .group_by("crop_id", "season")
        .agg(kg=(pl.col("kg") * pl.col("part")).sum(), is_scaled=pl.col("is_scaled").any())
        .with_columns(
            source=pl.when("is_scaled").then(pl.lit(f"{source} × catchment")).otherwise(pl.lit(source))
        )
        .sort("crop_id", "season")
    )


def _promised(
    commitments: pl.DataFrame, windows: pl.DataFrame, years: Sequence[int], first_season: int
) -> tuple[pl.DataFrame, list[str]]:
    """Promised kg per crop, year and season sown, split by due day; what no planned season can serve is noted."""
    held: dict[tuple[str, int, int], dict[str, float]] = {}
    notes: list[str] = []
    by_crop = {cast(str, key[0]): part for key, part in windows.group_by("crop_id")}
    for r in commitments.sort("crop_id", "due_from").iter_rows(named=True):
        if r["quantity_kg"] <= 0:
            continue
        days = pl.DataFrame({"due": days_between(r["due_from"], r["due_to"])})
        window = by_crop.get(r["crop_id"], windows.clear())
        shares = (
            days.with_columns(doy=pl.col("due").dt.ordinal_day().cast(pl.Int64))
            .join(window, on="doy")
            .with_columns(year=pl.col("due").dt.year().cast(pl.Int64) - pl.col("years_back"))
            .group_by("year", "season")
            .agg(pl.sum("part"))
            .sort("year", "season")
        )
        name = f"{r['kind']} '{r['commitment_id']}' of {r['quantity_kg']:,.0f} kg '{r['crop_id']}'"
        total = float(shares["part"].sum())
        if not total:
            notes.append(f"{name}: due outside every selling window of the crop, so no planting serves it")
            continue
        before = 0.0
        for year, season, part in shares.iter_rows():
            kg = r["quantity_kg"] * part / total
            if (year, season) < (years[0], first_season):
                before += kg
            elif year <= years[-1]:
                slot = held.setdefault((r["crop_id"], year, season), {"preorder_kg": 0.0, "other_kg": 0.0})
                slot["preorder_kg" if r["kind"] == "preorder" else "other_kg"] += kg
        if before > 0.5:
            notes.append(f"{name}: {before:,.0f} kg of it come from what stands already, not from this plan")
    rows = [(*key, kg["preorder_kg"], kg["other_kg"]) for key, kg in held.items()]
    schema = {
        "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64, "preorder_kg": pl.Float64, "other_kg": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row"), notes
