"""What the service reads of a release about grading: columns per table (see serving.shapes)."""

import polars as pl

S, F, N, D, B = pl.String(), pl.Float64(), pl.Int64(), pl.Date(), pl.Boolean()

GRADING: dict[str, dict[str, pl.DataType]] = {
    "published_standard": {
        "standard": S, "version": S, "crop_id": S, "grade": S, "rank": N, "attribute": S, "min_value": F, "max_value": F,
        "condition": S, "valid_from": D, "source": S, "is_verified": B, "origin": S, "is_in_force": B, "fault": S,
    },
    "grade_price": {
        "crop_id": S, "grade": S, "base_grade": S, "price_ratio": F, "low": F, "high": F, "cells": N, "markets": N,
        "advice": S, "yuan_per_kg": F, "sold_kg": F, "sold_share": F, "lines": N, "return_share": F,
    },
    "grading_recommendation": {
        "cutoff": D, "recommendation_id": S, "crop_id": S, "attribute": S, "answer": S, "standard": S, "version": S,
        "status": S, "grades": N, "pieces": N, "goods_kg": F, "net_yuan": F, "present_yuan": F, "equal_width_yuan": F,
        "terciles_yuan": F, "unsorted_yuan": F, "gain_low_yuan": F, "gain_yuan": F, "gain_high_yuan": F,
        "moved_share": F, "regret_share": F, "text_zh": S, "text_en": S,
    },
    "grade_cut": {
        "recommendation_id": S, "crop_id": S, "grade": S, "rank": N, "attribute": S, "min_value": F, "max_value": F,
        "present_min": F, "present_max": F, "goods_share": F, "goods_kg": F, "demand_kg": F, "price_yuan_per_kg": F,
    },
    "grade_curve": {
        "recommendation_id": S, "crop_id": S, "grade": S, "at_value": F, "goods_share": F, "net_yuan": F,
    },
    "grading_reason": {
        "recommendation_id": S, "rank": N, "kind": S, "text_zh": S, "text_en": S, "value_yuan": F,
    },
    "lot_grade": {
        "lot_id": S, "crop_id": S, "standard": S, "grade": S, "rank": N, "share": F, "low": F, "high": F, "label": S,
        "pieces": N, "needed": N,
    },
    "lot_allocation": {
        "lot_id": S, "crop_id": S, "destination": S, "kind": S, "kg": F, "yuan": F, "steps_down": N,
    },
    "grade_mix": {"crop_id": S, "land_class": S, "grade": S, "share": F, "harvest_kg": F},
}  # fmt: skip
