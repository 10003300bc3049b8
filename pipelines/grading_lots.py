"""Lots: what a sample tells of their grade, which label they may carry, and which order or product each should go to."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from models.grading.channels import RECIPE, allocate
from models.grading.lots import lot_grade
from pipelines.grading_facts import GradeFacts
from pipelines.grading_standards import Known
from settings import Settings
from warehouse import Warehouse

LABEL_DAYS = 60
"""Lots packed in so many days before the cutoff are labelled."""
STORE_DAYS = 14
"""Lots count as in store for so long after packing, or for as long as the crop keeps, if that is less."""
ASK_DAYS = 7
"""Orders expected in so many days are served from them."""
LOT = pl.Schema({
    "lot_id": pl.String(), "crop_id": pl.String(), "standard": pl.String(), "grade": pl.String(), "rank": pl.Int64(),
    "share": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "label": pl.String(), "pieces": pl.Int64(),
    "needed": pl.Int64(),
})  # fmt: skip
STORE = {"lot_id": pl.String, "crop_id": pl.String, "rank": pl.Int64, "lot_kg": pl.Float64}
ASK = {
    "ask_id": pl.String, "crop_id": pl.String, "rank": pl.Int64, "ask_kg": pl.Float64, "price_yuan_per_kg": pl.Float64,
    "short_yuan_per_kg": pl.Float64,
}  # fmt: skip
ALLOCATION = {
    "lot_id": pl.String, "crop_id": pl.String, "destination": pl.String, "kind": pl.String, "kg": pl.Float64,
    "yuan": pl.Float64, "steps_down": pl.Int64,
}  # fmt: skip


def lot_rows(facts: GradeFacts, own: Mapping[str, Known], *, cutoff: date) -> pl.DataFrame:
    """Rows of lot_grade without run and cutoff: lots packed lately of which pieces were measured, by the standard in force."""
    recent = facts.lots.filter(pl.col("packed_on") > cutoff - timedelta(days=LABEL_DAYS)).select("lot_id")
    pieces = facts.pieces.join(recent, on="lot_id", how="semi")
    rows: list[tuple[object, ...]] = []
    for (lot_id, crop_id), part in pieces.group_by("lot_id", "crop_id", maintain_order=True):
        if known := own.get(str(crop_id)):
            rows += _labelled(str(lot_id), part, known)
    return pl.DataFrame(rows, schema=LOT, orient="row")


def _labelled(lot_id: str, pieces: pl.DataFrame, known: Known) -> list[tuple[object, ...]]:
    """One lot's rows, one per grade; none where nothing the standard asks was measured."""
    standard = known.standard
    asked = {x.attribute for x in standard.limits}
    measured: dict[str, dict[str, float]] = {}
    for piece, attribute, value in pieces.select("inspection_id", "attribute", "value").iter_rows():
        if attribute in asked:
            measured.setdefault(piece, {})[attribute] = value
    if not measured:
        return []
    counts = dict.fromkeys([*standard.grades, ""], 0)
    for values in measured.values():
        counts[standard.grade_of(values) or ""] += 1
    found = lot_grade(counts, {g: standard.tolerance(g) for g in standard.grades})
    return [
        (lot_id, standard.crop_id, standard.name, grade, n, *found.shares[grade], found.label, found.pieces, found.needed)
        for n, grade in enumerate(counts, start=1)
    ]  # fmt: skip


def lots_in_store(
    warehouse: Warehouse, facts: GradeFacts, own: Mapping[str, Known], labels: pl.DataFrame, *, cutoff: date
) -> pl.DataFrame:
    """Lots that may still be there, with the rank they may be sold as.

    That of its label; measured without a sure label, the lowest class; not measured, the class it was packed as. No record says what
    has left the store, so a lot counts for STORE_DAYS or as long as its crop keeps.
    """
    keeps = warehouse.read("crop").select(
        "crop_id", keeps=pl.min_horizontal(pl.col("keeps_days"), STORE_DAYS)
    )
    stored = facts.lots.join(keeps, on="crop_id").filter(
        pl.col("packed_on") > cutoff - pl.duration(days="keeps"), pl.col("packed_on") <= cutoff
    )
    seen = labels.select("lot_id", "label", is_measured=True).unique("lot_id")
    rows = stored.join(seen, on="lot_id", how="left", maintain_order="left")
    ranks = {(c, g): n for c, k in own.items() for n, g in enumerate(k.standard.grades, start=1)}
    lowest = {c: len(k.standard.grades) for c, k in own.items()}
    rank = [
        ranks.get((r["crop_id"], r["label"] if r["is_measured"] else r["grade"]), lowest.get(r["crop_id"], 1))
        for r in rows.iter_rows(named=True)
    ]
    return rows.with_columns(rank=pl.Series(rank, dtype=pl.Int64)).select(list(STORE)).cast(STORE)  # type: ignore[arg-type]


def asked_for(
    settings: Settings, warehouse: Warehouse, own: Mapping[str, Known], prices: pl.DataFrame, sales: pl.DataFrame, *,
    cutoff: date,
) -> pl.DataFrame:  # fmt: skip
    """What is expected to be ordered in the next ASK_DAYS by crop, grade and channel, and what is promised; prices as paid lately."""
    orders = warehouse.sql(
        "select pc.crop_id, p.grade, d.channel_id, sum(d.expected_kg * pc.crop_kg_per_product_kg) as ask_kg from ("
        "  select distinct product_id, channel_id, region_id, forecast_date, expected_kg from demand_forecast"
        "  where cutoff = $cutoff and forecast_date <= $until and expected_kg is not null) d "
        "join product p using (product_id) join product_crop pc using (product_id) group by all order by all",
        cutoff=cutoff,
        until=cutoff + timedelta(days=ASK_DAYS),
    )
    paid = sales.filter(pl.col("goods_yuan") > 0).group_by("crop_id", "grade", "channel_id").agg(
        paid=pl.col("goods_yuan").sum() / pl.col("sold_kg").sum()
    )  # fmt: skip
    usual = prices.select("crop_id", "grade", usual="yuan_per_kg")
    ranks = [(c, g, n) for c, k in own.items() for n, g in enumerate(k.standard.grades, start=1)]
    rank = pl.DataFrame(
        ranks, schema={"crop_id": pl.String, "grade": pl.String, "rank": pl.Int64}, orient="row"
    )
    lowest = rank.group_by("crop_id").agg(lowest=pl.max("rank"))
    asks = (
        orders.join(paid, on=["crop_id", "grade", "channel_id"], how="left", nulls_equal=True)
        .join(usual, on=["crop_id", "grade"], how="left")
        .join(rank, on=["crop_id", "grade"], how="left")
        .join(lowest, on="crop_id", how="left")
        .with_columns(price_yuan_per_kg=pl.coalesce("paid", "usual"))
        .filter(pl.col("price_yuan_per_kg").is_not_null(), pl.col("ask_kg") > 0)
        .select(
            pl.format("{}/{}", "channel_id", pl.col("grade").fill_null("")).alias("ask_id"), "crop_id",
            pl.coalesce("rank", "lowest", pl.lit(1)).alias("rank"), "ask_kg", "price_yuan_per_kg",
            short_yuan_per_kg=pl.lit(0.0),
        )
    )  # fmt: skip
    promised = _promised(warehouse, settings, prices, lowest, cutoff)
    rows = pl.concat([asks.cast(ASK), promised])  # type: ignore[arg-type]
    return rows.sort("crop_id", "ask_id")


def _promised(
    warehouse: Warehouse, settings: Settings, prices: pl.DataFrame, lowest: pl.DataFrame, cutoff: date
) -> pl.DataFrame:
    """The part of each promise that is due in the next ASK_DAYS, at its price; not kept, it costs its price."""
    first, last = cutoff + timedelta(days=1), cutoff + timedelta(days=ASK_DAYS)
    base = prices.filter(advice="base").select("crop_id", base="yuan_per_kg")
    days = (pl.col("due_to") - pl.col("due_from")).dt.total_days() + 1
    ahead = (
        pl.min_horizontal("due_to", pl.lit(last)) - pl.max_horizontal("due_from", pl.lit(first))
    ).dt.total_days() + 1
    return (
        warehouse.read("commitment", known_by=settings.known_by(cutoff))
        .filter((pl.col("due_to") >= first) & (pl.col("due_from") <= last) & (pl.col("quantity_kg") > 0))
        .join(base, on="crop_id", how="left")
        .join(lowest, on="crop_id", how="left")
        .with_columns(price=pl.coalesce("price_yuan_per_kg", "base", pl.lit(0.0)))
        .select(
            pl.format("promise/{}", "commitment_id").alias("ask_id"), "crop_id", pl.coalesce("lowest", pl.lit(1)).alias("rank"),
            ask_kg=pl.col("quantity_kg") * ahead / days, price_yuan_per_kg="price", short_yuan_per_kg="price",
        )
        .cast(ASK)  # type: ignore[arg-type]
    )  # fmt: skip


def allocation_rows(
    warehouse: Warehouse, facts: GradeFacts, stored: pl.DataFrame, asks: pl.DataFrame, *, cutoff: date
) -> pl.DataFrame:
    """Rows of lot_allocation without run and cutoff."""
    crops = stored["crop_id"].unique()
    here = asks.filter(pl.col("crop_id").is_in(crops.implode()))
    keyed = here.with_columns(ask_id=pl.format("{}|{}", "crop_id", "ask_id"))
    found = allocate(stored, keyed, _recipes(warehouse, cutoff), clearance=facts.clearance)
    return (
        found.flows.join(stored.select("lot_id", "crop_id"), on="lot_id", how="left")
        .with_columns(destination=pl.col("to").str.replace(r"^[^|]*\|", ""))
        .select(list(ALLOCATION))
        .cast(ALLOCATION)  # type: ignore[arg-type]
        .sort("lot_id", "kind", "destination")
    )


def _recipes(warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    """Products of leftovers with the newest price a buyer pays for them; one without a price is left out."""
    price = warehouse.sql(
        "select product_id, arg_max(price_yuan_per_kg, price_date) as price_yuan_per_kg from wholesale_price "
        "where price_date <= $cutoff group by product_id",
        cutoff=cutoff,
    )
    return (
        warehouse.read("recipe")
        .join(price, on="product_id")
        .with_columns(best_rank=pl.lit(None, pl.Int64), most_kg=pl.lit(None, pl.Float64))
        .select(list(RECIPE))
        .cast(RECIPE)  # type: ignore[arg-type]
        .sort("product_id")
    )
