"""What a plan is played on: the county's ground, its usual year of demand, and the limits of crews and cold rooms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from models.simulation import parameters as p
from models.simulation.tables import commitment
from models.simulation.world import World

UNITS = ("plots", "plantings", "demand", "commitments", "limits")


@dataclass(frozen=True)
class Truth:
    """Frames that play needs; the truth folder holds each as play_NAME.parquet.

    plots: plot_id, land_class, area_mu, effect. plantings: plot_id, practice_id, year, season, area_mu of the past.
    demand: crop_id, grade, day_of_year (1-365), mean_kg (kg of crop a day, smoothed over a week), pack_kg, dispersion.
    commitments: crop_id, quantity_kg, due_from, due_to, price_yuan_per_kg. limits: crew_hours_per_day, cold_room_kg.
    """

    plots: pl.DataFrame
    plantings: pl.DataFrame
    demand: pl.DataFrame
    commitments: pl.DataFrame
    limits: pl.DataFrame

    @classmethod
    def from_frames(cls, frames: Mapping[str, pl.DataFrame]) -> "Truth":
        """From the frames `to_frames` gave, by their names."""
        return cls(**{name: frames[f"play_{name}"] for name in UNITS})

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """The frames by the names they have in the truth folder."""
        return {f"play_{name}": getattr(self, name) for name in UNITS}


def truth_of(world: World) -> Truth:
    """What the county of `world` offers to play on."""
    hours = world.land.crews.select((pl.col("workers") * pl.col("hours_per_day")).sum())
    limits = pl.DataFrame({
        "crew_hours_per_day": [float(hours.item())],
        "cold_room_kg": [float(world.land.cold_rooms["capacity_kg"].sum())],
    })  # fmt: skip
    return Truth(
        plots=world.land.plots.select("plot_id", "land_class", "area_mu", "effect"),
        plantings=world.plantings.select("plot_id", "practice_id", "year", "season", "area_mu"),
        demand=_usual_year(world),
        commitments=commitment(world).select(
            "crop_id", "quantity_kg", "due_from", "due_to", "price_yuan_per_kg"
        ),
        limits=limits,
    )


def _usual_year(world: World) -> pl.DataFrame:
    """Mean demand by day of the year: the true rates of all recorded years, products of a crop and grade together."""
    m, days = world.market, world.size.days
    per_product = m.rate[..., :days].sum(axis=(1, 2), dtype=np.float64)  # packs [product, day]
    doy = np.array(
        [(world.size.starts_on + timedelta(days=i)).timetuple().tm_yday for i in range(days)]
    ).clip(max=365)
    seen = np.bincount(doy, minlength=366)[1:]
    groups: dict[tuple[str, str], list[int]] = {}
    for i, x in enumerate(m.products):
        groups.setdefault((x.crop_id, x.grade), []).append(i)
    parts = []
    for (crop_id, grade), members in groups.items():
        kg = np.array([m.products[i].pack_kg for i in members]) * p.CROP_KG_PER_PRODUCT_KG.get(crop_id, 1.0)
        total = np.bincount(doy, weights=kg @ per_product[members], minlength=366)[1:] / np.maximum(seen, 1)
        smooth = np.convolve(np.concatenate([total[-3:], total, total[:3]]), np.ones(7) / 7, mode="valid")
        parts.append(pl.DataFrame({
            "crop_id": crop_id, "grade": grade, "day_of_year": np.arange(1, 366), "mean_kg": smooth,
            "pack_kg": float(kg.mean()), "dispersion": float(m.dispersion[members].mean()),
        }))  # fmt: skip
    return pl.concat(parts)
