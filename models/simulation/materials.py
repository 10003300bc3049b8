"""Seed and seedlings that each practice of the sample county needs."""

import polars as pl

from models.simulation import parameters as p

MATERIALS: dict[str, tuple[tuple[str, float, str, int], ...]] = {
    "rice-paddy": (("rice seed", 3.0, "kg", 5),),
    "ricecrab-paddy": (("rice seed", 2.5, "kg", 5), ("juvenile crabs", 600.0, "pieces", 1)),
}
"""Practice → item, quantity per mu, unit, weeks had before it is sown; of the others by crop."""
BY_CROP: dict[str, tuple[str, float, str, int]] = {
    "broad_bean": ("broad bean seed", 8.0, "kg", 2),
    "edamame": ("edamame seed", 6.0, "kg", 2),
    "pakchoi": ("pak choi seed", 0.5, "kg", 2),
    "spinach": ("spinach seed", 3.0, "kg", 2),
    "radish": ("radish seed", 0.8, "kg", 2),
    "sweet_potato": ("sweet potato cuttings", 3500.0, "pieces", 1),
    "tomato": ("tomato seedlings", 2200.0, "pieces", 1),
    "cucumber": ("cucumber seedlings", 2500.0, "pieces", 1),
}
SOURCE = "assumed: a usual rate per mu"


def planting_material(_: object) -> pl.DataFrame:
    """One row per practice and item; vines that stand need none."""
    rows = [
        (x.practice_id, *material, SOURCE)
        for x in p.PRACTICES
        for material in MATERIALS.get(x.practice_id, (BY_CROP[x.crop_id],) if x.crop_id in BY_CROP else ())
    ]
    columns = ["practice_id", "item", "quantity_per_mu", "unit", "weeks_before", "source"]
    return pl.DataFrame(rows, schema=columns, orient="row")
