"""The declared mapping of the real data sets, as values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import polars as pl
from pydantic import ConfigDict, TypeAdapter

FILE = Path(__file__).parent / "sources" / "profiles" / "cumcm_items.toml"
STRICT: ConfigDict = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Market:
    """The channel, how far its till stands for the market, and which items are forecast."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    channel_id: str
    region_id: str
    catchment_factor: float
    catchment_source: str
    surplus_share_of_price: float
    least_sale_days: int
    recent_days: int


@dataclass(frozen=True)
class Window:
    """When a season sows and sells (days of the year)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    sow_from_doy: int
    sow_to_doy: int
    sell_from_doy: int
    sell_to_doy: int


@dataclass(frozen=True)
class Kind:
    """A kind of crop and the days it keeps."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: str
    keeps_days: int


@dataclass(frozen=True)
class Heat:
    """Thermal time from sowing to ripe of one crop number, and the file and row it was read from."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    base_temp_c: float
    mature_gdd_c_d: float
    source: str


@dataclass(frozen=True)
class Item:
    """One article of the supermarket; `pack_kg` where its till counts packs."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    item_code: str
    name: str
    pack_kg: float = 1.0


@dataclass(frozen=True)
class MappedCrop:
    """A crop and the articles that are made of it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    crop_id: str
    name_zh: str
    note: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class RealProfile:
    """Everything that is declared about the real sets."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    market: Market
    season: Mapping[str, Window]
    kinds: Mapping[str, Kind]
    single_crop_land: Mapping[str, tuple[int, ...]]
    families: Mapping[str, tuple[int, ...]]
    heat: Mapping[str, Heat]
    crop: tuple[MappedCrop, ...]

    def mapped_items(self) -> pl.DataFrame:
        """One row per mapped item: item_code, crop_id, crop_name, pack_kg."""
        rows = [(i.item_code, c.crop_id, c.name_zh, i.pack_kg) for c in self.crop for i in c.items]
        schema = {"item_code": pl.String, "crop_id": pl.String, "crop_name": pl.String, "pack_kg": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")


@cache
def real_profile() -> RealProfile:
    """The declaration as shipped; unknown keys are refused."""
    return TypeAdapter(RealProfile).validate_python(tomllib.loads(FILE.read_text("utf-8")))
