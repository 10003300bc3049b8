"""Overrides are read strictly, and change what they name and nothing else."""

from datetime import date

import polars as pl
import pytest

from models.planning.imagine import BadOverride, Imagined, Override, parse

YIELDS = pl.DataFrame(
    {
        "practice_id": ["a", "b"],
        "crop_id": ["leek", "kale"],
        "price_yuan_per_kg": [3.0, 2.0],
        "yield_kg_per_mu": [500.0, 400.0],
    }
)
PRACTICES = pl.DataFrame(
    {
        "practice_id": ["a", "b"],
        "crop_id": ["leek", "kale"],
        "cost_yuan_per_mu": [100.0, 50.0],
        "sell_from_doy": [300, 10],
        "sell_to_doy": [360, 20],
    },
    schema_overrides={"sell_from_doy": pl.Int32, "sell_to_doy": pl.Int32},
)


def test_without_overrides_nothing_changes() -> None:
    assert Imagined().table("practice_yield", YIELDS).equals(YIELDS)
    assert Imagined().table("practice", PRACTICES).equals(PRACTICES)


def test_each_kind_changes_what_it_names() -> None:
    world = Imagined(parse(
        '[{"kind": "price", "crop_id": "leek", "factor": 0.5}, {"kind": "weather", "factor": 0.8},'
        ' {"kind": "subsidy", "crop_id": "kale", "yuan_per_mu": 80}, {"kind": "cold_room", "crop_id": "leek", "days": 20},'
        ' {"kind": "demand", "crop_id": "kale", "factor": 2}, {"kind": "heat", "celsius": -1.5}]'
    ))  # fmt: skip
    yields = world.table("practice_yield", YIELDS)
    assert yields["price_yuan_per_kg"].to_list() == [1.5, 2.0]
    assert yields["yield_kg_per_mu"].to_list() == [400.0, 320.0]
    practices = world.table("practice", PRACTICES)
    assert practices["cost_yuan_per_mu"].to_list() == [100.0, 0.0]
    assert practices["sell_to_doy"].to_list() == [14, 20]  # 360 + 20 days runs over the year end
    assert world.demand(YIELDS, "price_yuan_per_kg")["price_yuan_per_kg"].to_list() == [3.0, 4.0]
    assert world.warmer_c == -1.5


def test_an_adoption_is_one_more_promise() -> None:
    known = pl.DataFrame({
        "commitment_id": ["c"], "kind": "contract", "crop_id": "kale", "quantity_kg": 5.0, "due_from": date(2026, 1, 1),
        "due_to": date(2026, 2, 1), "price_yuan_per_kg": 2.0,
    })  # fmt: skip
    text = '[{"kind": "adoption", "crop_id": "leek", "quantity_kg": 90, "due_from": "2026-05-01", "due_to": "2026-05-31"}]'
    rows = Imagined(parse(text)).table("commitment", known)
    assert rows.select("kind", "crop_id", "quantity_kg", "due_to").rows() == [
        ("contract", "kale", 5.0, date(2026, 2, 1)),
        ("adoption", "leek", 90.0, date(2026, 5, 31)),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no JSON"),
        ("[]", "no list of objects"),
        ('[{"kind": "tax"}]', "kind 'tax' is not one of price, demand"),
        ('[{"kind": "price"}]', "price needs factor"),
        ('[{"kind": "price", "factor": 1, "days": 3}]', "'days' does not go with price"),
        ('[{"kind": "price", "factor": "2"}]', "give a number from 0 to 100"),
        ('[{"kind": "price", "factor": 101}]', "give a number from 0 to 100"),
        ('[{"kind": "price", "factor": true}]', "give a number"),
        ('[{"kind": "cold_room", "days": 2.5}]', "give a whole number"),
        ('[{"kind": "price", "factor": 1, "crop_id": 7}]', "give a text"),
        ('[{"kind": "adoption", "crop_id": "a", "quantity_kg": 1, "due_from": "2026", "due_to": "2026-01-02"}]', "YYYY-MM-DD"),
        ('[{"kind": "adoption", "crop_id": "a", "quantity_kg": 1, "due_from": "2026-01-03", "due_to": "2026-01-02"}]', "swap"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_the_way_out(text: str, why: str) -> None:
    with pytest.raises(BadOverride, match=why):
        parse(text)


def test_overrides_of_unknown_crops_are_found() -> None:
    world = Imagined((Override("price", "lek", 1.1), Override("heat", celsius=1.0)))
    assert world.unknown_crops(pl.DataFrame({"crop_id": ["leek"]})) == ["lek"]
