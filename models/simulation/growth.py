"""From sowing to harvest: ripeness by thermal time, yields that vary by plot, weather and luck, and their grades.

Used for the past (what the county reports) and by play (what a plan would bring), so both are one world.
"""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from models.simulation import parameters as p
from models.simulation.almanac import dates
from models.simulation.weather import Weather

Floats = NDArray[np.float64]
CROPS = {c.crop_id: c for c in p.CROPS}
_YIELDS = pl.DataFrame(
    [(x.practice_id, y[0], *map(float, y[1:])) for x in p.PRACTICES for y in x.yields],
    schema=["practice_id", "yield_crop_id", "yield_kg_per_mu", "yield_cv", "price", "salvage"],
    orient="row",
)


def ripe_days(
    weather: Weather, sown: NDArray[np.int64], base_c: float, sum_c_d: float, *, under_cover: bool = False
) -> NDArray[np.int64]:
    """Day (counted from the weather's start) on which the thermal time since sowing is reached.

    McMaster & Wilhelm 1997, method 1; under cover cool days are warmer. A planting that finds too little warmth
    before the records end is given the last day.
    """
    daily = weather.daily()
    mean = (daily["low_c"].to_numpy() + daily["high_c"].to_numpy()) / 2
    if under_cover:
        mean = mean + p.COVER_WARMTH_C * np.clip((22 - mean) / 10, 0, 1)
    heat = np.maximum(mean - base_c, 0)
    total = np.concatenate([[0.0], np.cumsum(heat)])
    at = np.searchsorted(total, total[np.clip(sown, 0, weather.days)] + sum_c_d)
    return np.minimum(at, weather.days - 1)


def weather_effect(weather: Weather, sown: NDArray[np.int64], ripe: NDArray[np.int64]) -> Floats:
    """Log change of yield by hot days, much rain and cool days between sowing and harvest (each per 30 days)."""
    daily = weather.daily()
    days = np.maximum(ripe - sown, 20) / 30

    def count(flag: NDArray[np.bool_], usual: float, spread: float) -> Floats:
        total = np.concatenate([[0], np.cumsum(flag)])
        per_month: Floats = (
            total[np.clip(ripe, 0, weather.days)] - total[np.clip(sown, 0, weather.days)]
        ) / days
        return np.clip((per_month - usual) / spread, -2, 2)

    hot = count(daily["high_c"].to_numpy() > 34, 3.5, 3.0)
    wet = count(daily["rain_mm"].to_numpy() > 15, 3.0, 2.0)
    cool = count(daily["low_c"].to_numpy() < 4, 4.0, 5.0)
    result: Floats = (
        p.WEATHER_EFFECT["heat"] * hot + p.WEATHER_EFFECT["wet"] * wet + p.WEATHER_EFFECT["cool"] * cool
    )
    return result


def grow(plantings: pl.DataFrame, weather: Weather, noise: Floats, quality: Floats) -> pl.DataFrame:
    """One row per planting and crop it yields.

    Args:
        plantings: plot_id, practice_id, year, season, area_mu, sown_on, effect (see land.build_plantings).
        weather: Must cover the growing time.
        noise, quality: Standard normal draws per planting, for yield and for the graded attribute.

    Returns:
        plot_id, practice_id, year, season, area_mu, crop_id (as yielded), sown_on, ripe_on, yield_kg,
        attribute_mean (what grading measures), price, salvage (yuan/kg).
    """
    day = plantings.select((pl.col("sown_on") - pl.lit(weather.starts_on)).dt.total_days())[
        "sown_on"
    ].to_numpy()
    grown = plantings.select(
        "plot_id", "practice_id", "year", "season", "area_mu", "sown_on", "effect"
    ).with_columns(noise=pl.Series(noise), quality=pl.Series(quality), sown=pl.Series(day))
    parts = [_grow_practice(part, weather) for _, part in grown.group_by("practice_id", maintain_order=True)]
    return pl.concat(parts)


def _grow_practice(part: pl.DataFrame, weather: Weather) -> pl.DataFrame:
    practice = next(x for x in p.PRACTICES if x.practice_id == part["practice_id"][0])
    crop = CROPS[practice.crop_id]
    sown = part["sown"].to_numpy()
    if practice.is_perennial:  # vines count heat from 1 April
        sown = sown + (91 - np.array([d.timetuple().tm_yday for d in part["sown_on"]]))
    ripe = ripe_days(
        weather,
        sown,
        crop.base_temp_c or 0.0,
        crop.mature_gdd_c_d or 1.0,
        under_cover=practice.land_class == "greenhouse",
    )
    change = part["effect"].to_numpy() + weather_effect(weather, sown, ripe)
    part = part.with_columns(
        change=pl.Series(change),
        ripe_on=dates(weather.starts_on, ripe),
    ).join(_YIELDS, on="practice_id", maintain_order="left")
    own = (pl.col("yield_cv") ** 2 - p.PLOT_EFFECT_SD**2 - 0.002).clip(lower_bound=0.0009).sqrt()
    means = {c.crop_id: float(c.attribute_mean) for c in p.CROPS}
    spreads = {c.crop_id: float(c.attribute_sd) for c in p.CROPS}
    shift = 0.35 * pl.col("quality") + 2.0 * pl.col("effect")
    sign = pl.when(pl.col("yield_crop_id").is_in(["pakchoi", "spinach"])).then(-1.0).otherwise(1.0)
    return part.select(
        "plot_id", "practice_id", "year", "season", "area_mu", "sown_on", "ripe_on", "price", "salvage",
        crop_id=pl.col("yield_crop_id"),
        yield_kg=pl.col("area_mu") * pl.col("yield_kg_per_mu") * (pl.col("change") + own * pl.col("noise") - own**2 / 2).exp(),
        attribute_mean=pl.col("yield_crop_id").replace_strict(means, return_dtype=pl.Float64)
        + sign * shift * pl.col("yield_crop_id").replace_strict(spreads, return_dtype=pl.Float64),
    )  # fmt: skip


def grade_shares(crop_id: str, attribute_mean: Floats, cuts: tuple[float, float]) -> Floats:
    """Share of each planting's kilograms in 特级, 一级, 二级 [planting, grade]; normal about the planting's mean.

    `cuts` are the limits of the two better grades; for damage they are upper limits.
    """
    sd = CROPS[crop_id].attribute_sd
    z = (np.asarray(cuts)[None, :] - attribute_mean[:, None]) / sd
    better = ndtr(z) if CROPS[crop_id].attribute == "damage_pct" else ndtr(-z)
    shares: Floats = np.column_stack([better[:, 0], better[:, 1] - better[:, 0], 1 - better[:, 1]])
    return shares


def with_grades(grown: pl.DataFrame, cuts: dict[str, tuple[float, float]]) -> pl.DataFrame:
    """The rows of `grown` once per grade: grade, share and grade_kg beside."""
    parts = []
    for (crop_id,), part in grown.group_by("crop_id", maintain_order=True):
        shares = grade_shares(str(crop_id), part["attribute_mean"].to_numpy(), cuts[str(crop_id)])
        parts += [
            part.with_columns(
                grade=pl.lit(g),
                share=pl.Series(shares[:, i]),
                grade_kg=pl.col("yield_kg") * pl.Series(shares[:, i]),
            )
            for i, g in enumerate(p.GRADES)
        ]
    return pl.concat(parts)


def harvest_events(grown: pl.DataFrame, until: date) -> pl.DataFrame:
    """One row per cut and grade up to `until`: harvest_id, plot_id, crop_id, harvested_at (naive), harvested_kg, grade."""
    graded = with_grades(grown, p.PRESENT_CUTS)
    picks = pl.col("crop_id").replace_strict(p.PICKS, default=1, return_dtype=pl.Int64)
    cut = graded.with_columns(picks=picks).with_columns(pick=pl.int_ranges(0, "picks")).explode("pick")
    start = pl.when(pl.col("crop_id") == "crab").then(pl.date("year", 9, 22)).otherwise(pl.col("ripe_on"))
    cut = cut.with_columns(day=start + pl.duration(days=pl.col("pick") * p.PICK_GAP_DAYS))
    return cut.filter(pl.col("day") <= until).select(
        pl.format("h-{}-{}{}-{}-{}-{}", "plot_id", "year", "season", "crop_id", "pick", "grade").alias("harvest_id"),
        "plot_id", "crop_id",
        harvested_at=pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=7 + pl.col("pick") % 3),
        harvested_kg=(pl.col("grade_kg") / pl.col("picks")).round(1), grade="grade",
    ).sort("harvested_at", "harvest_id")  # fmt: skip
