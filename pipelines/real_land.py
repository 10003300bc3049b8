"""The benchmark village's land as tables of the schema: crops, plots, practices, yields, plantings, expected sales."""

from pathlib import Path

import polars as pl

from pipelines.real_profile import RealProfile

SINGLE_SEASON = ("dry_flat", "terrace", "hillside")
RICE = "16"
KG_PER_JIN = 0.5
SOURCE = "cumcm2024c: statistics of 2023, middle of the price range"
CODES = {"crop_id": pl.String}


def land_tables(folder: Path, profile: RealProfile) -> dict[str, pl.DataFrame]:
    """Tables in the schema's column names from a folder laid out as cumcm2024c.

    Dry land, terraces and hillsides bear one crop a year and rice takes irrigated land for the year: such practices last
    from season 1 to 2. Prices are the middle of the range, jin become kg. Expected sales are what 2023 produced, by crop
    and season.
    """
    crops = pl.read_csv(folder / "crops.csv", schema_overrides=CODES)
    plots = pl.read_csv(folder / "plots.csv").select(
        plot_id="plot", land_class="land_type", area_mu=pl.col("area_mu").cast(pl.Float64)
    )
    stats = _stats(pl.read_csv(folder / "stats_2023.csv", schema_overrides=CODES))
    planting = _planting(pl.read_csv(folder / "plantings_2023.csv", schema_overrides=CODES), plots)
    return {
        "crop": _crops(crops, profile),
        "plot": plots,
        "practice": _practices(stats, profile),
        "practice_yield": _yields(stats, profile),
        "planting": planting,
        "expected_sale": _expected(planting, stats),
        "single_crop_land": pl.DataFrame(
            [
                (c, s, "rule 1 of cumcm2024c")
                for c, seasons in profile.single_crop_land.items()
                for s in seasons
            ],
            schema=["land_class", "season", "source"],
            orient="row",
        ),
    }


def _stats(raw: pl.DataFrame) -> pl.DataFrame:
    takes_year = pl.col("land_type").is_in(SINGLE_SEASON) | (pl.col("crop_id") == RICE)
    per_kg = {
        f"price_{side}_yuan_per_kg": pl.col(f"price_{side}_yuan_per_jin") / KG_PER_JIN
        for side in ("low", "high")
    }
    return raw.with_columns(
        practice_id=pl.format("{}-{}-{}", "land_type", "season", "crop_id"),
        last_season=pl.when(takes_year).then(2).otherwise("season"),
        takes_year=takes_year,
        yield_kg_per_mu=pl.col("yield_jin_per_mu") * KG_PER_JIN,
        **per_kg,
    ).with_columns(price_yuan_per_kg=(pl.col("price_low_yuan_per_kg") + pl.col("price_high_yuan_per_kg")) / 2)


def _crops(raw: pl.DataFrame, profile: RealProfile) -> pl.DataFrame:
    family = {str(crop): name for name, numbers in profile.families.items() for crop in numbers}
    known = pl.any_horizontal(pl.col("kind_zh").str.starts_with(word) for word in profile.kinds)
    if unknown := raw.filter(~known)["kind_zh"].unique().to_list():
        raise ValueError(
            f"crops.csv has kinds {sorted(unknown)} that cumcm_items.toml does not name; add them to [kinds]"
        )
    kind = pl.coalesce(
        pl.when(pl.col("kind_zh").str.starts_with(w)).then(pl.lit(k.kind)) for w, k in profile.kinds.items()
    )
    keeps = pl.coalesce(
        pl.when(pl.col("kind_zh").str.starts_with(w)).then(pl.lit(k.keeps_days))
        for w, k in profile.kinds.items()
    )
    heat = [(crop, h.base_temp_c, h.mature_gdd_c_d) for crop, h in profile.heat.items()]
    columns = {"crop_id": pl.String, "base_temp_c": pl.Float64, "mature_gdd_c_d": pl.Float64}
    warmth = pl.DataFrame(heat, schema=columns, orient="row")
    return raw.join(warmth, on="crop_id", how="left", maintain_order="left").select(
        "crop_id", "name_zh", "name_en",
        family=pl.col("crop_id").replace_strict(family, default=pl.col("crop_id"), return_dtype=pl.String),
        kind=kind, is_legume=pl.col("legume") == 1, keeps_days=keeps, base_temp_c="base_temp_c", mature_gdd_c_d="mature_gdd_c_d",
    )  # fmt: skip


def _practices(stats: pl.DataFrame, profile: RealProfile) -> pl.DataFrame:
    window = pl.when("takes_year").then(pl.lit("grain")).otherwise(pl.col("season").cast(pl.String))
    days = pl.DataFrame([{"window": name, **vars(w)} for name, w in profile.season.items()])
    return (
        stats.with_columns(window=window)
        .join(days, on="window", how="left", maintain_order="left")
        .select(
            "practice_id", "crop_id", "season", "last_season", "cost_yuan_per_mu",
            "sow_from_doy", "sow_to_doy", "sell_from_doy", "sell_to_doy",
            land_class="land_type", source=pl.lit(SOURCE),
        )
    )  # fmt: skip


def _yields(stats: pl.DataFrame, profile: RealProfile) -> pl.DataFrame:
    return stats.select(
        "practice_id", "crop_id", "yield_kg_per_mu", "price_yuan_per_kg", "price_low_yuan_per_kg", "price_high_yuan_per_kg",
        salvage_yuan_per_kg=pl.col("price_yuan_per_kg") * profile.market.surplus_share_of_price,
    )  # fmt: skip


def _planting(raw: pl.DataFrame, plots: pl.DataFrame) -> pl.DataFrame:
    return raw.join(plots.select("plot_id", "land_class"), left_on="plot", right_on="plot_id").select(
        "crop_id", "season", "area_mu",
        plot_id="plot", year=pl.lit(2023), practice_id=pl.format("{}-{}-{}", "land_class", "season", "crop_id"),
    )  # fmt: skip


def _expected(planting: pl.DataFrame, stats: pl.DataFrame) -> pl.DataFrame:
    return (
        planting.join(stats.select("practice_id", "yield_kg_per_mu"), on="practice_id")
        .group_by("crop_id", "season")
        .agg(year_kg=(pl.col("area_mu") * pl.col("yield_kg_per_mu")).sum())
        .with_columns(source=pl.lit("cumcm2024c: what 2023 produced"))
        .sort("crop_id", "season")
    )
