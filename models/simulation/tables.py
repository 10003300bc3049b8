"""The county as the warehouse's tables: one frame per table, plain column names, without known_at."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from models.simulation import almanac
from models.simulation import parameters as p
from models.simulation.candidates import candidate_listing
from models.simulation.materials import planting_material
from models.simulation.orders import listings
from models.simulation.sizes import ENDS_ON
from models.simulation.world import World, region_id, year_demand_kg

Maker = Callable[[World], pl.DataFrame]


def as_frame(
    names: dict[str, pl.DataType | type[pl.DataType]], rows: list[tuple[object, ...]]
) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=names, orient="row", strict=False)


def region(world: World) -> pl.DataFrame:
    """region_id and name, as the platforms write it."""
    names = world.market.regions
    return pl.DataFrame({"region_id": [region_id(n) for n in names], "name": list(names)})


def channel(world: World) -> pl.DataFrame:
    """One row per shop."""
    rows: list[tuple[object, ...]] = [(*c[:4], float(c.commission_share)) for c in world.market.channels]
    names = {"channel_id": pl.String, "name": pl.String, "platform": pl.String, "shop": pl.String}
    return as_frame({**names, "commission_share": pl.Float64}, rows)


def crop(_: World) -> pl.DataFrame:
    """One row per crop."""
    fields = (
        "crop_id",
        "name_zh",
        "name_en",
        "family",
        "kind",
        "is_legume",
        "keeps_days",
        "base_temp_c",
        "mature_gdd_c_d",
    )
    return pl.DataFrame({f: [getattr(c, f) for c in p.CROPS] for f in fields})


def product(world: World) -> pl.DataFrame:
    """One row per product; a crop's products are one family."""
    keeps = {c.crop_id: c.keeps_days for c in p.CROPS}
    rows: list[tuple[object, ...]] = []
    for x, day in zip(world.market.products, world.market.launched, strict=True):
        launched = None if day is None else world.size.starts_on + timedelta(days=day)
        rows.append((x.product_id, x.name_zh, x.name_en, x.crop_id, x.grade, launched, keeps[x.crop_id]))
    names = dict.fromkeys(("product_id", "name_zh", "name_en", "family", "grade"), pl.String)
    return as_frame({**names, "launched_on": pl.Date, "shelf_life_days": pl.Int64}, rows)


def product_crop(world: World) -> pl.DataFrame:
    """One row per product: its crop and how much of it a kilogram takes."""
    rows: list[tuple[object, ...]] = [
        (x.product_id, x.crop_id, p.CROP_KG_PER_PRODUCT_KG.get(x.crop_id, 1.0), "sample county parameters")
        for x in world.market.products
    ]
    return as_frame(
        {
            "product_id": pl.String,
            "crop_id": pl.String,
            "crop_kg_per_product_kg": pl.Float64,
            "source": pl.String,
        },
        rows,
    )


def listing(world: World) -> pl.DataFrame:
    """One row per seller article."""
    return listings(world.market, world.size)


def practice(_: World) -> pl.DataFrame:
    """One row per way of using land."""
    return pl.DataFrame({
        "practice_id": [x.practice_id for x in p.PRACTICES], "crop_id": [x.crop_id for x in p.PRACTICES],
        "land_class": [x.land_class for x in p.PRACTICES], "season": [x.season for x in p.PRACTICES],
        "last_season": [x.last_season for x in p.PRACTICES],
        "cost_yuan_per_mu": [float(x.cost_yuan_per_mu) for x in p.PRACTICES],
        "labour_hours_per_mu": [float(x.labour_hours_per_mu) for x in p.PRACTICES],
        "sow_from_doy": [x.sow[0] for x in p.PRACTICES], "sow_to_doy": [x.sow[1] for x in p.PRACTICES],
        "sell_from_doy": [x.sell[0] for x in p.PRACTICES], "sell_to_doy": [x.sell[1] for x in p.PRACTICES],
        "is_perennial": [x.is_perennial for x in p.PRACTICES], "source": [x.source for x in p.PRACTICES],
    })  # fmt: skip


def practice_yield(_: World) -> pl.DataFrame:
    """One row per practice and crop it yields."""
    rows: list[tuple[object, ...]] = [
        (
            x.practice_id,
            y[0],
            y[1],
            y[2],
            y[3],
            y[3] * (1 - p.PRICE_SPREAD),
            y[3] * (1 + p.PRICE_SPREAD),
            y[4],
        )
        for x in p.PRACTICES
        for y in x.yields
    ]
    names = (
        "yield_kg_per_mu",
        "yield_cv",
        "price_yuan_per_kg",
        "price_low_yuan_per_kg",
        "price_high_yuan_per_kg",
        "salvage_yuan_per_kg",
    )
    frame = as_frame(
        {"practice_id": pl.String, "crop_id": pl.String, **dict.fromkeys(names, pl.Float64)}, rows
    )
    return frame.with_columns(pl.col(n).round(3) for n in names)


def planting(world: World) -> pl.DataFrame:
    """One row per plot, year and season planted."""
    return world.plantings.select("plot_id", "crop_id", "year", "season", "area_mu", "practice_id", "sown_on")


def weather_station(world: World) -> pl.DataFrame:
    """The county's one station."""
    _, name, lat, lon = p.COUNTY
    return pl.DataFrame(
        {
            "station_id": ["station-1"],
            "name": [f"{name}气象站"],
            "lat_deg": [lat],
            "lon_deg": [lon],
            "elevation_m": [18.0],
        }
    )


def commitment(world: World) -> pl.DataFrame:
    """Promises and the day each was made: canteens by contract, adopted rice-crab fields, crab for Mid-Autumn."""
    year = year_demand_kg(world)
    rows: list[tuple[object, ...]] = []
    for crop_id, share in p.CONTRACT_SHARES.items():
        price = next(y[3] for x in p.PRACTICES for y in x.yields if y[0] == crop_id)
        for quarter in range(4):
            due = date(ENDS_ON.year + (quarter > 0), (quarter * 3 + 9) % 12 + 1, 1)
            kg = round(year.get(crop_id, 0.0) * share / 4, -1)
            rows.append(
                (
                    f"contract-{crop_id}-{quarter + 1}",
                    "contract",
                    crop_id,
                    kg,
                    due,
                    due + timedelta(days=89),
                    float(price),
                )
            )
    adopted = p.ADOPTED_SHARE * float(
        world.land.plots.filter(pl.col("land_class") == "paddy")["area_mu"].sum()
    )
    season = (date(ENDS_ON.year, 10, 15), date(ENDS_ON.year, 12, 15))
    for crop_id, kg_per_mu in p.ADOPTION_KG_PER_MU.items():
        rows.append(
            (f"adoption-{crop_id}", "adoption", crop_id, round(adopted * kg_per_mu, 1), *season, None)
        )
    feast = almanac.lunar_day(ENDS_ON.year, 8, 15)
    rows.append(
        (
            "preorder-crab-1",
            "preorder",
            "crab",
            round(year.get("crab", 0.0) * p.PREORDER_CRAB_SHARE, 1),
            feast - timedelta(days=4),
            feast,
            118.0,
        )
    )
    names = {"commitment_id": pl.String, "kind": pl.String, "crop_id": pl.String, "quantity_kg": pl.Float64}
    dates = {"due_from": pl.Date, "due_to": pl.Date, "price_yuan_per_kg": pl.Float64}
    frame = as_frame({**names, **dates}, rows).filter(pl.col("quantity_kg") > 0)
    return frame.with_columns(decided_on=pl.lit(ENDS_ON) - pl.duration(days=30 + pl.int_range(pl.len()) % 60))


STANDING: dict[str, Maker] = {
    "place": lambda w: w.land.places,
    "region": region,
    "channel": channel,
    "crop": crop,
    "product": product,
    "product_crop": product_crop,
    "listing": listing,
    "plot": lambda w: w.land.plots.drop("effect"),
    "practice": practice,
    "practice_yield": practice_yield,
    "planting_material": planting_material,
    "planting": planting,
    "crew": lambda w: w.land.crews,
    "cold_room": lambda w: w.land.cold_rooms,
    "transit": lambda w: w.land.transit,
    "weather_station": weather_station,
    "sensor": lambda w: w.field.sensors,
    "commitment": commitment,
    "candidate_listing": candidate_listing,
}
"""Tables delivered once, whole: name → frame."""
