"""Plans played against each other: how they are compared, and the yardsticks they are held to."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from benchmarks import play
from benchmarks.play_plans import LINE, ORACLE, OURS, SCALED, USUAL, Planned, _to_sales, with_standing
from models.simulation.play import draw_yields
from models.simulation.stage import truth_of
from models.simulation.world import build_world


def lines(*rows: tuple[str, str, int, int, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LINE, orient="row")


def found(sold_kg: dict[str, float]) -> Planned:
    """A night of one practice that yields 100 kg a mu, with 2 mu of it standing on plot b."""
    problem = SimpleNamespace(
        practices=pl.DataFrame({"practice_id": ["rice-1"], "crop_id": ["rice"]}),
        yields=pl.DataFrame({"practice_id": ["rice-1"], "crop_id": ["rice"], "yield_kg_per_mu": [100.0]}),
    )
    made: Any = SimpleNamespace(problem=problem)
    standing = lines(("b", "rice-1", 2026, 2, 2.0))
    return Planned(cast(Any, None), cast(Any, None), made, standing, sold_kg)


def test_the_interval_of_a_mean_is_that_of_student() -> None:
    more = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    low, high = play.interval(more)
    half = 1.833 * np.std(more, ddof=1) / np.sqrt(10)
    assert (low, high) == (pytest.approx(5.5 - half), pytest.approx(5.5 + half))
    wide = np.tile(more, 3)[:29]  # between 20 and 30 seeds the wider t counts
    assert play.interval(wide)[1] == pytest.approx(wide.mean() + 1.729 * wide.std(ddof=1) / np.sqrt(29))


def test_as_last_year_is_brought_down_to_what_was_sold_a_year_and_never_up() -> None:
    usual = lines(("a", "rice-1", 2027, 1, 6.0), ("c", "rice-1", 2027, 1, 2.0), ("a", "rice-1", 2028, 1, 8.0))
    less = _to_sales(usual, found({"rice": 400.0}))  # 1,600 kg in two years: 800 a year
    assert less["area_mu"].to_list() == [3.0, 1.0, 4.0]
    assert _to_sales(usual, found({"rice": 4000.0}))["area_mu"].to_list() == [6.0, 2.0, 8.0]
    assert _to_sales(usual, found({})).is_empty()


def test_what_stands_is_played_with_every_plan() -> None:
    both = with_standing(lines(("a", "rice-1", 2027, 1, 6.0)), found({}))
    assert both.rows() == [("a", "rice-1", 2027, 1, 6.0), ("b", "rice-1", 2026, 2, 2.0)]


def test_limits_are_held_against_the_usual_and_the_mean_plan_seed_by_seed() -> None:
    profit = {OURS: np.arange(110.0, 120.0), USUAL: np.full(10, 100.0), play.MEAN: np.arange(109.0, 119.0)}
    over, better = play._limits(profit)
    assert (over["value"], over["holds"]) == (pytest.approx(0.145), True)
    assert (better["value"], better["holds"]) == (pytest.approx(1.0), True)  # the seeds' own luck drops out
    _, worse = play._limits({**profit, play.MEAN: profit[OURS] + np.linspace(-1, 1, 10)})
    assert not worse["holds"]


def test_yields_of_a_seed_are_those_that_are_played() -> None:
    truth = truth_of(build_world("tiny", 1))
    plot = truth.plots.filter(land_class="paddy").row(0, named=True)["plot_id"]
    trial = lines((plot, "rice-paddy", 2027, 1, 2.0))
    once, again = (draw_yields(truth, trial, seed=4) for _ in range(2))
    assert once.equals(again)
    assert once["yield_kg"].sum() == pytest.approx(2 * 560, rel=0.6)
    assert draw_yields(truth, trial, seed=5)["yield_kg"].sum() != once["yield_kg"].sum()


def test_names_and_seeds_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="harvest is one of ripe, order"):
        play.run(harvest="late")
    with pytest.raises(ValueError, match="seeds at least 10"):
        play.run(seeds=3)


@pytest.mark.slow
def test_a_tiny_county_is_made_planned_and_played() -> None:
    result = cast(dict[str, Any], play.run(size="tiny", seeds=10))
    profit = {r["method"]: r["value"] for r in result["rows"] if r["metric"] == "profit_yuan"}
    assert set(profit) == {OURS, play.MEAN, USUAL, SCALED, ORACLE}
    assert all(np.isfinite(v) for v in profit.values())
    assert result["must"][0]["holds"] == (profit[OURS] >= 1.1 * profit[USUAL] > 0)
