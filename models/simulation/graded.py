"""What the packing house delivers: its standard, recipes for what is left over, lots of each grade and pieces measured of them.

Pieces are sorted in the field by a scale that errs, then measured again from a sample of the lot. Only some plantings' lots of the past
are measured, so that a large county's deliveries stay small; of the last fortnight, whose lots are in store, more are.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.growth import CROPS, harvest_events
from models.simulation.sizes import ENDS_ON, stream
from models.simulation.tables import as_frame
from models.simulation.world import World

Floats = NDArray[np.float64]
STANDARD, VERSION, SINCE = "清禾县合作社分级", "2023", date(2023, 1, 1)
TOLERANCE_SHARE = 0.1
"""Of a lot that may miss its class, as the standard of the co-operative says; assumed."""
PAST_DAYS, STORED_DAYS = 400, 14
PAST_CUTS, STORED_CUTS = 70, 20
"""Cuts of a crop whose lots are measured: of the past, and of the last fortnight."""
PAST_PIECES, STORED_PIECES = 12, 60
DRAWN = 300
"""Pieces drawn of a cut, of which each lot's sample is taken."""
SORTING_ERROR, MEASURING_ERROR = 0.08, 0.05
"""Standard deviations of sorting and of measuring ÷ that of the pieces; assumed."""
LEAST_LOT_KG = 5.0
SAMPLE_KG = 0.2
"""Of a piece whose measure is not its weight (a bunch, a bag)."""
RECIPES = (  # product, names, crop, kg in per kg out, cost and wholesale price (yuan per kg out); assumed
    ("dried-sp-1", "红薯干", "dried sweet potato", "sweet_potato", 3.6, 4.5, 14.0),
    ("crab-paste-1", "蟹黄酱", "crab paste", "crab", 4.0, 60.0, 260.0),
    ("rice-flour-1", "米粉", "rice flour", "rice", 1.6, 1.1, 5.6),
)


def grade_standard(_: World) -> pl.DataFrame:
    """One row per crop, class and attribute of the co-operative's standard; its lowest class takes all that can be measured."""
    rows: list[tuple[object, ...]] = []
    for crop_id, cuts in p.PRESENT_CUTS.items():
        attribute = str(CROPS[crop_id].attribute)
        for grade, cut in zip(p.GRADES, (*cuts, None), strict=True):
            if attribute == "damage_pct":
                rows.append((crop_id, grade, attribute, None, 100.0 if cut is None else cut))
            else:
                rows.append((crop_id, grade, attribute, 0.0 if cut is None else cut, None))
            if cut is not None:
                rows.append((crop_id, grade, "tolerance_share", None, TOLERANCE_SHARE))
    names = dict.fromkeys(("crop_id", "grade", "attribute"), pl.String)
    return as_frame({**names, "min_value": pl.Float64, "max_value": pl.Float64}, rows).with_columns(
        standard=pl.lit(STANDARD), version=pl.lit(VERSION), valid_from=pl.lit(SINCE),
        source=pl.lit("sample county parameters"), is_verified=pl.lit(True),
    )  # fmt: skip


def processed_product(_: World) -> pl.DataFrame:
    """One row per product that leftovers become."""
    rows: list[tuple[object, ...]] = [(r[0], r[1], r[2], r[0].rsplit("-", 1)[0], None) for r in RECIPES]
    return as_frame(dict.fromkeys(("product_id", "name_zh", "name_en", "family", "grade"), pl.String), rows)


def recipe(_: World) -> pl.DataFrame:
    """One row per product made of leftovers."""
    rows: list[tuple[object, ...]] = [(r[0], r[3], r[4], r[5]) for r in RECIPES]
    names = {"product_id": pl.String, "crop_id": pl.String}
    return as_frame({**names, "kg_in_per_kg_out": pl.Float64, "cost_yuan_per_kg": pl.Float64}, rows)


def wholesale_price(world: World) -> pl.DataFrame:
    """What a factory pays for the products of leftovers, as agreed on the first of each of the last twelve months."""
    last = ENDS_ON.year * 12 + ENDS_ON.month - 1
    months = [date(n // 12, n % 12 + 1, 1) for n in range(last - 11, last + 1)]
    days = [d for d in months if d >= world.size.starts_on]
    rows: list[tuple[object, ...]] = [(r[0], d, r[6]) for d in days for r in RECIPES]
    return as_frame({"product_id": pl.String, "price_date": pl.Date, "price_yuan_per_kg": pl.Float64}, rows)


def lots(world: World) -> pl.DataFrame:
    """One row per lot that is measured, by packing day: lot_id, harvest_id, crop_id, grade, lot_kg, packed_on."""
    cut = pl.col("harvest_id").str.replace(r"-[^-]+$", "")
    events = harvest_events(world.grown, ENDS_ON).filter(
        pl.col("harvested_at") >= ENDS_ON - timedelta(days=PAST_DAYS), pl.col("harvested_kg") >= LEAST_LOT_KG
    )
    events = events.with_columns(cut=cut, packed_on=pl.col("harvested_at").dt.date())
    cuts = events.select("crop_id", "cut", "packed_on").unique().sort("crop_id", "packed_on", "cut")
    rng = stream(world.seed, "measured lots")
    drawn = cuts.with_columns(draw=pl.Series(rng.random(cuts.height)), is_stored=_is_stored())
    place = pl.col("draw").rank("ordinal").over("crop_id", "is_stored")
    most = pl.when("is_stored").then(STORED_CUTS).otherwise(PAST_CUTS)
    chosen = drawn.filter(place <= most).select("cut")
    return events.join(chosen, on="cut", how="semi").sort("packed_on", "harvest_id").select(
        pl.format("L{}", pl.col("harvest_id").str.slice(1)).alias("lot_id"), "harvest_id", "crop_id", "grade",
        lot_kg="harvested_kg", packed_on="packed_on",
    )  # fmt: skip


def _is_stored() -> pl.Expr:
    return pl.col("packed_on") > ENDS_ON - timedelta(days=STORED_DAYS)


def inspections(world: World) -> pl.DataFrame:
    """One row per piece measured: inspection_id, lot_id, attribute, value, sample_kg (of the piece), inspected_at (naive).

    A lot that holds fewer pieces of its grade among those drawn has a smaller sample.
    """
    measured = lots(world).with_columns(cut=pl.col("harvest_id").str.replace(r"-[^-]+$", ""))
    cuts = _with_means(world, measured.select("cut", "crop_id").unique(maintain_order=True))
    rng = stream(world.seed, "measured pieces")
    error = rng.normal(size=(3, cuts.height, DRAWN))
    parts = [
        _pieces(str(crop_id), part, error[:, part["row"].to_numpy()])
        for (crop_id,), part in cuts.with_row_index("row").group_by("crop_id", maintain_order=True)
    ]
    many = pl.when(_is_stored()).then(STORED_PIECES).otherwise(PAST_PIECES)
    pieces = pl.concat(parts).with_columns(piece=pl.int_range(pl.len()).over("cut", "grade") + 1)
    return (
        measured.join(pieces, on=["cut", "crop_id", "grade"]).filter(pl.col("piece") <= many)
        .sort("packed_on", "lot_id", "piece")
        .select(
            pl.format("{}-{}", "lot_id", "piece").alias("inspection_id"), "lot_id", "attribute", "value", "sample_kg",
            inspected_at=pl.col("packed_on").cast(pl.Datetime("us")) + pl.duration(hours=15),
        )
    )  # fmt: skip


def _with_means(world: World, cuts: pl.DataFrame) -> pl.DataFrame:
    """Cuts with the mean of what grading measures on their planting."""
    grown = world.grown.select(
        pl.format("h-{}-{}{}-{}", "plot_id", "year", "season", "crop_id").alias("planting"),
        "attribute_mean",
    )
    planting = pl.col("cut").str.replace(r"-[^-]+$", "")
    return cuts.with_columns(planting=planting).join(grown, on="planting", how="left", maintain_order="left")


def _pieces(crop_id: str, cuts: pl.DataFrame, error: Floats) -> pl.DataFrame:
    """Pieces of each cut as sorted and as measured [cut × DRAWN]; `error`: standard normal [true, sorted, measured; cut; piece]."""
    crop = CROPS[crop_id]
    spread = float(crop.attribute_sd)
    true = cuts["attribute_mean"].to_numpy()[:, None] + spread * error[0]
    sorted_by, seen = (
        true + spread * e * x for e, x in zip((SORTING_ERROR, MEASURING_ERROR), error[1:], strict=True)
    )
    best, second = p.PRESENT_CUTS[crop_id]
    is_damage = crop.attribute == "damage_pct"
    asks = (sorted_by <= best, sorted_by <= second) if is_damage else (sorted_by >= best, sorted_by >= second)
    grade = np.where(asks[0], 0, np.where(asks[1], 1, 2))
    top = 100.0 if crop.attribute.endswith("_pct") else np.inf
    value = np.clip(np.round(seen, 1), 0.0, top).ravel()
    return pl.DataFrame({
        "cut": np.repeat(cuts["cut"].to_numpy(), error.shape[2]), "value": value,
        "grade": np.array(p.GRADES)[grade.ravel()],
    }).with_columns(
        crop_id=pl.lit(crop_id), attribute=pl.lit(crop.attribute),
        sample_kg=(pl.col("value") / 1000).clip(lower_bound=0.001).round(4) if crop.attribute == "weight_g" else pl.lit(SAMPLE_KG),
    )  # fmt: skip


STANDING = {
    "grade_standard": grade_standard,
    "product_processed": processed_product,
    "recipe": recipe,
    "wholesale_price": wholesale_price,
}
"""Files delivered once, whole: name → frame."""
