"""The shapes of the county's parameter rows."""

from typing import NamedTuple


class Crop(NamedTuple):
    """One crop: what the `crop` table says, and how its ripe goods vary."""

    crop_id: str
    name_zh: str
    name_en: str
    family: str
    kind: str
    is_legume: bool
    keeps_days: int  # crab and vegetables after [foodkeeper], grain and roots assumed
    base_temp_c: float | None
    mature_gdd_c_d: float | None
    hold_days: int  # days it may stand ripe before it spoils; assumed
    attribute: str  # what grading measures
    attribute_mean: float  # assumed around the class limits below
    attribute_sd: float
    source: str


class Practice(NamedTuple):
    """One way of using land; yields are (crop, kg/mu, cv, price, salvage) with yuan per kg at the farm gate."""

    practice_id: str
    crop_id: str
    land_class: str
    season: int
    last_season: int
    cost_yuan_per_mu: float
    labour_hours_per_mu: float
    sow: tuple[int, int]
    sell: tuple[int, int]
    yields: tuple[tuple[str, float, float, float, float], ...]
    is_perennial: bool
    source: str


class Channel(NamedTuple):
    """One shop; uplifts are factors on demand. All assumed."""

    channel_id: str
    name: str
    platform: str
    shop: str
    commission_share: float
    size: float
    weekday: tuple[float, ...]  # Monday first
    price_factor: float
    elasticity: float
    campaign: float  # how strongly campaigns work
    live_per_week: float


class Product(NamedTuple):
    """One pack as sold. Price is yuan per kg at factor 1; weight is its share of interest. All assumed."""

    product_id: str
    name_zh: str
    name_en: str
    crop_id: str
    grade: str
    pack_kg: float
    price: float
    weight: float


def practice(
    pid: str,
    land: str,
    season: int,
    cost: float,
    labour: float,
    sow: tuple[int, int],
    sell: tuple[int, int],
    *yields: tuple[str, float, float, float, float],
    last: int = 0,
    source: str = "[yearbook]",
) -> Practice:
    crop = yields[0][0]
    return Practice(
        pid, crop, land, season, last or season, cost, labour, sow, sell, yields, crop == "grape", source
    )


def packs(crop: str, zh: str, en: str, *packs: tuple[str, str, float, float, float]) -> tuple[Product, ...]:
    short = {"sweet_potato": "sp", "broad_bean": "bean"}.get(crop, crop)
    return tuple(
        Product(f"{short}-{i + 1}", f"{zh} {g} {t}", f"{en}, pack of {kg:g} kg", crop, g, kg, price, w)
        for i, (g, t, kg, price, w) in enumerate(packs)
    )
