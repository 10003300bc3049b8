"""What grading is reckoned from, read from the warehouse as known by a cutoff: sales by grade, measured pieces, lots, harvests."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from settings import Settings
from warehouse import Warehouse

YEAR = timedelta(days=365)
PIECE_DAYS = 400
"""Pieces measured and harvests cut in so many days before the cutoff count."""
PACK_BANDS_KG = (1.75, 3.5, 7.0)
"""Packs between two of these are one variety when prices are compared: a larger pack costs less per kg whatever its grade."""


@dataclass(frozen=True)
class GradeFacts:
    """sales: one row per paid line of the last year (queries/graded_sales.sql), by grade; where no shop sends order lines, per product,
    channel and day, with `is_returned` null. pieces: one row per piece measured: lot_id, crop_id, land_class (null: not known),
    attribute, value, kg (of the lot, that it stands for), measured_on. lots: lot_id, crop_id, grade, lot_kg, packed_on. cut:
    crop_id, land_class, grade, harvested_kg. clearance: crop_id, clearance_yuan_per_kg."""

    sales: pl.DataFrame
    pieces: pl.DataFrame
    lots: pl.DataFrame
    cut: pl.DataFrame
    clearance: pl.DataFrame


def grade_facts(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> GradeFacts:
    """Read them."""
    known_by = settings.known_by(cutoff)
    lots = warehouse.read("lot", known_by=known_by)
    land = warehouse.read("plot").select("plot_id", "land_class")
    harvests = (
        warehouse.read("harvest_event", known_by=known_by)
        .filter(pl.col("harvested_at").dt.date() > cutoff - timedelta(days=PIECE_DAYS))
        .join(land, on="plot_id", how="left")
    )
    inspected = warehouse.read("inspection", known_by=known_by).filter(
        pl.col("inspected_at").dt.date() > cutoff - timedelta(days=PIECE_DAYS)
    )
    return GradeFacts(
        _sales(settings, warehouse, cutoff),
        _pieces(inspected, lots, harvests),
        lots.select("lot_id", "crop_id", "grade", "lot_kg", "packed_on").sort("lot_id"),
        harvests.select("crop_id", "land_class", "grade", "harvested_kg"),
        warehouse.read("practice_yield")
        .drop_nulls("salvage_yuan_per_kg")
        .group_by("crop_id")
        .agg(clearance_yuan_per_kg=pl.mean("salvage_yuan_per_kg"))
        .sort("crop_id"),
    )


def _sales(settings: Settings, warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    known_by = settings.known_by(cutoff)
    lines = warehouse.query("graded_sales", known_by=known_by, since=cutoff - YEAR).filter(
        pl.col("paid_on") <= cutoff
    )
    if lines.height:
        return lines
    crop = warehouse.read("product_crop").filter(pl.len().over("product_id") == 1)
    return (
        warehouse.sold_by_day(known_by=known_by)
        .filter(
            pl.col("sale_date").is_between(cutoff - YEAR, cutoff, closed="right"), pl.col("sold_kg") > 0
        )
        .group_by("product_id", "channel_id", "sale_date")
        .agg(pl.sum("sold_kg"), pl.sum("revenue_yuan"))
        .join(crop.select("product_id", "crop_id", "crop_kg_per_product_kg"), on="product_id")
        .join(warehouse.read("product").select("product_id", "grade"), on="product_id")
        .select(
            "crop_id", "grade", "channel_id", paid_on="sale_date", pack_kg=pl.lit(1.0),
            sold_kg=pl.col("sold_kg") * pl.col("crop_kg_per_product_kg"), goods_yuan="revenue_yuan",
            is_returned=pl.lit(None, pl.Boolean),
        )
        .sort(pl.all())
    )  # fmt: skip


def _pieces(inspected: pl.DataFrame, lots: pl.DataFrame, harvests: pl.DataFrame) -> pl.DataFrame:
    land = harvests.select("harvest_id", "land_class").unique("harvest_id")
    return (
        inspected.join(lots.select("lot_id", "crop_id", "lot_kg", "harvest_id"), on="lot_id")
        .join(land, on="harvest_id", how="left")
        .sort("lot_id", "inspection_id", "attribute")
        .select(
            "lot_id", "inspection_id", "crop_id", "land_class", "attribute", "value",
            kg=pl.col("lot_kg") / pl.len().over("lot_id", "attribute"),
            measured_on=pl.col("inspected_at").dt.date(),
        )
    )  # fmt: skip


def price_reports(sales: pl.DataFrame) -> pl.DataFrame:
    """Paid prices as models.grading.prices asks for them: crop_id, market, variety (band of the pack), month, grade, price."""
    band = pl.col("pack_kg").cut(list(PACK_BANDS_KG)).cast(pl.String)
    return (
        sales.drop_nulls(["grade", "goods_yuan"])
        .filter(pl.col("goods_yuan") > 0)
        .select(
            "crop_id", "grade", market="channel_id", variety=band, month=pl.col("paid_on").dt.strftime("%Y-%m"),
            price=pl.col("goods_yuan") / pl.col("sold_kg"),
        )
    )  # fmt: skip
