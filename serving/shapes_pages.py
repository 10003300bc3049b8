"""What the service reads of tables that only pages show; as serving.shapes, which takes them in."""

import polars as pl

S, F, N, D = pl.String(), pl.Float64(), pl.Int64(), pl.Date()
T = pl.Datetime("us", "UTC")

PAGE_TABLES: dict[str, dict[str, pl.DataType]] = {
    "planting": {
        "plot_id": S,
        "crop_id": S,
        "year": N,
        "season": N,
        "area_mu": F,
        "practice_id": S,
        "sown_on": D,
    },
    "harvest_event": {
        "harvest_id": S,
        "plot_id": S,
        "crop_id": S,
        "harvested_at": T,
        "harvested_kg": F,
        "grade": S,
    },
    "commitment": {
        "commitment_id": S,
        "kind": S,
        "crop_id": S,
        "quantity_kg": F,
        "due_from": D,
        "due_to": D,
        "price_yuan_per_kg": F,
    },
    "practice_yield": {
        "practice_id": S,
        "crop_id": S,
        "yield_kg_per_mu": F,
        "yield_cv": F,
        "price_yuan_per_kg": F,
    },
    "decision": {
        "decision_id": S,
        "recommendation_id": S,
        "answer": S,
        "area_mu": F,
        "author": S,
        "reason": S,
        "written_at": T,
    },
    "rejected_row": {
        "file_id": S,
        "file_name": S,
        "kind": S,
        "table_name": S,
        "line_number": N,
        "rule": S,
        "detail": S,
        "row_text": S,
        "rejected_at": T,
    },
    "calendar_event": {"day": D, "until": D, "kind": S, "key": S, "channel_id": S},
    "stock_out_daily": {
        "product_id": S,
        "channel_id": S,
        "region_id": S,
        "stock_date": D,
        "hours_out_of_stock": F,
    },
    "demand_scenario_total": {
        "crop_id": S,
        "week_start": D,
        "level": F,
        "demand_kg": F,
        "expected_kg": F,
    },
    "reading_daily": {
        "sensor_id": S,
        "quantity": S,
        "day": D,
        "mean_value": F,
        "low_value": F,
        "high_value": F,
    },
    "sensor_fault": {
        "sensor_id": S,
        "quantity": S,
        "fault": S,
        "from_at": T,
        "to_at": T,
        "readings": N,
        "detail": S,
    },
    "crew": {"crew_id": S, "place_id": S, "workers": N, "hours_per_day": F},
}
