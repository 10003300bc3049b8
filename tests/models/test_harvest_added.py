import numpy as np
import polars as pl
import pytest

from models.harvest.added import ALL, against_told, last_year_means, value_by_year


def seasons(*, spread: float = 0.05, last_factor: float = 1.0) -> pl.DataFrame:
    """Three years of two crops on eight plots that bear alike each year, but 2024, when all bore half as much again."""
    rng = np.random.default_rng(7)
    rows = [
        {
            "plot_id": f"p{n}", "crop_id": crop, "year": year, "season": 1, "place_id": "v", "area_mu": 1.0 + n,
            "promised_kg_per_mu": 500.0,
            "cut_kg": 500 * (1 + n) * usual * factor * (0.7 + 0.1 * n) * np.exp(spread * rng.normal()),
        }
        for crop, usual in (("kale", 1.0), ("leek", 1.4))
        for n in range(8)
        for year, factor in ((2022, 1.0), (2023, 1.0), (2024, 1.5), (2025, last_factor))
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(pl.col("year", "season").cast(pl.Int32))


def test_last_years_mean_is_weighed_by_area() -> None:
    over = pl.DataFrame(
        {"crop_id": ["a", "a"], "year": [2024, 2024], "area_mu": [1.0, 3.0], "cut_kg": [100.0, 700.0]}
    )
    assert last_year_means(over).rows() == [("a", 2025, 200.0)]


def test_yields_told_from_plots_own_years_beat_a_mean_of_an_unusual_year() -> None:
    value = value_by_year(seasons())
    assert value.select("year", "crop_id").rows() == [
        (year, crop) for year in (2024, 2025) for crop in ("kale", "leek", ALL)
    ]
    last = value.filter(pl.col("year") == 2025, pl.col("crop_id") == ALL).row(0, named=True)
    assert last["seasons"] == 16
    assert 0 < last["wape_anxu"] < last["wape_last_year"]
    assert last["value_added"] == pytest.approx(1 - last["wape_anxu"] / last["wape_last_year"])


def test_what_a_year_bore_changes_nothing_that_was_told_of_it() -> None:
    """The lost kilograms of a crop whose plots all bore more than told are what it bore less what was told."""
    told = []
    for factor in (3.0, 6.0):
        table = value_by_year(seasons(spread=0.0, last_factor=factor))
        last = table.filter(pl.col("year") == 2025, pl.col("crop_id") == "kale").row(0, named=True)
        told.append(last["harvested_kg"] * (1 - last["wape_anxu"]))
        assert table.filter(pl.col("year") == 2024).equals(
            value_by_year(seasons(spread=0.0)).filter(pl.col("year") == 2024)
        )
    assert told[0] == pytest.approx(told[1])


def test_a_first_year_has_nothing_to_be_told_from() -> None:
    assert value_by_year(seasons().filter(pl.col("year") == 2022)).is_empty()


def test_a_season_stands_beside_what_was_told_of_it_and_what_growers_reported() -> None:
    key = {"plot_id": "p0", "crop_id": "kale", "year": 2025, "season": 1}
    planting = pl.DataFrame([
        {**key, "area_mu": 2.0, "promised_kg_per_mu": 500.0, "cut_kg": 900.0, "cuts": 2, "first_cut_on": None, "is_finished": True}
    ])  # fmt: skip
    told = pl.DataFrame([{**key, "told_on": None, "told_kg": 950.0, "told_ready_on": None}])
    reported = pl.DataFrame([{**key, "reported_kg": 400.0}])
    row = against_told(planting, told, reported, since_year=2025).row(0, named=True)
    assert (row["practice_kg"], row["told_kg"], row["cut_kg"], row["reported_kg"]) == (
        1000.0,
        950.0,
        900.0,
        400.0,
    )
    untold = against_told(planting, told.clear(), reported.clear(), since_year=2025).row(0, named=True)
    assert (untold["told_kg"], untold["reported_kg"]) == (None, 0.0)
    assert against_told(planting, told, reported, since_year=2026).is_empty()
