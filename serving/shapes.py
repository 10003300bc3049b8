"""What the service reads of a release: columns per table. More columns may come; a missing one is read as null.

So a release that lacks a table, or was written before a column existed, is still served.
"""

import polars as pl

S, F, N, D = pl.String(), pl.Float64(), pl.Int64(), pl.Date()
T = pl.Datetime("us", "UTC")

SERIES: dict[str, pl.DataType] = {"product_id": S, "channel_id": S, "region_id": S}
RUN: dict[str, pl.DataType] = {"run_id": S, "cutoff": D}
FAN: dict[str, pl.DataType] = {"level": F, "demand_kg": F, "model_version": S, "fallback_reason": S}
IN_STOCK: dict[str, pl.DataType] = {
    "in_stock_kg": F,
    "in_stock_expected_kg": F,
    "has_stock_record": pl.Boolean(),
}

TABLES: dict[str, dict[str, pl.DataType]] = {
    "product": {"product_id": S, "name_zh": S, "name_en": S, "family": S, "grade": S, "shelf_life_days": N},
    "product_crop": {"product_id": S, "crop_id": S, "crop_kg_per_product_kg": F},
    "crop": {"crop_id": S, "name_zh": S, "name_en": S, "family": S, "kind": S},
    "channel": {"channel_id": S, "name": S, "platform": S},
    "region": {"region_id": S, "name": S},
    "place": {"place_id": S, "name": S, "kind": S, "parent_id": S},
    "plot": {
        "plot_id": S,
        "place_id": S,
        "land_class": S,
        "area_mu": F,
        "lat_deg": F,
        "lon_deg": F,
        "soil": S,
    },
    "practice": {"practice_id": S, "season": N, "last_season": N, "cost_yuan_per_mu": F},
    "demand_forecast": {"cutoff": D, **SERIES, "forecast_date": D, **FAN, "expected_kg": F, **IN_STOCK},
    "demand_expected": {**SERIES, "forecast_date": D, "expected_kg": F},
    "season_forecast": {"cutoff": D, "family": S, "channel_id": S, "region_id": S, "week_start": D, **FAN},
    "history_daily": {**SERIES, "sale_date": D, "sold_kg": F},
    "demand_override": {
        "override_id": S,
        **SERIES,
        "starts_on": D,
        "ends_on": D,
        "factor": F,
        "author": S,
        "reason": S,
        "expires_on": D,
        "written_at": T,
        "withdrawn_by": S,
        "withdrawn_reason": S,
        "withdrawn_at": T,
    },
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
    "recommendation_reason": {
        "recommendation_id": S,
        "rank": N,
        "kind": S,
        "text_zh": S,
        "text_en": S,
        "value_yuan": F,
    },
    "run": {**RUN, "flow": S, "started_at": T, "finished_at": T, "status": S, "detail": S},
    "run_step": {"run_id": S, "step": S, "started_at": T, "finished_at": T, "status": S, "detail": S},
    "forecast_score": {
        **RUN,
        "scored_cutoff": D,
        "segment": S,
        "lead_days": S,
        "metric": S,
        "method": S,
        "value": F,
    },
    "forecast_accuracy": {
        "segment": S,
        "lead_days": S,
        "metric": S,
        "method": S,
        "value": F,
        "rows_scored": N,
        "forecasts": N,
        "first_cutoff": D,
        "last_cutoff": D,
    },
    "forecast_value_added": {
        "segment": S,
        "lead_days": S,
        "metric": S,
        "step": S,
        "gain": F,
        "gain_share": F,
    },
    "season_accuracy": {
        "segment": S,
        "lead_weeks": N,
        "source": S,
        "metric": S,
        "method": S,
        "value": F,
        "rows_scored": N,
        "forecasts": N,
    },
    "override_value": {
        "override_id": S,
        **SERIES,
        "starts_on": D,
        "ends_on": D,
        "factor": F,
        "author": S,
        "reason": S,
        "forecasts": N,
        "days": N,
        "sold_kg": F,
        "before_wql": F,
        "after_wql": F,
        "gain_kg": F,
        "is_better": pl.Boolean(),
    },
    "node_status": {
        "node": S,
        **SERIES,
        "state": S,
        "since": D,
        "lost_origins": N,
        "counted_origins": N,
    },
    "model_error": {"metric": S, "anxu": F, "seasonal_naive": F},
    "load_summary": {
        "name": S,
        "kind": S,
        "rows_read": N,
        "rows_taken": N,
        "rows_unchanged": N,
        "rows_dropped": N,
        "rows_rejected": N,
        "arrived_at": T,
    },
    "rejected_summary": {"kind": S, "rule": S, "lines": N, "example_detail": S, "example_at": S},
    "unmapped_sales": {
        "platform": S,
        "shop": S,
        "seller_sku": S,
        "title": S,
        "lines": N,
        "goods_yuan": F,
        "missing": S,
        "share": F,
    },
    "sensor_state": {
        "sensor_id": S,
        "plot_id": S,
        "quantity": S,
        "last_at": T,
        "last_value": F,
        "flagged_30d": N,
        "readings_30d": N,
    },
    "finding": {"rank": N, "kind": S, "subject": S, "value": F, "allowed": F, "text_zh": S, "text_en": S},
}


def conform(table: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """The columns the service reads, in order and type; no frame gives no rows.

    Raises:
        polars.exceptions.PolarsError: A column holds what its type cannot (text where a number belongs).
    """
    shape = TABLES[table]
    if frame is None:
        return pl.DataFrame(schema=shape)
    return frame.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in shape.items()
    )
