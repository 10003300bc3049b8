"""Fields and harvest of the small published county of conftest."""

from datetime import UTC, date, datetime, timedelta

import polars as pl


def harvest_rows(cutoff: date) -> dict[str, pl.DataFrame]:
    """Two plots watched, three plantings of which one is overdue, a year judged."""
    common = {"run_id": "r1", "cutoff": cutoff}
    fields = [
        {
            **common, "plot_id": plot, "day": cutoff - timedelta(days=back), "level": level, "level_frost": 0,
            "level_heat": 0, "level_water": level, "level_disease": 0, "source_frost": "station",
            "source_heat": "station", "source_water": "held" if level else "station", "source_disease": "station",
            "silent_days": 12 if level else None,
        }
        for plot, level in (("V1-1", 0), ("V1-2", 2), ("V2-1", 0))
        for back in range(2)
    ]  # fmt: skip
    outlook = [
        {
            **common, "plot_id": plot, "crop_id": crop, "year": 2026, "season": 1, "practice_id": practice,
            "place_id": plot[:2], "area_mu": 8.0, "sown_on": date(2026, 3, 1), "stage": stage, "heat_c_d": heat,
            "from_observed": False, "unknown_days": 0, "is_overdue": late, "cuts": 0, "cut_kg": 0.0, "first_cut_on": None,
            "last_cut_on": None, "ready_p10": cutoff + timedelta(days=ready - 3), "ready_p50": cutoff + timedelta(days=ready),
            "ready_p90": cutoff + timedelta(days=ready + 4), "season_p10_kg": 3000.0, "season_p50_kg": 4000.0,
            "season_p90_kg": 5000.0, "season_expected_kg": 4000.0, "last_year_kg": 3900.0,
        }
        for plot, crop, practice, stage, heat, late, ready in (
            ("V1-1", "rice", "rice-single", "flowering", 900.0, False, 20),
            ("V1-2", "rice", "rice-single", "ripe", 1900.0, True, -50),
            ("V2-1", "crab", "rice-crab", None, None, False, 5),
        )
    ]  # fmt: skip
    key = {"plot_id": "V2-1", "crop_id": "crab", "year": 2026, "season": 1}
    days = [
        {**common, **key, "forecast_date": cutoff + timedelta(days=n), "p10_kg": 0.0, "p50_kg": 10.0, "p90_kg": 30.0,
         "expected_kg": 12.0}
        for n in range(1, 8)
    ]  # fmt: skip
    actual = {
        **common, **key, "area_mu": 4.5, "is_finished": False, "practice_kg": 180.0, "told_on": cutoff, "told_kg": 185.0,
        "told_ready_on": cutoff + timedelta(days=5), "cut_kg": 0.0, "cuts": 0, "first_cut_on": None, "reported_kg": 0.0,
    }  # fmt: skip
    value = {
        **common, "crop_id": "*", "year": 2025, "seasons": 9, "harvested_kg": 20000.0, "wape_anxu": 0.1,
        "wape_last_year": 0.2, "value_added": 0.5,
    }  # fmt: skip
    return {
        "field_state": pl.DataFrame(fields, infer_schema_length=None),
        "harvest_outlook": pl.DataFrame(outlook, infer_schema_length=None),
        "harvest_day": pl.DataFrame(days),
        "harvest_actual": pl.DataFrame([actual]),
        "harvest_value": pl.DataFrame([value]),
        **cutting_rows(cutoff),
    }


def cutting_rows(cutoff: date) -> dict[str, pl.DataFrame]:
    """Two cuts of one crew, a promise that is broken, and a change within the day."""
    common = {"run_id": "r1", "cutoff": cutoff}
    first = cutoff + timedelta(days=1)
    plan = {
        **common, "written_at": datetime(first.year, first.month, first.day, 3, tzinfo=UTC), "first_day": first, "days": 14,
        "cause": "hour", "status": "optimal", "value_yuan": 9000.0, "bound_yuan": 9010.0, "gap": 0.001, "cut_kg": 150.0,
        "promised_kg": 120.0, "kept_kg": 90.0, "note": "",
    }  # fmt: skip
    cuts = [
        {
            **common, "recommendation_id": f"{plot}/{crop}/{first}/1", "rank": rank, "day": first, "plot_id": plot,
            "crop_id": crop, "crew_id": "crew-1", "cold_room_id": "cold-1", "cut_kg": kg, "crew_hours": 6.0,
            "oldest_on": first - timedelta(days=1), "last_on": first + timedelta(days=4), "rain_chance": 0.6,
            "promised_kg": kg - 10, "expected_kg": 6.0, "other_kg": 4.0, "value_yuan": 9000.0 / rank,
        }
        for rank, (plot, crop, kg) in enumerate((("V2-1", "crab", 100.0), ("V1-1", "rice", 50.0)), start=1)
    ]  # fmt: skip
    reasons = [
        {**common, "recommendation_id": c["recommendation_id"], "rank": 1, "kind": "promise", "text_zh": "供已承诺的交付",
         "text_en": "goes to promises made"}
        for c in cuts
    ]  # fmt: skip
    serve = {
        **common, "order_id": f"promise/c1/{first}", "crop_id": "crab", "grade": None, "region_id": None, "ship_on": first,
        "cut_on": first, "cold_room_id": "cold-1", "served_kg": 90.0, "is_promised": True, "hours_to_table": 10.0,
    }  # fmt: skip
    short = {
        **common, "kind": "order", "subject_id": f"promise/c1/{first}", "crop_id": "crab", "grade": None, "region_id": None,
        "day": first, "kg": 30.0, "is_promised": True, "cause": "crew_hours",
    }  # fmt: skip
    load = {
        **common,
        "day": first,
        "kind": "crew",
        "subject_id": "crew-1",
        "used": 12.0,
        "limit_of": 12.0,
        "shipped_kg": None,
    }
    trigger = {**common, "kind": "orders", "subject_id": "crab", "value": 80.0, "limit_of": 60.0, "text_zh": "河蟹订单超出预测",
               "text_en": "crab orders beyond the forecast"}  # fmt: skip
    change = {
        **common,
        "day": first,
        "plot_id": "V2-1",
        "crop_id": "crab",
        "before_kg": 60.0,
        "after_kg": 100.0,
        "crews": "crew-1",
    }
    return {
        "cutting_plan": pl.DataFrame([plan]),
        "harvest_recommendation": pl.DataFrame(cuts),
        "harvest_reason": pl.DataFrame(reasons),
        "harvest_serve": pl.DataFrame([serve]),
        "harvest_shortfall": pl.DataFrame([short]),
        "harvest_load": pl.DataFrame([load]),
        "harvest_trigger": pl.DataFrame([trigger]),
        "harvest_change": pl.DataFrame([change]),
    }
