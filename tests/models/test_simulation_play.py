"""Playing plans on the sample county: kilograms are conserved, luck is common, present practices are as defined."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.simulation import parameters as p
from models.simulation.actions import Actions, as_last_year, cut_to_order, cut_when_ripe, present_grade_cuts
from models.simulation.play import Outcome, draw_demand, play
from models.simulation.sizes import ENDS_ON
from models.simulation.stage import Truth, truth_of
from models.simulation.store_days import Goods, run_days, take_oldest
from models.simulation.world import build_world

YEAR = ENDS_ON.year + 1


@pytest.fixture(scope="module")
def truth() -> Truth:
    return truth_of(build_world("tiny", 1))


@pytest.fixture(scope="module")
def usual(truth: Truth) -> Outcome:
    return play(truth, Actions(as_last_year(truth, YEAR)), seed=4)


def goods(ripe: np.ndarray, **changes: float) -> Goods:
    """One crop, three grades: 10 yuan/kg, 1 yuan salvage, stands 2 days, keeps 2 days, an hour a kilogram."""
    one = {"hold": 2, "keep": 2, "hours_per_kg": 1.0, **changes}
    return Goods(
        ripe, np.full((1, 3), 10.0), np.array([1.0]), np.zeros((1, 3)), np.array([int(one["hold"])]),
        np.array([int(one["keep"])]), np.array([float(one["hours_per_kg"])]),
    )  # fmt: skip


def on_first_day(kg: float, days: int = 6) -> np.ndarray:
    """Kilograms of the middle grade on the first day."""
    frame = np.zeros((1, 3, days))
    frame[0, 1, 0] = kg
    return frame


def kg_of(book: Mapping[tuple[str, str], np.ndarray], kind: str, cause: str) -> float:
    return float(book.get((kind, cause), np.zeros(1)).sum())


def test_playing_twice_with_one_seed_is_the_same_and_another_seed_is_other_luck(
    truth: Truth, usual: Outcome
) -> None:
    again = play(truth, Actions(as_last_year(truth, YEAR)), seed=4)
    assert again.flows.equals(usual.flows)
    assert play(truth, Actions(as_last_year(truth, YEAR)), seed=5).profit_yuan != usual.profit_yuan


def test_demand_is_common_to_all_plans_of_the_same_years(truth: Truth, usual: Outcome) -> None:
    half = as_last_year(truth, YEAR).with_columns(pl.col("area_mu") / 2)
    less = play(truth, Actions(half), seed=4)

    def wanted(o: Outcome) -> float:
        flows = o.flows.filter(~(pl.col("cause") == "commitment"))
        return float(flows.filter(pl.col("kind").is_in(["sold", "unserved"]))["kg"].sum())

    assert wanted(less) == pytest.approx(wanted(usual))
    assert less.unserved_kg >= usual.unserved_kg
    assert less.cost_yuan == pytest.approx(usual.cost_yuan / 2)


def test_profit_is_revenue_less_cost_and_the_flows_explain_it(usual: Outcome) -> None:
    assert usual.profit_yuan == pytest.approx(usual.flows["yuan"].sum() - usual.cost_yuan)
    assert usual.by_cause()["kg"].sum() == pytest.approx(usual.flows["kg"].sum())
    assert usual.labour_hours > 0


@pytest.mark.parametrize("harvest", [cut_when_ripe(), cut_to_order()])
def test_what_ripens_is_sold_salvaged_or_lost(truth: Truth, harvest: object) -> None:
    rng = np.random.default_rng(1)
    ripe, wanted = rng.gamma(1, 5, (1, 3, 40)), rng.gamma(1, 4, (1, 3, 40))
    ledger = run_days(goods(ripe), wanted, np.full((1, 40), 1.5), harvest.cover_days, 60.0, 30.0)  # type: ignore[attr-defined]
    out = sum(v.sum() for (kind, _), v in ledger.kg.items() if kind != "unserved")
    assert out == pytest.approx(ripe.sum())
    served = sum(kg_of(ledger.kg, "sold", c) for c in ("order", "better_grade", "refunded_quality"))
    assert served + kg_of(ledger.kg, "unserved", "stock_out") == pytest.approx(wanted.sum())
    promised = kg_of(ledger.kg, "sold", "commitment") + kg_of(ledger.kg, "unserved", "commitment")
    assert promised == pytest.approx(60.0)


def test_without_orders_ripe_goods_age_out_of_the_store_at_salvage_price() -> None:
    ledger = run_days(goods(on_first_day(8)), np.zeros((1, 3, 6)), np.zeros((1, 6)), 0.0, 100.0, 100.0)
    assert kg_of(ledger.kg, "salvaged", "over_production") == pytest.approx(8)
    assert ledger.hours == pytest.approx(8)
    flows = ledger.frame(("crab",), goods(on_first_day(8)))
    assert flows["yuan"].to_list() == [pytest.approx(8)]


def test_cut_to_order_leaves_what_nobody_ordered_to_spoil_in_the_field() -> None:
    ledger = run_days(goods(on_first_day(8)), np.zeros((1, 3, 6)), np.zeros((1, 6)), 1.0, 100.0, 100.0)
    assert kg_of(ledger.kg, "lost", "over_ripe") == pytest.approx(8)
    assert ledger.hours == 0


def test_too_few_hands_are_named_as_the_cause_of_what_spoils() -> None:
    ledger = run_days(goods(on_first_day(10)), np.zeros((1, 3, 6)), np.zeros((1, 6)), 0.0, 2.0, 100.0)
    assert ledger.hours == pytest.approx(6)  # two hours on each of the three days it stood
    assert kg_of(ledger.kg, "lost", "crew_limit") == pytest.approx(4)


def test_what_the_cold_rooms_cannot_hold_is_sold_off() -> None:
    ledger = run_days(goods(on_first_day(10)), np.zeros((1, 3, 6)), np.zeros((1, 6)), 0.0, 100.0, 3.0)
    assert kg_of(ledger.kg, "salvaged", "cold_room_full") == pytest.approx(7)


def test_a_better_grade_serves_a_lower_order_but_never_the_other_way() -> None:
    wanted = np.zeros((1, 3, 6))
    wanted[0, :, 0] = (5, 0, 3)
    ledger = run_days(goods(on_first_day(10)), wanted, np.zeros((1, 6)), 0.0, 100.0, 100.0)
    assert kg_of(ledger.kg, "sold", "better_grade") == pytest.approx(3)
    assert kg_of(ledger.kg, "unserved", "stock_out") == pytest.approx(5)


@given(pool=arrays(float, 6, elements=st.floats(0, 50)), kg=st.floats(0, 200))
def test_the_oldest_goes_first_and_no_more_than_there_is(pool: np.ndarray, kg: float) -> None:
    left = pool.copy()
    taken = take_oldest(left, np.array(kg))
    assert taken == pytest.approx(min(kg, pool.sum()))
    assert left.sum() + taken == pytest.approx(pool.sum())
    touched = np.flatnonzero(left < pool - 1e-9)
    if len(touched):  # everything older than the youngest that was touched is gone
        assert left[touched[0] + 1 :].sum() == pytest.approx(0)


def test_cuts_below_the_class_limit_are_refunded_and_the_present_ones_are_not(
    truth: Truth, usual: Outcome
) -> None:
    eased = present_grade_cuts() | {"rice": (60.0, 56.0)}
    outcome = play(truth, Actions(as_last_year(truth, YEAR), cuts=eased), seed=4)
    refunded = outcome.flows.filter(pl.col("cause") == "refunded_quality")
    assert refunded["crop_id"].to_list() == ["rice"]
    assert usual.flows.filter(pl.col("cause") == "refunded_quality").is_empty()


def test_as_last_year_repeats_each_plots_last_practice(truth: Truth) -> None:
    plan = as_last_year(truth, YEAR)
    assert plan["year"].unique().to_list() == [YEAR]
    last = truth.plantings.filter((pl.col("year") == ENDS_ON.year) & (pl.col("season") == 1))
    same = plan.join(last, on=["plot_id", "season", "practice_id"], how="semi")
    assert same.filter(pl.col("season") == 1).height == last.height
    with pytest.raises(ValueError, match="no planting before 1999"):
        as_last_year(truth, 1999)


def test_a_plan_that_does_not_fit_the_ground_is_refused(truth: Truth) -> None:
    plan = as_last_year(truth, YEAR)
    with pytest.raises(ValueError, match="exceed its"):
        play(truth, Actions(plan.with_columns(pl.col("area_mu") * 3)), seed=1)
    with pytest.raises(ValueError, match="practice 'grape-orchard' does not fit"):
        play(truth, Actions(plan.with_columns(practice_id=pl.lit("grape-orchard"))), seed=1)
    with pytest.raises(ValueError, match="plot 'moon' is not in this county"):
        play(truth, Actions(plan.with_columns(plot_id=pl.lit("moon"))), seed=1)
    with pytest.raises(ValueError, match="no plantings"):
        play(truth, Actions(plan.clear()), seed=1)


def test_the_truth_survives_its_own_frames(truth: Truth, usual: Outcome) -> None:
    again = Truth.from_frames(truth.to_frames())
    assert play(again, Actions(as_last_year(again, YEAR)), seed=4).profit_yuan == usual.profit_yuan


def test_drawn_demand_follows_the_usual_year(truth: Truth) -> None:
    first = ENDS_ON.replace(year=ENDS_ON.year, month=9, day=1)
    draws = np.mean([draw_demand(truth, first, 365, s).sum(axis=2) for s in range(12)], axis=0)
    usual = truth.demand.group_by("crop_id").agg(pl.col("mean_kg").sum())
    rice = float(usual.filter(pl.col("crop_id") == "rice")["mean_kg"].item())
    assert draws[[c.crop_id for c in p.CROPS].index("rice")].sum() == pytest.approx(rice, rel=0.25)
