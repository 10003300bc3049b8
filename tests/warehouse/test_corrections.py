"""Descriptions that other tables point to can still be corrected, and what they point to is still held to."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from warehouse import Warehouse

KNOWN = datetime(2026, 5, 1, tzinfo=UTC)


def take(wh: Warehouse, table: str, **row: Any) -> list[str]:
    """Take one row in; the rules it broke."""
    frame = pl.DataFrame([{"line_number": 2, "known_at": KNOWN, **row}])
    return list(wh.take_in(table, frame, "f").rejected_frame["rule"])


def planted_plot(wh: Warehouse) -> dict[str, Any]:
    for place in ("north", "south"):
        take(wh, "place", place_id=place, name=place, kind="village")
    crop = {"crop_id": "rice", "name_zh": "水稻", "name_en": "rice", "family": "grass", "kind": "grain"}
    take(wh, "crop", **crop, is_legume=False, keeps_days=365)
    plot = {"plot_id": "N-07", "place_id": "north", "land_class": "paddy", "area_mu": 18.8}
    take(wh, "plot", **plot)
    take(wh, "planting", plot_id="N-07", crop_id="rice", year=2026, season=1, area_mu=18.8)
    return plot


def test_area_and_village_of_a_planted_plot_can_be_corrected(wh: Warehouse) -> None:
    plot = planted_plot(wh)
    assert take(wh, "plot", **(plot | {"area_mu": 17.5, "place_id": "south"})) == []
    assert wh.read("plot").select("place_id", "area_mu").rows() == [("south", 17.5)]


def test_a_plot_in_a_village_nobody_knows_is_refused(wh: Warehouse) -> None:
    plot = planted_plot(wh)
    assert take(wh, "plot", **(plot | {"plot_id": "X-01", "place_id": "west"})) == ["place_id_known"]


def test_cost_of_a_practice_with_yields_can_be_corrected(wh: Warehouse) -> None:
    planted_plot(wh)
    practice = {
        "practice_id": "rice",
        "crop_id": "rice",
        "land_class": "paddy",
        "season": 1,
        "last_season": 1,
    }
    take(wh, "practice", **practice, cost_yuan_per_mu=1250.0, source="book")
    take(
        wh, "practice_yield", practice_id="rice", crop_id="rice", yield_kg_per_mu=560.0, price_yuan_per_kg=2.9
    )
    assert take(wh, "practice", **practice, cost_yuan_per_mu=1300.0, source="book") == []
    assert wh.read("practice")["cost_yuan_per_mu"].to_list() == [1300.0]


def test_no_table_that_others_reference_has_a_foreign_key_of_its_own(wh: Warehouse) -> None:
    keys = wh.sql(
        "select table_name, referenced_table from duckdb_constraints() where constraint_type = 'FOREIGN KEY'"
    )
    assert not set(keys["table_name"]) & set(keys["referenced_table"])
