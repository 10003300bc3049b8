"""What cutting needs to know of the sample county's crops, beside the simulation's own table. Assumed where no source is named."""

import polars as pl

from models.simulation import parameters as p

GRADES = p.GRADES
WAIT_LOSS_AT_HOLD = 0.35
"""Share of the price lost by a kg that stands ripe as long as it may; evenly by day; assumed."""
RAIN_SHARE = {
    "grape": 0.10,
    "tomato": 0.06,
    "pakchoi": 0.06,
    "spinach": 0.06,
    "edamame": 0.03,
    "broad_bean": 0.03,
    "cucumber": 0.02,
}
"""Of what stands ripe, lost on a rainy day (cracked, rotten): direction from growers' guides, size assumed."""
NEEDS_DRY = ("grape", "rice")
"""Not cut in rain: grapes rot in the box, rice is combined dry."""
NO_LIMIT = ("rice", "sweet_potato", "radish")
"""Stored goods: no hours from field to table."""


def crop_rows() -> pl.DataFrame:
    """CutProblem.crops of the sample county."""
    price = {y[0]: (float(y[3]), float(y[4])) for x in p.PRACTICES for y in x.yields}
    return pl.DataFrame([
        {
            "crop_id": c.crop_id, "hold_days": c.hold_days, "keep_days": c.keeps_days,
            "hours_per_kg": p.HARVEST_HOURS_PER_KG.get(c.crop_id, p.HARVEST_HOURS_PER_KG_OTHER),
            "price_yuan_per_kg": price[c.crop_id][0], "salvage_yuan_per_kg": price[c.crop_id][1],
            "wait_share_per_day": WAIT_LOSS_AT_HOLD / c.hold_days, "rain_share": RAIN_SHARE.get(c.crop_id, 0.0),
            "needs_dry": c.crop_id in NEEDS_DRY, "within_hours": -1.0 if c.crop_id in NO_LIMIT else None,
            "needs_cold": c.keeps_days < 100,
        }
        for c in p.CROPS
    ], schema_overrides={"within_hours": pl.Float64})  # fmt: skip
