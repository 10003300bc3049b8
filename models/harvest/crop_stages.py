"""Thermal time and weather limits per crop, as data with their source.

Rates are [T, dT, …] points of the daily increase of thermal time (°C·d) against the day's mean temperature (°C), flat
outside the points. Sums are thermal time from the day of sowing to the end of each stage.
"""

from dataclasses import dataclass

STAGES = ("sown", "emerged", "flowering", "ripe")
"""Names of the stages; stage i + 1 begins when threshold i of `Thresholds.sums` is passed."""
DEFAULT_SHARES = (0.05, 0.55, 1.0)
"""Of the sum to ripe, where only that sum is known: emergence and flowering. Assumed; near the mean of the tables below
(0.03–0.13 and 0.27–0.62)."""
FROST_KILLS_C = 0.0
HEAT_HURTS_C = 35.0
"""Where a crop is not in LIMITS: EcoCrop's most common killing and highest temperatures of vegetables."""


@dataclass(frozen=True)
class Stages:
    """Rate points and the sums (°C·d) to the ends of STAGES[0], STAGES[1] and STAGES[2]."""

    rate: tuple[float, ...]
    sums: tuple[float, float, float]
    source: str


@dataclass(frozen=True)
class Limits:
    """Night minimum that kills (°C), day maximum that hurts (°C)."""

    frost_c: float
    heat_c: float
    source: str


def linear_rate(base_c: float, cap_c: float) -> tuple[float, ...]:
    """Rate points of max(0, min(T, cap) − base)."""
    return (base_c, 0.0, cap_c, cap_c - base_c)


TABLE = {
    "rice": Stages(linear_rate(8, 30), (50, 1150, 1900), "AquaCrop PaddyRiceGDD: Tbase 8, Tupp 30, 50/1150/1900"),
    "sweet_potato": Stages(
        (10, 0, 35, 25), (200, 616, 2052), "WOFOST Sweetpotato_VanHeemst_1988: 200 + 416 + 1436"
    ),
    "tomato": Stages(linear_rate(7, 28), (43, 525, 1550), "AquaCrop TomatoGDD: Tbase 7, Tupp 28, 43/525/1553"),
    "edamame": Stages(linear_rate(5, 30), (200, 900, 1500), "AquaCrop SoybeanGDD: Tbase 5, Tupp 30; green stage assumed"),
    "broad_bean": Stages(
        (0, 0, 20, 22.5, 25, 25), (100, 933, 1500), "WOFOST Faba_bean_801: 100 + 833; green stage assumed"
    ),
}  # fmt: skip
"""Crop (by crop_id, else by English name) → stages. The crop table's own sum to ripe replaces the last one, the others
in proportion."""
LIMITS = {
    "rice": Limits(0, 36, "FAO EcoCrop, Oryza sativa s. japonica"),
    "sweet_potato": Limits(1, 38, "FAO EcoCrop, Ipomoea batatas"),
    "tomato": Limits(0, 35, "FAO EcoCrop, Lycopersicon esculentum"),
    "cucumber": Limits(0, 38, "FAO EcoCrop, Cucumis sativus"),
    "edamame": Limits(0, 38, "FAO EcoCrop, Glycine max"),
    "broad_bean": Limits(-10, 32, "FAO EcoCrop, Vicia faba"),
    "pakchoi": Limits(0, 32, "FAO EcoCrop, Brassica rapa Pak Choi"),
    "spinach": Limits(-7, 27, "FAO EcoCrop, Spinacia oleracea"),
    "radish": Limits(0, 37, "FAO EcoCrop, Raphanus sativus (C.R.)"),
    "grape": Limits(0, 38, "FAO EcoCrop, Vitis vinifera"),
}


def stages_of(crop_id: str, name_en: str, base_c: float | None, ripe_c_d: float | None) -> Stages | None:
    """The stages of a crop of the crop table; None where nothing tells when it ripens.

    The crop table's base temperature and sum to ripe hold where they are given: a county knows its varieties.
    """
    known = TABLE.get(crop_id) or TABLE.get(name_en.lower().replace(" ", "_"))
    if base_c is None or ripe_c_d is None:
        return known
    if known is None:
        sums = tuple(share * ripe_c_d for share in DEFAULT_SHARES)
        return Stages(
            (base_c, 0.0, base_c + 60.0, 60.0), (sums[0], sums[1], sums[2]), "crop table; stages assumed"
        )
    a, b, c = known.sums
    scale = ripe_c_d / c
    return Stages(known.rate, (a * scale, b * scale, ripe_c_d), known.source)


def limits_of(crop_id: str, name_en: str) -> Limits:
    """The weather limits of a crop, else those of vegetables in general."""
    found = LIMITS.get(crop_id) or LIMITS.get(name_en.lower().replace(" ", "_"))
    return found or Limits(FROST_KILLS_C, HEAT_HURTS_C, "not in the table: vegetables in general")
