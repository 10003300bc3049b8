"""What the service reads of a release about planting: columns per table (see serving.shapes)."""

import polars as pl

S, F, N, D = pl.String(), pl.Float64(), pl.Int64(), pl.Date()
RUN: dict[str, pl.DataType] = {"run_id": S, "cutoff": D}

PLANTING: dict[str, dict[str, pl.DataType]] = {
    "planting_plan": {
        **RUN,
        "first_year": N,
        "last_year": N,
        "status": S,
        "profit_yuan": F,
        "bound_yuan": F,
        "gap": F,
        "rules_broken": N,
    },
    "planting_value": {
        **RUN,
        "made_for": S,
        "paths": N,
        "scenarios": N,
        "expected_yuan": F,
        "low_yuan": F,
        "high_yuan": F,
        "cvar_yuan": F,
        "cvar_level": F,
        "mean_plan_yuan": F,
        "scenario_plan_yuan": F,
        "vss_yuan": F,
        "evpi_yuan": F,
        "service_share": F,
        "promise_share": F,
        "waste_kg": F,
        "unserved_kg": F,
    },
    "planting_recommendation": {
        **RUN,
        "recommendation_id": S,
        "plot_id": S,
        "practice_id": S,
        "crop_id": S,
        "year": N,
        "season": N,
        "area_mu": F,
        "expected_kg": F,
        "expected_profit_yuan": F,
        "demand_source": S,
    },
    "planting_balance": {
        **RUN,
        "crop_id": S,
        "year": N,
        "season": N,
        "demand_kg": F,
        "committed_kg": F,
        "supply_kg": F,
        "sold_kg": F,
        "surplus_kg": F,
        "unserved_kg": F,
        "demand_source": S,
    },
}
