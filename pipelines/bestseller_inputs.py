"""What bestseller calls are made of, as known at a cutoff: entries, launches, prices, costs, and what land allows."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from features.launch_asks import find_launches
from features.products import product_families
from models.forecasting.bestseller_label import LabelSpec
from pipelines.plan_inputs import unripe_practices
from settings import Settings
from warehouse import Warehouse

PRICE_DAYS = 28
ENTRY = (
    "product_id", "order_id", "buyer_id", "region_id", "title", "day", "known_on", "units", "revenue_yuan",
)  # fmt: skip


@dataclass(frozen=True)
class SelectParams:
    """What is asked of products and how; recorded with each run."""

    top_share: float = 0.2
    decision_days: tuple[int, ...] = (28, 14)
    """Days on sale that are known at a decision, latest first; a launch younger than the last is not asked about."""
    from_day: int = 28
    to_day: int = 84
    """The window that counts, in days after the first sale."""
    decide_days: int = 28
    """A launch gets a recommendation until so many days of its window have passed."""
    pack_lead_days: int = 14
    """A candidate that is bought in is on sale so many days after the decision."""
    records_days: int = 28
    """A first sale so soon after the records begin is no launch."""
    older_rows: int = 800
    older_weight: float = 0.2
    least_category_rows: int = 40
    """Families with fewer launches to learn from are ranked together."""
    past_days: int = 420
    """Windows of like products begin at most so many days ago."""

    def label(self, decision_day: int) -> LabelSpec:
        """What counts as a bestseller among launches of that many days."""
        return LabelSpec(
            top_share=self.top_share, decision_day=decision_day, from_day=self.from_day, to_day=self.to_day, category="category"
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class SelectFacts:
    """Read once a night."""

    entries: pl.DataFrame
    """Columns ENTRY, with channel_id, commission_share and kg."""
    launches: pl.DataFrame
    """`product_id`, `start_on`, sorted."""
    families: pl.DataFrame
    """`product_id`, `family`, `name`."""
    records_begin: date


def select_facts(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, params: SelectParams
) -> SelectFacts | None:
    """Read entries and find launches; None while no order line is mapped to a product.

    A launch is a product whose `launched_on` lies in the records, from its first sale after it; where that day is not
    known, one whose first sale comes `records_days` after the records begin.
    """
    entries = warehouse.query("bestseller_entries", known_by=settings.known_by(cutoff))
    entries = entries.filter(pl.col("day") <= cutoff)
    begins = entries["day"].min()
    if not isinstance(begins, date):
        return None
    product = warehouse.read("product")
    named = product.select("product_id", name=pl.coalesce("name_zh", "product_id"))
    families = product_families(product, entries["product_id"]).join(named, on="product_id", how="left")
    families = families.with_columns(pl.col("name").fill_null(pl.col("product_id"))).sort("product_id")
    launches = _launches(entries, families, begins, params)
    return SelectFacts(entries, launches, families.select("product_id", "family", "name"), begins)


def _launches(
    entries: pl.DataFrame, families: pl.DataFrame, begins: date, params: SelectParams
) -> pl.DataFrame:
    told = families.filter(pl.col("launched_on") > begins).select("product_id", "launched_on")
    first = (
        entries.filter(pl.col("units") > 0)
        .join(told, on="product_id")
        .filter(pl.col("day") >= pl.col("launched_on"))
        .group_by("product_id", maintain_order=True)
        .agg(start_on=pl.col("day").min())
    )
    known = families.filter(pl.col("launched_on").is_not_null())["product_id"].to_list()
    guessed = find_launches(
        entries, first_on=begins + timedelta(days=params.records_days), last_on=date.max, known=known
    )
    return pl.concat([first, guessed]).sort("start_on", "product_id")


def sold_prices(facts: SelectFacts) -> pl.DataFrame:
    """Per product over its last PRICE_DAYS with sales: `price_yuan` a pack, `pack_kg`, `price_yuan_per_kg`, `keeps_share`.

    `keeps_share` is what is left of the money after the channels' commission.
    """
    sold = facts.entries.filter((pl.col("units") > 0) & (pl.col("revenue_yuan") > 0))
    last = pl.col("day").max().over("product_id")
    yuan, kg = pl.col("revenue_yuan").sum(), pl.col("kg").sum()
    return (
        sold.filter(pl.col("day") > last - timedelta(days=PRICE_DAYS))
        .group_by("product_id", maintain_order=True)
        .agg(
            price_yuan=yuan / pl.col("units").sum(),
            pack_kg=kg / pl.col("units").sum(),
            price_yuan_per_kg=yuan / kg,
            keeps_share=1 - (pl.col("revenue_yuan") * pl.col("commission_share")).sum() / yuan,
        )
        .sort("product_id")
    )


def product_costs(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """What a kg of product costs: `product_id`, `cost_yuan_per_kg`, `salvage_yuan_per_kg`, `crop_id`, `crop_kg`.

    The newest wholesale price where one is known, else what its crops cost to grow (crop_costs, the cheapest way) times
    the crop it takes; packing is not in it. Products with neither are absent. `crop_id` and `crop_kg` (of crop per kg of
    product) are those of the only crop, else null.
    """
    bought = (
        warehouse.read("wholesale_price", known_by=settings.known_by(cutoff))
        .filter(pl.col("price_date") <= cutoff)
        .sort("price_date")
        .unique("product_id", keep="last")
        .select("product_id", bought="price_yuan_per_kg")
    )
    crops = (
        crop_costs(warehouse)
        .group_by("crop_id", maintain_order=True)
        .agg(pl.all().sort_by("cost_yuan_per_kg").first())
    )
    made = warehouse.read("product_crop").join(crops, on="crop_id", how="left")
    amount = pl.col("crop_kg_per_product_kg")
    whole = pl.col("cost_yuan_per_kg").null_count() == 0
    grown = made.group_by("product_id", maintain_order=True).agg(
        grown=pl.when(whole).then((pl.col("cost_yuan_per_kg") * amount).sum()),
        salvage_yuan_per_kg=pl.when(whole).then((pl.col("salvage_yuan_per_kg") * amount).sum()),
        crop_id=pl.when(pl.len() == 1).then(pl.col("crop_id").first()),
        crop_kg=pl.when(pl.len() == 1).then(amount.first()),
    )
    both = grown.join(bought, on="product_id", how="full", coalesce=True)
    return (
        both.with_columns(cost_yuan_per_kg=pl.coalesce("bought", "grown"))
        .filter(pl.col("cost_yuan_per_kg") > 0)
        .select(
            "product_id",
            "cost_yuan_per_kg",
            pl.col("salvage_yuan_per_kg").fill_null(0.0),
            "crop_id",
            "crop_kg",
        )
        .sort("product_id")
    )


def crop_costs(warehouse: Warehouse) -> pl.DataFrame:
    """Each way of growing a crop: `crop_id`, `practice_id`, `land_class`, `cost_yuan_per_kg`, `salvage_yuan_per_kg`,
    `yield_kg_per_mu`, `growing_days`, `sow_from_doy`, `sow_to_doy`.

    A practice that bears several crops costs each in proportion to what it brings. `growing_days` run from the first
    sowing day to the first day of sale; null: one of them is not known, or the crop is sold all year.
    """
    value = pl.col("yield_kg_per_mu") * pl.col("price_yuan_per_kg")
    total, plain = value.sum().over("practice_id"), pl.col("yield_kg_per_mu").sum().over("practice_id")
    share = pl.when(total > 0).then(pl.col("price_yuan_per_kg") / total).otherwise(1 / plain)
    all_year = (pl.col("sell_from_doy") <= 1) & (pl.col("sell_to_doy") >= 365)
    days = (pl.col("sell_from_doy") - pl.col("sow_from_doy") + 365) % 365
    return (
        warehouse.read("practice_yield")
        .join(warehouse.read("practice").drop("crop_id"), on="practice_id")
        .with_columns(
            cost_yuan_per_kg=pl.col("cost_yuan_per_mu") * share, growing_days=pl.when(~all_year).then(days)
        )
        .select(
            "crop_id", "practice_id", "land_class", "cost_yuan_per_kg", "salvage_yuan_per_kg", "yield_kg_per_mu", "growing_days",
            "sow_from_doy", "sow_to_doy",
        )
        .sort("crop_id", "cost_yuan_per_kg", "practice_id")
    )  # fmt: skip


@dataclass(frozen=True)
class Growing:
    """Whether a crop can be grown here: the cheapest way that can, else what forbids it."""

    way: dict[str, Any] | None
    blocked: tuple[str, str] | None


def growing_of(
    settings: Settings, warehouse: Warehouse, crop_ids: list[str], *, cutoff: date
) -> dict[str, Growing]:
    """Check crops against climate and land: some practice on a land class of the county's plots that ripens in the usual year.

    Nothing is forbidden while no plot or no practice is loaded: then nothing is known of either.
    """
    plots, practices, crops = (warehouse.read(name) for name in ("plot", "practice", "crop"))
    if plots.is_empty() or practices.is_empty() or not crop_ids:
        return {crop: Growing(None, None) for crop in crop_ids}
    names = {c: (zh, en) for c, zh, en in crops.select("crop_id", "name_zh", "name_en").iter_rows()}
    unripe, _ = unripe_practices(warehouse, settings, practices, crops, cutoff)
    ways = crop_costs(warehouse)
    return {
        crop: _growing(
            names.get(crop, (crop, crop)),
            ways.filter(pl.col("crop_id") == crop),
            set(plots["land_class"]),
            set(unripe),
        )
        for crop in crop_ids
    }


def _growing(name: tuple[str, str], ways: pl.DataFrame, classes: set[str], unripe: set[str]) -> Growing:
    zh, en = name
    if ways.is_empty():
        return Growing(
            None,
            (
                f"{zh}在本县没有种植方式记录",
                f"no practice of growing {en} is known here: load table practice",
            ),
        )
    on_land = ways.filter(pl.col("land_class").is_in(sorted(classes)))
    if on_land.is_empty():
        needed = "、".join(ways["land_class"].unique().sort()), ", ".join(ways["land_class"].unique().sort())
        return Growing(
            None,
            (
                f"{zh}要种在 {needed[0]}，本县没有这种地",
                f"{en} grows on {needed[1]}: the county has no such plot",
            ),
        )
    ripe = on_land.filter(~pl.col("practice_id").is_in(sorted(unripe)))
    if ripe.is_empty():
        return Growing(
            None,
            (
                f"常年初霜前积温不够，{zh}不能成熟",
                f"{en} does not ripen before the usual frost on any land of the county",
            ),
        )
    return Growing(ripe.row(0, named=True), None)
