"""What cutting needs to know of a crop where its co-operative has not said: by kind of crop, every value assumed."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

ASSUMED = "assumed for its kind of crop"
STORED_DAYS = 30
"""Crops that keep so long are stored goods: no hours from field to table, no cold room for a few days' wait."""
WAIT_LOSS = 0.35
"""Share of the price lost by a kilogram that stands ripe as long as it may, evenly by day; assumed."""


@dataclass(frozen=True)
class Usual:
    """`hold_days`: stands ripe before it is lost; `hours_per_kg`: of one worker; `rain_share`: of what stands ripe, lost on a
    rainy day; `needs_dry`: not cut when rain is likely."""

    hold_days: int
    hours_per_kg: float
    rain_share: float
    needs_dry: bool


USUAL: Mapping[str, Usual] = {
    "grain": Usual(20, 0.004, 0.01, True),
    "root": Usual(25, 0.01, 0.0, False),
    "fruit": Usual(14, 0.03, 0.08, True),
    "vegetable": Usual(6, 0.025, 0.04, False),
    "mushroom": Usual(2, 0.06, 0.02, False),
    "aquatic": Usual(30, 0.12, 0.0, False),
}
OTHER = Usual(7, 0.025, 0.03, False)
OWN = (
    "hold_days",
    "hours_per_kg",
    "wait_share_per_day",
    "rain_share",
    "needs_dry",
    "within_hours",
    "needs_cold",
)
"""What a co-operative may say itself, each apart."""


def cutting_crops(crops: pl.DataFrame, yields: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """CutProblem.crops and `source` of every crop that some practice yields.

    Args:
        crops: crop_id, kind, keeps_days.
        yields: crop_id, price_yuan_per_kg, salvage_yuan_per_kg; means over a crop's practices count.
        own: crop_id, columns of OWN (null: not said), source.
    """
    usual = pl.DataFrame(
        [(k, u.hold_days, u.hours_per_kg, u.rain_share, u.needs_dry) for k, u in USUAL.items()],
        schema=["kind", "u_hold", "u_hours", "u_rain", "u_dry"], orient="row",
    )  # fmt: skip
    price = yields.group_by("crop_id").agg(pl.mean("price_yuan_per_kg"), pl.mean("salvage_yuan_per_kg"))
    said = own.select("crop_id", "source", *(pl.col(c).alias(f"o_{c}") for c in OWN))
    table = (
        crops.join(price, on="crop_id")
        .join(usual, on="kind", how="left")
        .join(said, on="crop_id", how="left")
        .with_columns(hold_days=pl.coalesce("o_hold_days", "u_hold", pl.lit(OTHER.hold_days)))
    )
    stored = pl.col("keeps_days") >= STORED_DAYS
    return table.select(
        "crop_id", "hold_days", pl.col("keeps_days").alias("keep_days"),
        pl.coalesce("o_hours_per_kg", "u_hours", pl.lit(OTHER.hours_per_kg)).alias("hours_per_kg"),
        "price_yuan_per_kg", pl.col("salvage_yuan_per_kg").fill_null(0.0),
        pl.coalesce("o_wait_share_per_day", WAIT_LOSS / pl.max_horizontal("hold_days", 1)).alias("wait_share_per_day"),
        pl.coalesce("o_rain_share", "u_rain", pl.lit(OTHER.rain_share)).alias("rain_share"),
        pl.coalesce("o_needs_dry", "u_dry", pl.lit(OTHER.needs_dry)).alias("needs_dry"),
        pl.coalesce("o_within_hours", pl.when(stored).then(-1.0)).alias("within_hours"),
        pl.coalesce("o_needs_cold", ~stored).alias("needs_cold"),
        pl.coalesce("source", pl.lit(ASSUMED)).alias("source"),
    ).sort("crop_id")  # fmt: skip
