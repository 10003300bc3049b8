"""Two textbook farms with known optima, as county problems: the farmer's problem and DEMO1."""

import json
import time
from pathlib import Path
from typing import Any

import polars as pl

from models.planning.county import solve_county, value_of_information
from models.planning.county_problem import CountyParams, CountyProblem

FARMER = {"profit": 108_390.0, "evpi": 7_015.56, "vss": 1_150.0}
"""Birge & Louveaux, Introduction to Stochastic Programming, 1997, ch. 1.1."""
DEMO1 = 1_898.52
"""Kutcher, Meeraus & O'Mara, Agriculture Sector and Policy Models, World Bank 1988."""
CENT = 0.005
LAND = pl.DataFrame({"group_id": ["farm"], "zone_id": ["farm"], "labour_pool": ["family"]})


def farms(folder: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Solve both farms and hold them against their known values; returns rows and musts."""
    told = {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("farmer", "demo1")}
    began = time.monotonic()
    value = value_of_information(farmer(told["farmer"]))
    between = time.monotonic()
    profit = solve_county(demo1(told["demo1"]), CountyParams()).expected_yuan
    seconds = {"farmer": between - began, "demo1": time.monotonic() - between}
    found = {"profit": value.stochastic, "evpi": value.evpi, "vss": value.vss}
    rows = [_row("farmer", name, number) for name, number in found.items()]
    rows += [_row("demo1", "profit", profit), *(_row(farm, "seconds", s) for farm, s in seconds.items())]
    must = [
        _must(f"farmer's problem: {name}", number, FARMER[name], abs(number - FARMER[name]) <= CENT)
        for name, number in found.items()
    ]
    must.append(_must("DEMO1: profit", profit, DEMO1, abs(profit - DEMO1) <= CENT))
    must += [_must(f"{farm}: seconds", s, 1.0, s < 1.0) for farm, s in seconds.items()]
    return rows, must


def farmer(told: dict[str, Any]) -> CountyProblem:
    """Birge & Louveaux: acres, tonnes and dollars stand for mu, kg and yuan; feed bought is what a promise falls short by."""
    crops = told["crops"]
    outputs = told["yield_t_per_acre_by_scenario"]
    average = outputs["average"]
    demand = [
        (None, crop, 1, "market", 0, told["beet_quota_t"] if crop == "sugar_beet" else None, float(price))
        for crop, price in zip(crops, told["sell_price_usd_per_t"], strict=True)
    ]
    demand.append((None, "sugar_beet", 1, "above quota", 0, None, float(told["beet_price_above_quota"])))
    feeds = zip(crops, told["feed_requirement_t"], told["buy_price_usd_per_t"], strict=True)
    return CountyProblem(
        groups=LAND.with_columns(area_mu=pl.lit(float(told["land_acres"]))),
        activities=_activities(crops, told["plant_cost_usd_per_acre"]),
        options=_options(crops),
        occupation=pl.DataFrame({"activity_id": crops, "period": [0] * len(crops), "share": [1.0] * len(crops)}),
        outputs=_outputs(crops, average),
        demand=pl.DataFrame(
            demand,
            schema={
                "scenario": pl.Int64, "crop_id": pl.String, "grade": pl.Int64, "channel_id": pl.String, "period": pl.Int64,
                "demand_kg": pl.Float64, "price_yuan_per_kg": pl.Float64,
            },
            orient="row",
        ),
        yields=pl.DataFrame(
            [
                (s, "farm", crop, outputs[name][i] / average[i])
                for s, name in enumerate(outputs)
                for i, crop in enumerate(crops)
            ],
            schema=["scenario", "zone_id", "crop_id", "factor"],
            orient="row",
        ),
        commitments=pl.DataFrame(
            [(f"feed {c}", c, 1, 0, 0, float(kg), float(price)) for c, kg, price in feeds if kg],
            schema=["commitment_id", "crop_id", "grade", "from_period", "to_period", "quantity_kg", "shortage_yuan_per_kg"],
            orient="row",
        ),
        probabilities=tuple(told["probability"]),
    )  # fmt: skip


def demo1(told: dict[str, Any]) -> CountyProblem:
    """DEMO1: months are periods, tonnes stand for kg; days not needed are hired out, days lacking are hired."""
    crops, months = told["crops"], told["months"]

    def by_month(name: str, column: str) -> pl.DataFrame:
        cells = [
            (crop, m, float(told[name][month][i]))
            for m, month in enumerate(months)
            for i, crop in enumerate(crops)
            if told[name][month][i]
        ]
        return pl.DataFrame(cells, schema=["activity_id", "period", column], orient="row")

    price = [float(told["price_usd_per_t"][c]) for c in crops]
    size = len(months)
    return CountyProblem(
        groups=LAND.with_columns(area_mu=pl.lit(float(told["farm_size_ha"]))),
        activities=_activities(crops, [told["misc_cost_usd_per_ha"][c] for c in crops]),
        options=_options(crops),
        occupation=by_month("land_months_per_ha", "share"),
        outputs=_outputs(crops, [told["yield_t_per_ha"][c] for c in crops]),
        demand=pl.DataFrame(
            {
                "scenario": None, "crop_id": crops, "grade": 1, "channel_id": "market", "period": 0, "demand_kg": None,
                "price_yuan_per_kg": price,
            },
            schema_overrides={"scenario": pl.Int64, "demand_kg": pl.Float64, "grade": pl.Int64, "period": pl.Int64},
        ),
        labour_need=by_month("labour_days_per_ha", "hours_per_mu"),
        labour=pl.DataFrame(
            {
                "labour_pool": ["family"] * size, "period": list(range(size)),
                "hours": [float(told["family_labour_days_per_month"])] * size,
                "hire_yuan_per_hour": [float(told["temporary_wage"])] * size,
                "idle_yuan_per_hour": [float(told["hire_out_wage"])] * size,
            }
        ),
        probabilities=(1.0,),
    )  # fmt: skip


def _activities(crops: list[str], cost: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "activity_id": crops,
            "crop_id": crops,
            "cost_yuan_per_mu": [float(c) for c in cost],
            "sow_period": [0] * len(crops),
        }
    )


def _options(crops: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"group_id": "farm", "activity_id": crops, "yield_index": 1.0})


def _outputs(crops: list[str], kg: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "activity_id": crops,
            "crop_id": crops,
            "grade": 1,
            "period": 0,
            "kg_per_mu": [float(k) for k in kg],
        },
        schema_overrides={"grade": pl.Int64, "period": pl.Int64},
    )


def _row(segment: str, metric: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": "anxu", "value": value}


def _must(what: str, value: float, limit: float, holds: bool) -> dict[str, object]:
    return {"what": what, "value": value, "limit": limit, "holds": holds}
