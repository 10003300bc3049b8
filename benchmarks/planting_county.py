"""A county plan of full size, drawn with a fixed seed: villages as in the sample county, crops and demand made up."""

import time
from dataclasses import replace

import numpy as np
import polars as pl
import psutil

from models.planning.county import solve_county
from models.planning.county_problem import CountyParams, CountyProblem, Floats
from models.simulation.land import build_land
from models.simulation.sizes import size_of

CLASSES = 4
CROPS = 40
ALLOWED = 12
"""Crops that a land class may bear at least; every crop is allowed on at least one."""
SOWING_WEEKS = 8
WEEKS = 52
GRADES = (1, 2, 3)
CHANNELS = ("shop", "live", "wholesale")
FAMILY_HOURS = 60.0
"""Hours a week that a village's members have, per 100 mu."""


RISK = CountyParams(risk_weight=0.3, risk_level=0.9)
MOST_SECONDS, MOST_GB = 60.0, 1.5


def county(
    *, villages: int, scenarios: int, seed: int, time_limit: float
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Solve the drawn county with a weight on risk; returns rows and musts."""
    problem = county_problem(villages=villages, scenarios=scenarios, seed=seed)
    cpu = time.process_time()
    plan = solve_county(problem, replace(RISK, time_limit_s=time_limit))
    cpu = time.process_time() - cpu
    peak = psutil.Process().memory_full_info().rss / 1e9
    rows_, columns, nonzeros = plan.size
    found = {
        "rows": rows_, "columns": columns, "nonzeros": nonzeros, "groups": problem.groups.height,
        "expected_yuan": plan.expected_yuan, "cvar_90_yuan": plan.cvar_yuan(0.9), "seconds": plan.seconds,
        "cpu_seconds": cpu, "memory_gb": peak,
    }  # fmt: skip
    must = [
        ("solved", float(plan.status == "optimal"), 1.0, plan.status == "optimal"),
        ("seconds", plan.seconds, MOST_SECONDS, plan.seconds <= MOST_SECONDS),
        ("memory_gb", peak, MOST_GB, peak <= MOST_GB),
    ]
    segment = f"{villages} villages, {scenarios} scenarios"
    return (
        [{"segment": segment, "metric": m, "method": "anxu", "value": v} for m, v in found.items()],
        [{"what": f"county: {w}", "value": v, "limit": limit, "holds": h} for w, v, limit, h in must],
    )


def county_problem(*, villages: int, scenarios: int, seed: int) -> CountyProblem:
    """Draw the problem: villages × 4 land classes, 12 or more crops each sown in 8 weeks, 52 weeks, scenarios of demand and yield."""
    rng = np.random.default_rng(seed)
    groups = county_groups(villages, seed)
    crops = _crops(rng)
    activities, occupation, outputs, labour = _activities(crops, rng)
    allowed = _allowed(rng)
    options = (
        groups.select("group_id", "land_class")
        .join(allowed, on="land_class")
        .join(activities.select("activity_id", "crop_id"), on="crop_id")
        .sort("group_id", "activity_id")
        .select("group_id", "activity_id")
    )
    index = rng.lognormal(-0.005, 0.1, options.height)
    return CountyProblem(
        groups=groups.drop("land_class"),
        activities=activities,
        options=options.with_columns(yield_index=pl.Series(index)),
        occupation=occupation,
        outputs=outputs,
        demand=_demand(groups, crops, scenarios, rng),
        yields=_yields(groups, scenarios, rng),
        labour_need=labour,
        labour=_labour(groups),
        storage=pl.DataFrame(
            {"crop_id": crops["crop_id"][:6], "keep_share": [0.97] * 6, "cost_yuan_per_kg": [0.02] * 6}
        ),
        salvage=crops.select("crop_id", salvage_yuan_per_kg=pl.col("price") * 0.15),
        floors=pl.DataFrame(
            {"floor_id": ["grain"] * 3, "crop_id": crops["crop_id"][:3],
             "min_mu": [0.2 * float(groups["area_mu"].sum()) * 0.25] * 3}
        ),
        probabilities=tuple([1 / scenarios] * scenarios),
    )  # fmt: skip


def county_plots(villages: int, seed: int) -> pl.DataFrame:
    """The plots of the first villages that lie in the county's largest land classes: plot_id, place_id, land_class, area_mu, group_id."""
    plots = build_land(size_of("county"), (), seed).plots
    named = sorted(plots["place_id"].unique())[:villages]
    largest = (
        plots.group_by("land_class")
        .agg(pl.sum("area_mu"))
        .sort("area_mu", descending=True)["land_class"][:CLASSES]
    )
    return plots.filter(
        pl.col("place_id").is_in(named) & pl.col("land_class").is_in(largest.implode())
    ).select(
        "plot_id", "place_id", "land_class", "area_mu", group_id=pl.format("{}/{}", "place_id", "land_class")
    )


def county_groups(villages: int, seed: int) -> pl.DataFrame:
    """The land groups of the first villages with zone, labour pool, land class and area."""
    plots = county_plots(villages, seed)
    town = {v: f"town-{i % 17:02d}" for i, v in enumerate(sorted(plots["place_id"].unique()))}
    return (
        plots.group_by("place_id", "land_class")
        .agg(pl.sum("area_mu"))
        .sort("place_id", "land_class")
        .select(
            "land_class", "area_mu", group_id=pl.format("{}/{}", "place_id", "land_class"),
            zone_id=pl.col("place_id").replace_strict(town), labour_pool="place_id",
        )
    )  # fmt: skip


def _crops(rng: np.random.Generator) -> pl.DataFrame:
    """Price (yuan/kg), cost (yuan/mu), yield (kg/mu), weeks to harvest, weeks of harvest, first sowing week, hours a week."""
    price = rng.lognormal(1.2, 0.6, CROPS)
    margin = rng.uniform(0.15, 0.5, CROPS)
    kg = rng.uniform(800, 3500, CROPS)
    return pl.DataFrame(
        {
            "crop_id": [f"crop-{i:02d}" for i in range(CROPS)], "price": price, "kg": kg, "cost": price * kg * (1 - margin),
            "grow": rng.integers(6, 19, CROPS), "harvest": rng.integers(2, 6, CROPS),
            "first": rng.integers(0, 24, CROPS), "hours": rng.uniform(0.4, 3.0, CROPS),
        }
    )  # fmt: skip


def _activities(
    crops: pl.DataFrame, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Each crop sown in each of its 8 weeks; later sowings yield a little less."""
    late = 1 - rng.uniform(0, 0.03, CROPS)
    sown = crops.with_columns(late=pl.Series(late), step=pl.lit(list(range(SOWING_WEEKS)))).explode("step").with_columns(
        activity_id=pl.format("{}@{}", "crop_id", "step"), sow_period=pl.col("first") + pl.col("step"),
    )  # fmt: skip
    stands = pl.int_ranges(
        "sow_period", pl.min_horizontal(pl.col("sow_period") + pl.col("grow") + pl.col("harvest"), WEEKS)
    )
    occupation = sown.select("activity_id", period=stands).explode("period").with_columns(share=pl.lit(1.0))
    ripe = pl.int_ranges(
        pl.col("sow_period") + pl.col("grow"),
        pl.min_horizontal(pl.col("sow_period") + pl.col("grow") + pl.col("harvest"), WEEKS),
    )
    mix = pl.DataFrame({"grade": GRADES, "part": [0.3, 0.5, 0.2]}, schema_overrides={"grade": pl.Int64})
    outputs = (
        sown.with_columns(period=ripe)
        .explode("period")
        .drop_nulls("period")
        .join(mix, how="cross")
        .select(
            "activity_id", "crop_id", "grade", "period",
            kg_per_mu=pl.col("kg") * pl.col("late") ** pl.col("step") * pl.col("part") / pl.col("harvest"),
        )
    )  # fmt: skip
    labour = occupation.join(sown.select("activity_id", "hours"), on="activity_id").select(
        "activity_id", "period", hours_per_mu="hours"
    )
    activities = sown.select("activity_id", "crop_id", "sow_period", cost_yuan_per_mu="cost")
    return activities, occupation, outputs, labour


def _allowed(rng: np.random.Generator) -> pl.DataFrame:
    """land_class, crop_id: each class bears 12 crops, and each crop has a class."""
    names = ["dry_flat", "greenhouse", "irrigated", "orchard", "paddy"]
    rows = [(names[int(k)], f"crop-{c:02d}") for c in range(CROPS) for k in [c % len(names)]]
    for name in names:
        has = [crop for kind, crop in rows if kind == name]
        others = [f"crop-{c:02d}" for c in range(CROPS) if f"crop-{c:02d}" not in has]
        rows += [(name, str(crop)) for crop in rng.choice(others, ALLOWED - len(has), replace=False)]
    return pl.DataFrame(rows, schema=["land_class", "crop_id"], orient="row")


def _demand(
    groups: pl.DataFrame, crops: pl.DataFrame, scenarios: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Weekly demand: a season's hump × the channel's share × a level and a walk of each scenario; in all as much as 70 % of the land bears."""
    land = float(groups["area_mu"].sum()) * 0.7 / CROPS
    week = np.arange(WEEKS)
    frames = []
    for i, crop in enumerate(crops.iter_rows(named=True)):
        peak = crop["first"] + crop["grow"] + SOWING_WEEKS / 2
        hump = np.exp(-(((week - peak) / 7.0) ** 2))
        level = rng.lognormal(-0.045, 0.3, (scenarios, 1))
        walk = np.exp(np.cumsum(rng.normal(0, 0.06, (scenarios, WEEKS)), axis=1))
        kg = land * crop["kg"] * level * walk * hump / hump.sum()
        frames += [_cells(i, crop["price"], kg, grade, c) for grade in GRADES for c in range(len(CHANNELS))]
    return pl.concat(frames).filter(pl.col("demand_kg") > 1.0)


def _cells(crop: int, price: float, kg: Floats, grade: int, channel: int) -> pl.DataFrame:
    share = (0.35, 0.45, 0.2)[grade - 1] * (0.5, 0.3, 0.2)[channel]
    worth = price * (1.25, 1.0, 0.7)[grade - 1] * (1.0, 1.1, 0.8)[channel]
    scenarios, weeks = kg.shape
    return pl.DataFrame(
        {
            "scenario": np.repeat(np.arange(scenarios), weeks), "crop_id": f"crop-{crop:02d}", "grade": grade,
            "channel_id": CHANNELS[channel], "period": np.tile(np.arange(weeks), scenarios),
            "demand_kg": (kg * share).ravel(), "price_yuan_per_kg": worth,
        },
        schema_overrides={"scenario": pl.Int64, "grade": pl.Int64, "period": pl.Int64},
    )  # fmt: skip


def _yields(groups: pl.DataFrame, scenarios: int, rng: np.random.Generator) -> pl.DataFrame:
    zones = groups["zone_id"].unique().sort()
    crop = rng.lognormal(-0.01, 0.14, (scenarios, 1, CROPS))
    factor = crop * rng.lognormal(-0.002, 0.06, (scenarios, zones.len(), CROPS))
    s, z, c = np.indices(factor.shape)
    return pl.DataFrame(
        {
            "scenario": s.ravel(), "zone_id": zones.gather(z.ravel()),
            "crop_id": [f"crop-{i:02d}" for i in c.ravel()], "factor": factor.ravel(),
        },
        schema_overrides={"scenario": pl.Int64},
    )  # fmt: skip


def _labour(groups: pl.DataFrame) -> pl.DataFrame:
    weeks = pl.DataFrame({"period": range(WEEKS)}, schema={"period": pl.Int64})
    return (
        groups.group_by("labour_pool").agg(pl.sum("area_mu")).sort("labour_pool").join(weeks, how="cross")
        .select(
            "labour_pool", "period", hours=pl.col("area_mu") * FAMILY_HOURS / 100, hire_yuan_per_hour=pl.lit(18.0),
            idle_yuan_per_hour=pl.lit(0.0),
        )
    )  # fmt: skip
