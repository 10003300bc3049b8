"""The checker catches each broken rule, by name, and counts the money of what is written."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models.planning.checker import Report, Rules, check

PLOTS = pl.DataFrame(
    [("N-07", "dry", 18.8), ("P-01", "paddy", 10.0), ("V-01", "orchard", 4.0)],
    schema=["plot_id", "land_class", "area_mu"],
    orient="row",
)
CROPS = pl.DataFrame(
    [
        ("maize", "Poaceae", False),
        ("bean", "Fabaceae", True),
        ("rice", "Poaceae", False),
        ("vine", "Vitaceae", False),
    ],
    schema=["crop_id", "family", "is_legume"],
    orient="row",
)
PRACTICES = pl.DataFrame(
    [
        ("maize-1", "maize", "dry", 1, 1, 100.0, False),
        ("bean-1", "bean", "dry", 1, 1, 50.0, False),
        ("bean-2", "bean", "dry", 2, 2, 50.0, False),
        ("rice-1", "rice", "paddy", 1, 2, 200.0, False),
        ("vine-1", "vine", "orchard", 1, 2, 10.0, True),
    ],
    schema=[
        "practice_id",
        "crop_id",
        "land_class",
        "season",
        "last_season",
        "cost_yuan_per_mu",
        "is_perennial",
    ],
    orient="row",
)
YIELDS = pl.DataFrame(
    [("maize-1", "maize", 500.0, 2.0, 0.5), ("bean-1", "bean", 200.0, 5.0, 0.0), ("bean-2", "bean", 200.0, 5.0, 0.0),
     ("rice-1", "rice", 500.0, 3.0, 0.0), ("vine-1", "vine", 100.0, 8.0, 0.0)],
    schema=["practice_id", "crop_id", "yield_kg_per_mu", "price_yuan_per_kg", "salvage_yuan_per_kg"],
    orient="row",
)  # fmt: skip
PAST = pl.DataFrame(
    [("N-07", "maize", 2024, 1, 18.8, "maize-1"), ("N-07", "bean", 2025, 1, 10.0, "bean-1"),
     ("P-01", "rice", 2024, 1, 10.0, "rice-1"), ("V-01", "vine", 2025, 1, 3.0, "vine-1")],
    schema=["plot_id", "crop_id", "year", "season", "area_mu", "practice_id"],
    orient="row",
)  # fmt: skip
DEMAND = pl.DataFrame(
    [("maize", 2026, 1, 6000.0, 0.0, "forecast")],
    schema=["crop_id", "year", "season", "demand_kg", "committed_kg", "demand_source"],
    orient="row",
)
NO_LEGUMES = Rules(2026, 2028, legume_years=0)
Line = tuple[str, str, str, int, int, float]


def checked(*lines: Line, rules: Rules = NO_LEGUMES, past: pl.DataFrame = PAST) -> Report:
    names = ["plot_id", "practice_id", "crop_id", "year", "season", "area_mu"]
    types = [pl.String, pl.String, pl.String, pl.Int64, pl.Int64, pl.Float64]
    frame = pl.DataFrame(lines, schema=dict(zip(names, types, strict=True)), orient="row")
    return check(
        frame, plots=PLOTS, practices=PRACTICES, practice_yield=YIELDS, crops=CROPS, planting=past, demand=DEMAND, rules=rules
    )  # fmt: skip


def maize(area_mu: float, year: int = 2026, *, plot_id: str = "N-07", season: int = 1) -> Line:
    return plot_id, "maize-1", "maize", year, season, area_mu


def test_a_sound_plan_breaks_nothing_and_its_money_is_counted() -> None:
    report = checked(maize(14.0))
    assert report.broken.is_empty()
    assert report.profit_yuan == pytest.approx(6000 * 2.0 + 1000 * 0.5 - 14 * 100)
    row = report.balance.row(0, named=True)
    assert (row["supply_kg"], row["sold_kg"], row["surplus_kg"], row["unserved_kg"]) == (
        7000.0,
        6000.0,
        1000.0,
        0.0,
    )


def test_surplus_may_be_lost() -> None:
    report = checked(maize(14.0), rules=Rules(2026, 2028, legume_years=0, surplus="lost"))
    assert report.profit_yuan == pytest.approx(6000 * 2.0 - 14 * 100)


def test_too_much_area_is_told_with_plot_value_limit_and_way_out() -> None:
    assert checked(maize(21.0)).broken["detail"].to_list() == [
        "plot 'N-07': planned 21 mu exceed its 18.8 mu in 2026 season 1; lower the area or split the crop over two plots"
    ]


@pytest.mark.parametrize(
    ("rule", "lines", "rules"),
    [
        ("unknown_plot", [maize(1.0, plot_id="X")], {}),
        ("unknown_practice", [("N-07", "kale-1", "kale", 2026, 1, 1.0)], {}),
        ("land_class", [maize(1.0, plot_id="P-01")], {}),
        ("season", [maize(1.0, season=2)], {}),
        ("crop", [("N-07", "maize-1", "bean", 2026, 1, 1.0)], {}),
        ("horizon", [maize(1.0, 2029)], {}),
        ("horizon", [("N-07", "maize-1", "maize", 2026, 1, 1.0)], {"first_season": 2}),
        ("twice", [maize(1.0), maize(2.0)], {}),
        ("area", [maize(0.0)], {}),
        ("repeat", [("N-07", "bean-1", "bean", 2026, 1, 1.0), ("N-07", "bean-2", "bean", 2026, 2, 1.0)], {}),
        ("repeat", [("P-01", "rice-1", "rice", 2026, 1, 1.0), ("P-01", "rice-1", "rice", 2027, 1, 1.0)], {}),
        ("repeat", [maize(1.0), maize(1.0, 2027)], {"repeat": "season-too"}),
        ("legume", [maize(1.0)], {"legume_years": 2, "legume_from": 2026, "last_year": 2027}),
        ("min_share", [maize(5.0)], {"min_share": 0.5}),
        (
            "one_crop",
            [maize(5.0), ("N-07", "bean-1", "bean", 2026, 1, 1.0)],
            {"one_crop": frozenset({("dry", 1)})},
        ),
        ("perennial", [("V-01", "vine-1", "vine", 2026, 1, 4.0)], {}),
        (
            "perennial",
            [("V-01", "vine-1", "vine", 2026, 1, 1.0), ("V-01", "vine-1", "vine", 2027, 1, 2.0)],
            {},
        ),
    ],
)
def test_each_broken_rule_is_caught(rule: str, lines: list[Line], rules: dict[str, Any]) -> None:
    asked = {"first_year": 2026, "last_year": 2028, "legume_years": 0, **rules}
    assert rule in checked(*lines, rules=Rules(**asked)).broken["rule"].to_list()


def test_history_counts_for_repeats_and_legumes() -> None:
    grown = pl.DataFrame([("N-07", "bean", 2025, 2, 18.8, "bean-2")], schema=PAST.schema, orient="row")
    report = checked(("N-07", "bean-1", "bean", 2026, 1, 5.0), past=grown)
    assert report.broken["rule"].to_list() == ["repeat"]
    classes = frozenset({"dry"})
    rules = Rules(2026, 2026, legume_years=2, legume_from=2025, legume_classes=classes)
    assert checked(maize(5.0), past=grown, rules=rules).broken.is_empty()
    assert checked(maize(5.0), rules=rules).broken["rule"].to_list() == ["legume"]


def test_what_is_sown_already_counts_as_area() -> None:
    sown = pl.DataFrame([("N-07", "bean", 2026, 1, 10.0, "bean-1")], schema=PAST.schema, orient="row")
    assert checked(maize(10.0), past=sown).broken["rule"].to_list() == ["area_over"]


def test_the_checker_imports_nothing_of_the_planner() -> None:
    room = Path(__file__).parents[2] / "models" / "planning"
    for path in room.glob("checker*.py"):
        imported = [
            line.split()[1] for line in path.read_text("utf-8").splitlines() if line.startswith("from models")
        ]
        assert all(name.startswith("models.planning.checker") for name in imported), path.name
