"""Rows of the bestseller tables from calls and choices."""

from typing import Any

import polars as pl

from models.forecasting.selection import Offer, Selection

S, F, N, D = pl.String(), pl.Float64(), pl.Int64(), pl.Date()
CALL = pl.Schema({
    "question": S, "subject_id": S, "name": S, "category": S, "decision_on": D, "window_from": D, "window_to": D,
    "top_share": F, "base_rate": F, "probability": F, "rank_in_category": N, "expected_yuan": F, "low_yuan": F,
    "high_yuan": F, "expected_margin_yuan": F, "lead_days": N, "model_version": S, "fallback_reason": S,
})  # fmt: skip
REASON = pl.Schema({
    "question": S, "subject_id": S, "place": N, "theme": S, "effect": F, "text_zh": S, "text_en": S,
})  # fmt: skip
SELECTION = pl.Schema({
    "recommendation_id": S, "question": S, "subject_id": S, "name": S, "answer": S, "first_quantity_packs": F,
    "first_quantity_kg": F, "expected_leftover_kg": F, "expected_margin_yuan": F, "yuan_at_risk": F, "service_share": F,
    "commit_kind": S, "commit_quantity": F, "commit_by": D, "crop_id": S, "blocked_zh": S, "blocked_en": S, "text_zh": S,
    "text_en": S,
})  # fmt: skip


def offer_margin(worth_yuan: float, offer: Offer, price_yuan: float) -> float:
    """Margin of what is expected to be sold (gross yuan at `price_yuan` a pack), leftovers aside."""
    return worth_yuan / price_yuan * (offer.price_yuan - offer.cost_yuan)


def selection_row(call: dict[str, Any], offer: Offer, choice: Selection) -> dict[str, Any]:
    """One row of selection_recommendation; its id is the same from night to night."""
    first, pack = choice.first, offer.pack_kg
    blocked = offer.blocked or (None, None)
    return {
        "recommendation_id": f"{call['question']}/{call['subject_id']}",
        "question": call["question"],
        "subject_id": call["subject_id"],
        "name": call["name"],
        "answer": choice.answer,
        "first_quantity_packs": first.units,
        "first_quantity_kg": first.units * pack,
        "expected_leftover_kg": first.expected_leftover * pack,
        "expected_margin_yuan": first.expected_margin_yuan,
        "yuan_at_risk": first.yuan_at_risk,
        "service_share": first.service_share,
        "commit_kind": choice.commit_kind,
        "commit_quantity": choice.commit_quantity,
        "commit_by": choice.commit_by,
        "crop_id": offer.crop_id,
        "blocked_zh": blocked[0],
        "blocked_en": blocked[1],
        "text_zh": choice.text_zh,
        "text_en": choice.text_en,
    }
