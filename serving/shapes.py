"""What the service reads of a release: columns per table. More columns may come; a missing one is read as null.

So a release that lacks a table, or was written before a column existed, is still served.
"""

import polars as pl

from serving.shapes_cutting import CUTTING
from serving.shapes_grading import GRADING
from serving.shapes_harvest import HARVEST
from serving.shapes_pages import PAGE_TABLES
from serving.shapes_planting import PLANTING

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
    "product": {
        "product_id": S,
        "name_zh": S,
        "name_en": S,
        "family": S,
        "grade": S,
        "launched_on": D,
        "shelf_life_days": N,
    },
    "product_crop": {"product_id": S, "crop_id": S, "crop_kg_per_product_kg": F},
    "crop": {
        "crop_id": S,
        "name_zh": S,
        "name_en": S,
        "family": S,
        "kind": S,
        "is_legume": pl.Boolean(),
        "keeps_days": N,
        "base_temp_c": F,
        "mature_gdd_c_d": F,
    },
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
    "practice": {
        "practice_id": S,
        "crop_id": S,
        "land_class": S,
        "season": N,
        "last_season": N,
        "cost_yuan_per_mu": F,
        "labour_hours_per_mu": F,
        "sow_from_doy": N,
        "sow_to_doy": N,
        "sell_from_doy": N,
        "sell_to_doy": N,
        "is_perennial": pl.Boolean(),
    },
    "demand_forecast": {"cutoff": D, **SERIES, "forecast_date": D, **FAN, "expected_kg": F, **IN_STOCK},
    "demand_expected": {**SERIES, "forecast_date": D, "expected_kg": F},
    "season_forecast": {"cutoff": D, "family": S, "channel_id": S, "region_id": S, "week_start": D, **FAN},
    "history_daily": {**SERIES, "sale_date": D, "sold_kg": F, "revenue_yuan": F},
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
    **PLANTING,
    **GRADING,
    "recommendation_reason": {
        "recommendation_id": S,
        "rank": N,
        "kind": S,
        "text_zh": S,
        "text_en": S,
        "value_yuan": F,
    },
    "bestseller_forecast": {
        **RUN,
        "question": S,
        "subject_id": S,
        "name": S,
        "category": S,
        "decision_on": D,
        "window_from": D,
        "window_to": D,
        "top_share": F,
        "base_rate": F,
        "probability": F,
        "rank_in_category": N,
        "expected_yuan": F,
        "low_yuan": F,
        "high_yuan": F,
        "expected_margin_yuan": F,
        "lead_days": N,
        "model_version": S,
        "fallback_reason": S,
    },
    "bestseller_reason": {
        "question": S,
        "subject_id": S,
        "place": N,
        "theme": S,
        "effect": F,
        "text_zh": S,
        "text_en": S,
    },
    "selection_recommendation": {
        **RUN,
        "recommendation_id": S,
        "question": S,
        "subject_id": S,
        "name": S,
        "answer": S,
        "first_quantity_packs": F,
        "first_quantity_kg": F,
        "expected_leftover_kg": F,
        "expected_margin_yuan": F,
        "yuan_at_risk": F,
        "service_share": F,
        "commit_kind": S,
        "commit_quantity": F,
        "commit_by": D,
        "crop_id": S,
        "blocked_zh": S,
        "blocked_en": S,
        "text_zh": S,
        "text_en": S,
    },
    "bestseller_score": {
        "cutoff": D,
        "question": S,
        "calls": N,
        "called": N,
        "hits": N,
        "false_alarms": N,
        "missed": N,
        "base_rate": F,
        "false_alarm_yuan": F,
        "lead_days_median": F,
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

TABLES = {**PAGE_TABLES, **HARVEST, **CUTTING, **TABLES}


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
