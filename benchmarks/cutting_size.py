"""A made-up cutting problem of any size, in the sample county's crops and ways: how long a plan takes."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.cutting_crops import GRADES, crop_rows
from models.harvest.cutting_problem import CutProblem
from models.simulation.land import build_land
from models.simulation.sizes import size_of, stream

FIRST = date(2026, 9, 1)
TIERS = ((0.95, 0.8), (0.7, 0.3), (0.3, 0.3))
"""Chance and kg, as a share of the expected, of what is expected beside the promised."""
CROPS = ("pakchoi", "tomato", "cucumber", "edamame", "grape", "spinach", "crab", "radish")
REGIONS = 12


def made_up(plots: int, days: int, seed: int) -> CutProblem:
    """So many plots ripe within so many days, orders for about what ripens, crews for about what must be cut."""
    rng = stream(seed, "cutting-size")
    regions = tuple(f"r{i:02d}" for i in range(REGIONS))
    land = build_land(size_of("demo"), regions, seed)
    villages = land.places.filter(pl.col("kind") == "village")["place_id"].to_list()
    crop = rng.choice(len(CROPS), plots)
    names = [f"p{i:04d}" for i in range(plots)]
    ripe = [
        (names[i], CROPS[crop[i]], FIRST + timedelta(days=int(first + 7 * k)), float(kg))
        for i in range(plots)
        for first, kg in [(rng.integers(-3, days), rng.lognormal(6.0, 0.6))]
        for k in range(2)
    ]
    ripe_frame = pl.DataFrame(ripe, schema=["plot_id", "crop_id", "ripe_on", "ripe_kg"], orient="row")
    crops = crop_rows()
    per_day = ripe_frame.filter(pl.col("ripe_on") < FIRST + timedelta(days=days)).group_by("crop_id").agg(
        kg=pl.col("ripe_kg").sum() / days
    )  # fmt: skip
    hours = float(
        ripe_frame.join(crops, on="crop_id").select(pl.col("ripe_kg") * pl.col("hours_per_kg")).sum().item()
    )
    share = rng.dirichlet((3, 5, 2), plots)
    mix = pl.DataFrame(
        [(names[i], CROPS[crop[i]], g, float(share[i, j])) for i in range(plots) for j, g in enumerate(GRADES)],
        schema=["plot_id", "crop_id", "grade", "share"], orient="row",
    )  # fmt: skip
    return CutProblem(
        first_day=FIRST,
        plots=pl.DataFrame({"plot_id": names, "place_id": [villages[i % len(villages)] for i in range(plots)]}),
        ripe=ripe_frame, grade_mix=mix, crops=crops,
        orders=_orders(per_day, regions, crops, days, rng),
        crews=land.crews.select("crew_id", "place_id", hours_per_day=pl.lit(1.1 * hours / days / land.crews.height)),
        cold_rooms=land.cold_rooms.select("cold_room_id", "place_id", capacity_kg=pl.lit(float(per_day["kg"].sum())),
                                          truck_kg_per_day=pl.lit(float(per_day["kg"].sum()))),
        transit=land.transit.select("from_id", "to_id", "hours"),
        weather=pl.DataFrame({"day": [FIRST + timedelta(days=d) for d in range(days)], "rain_chance": rng.beta(1, 2.5, days)}),
        stock=pl.DataFrame(schema={"cold_room_id": pl.String, "crop_id": pl.String, "grade": pl.String, "cut_on": pl.Date,
                                   "stock_kg": pl.Float64}),
    )  # fmt: skip


def _orders(
    per_day: pl.DataFrame, regions: tuple[str, ...], crops: pl.DataFrame, days: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Promised orders of every crop, grade, region and day (fewer the later), and tiers of what is expected beside."""
    price = dict(crops.select("crop_id", "price_yuan_per_kg").iter_rows())
    rows: list[tuple[object, ...]] = []
    for crop, kg in per_day.sort("crop_id").iter_rows():
        for g, (grade, part, factor) in enumerate(
            zip(GRADES, (0.3, 0.5, 0.2), (1.3, 1.0, 0.72), strict=True)
        ):
            for d in range(days):
                known = 0.8 if d == 0 else 0.3 * np.exp(-d / 4)
                wanted = kg * part * rng.lognormal(0, 0.3)
                ship, yuan = FIRST + timedelta(days=d), price[crop] * factor
                rows += [
                    (
                        f"{crop}-{g}-{d}-{r}",
                        crop,
                        grade,
                        r,
                        ship,
                        wanted * known / len(regions),
                        yuan,
                        True,
                        1.0,
                    )
                    for r in regions
                ]
                rows += [
                    (f"{crop}-{g}-{d}-tier{i}", crop, grade, regions[len(regions) // 2], ship,
                     wanted * (1 - known) * size, yuan, False, chance)
                    for i, (chance, size) in enumerate(TIERS)
                ]  # fmt: skip
    schema = [
        "order_id",
        "crop_id",
        "grade",
        "region_id",
        "ship_on",
        "order_kg",
        "price_yuan_per_kg",
        "is_promised",
        "chance",
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")
