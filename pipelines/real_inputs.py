"""The real data sets as deliveries for the ordinary doors: the supermarket's sales on the benchmark village's land.

What joins two places and years is declared in sources/profiles/cumcm_items.toml. Nothing is cleaned here: wrong wholesale
prices go on as they are and are refused, with their rule, where files are taken in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.real_land import land_tables
from pipelines.real_profile import RealProfile, real_profile

VEGETABLES, VILLAGE, SENSORS, WEATHER = (
    "cumcm2023c-vegetables", "cumcm2024c", "sensors-hast", "weather-beijing-hourly",
)  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    VEGETABLES: ("daily_sales.csv.gz", "wholesale_prices.csv.gz", "items.csv"),
    VILLAGE: ("plots.csv", "crops.csv", "plantings_2023.csv", "stats_2023.csv"),
    SENSORS: (
        "lora_main_node_2023-10_2024-01.raw.csv.gz",
        "soil_logger_EM40647_2020-11_2021-03.csv.gz",
        "soil_logger_EM40647_2020-11_2021-03.hourly_clock_corrected.csv.gz",
    ),
    WEATHER: ("PRSA_Data_Huairou_20130301-20170228.csv.gz", "PRSA_Data_Shunyi_20130301-20170228.csv.gz"),
}
CODES = {"item_code": pl.String, "crop_id": pl.String, "category_code": pl.String}


class MissingData(Exception):  # noqa: N818
    """The folder of real data, or a file of it, is not there; the message lists what is missing."""


@dataclass(frozen=True)
class RealReport:
    """What is ready to be taken in.

    `files`: tables written into the county's folder; `sensors` and `weather`: files as they came. `cutoff`: the last sale
    day; plantings carry no date, so take everything in with a `now` not later than the settings' known_by(cutoff).
    `unmapped`: items that are no crop of the village (item_code, name_zh, sold: kg or packs). `unforecast`: items with too
    few sale days or no recent sale (item_code, name_zh, sale_days, last_sale).
    """

    files: tuple[Path, ...]
    sensors: tuple[Path, ...]
    weather: tuple[Path, ...]
    cutoff: date
    unmapped: pl.DataFrame
    unforecast: pl.DataFrame


def missing_files(data: Path) -> list[str]:
    """Names of the needed files that are not below `data`, folder by folder."""
    return [
        f"{folder}/{name}"
        for folder, names in NEEDED.items()
        for name in names
        if not (data / folder / name).exists()
    ]


def real_deliveries(data: Path, folder: Path) -> RealReport:
    """Write the real sets below `data` as table files into `folder`, which is made.

    Raises:
        MissingData: Names every file that is missing and the setting that says where to look.
    """
    if lacking := missing_files(data):
        raise MissingData(
            f"real data in '{data}' lacks {', '.join(lacking)}; put them there or point ANXU_DATA (setting `data`) "
            "to the folder that has them"
        )
    profile = real_profile()
    sales = pl.read_csv(
        data / VEGETABLES / "daily_sales.csv.gz", schema_overrides=CODES, try_parse_dates=True
    )
    items = pl.read_csv(data / VEGETABLES / "items.csv", schema_overrides=CODES).with_columns(
        pl.col("item_name").str.strip_chars()
    )
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    tables = {**land_tables(data / VILLAGE, profile), **dict(_sale_tables(data, sales, items, profile))}
    for name, frame in tables.items():
        files.append(folder / f"{name}.csv")
        frame.write_csv(files[-1])
    return RealReport(
        files=tuple(files),
        sensors=tuple(data / SENSORS / name for name in NEEDED[SENSORS]),
        weather=tuple(data / WEATHER / name for name in NEEDED[WEATHER]),
        cutoff=_last_day(sales),
        unmapped=_unmapped(sales, items, profile),
        unforecast=_unforecast(sales, items, profile),
    )


def _last_day(sales: pl.DataFrame) -> date:
    last = sales["date"].max()
    if not isinstance(last, date):
        raise MissingData("daily_sales.csv.gz has no dated rows; it cannot give the last sale day")
    return last


def _sale_tables(
    data: Path, sales: pl.DataFrame, items: pl.DataFrame, profile: RealProfile
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Tables of the market side. A counted pack becomes its weight, and its price a price per kg."""
    market, mapped = profile.market, profile.mapped_items()
    yield (
        "channel",
        _one(channel_id=market.channel_id, name="超市", platform="market", shop=market.channel_id),
    )
    yield "region", _one(region_id=market.region_id, name="未注明")
    named = items.join(mapped, on="item_code", how="left")
    yield "product", named.select(
        product_id="item_code", name_zh="item_name", name_en="item_name",
        family=pl.coalesce("crop_name", "category_name"),
    )  # fmt: skip
    loss = pl.col("loss_rate_percent") / 100
    yield "product_crop", named.drop_nulls("crop_id").select(
        "crop_id", product_id="item_code", crop_kg_per_product_kg=1 / (1 - loss),
        source=pl.lit("reviewed mapping cumcm_items.toml; 1 / (1 - the store's loss rate of the item)"),
    )  # fmt: skip
    kg = sales.join(mapped.select("item_code", "pack_kg"), on="item_code", how="left").with_columns(
        pl.col("pack_kg").fill_null(1.0)
    )
    price = pl.col("avg_price_yuan_per_kg")
    key = {"product_id": pl.col("item_code"), "channel_id": pl.lit(market.channel_id)}
    yield "daily_sale", kg.select(
        **key, region_id=pl.lit(market.region_id), sale_date="date",
        sold_kg=pl.col("quantity_kg") * pl.col("pack_kg"),
        revenue_yuan=(pl.col("quantity_kg") * price).round(2),
        receipts="transaction_count", discounted_share="discounted_ratio",
    )  # fmt: skip
    yield "price_day", kg.select(**key, price_date="date", price_yuan_per_kg=price / pl.col("pack_kg"))
    wholesale = pl.read_csv(data / VEGETABLES / "wholesale_prices.csv.gz", schema_overrides=CODES)
    yield "wholesale_price", _wholesale(wholesale, mapped)
    yield (
        "catchment",
        _one(channel_id=market.channel_id, factor=market.catchment_factor, source=market.catchment_source),
    )


def _wholesale(prices: pl.DataFrame, mapped: pl.DataFrame) -> pl.DataFrame:
    """Wholesale prices per kg; those of 0.01 or less stay as delivered, so that taking in refuses them by its rule."""
    delivered = pl.col("wholesale_price_yuan_per_kg")
    per_kg = pl.when(delivered > 0.01).then(delivered / pl.col("pack_kg").fill_null(1.0)).otherwise(delivered)
    return prices.join(mapped.select("item_code", "pack_kg"), on="item_code", how="left").select(
        product_id="item_code", price_date="date", price_yuan_per_kg=per_kg
    )


def _one(**values: Any) -> pl.DataFrame:
    return pl.DataFrame([values])


def _unmapped(sales: pl.DataFrame, items: pl.DataFrame, profile: RealProfile) -> pl.DataFrame:
    sold = sales.group_by("item_code").agg(sold=pl.sum("quantity_kg"))
    return (
        items.join(profile.mapped_items(), on="item_code", how="anti")
        .join(sold, on="item_code")
        .select("item_code", "sold", name_zh="item_name")
        .sort("sold", "item_code", descending=[True, False])
    )


def _unforecast(sales: pl.DataFrame, items: pl.DataFrame, profile: RealProfile) -> pl.DataFrame:
    since = _last_day(sales) - timedelta(days=profile.market.recent_days - 1)
    per_item = sales.group_by("item_code").agg(sale_days=pl.len(), last_sale=pl.max("date"))
    few = (pl.col("sale_days") < profile.market.least_sale_days) | (pl.col("last_sale") < since)
    return (
        per_item.filter(few)
        .join(items, on="item_code")
        .select("item_code", "sale_days", "last_sale", name_zh="item_name")
        .sort("item_code")
    )
