"""The sample county's lots and measured pieces agree with its harvests and its standard."""

import polars as pl
import pytest

from models.grading.standards import from_frame
from models.simulation.graded import RECIPES, grade_standard, inspections, lots, recipe
from models.simulation.growth import harvest_events
from models.simulation.sizes import ENDS_ON
from models.simulation.world import World, build_world


@pytest.fixture(scope="module")
def tiny() -> World:
    return build_world("tiny", 1)


def test_a_lot_is_a_harvest_of_one_grade_and_no_piece_is_heavier_than_it(tiny: World) -> None:
    found = lots(tiny)
    cut = harvest_events(tiny.grown, ENDS_ON)
    joined = found.join(cut, on=["harvest_id", "crop_id", "grade"])
    assert joined.height == found.height > 50
    assert joined["lot_kg"].to_list() == joined["harvested_kg"].to_list()
    pieces = inspections(tiny).join(found, on="lot_id")
    assert pieces["inspection_id"].is_unique().all()
    assert pieces["lot_id"].n_unique() == found.height
    assert pieces.filter(pl.col("sample_kg") > pl.col("lot_kg")).is_empty()


def test_pieces_of_a_lot_mostly_keep_the_class_it_was_sorted_into(tiny: World) -> None:
    standards = {s.crop_id: s for s in from_frame(grade_standard(tiny))}
    pieces = inspections(tiny).join(lots(tiny), on="lot_id")
    found = [
        standards[crop].grade_of({attribute: value}) == grade
        for crop, attribute, value, grade in pieces.select(
            "crop_id", "attribute", "value", "grade"
        ).iter_rows()
    ]
    assert 0.85 < sum(found) / len(found) < 1.0


def test_the_standard_ranks_its_classes_also_where_less_is_better(tiny: World) -> None:
    for standard in from_frame(grade_standard(tiny)):
        assert standard.grades == ("特级", "一级", "二级"), standard.crop_id


def test_every_recipe_leaves_a_margin(tiny: World) -> None:
    price = {r[0]: r[6] for r in RECIPES}
    for product_id, need, cost in (
        recipe(tiny).select("product_id", "kg_in_per_kg_out", "cost_yuan_per_kg").iter_rows()
    ):
        assert need > 1
        assert price[product_id] > cost
