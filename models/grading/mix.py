"""What a land class's mix of grades is worth beside the county's, for the prices that planting counts with."""

import polars as pl

LEAST_KG = 1000.0
"""A land class with less harvest behind its mix keeps the crop's price."""
LEAST_CHANGE = 0.005
"""A factor closer to 1 changes nothing."""
PRICES = ("price_yuan_per_kg", "price_low_yuan_per_kg", "price_high_yuan_per_kg")
FACTOR = {"crop_id": pl.String, "land_class": pl.String, "factor": pl.Float64, "mix": pl.String}


def price_factors(mix: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """How much more or less a kg from a land class brings than the crop's mean kg, by its grades.

    Args:
        mix: crop_id, land_class ('' is all land), grade, share (0–1), harvest_kg.
        prices: crop_id, grade, price_ratio (to one base grade of the crop; null: not estimable).

    Returns:
        crop_id, land_class, factor, mix (in words), where every grade cut there has a price ratio, LEAST_KG are behind the mix and
        the factor differs from 1 by LEAST_CHANGE or more; sorted.
    """
    known = mix.filter(pl.col("share") > 0).join(
        prices.select("crop_id", "grade", "price_ratio"), on=["crop_id", "grade"], how="left"
    )
    worth = (
        known.sort("crop_id", "land_class", "price_ratio", "grade", descending=[False, False, True, False])
        .group_by("crop_id", "land_class", maintain_order=True)
        .agg(
            worth=(pl.col("share") * pl.col("price_ratio")).sum(),
            is_known=pl.col("price_ratio").is_not_null().all(),
            kg=pl.sum("harvest_kg"),
            mix=pl.format("{} {}%", "grade", (pl.col("share") * 100).round(0).cast(pl.Int64)).str.join(", "),
        )
        .filter("is_known")
    )
    county = worth.filter(land_class="").select("crop_id", county="worth")
    return (
        worth.filter((pl.col("land_class") != "") & (pl.col("kg") >= LEAST_KG))
        .join(county, on="crop_id")
        .with_columns(factor=(pl.col("worth") / pl.col("county")).round(4))
        .filter((pl.col("factor") - 1).abs() >= LEAST_CHANGE)
        .select(list(FACTOR))
        .cast(FACTOR)  # type: ignore[arg-type]
        .sort("crop_id", "land_class")
    )


def with_factors(
    yields: pl.DataFrame, practices: pl.DataFrame, factors: pl.DataFrame
) -> tuple[pl.DataFrame, list[str]]:
    """Yields with their prices times the factor of crop and land class, and a note on each factor used."""
    land = practices.select("practice_id", "land_class")
    changed = yields.join(land, on="practice_id", how="left", maintain_order="left").join(
        factors, on=["crop_id", "land_class"], how="left", maintain_order="left"
    )
    used = changed.drop_nulls("factor").unique(["crop_id", "land_class"]).sort("crop_id", "land_class")
    here = [c for c in PRICES if c in yields.columns]
    return (
        changed.with_columns(pl.col(here) * pl.col("factor").fill_null(1.0)).select(yields.columns),
        [
            f"{r['crop_id']} on {r['land_class']}: price × {r['factor']:.3f}, as its grades are {r['mix']}"
            for r in used.iter_rows(named=True)
        ],
    )
