"""The public standards that come with the service: values typed in from the sources named, to be replaced by an operator.

`is_verified` is true where the text of the standard, or two sources that do not draw on each other, give the value. Where
only the year of a standard is known, it holds from the first of that year.
"""

from datetime import date

from models.grading.standards import TOLERANCE, Limit, Standard

BEST, FIRST, SECOND = "特级", "一级", "二级"


def _crab() -> Standard:
    male, female = {BEST: 200, FIRST: 150, SECOND: 125}, {BEST: 150, FIRST: 125, SECOND: 100}
    limits = [Limit(g, "weight_g_male", float(v)) for g, v in male.items()]
    limits += [Limit(g, "weight_g_female", float(v)) for g, v in female.items()]
    return Standard(
        "AQSIQ 71/2006", "2006", "crab", date(2006, 1, 1),
        "news of announcement 71/2006 on Yangcheng Lake crab; one source", False, (BEST, FIRST, SECOND), tuple(limits),
    )  # fmt: skip


def _rice() -> tuple[Standard, ...]:
    milled = Standard(
        "GB/T 1354", "2018", "milled_rice", date(2019, 5, 1),
        "milling degree as two industry pages state it; limits of broken grains, chalkiness and taste score were not found",
        False, (FIRST, SECOND, "三级"),
        (
            Limit(FIRST, "bran_left_pct", high=2.0), Limit(SECOND, "bran_left_pct", high=2.0),
            Limit("三级", "bran_removed_on_pct", 75.0),
        ),
    )  # fmt: skip
    paddy = Standard(
        "GB 1350", "2009", "rice", date(2009, 7, 1),
        "class 3 of indica paddy as a notice of reserve purchase states it; one source, other classes not found", False,
        ("三级",),
        (
            Limit("三级", "husked_yield_pct", 75.0), Limit("三级", "head_rice_pct", 44.0),
            Limit("三级", "impurity_pct", high=1.0), Limit("三级", "moisture_pct", high=13.5),
        ),
    )  # fmt: skip
    return milled, paddy


def _sweet_potato() -> tuple[Standard, ...]:
    usda = Standard(
        "USDA sweet potatoes", "2005", "sweet_potato", date(2005, 1, 1), "LSU AgCenter 2009; one source", False,
        ("U.S. No. 1",),
        (
            Limit("U.S. No. 1", "weight_g", high=567.0), Limit("U.S. No. 1", "length_mm", 76.0, 229.0),
            Limit("U.S. No. 1", "diameter_mm", 44.0, 89.0),
        ),
    )  # fmt: skip
    whole = {FIRST: 90.0, SECOND: 80.0, "三级": 70.0}
    old = Standard(
        "ZB B 23007", "1985", "sweet_potato", date(1985, 1, 1),
        "share of whole roots of at least 100 g, and impurity, from a secondary page", False, tuple(whole),
        (
            *(Limit(g, "whole_over_100g_pct", v) for g, v in whole.items()),
            Limit(SECOND, "impurity_pct", high=2.0), Limit("三级", "impurity_pct", high=2.0),
        ),
    )  # fmt: skip
    return usda, old


def _grapes() -> tuple[Standard, ...]:
    classes = {"Extra": 0.05, "I": 0.10, "II": 0.10}
    least = {"brix_early_seeded": 12.0, "brix_seeded": 13.0, "brix_seedless": 14.0}
    ffv = Standard(
        "UNECE FFV-19", "2016", "grape", date(2016, 1, 1),
        "EU 543/2011 and the 2016 text; early seeded: Alphonse Lavallée, Cardinal, Victoria; ripeness is one for all classes",
        True, tuple(classes),
        (
            *(Limit(g, a, v) for g in classes for a, v in least.items()),
            *(Limit(g, TOLERANCE, high=t) for g, t in classes.items()),
        ),
    )  # fmt: skip
    codex = Standard(
        "Codex table grapes", "2007", "grape", date(2007, 1, 1),
        "a copy of the Codex text; one source; lower sugar is allowed with a high sugar to acid ratio", False, ("ripe",),
        (
            Limit("ripe", "brix", 16.0),
            Limit("ripe", "brix", 14.0, when=("acid_to_sugar", 1 / 18)),
            Limit("ripe", "brix", 12.5, when=("acid_to_sugar", 1 / 20)),
        ),
    )  # fmt: skip
    return ffv, codex


def _wine() -> Standard:
    sugar, gap = "sugar_g_per_l", "sugar_minus_acid_g_per_l"
    return Standard(
        "GB 15037", "2006", "wine", date(2008, 1, 1), "copy of the text and a trade page", True,
        ("dry", "semi-dry", "semi-sweet", "sweet"),
        (
            Limit("dry", sugar, high=4.0), Limit("dry", sugar, high=9.0, when=(gap, 2.0)),
            Limit("semi-dry", sugar, high=12.0), Limit("semi-dry", sugar, high=18.0, when=(gap, 2.0)),
            Limit("semi-sweet", sugar, high=45.0), Limit("sweet", sugar, 45.0),
        ),
    )  # fmt: skip


def shipped() -> tuple[Standard, ...]:
    """Every standard that comes with the service, whatever day it holds from."""
    return (_crab(), *_rice(), *_sweet_potato(), *_grapes(), _wine())
