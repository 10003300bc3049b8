"""Random villages of up to six plots: the planner's optimum against every possibility, tried one by one.

Whole plots are enumerated outright. Where a plot may be shared, every support (which crop has a share of which plot in which
season) is one linear programme, and the best of all of them is the answer.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.planning.checker import Rules, check
from models.planning.problem import Params, Plan, Problem, Stop
from models.planning.village import solve

CROPS, SEASONS, YEAR = ("a", "b", "c"), (1, 2), 2026
LEGUME = "c"
KINDS = tuple(itertools.product(CROPS, SEASONS))
EXACT = Stop(gap=1e-6, nodes=5000, rounds=20, time_limit_s=300)
INF = highspy.kHighsInf

Support = frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Facts:
    """One year of two seasons; the same crop never stands on a plot twice running, `before` is what stood there last."""

    area: tuple[float, ...]
    before: tuple[str, ...]
    kg: dict[tuple[str, int], float]
    cost: dict[tuple[str, int], float]
    want: dict[tuple[str, int], float]
    price: dict[str, float]
    salvage: float
    legumes: bool

    def frames(self) -> Problem:
        plots = [f"N{i}" for i in range(len(self.area))]
        keyed = [{"practice_id": f"{c}-{s}", "crop_id": c, "season": s} for c, s in KINDS]
        cells = [(row, (str(row["crop_id"]), int(str(row["season"])))) for row in keyed]
        return Problem.from_frames(
            plots=pl.DataFrame({"plot_id": plots, "land_class": "dry", "area_mu": self.area}),
            practices=pl.DataFrame(
                [{**row, "land_class": "dry", "last_season": row["season"], "is_perennial": False,
                  "cost_yuan_per_mu": self.cost[cell]} for row, cell in cells]
            ),
            practice_yield=pl.DataFrame(
                [{"practice_id": row["practice_id"], "crop_id": cell[0], "yield_kg_per_mu": self.kg[cell],
                  "price_yuan_per_kg": self.price[cell[0]],
                  "salvage_yuan_per_kg": self.price[cell[0]] * self.salvage} for row, cell in cells]
            ),
            crops=pl.DataFrame(
                [{"crop_id": c, "name_zh": c, "name_en": c, "family": c, "is_legume": c == LEGUME} for c in CROPS]
            ),
            planting=pl.DataFrame(
                {"plot_id": plots, "crop_id": self.before, "year": YEAR - 1, "season": 2, "area_mu": 1.0,
                 "practice_id": [f"{c}-2" for c in self.before]},
                schema_overrides={"year": pl.Int64, "season": pl.Int64},
            ),
            demand=pl.DataFrame(
                [{"crop_id": c, "year": YEAR, "season": s, "demand_kg": kg, "committed_kg": 0.0,
                  "demand_source": "forecast"} for (c, s), kg in self.want.items()]
            ),
        )  # fmt: skip

    def params(self, min_share: float) -> Params:
        return Params(
            first_year=YEAR, years=1, legume_years=int(self.legumes), legume_from=YEAR, min_share=min_share
        )

    def supports(self, plot: int, most: int) -> list[Support]:
        """Every set of crops by season that may share the plot, at most so many at a time."""
        found = []
        for bits in itertools.product((False, True), repeat=len(KINDS)):
            here = frozenset(k for k, b in zip(KINDS, bits, strict=True) if b)
            twice = any((c, 1) in here and (c, 2) in here for c in CROPS)
            full = any(sum(k[1] == s for k in here) > most for s in SEASONS)
            if not twice and not full and (self.before[plot], 1) not in here:
                found.append(here)
        return found


@st.composite
def facts(draw: st.DrawFn, plots: int) -> Facts:
    number = st.integers(1, 9)
    return Facts(
        area=tuple(float(draw(number)) for _ in range(plots)),
        before=tuple(draw(st.sampled_from(CROPS)) for _ in range(plots)),
        kg={k: 10.0 * draw(number) for k in KINDS},
        cost={k: 5.0 * draw(number) for k in KINDS},
        want={k: 12.5 * plots * draw(st.integers(0, 9)) for k in KINDS},
        price={c: float(draw(number)) for c in CROPS},
        salvage=draw(st.sampled_from([0.0, 0.5])),
        legumes=draw(st.booleans()),
    )


def best_whole_plots(told: Facts) -> float:
    """Every crop or none on each whole plot in each season: all combinations of the plots' schedules, counted at once."""
    grown, spent = np.zeros((1, len(KINDS))), np.zeros(1)
    for plot, area in enumerate(told.area):
        schedules = [s for s in told.supports(plot, 1) if not told.legumes or any(c == LEGUME for c, _ in s)]
        kg = np.array([[area * told.kg[k] * (k in s) for k in KINDS] for s in schedules])
        cost = np.array([sum(area * told.cost[k] for k in s) for s in schedules])
        grown = (grown[:, None, :] + kg[None]).reshape(-1, len(KINDS))
        spent = (spent[:, None] + cost[None]).ravel()
    profit = -spent
    for n, (c, s) in enumerate(KINDS):
        sold = np.minimum(grown[:, n], told.want[c, s])
        profit += told.price[c] * (sold + told.salvage * (grown[:, n] - sold))
    return float(profit.max())


class EverySupport:
    """One linear programme whose area columns are opened and closed from support to support."""

    def __init__(self, told: Facts, min_share: float) -> None:
        self.told, self.share, self.solver = told, min_share, highspy.Highs()
        self.solver.setOptionValue("output_flag", False)
        cells = [(i, k) for i in range(len(told.area)) for k in KINDS]
        cost = [self._worth(k) for _, k in cells] + [told.price[c] * (1 - told.salvage) for c, _ in KINDS]
        columns, sold = len(cells) + len(KINDS), len(cells)
        for n in range(columns):
            limit = 0.0 if n < sold else told.want[KINDS[n - sold]]
            self.solver.addCol(cost[n], 0.0, limit, 0, np.zeros(0, np.int32), np.zeros(0))
        self.solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        for plot, area in enumerate(told.area):
            for season in SEASONS:
                self._row(
                    -INF, area, {n: 1.0 for n, (i, k) in enumerate(cells) if (i, k[1]) == (plot, season)}
                )
            if told.legumes:
                self._row(
                    area, INF, {n: 1.0 for n, (i, k) in enumerate(cells) if (i, k[0]) == (plot, LEGUME)}
                )
        for m, kind in enumerate(KINDS):
            bears = {n: -told.kg[kind] for n, (_, k) in enumerate(cells) if k == kind}
            self._row(-INF, 0.0, {**bears, sold + m: 1.0})

    def _worth(self, kind: tuple[str, int]) -> float:
        return self.told.salvage * self.told.price[kind[0]] * self.told.kg[kind] - self.told.cost[kind]

    def _row(self, low: float, high: float, entries: dict[int, float]) -> None:
        at: npt.NDArray[np.int32] = np.array(list(entries), np.int32)
        self.solver.addRow(low, high, at.size, at, np.array(list(entries.values())))

    def best(self) -> float:
        """The largest optimum over all supports; those that no areas fit are passed over."""
        most = int(1 / self.share + 1e-9) if self.share else len(CROPS)
        plots = range(len(self.told.area))
        choices = [self._largest(self.told.supports(i, most)) for i in plots]
        now: list[Support | None] = [None for _ in plots]
        best = -np.inf
        for chosen in itertools.product(*choices):
            for plot in plots:
                if chosen[plot] != now[plot]:
                    self._open(plot, chosen[plot])
                    now[plot] = chosen[plot]
            self.solver.run()
            if self.solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                best = max(best, self.solver.getInfo().objective_function_value)
        return float(best)

    def _largest(self, supports: list[Support]) -> list[Support]:
        """Without a least share a support holds all that its parts can do."""
        return supports if self.share else [s for s in supports if not any(s < other for other in supports)]

    def _open(self, plot: int, support: Support) -> None:
        area = self.told.area[plot]
        for n, kind in enumerate(KINDS):
            low, high = (self.share * area, area) if kind in support else (0.0, 0.0)
            self.solver.changeColBounds(plot * len(KINDS) + n, low, high)


def rules_broken(told: Facts, plan: Plan, min_share: float) -> Iterator[str]:
    problem = told.frames()
    report = check(
        plan.assignments, plots=problem.plots, practices=problem.practices, practice_yield=problem.yields,
        crops=problem.crops, planting=problem.history, demand=problem.demand,
        rules=Rules(YEAR, YEAR, legume_years=int(told.legumes), legume_from=YEAR, min_share=min_share),
    )  # fmt: skip
    assert report.profit_yuan == pytest.approx(plan.profit_yuan, abs=1e-6)
    yield from report.broken["detail"]


def hold_to(told: Facts, min_share: float, best: float) -> None:
    plan = solve(told.frames(), told.params(min_share), 1, EXACT)
    assert list(rules_broken(told, plan, min_share)) == []
    assert plan.profit_yuan == pytest.approx(best, rel=2e-6, abs=0.01)
    assert plan.bound_yuan >= best - 1e-6 * abs(best) - 1e-6


ALL_LEGUMES_BEFORE = Facts(
    area=(3.0, 2.0), before=("c", "c"), kg=dict.fromkeys(KINDS, 10.0), cost=dict.fromkeys(KINDS, 5.0),
    want=dict.fromkeys(KINDS, 25.0), price={"a": 3.0, "b": 2.0, "c": 1.0}, salvage=0.0, legumes=True,
)  # fmt: skip


@settings(max_examples=12)
@given(st.integers(1, 5).flatmap(facts))
@example(ALL_LEGUMES_BEFORE)
def test_whole_plots_equal_every_combination_of_schedules(told: Facts) -> None:
    hold_to(told, 1.0, best_whole_plots(told))


@settings(max_examples=12)
@given(st.integers(1, 3).flatmap(facts))
@example(ALL_LEGUMES_BEFORE)
def test_shares_equal_the_best_programme_of_every_support(told: Facts) -> None:
    hold_to(told, 0.0, EverySupport(told, 0.0).best())


@settings(max_examples=6)
@given(st.integers(1, 2).flatmap(facts))
@example(ALL_LEGUMES_BEFORE)
def test_least_shares_equal_the_best_programme_of_every_support(told: Facts) -> None:
    hold_to(told, 0.5, EverySupport(told, 0.5).best())


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(1, 6).flatmap(facts))
def test_up_to_six_whole_plots_equal_every_combination_of_schedules(told: Facts) -> None:
    hold_to(told, 1.0, best_whole_plots(told))


@pytest.mark.slow
@settings(max_examples=8)
@given(st.integers(4, 6).flatmap(facts))
def test_shares_of_up_to_six_plots_equal_the_best_programme_of_every_support(told: Facts) -> None:
    hold_to(told, 0.0, EverySupport(told, 0.0).best())


@pytest.mark.slow
@settings(max_examples=6)
@given(facts(3))
def test_least_shares_of_three_plots_equal_the_best_programme_of_every_support(told: Facts) -> None:
    hold_to(told, 0.5, EverySupport(told, 0.5).best())
