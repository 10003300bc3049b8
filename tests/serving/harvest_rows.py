"""Fields and harvest of the small published county of conftest."""

from datetime import date, timedelta

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
    }
