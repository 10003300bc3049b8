"""What else could stand where a plan's line stands, and what that would change: the exact profit difference."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from models.planning.activities import Activities
from models.planning.problem import Params, Plan, Problem

Row = dict[str, Any]
SaleKey = tuple[str, int, int]
FALLOW = ""
"""Practice id of leaving the land as it is."""


@dataclass
class Ledger:
    """Kilograms on offer per crop, year and season, by price and salvage; answers what a change would earn."""

    demand: dict[SaleKey, float]
    offers: dict[SaleKey, dict[tuple[float, float], float]] = field(default_factory=lambda: defaultdict(dict))
    bears: dict[str, list[tuple[str, float, float, float]]] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem, params: Params, plan: Plan) -> "Ledger":
        """The ledger of a plan."""
        ledger = cls(
            {
                (r[0], r[1], r[2]): r[3]
                for r in problem.demand.select("crop_id", "year", "season", "demand_kg").rows()
            }
        )
        for y in problem.yields.iter_rows(named=True):
            rest = (
                min(y["salvage_yuan_per_kg"], y["price_yuan_per_kg"]) if params.surplus == "salvage" else 0.0
            )
            output = (y["crop_id"], y["yield_kg_per_mu"], y["price_yuan_per_kg"], rest)
            ledger.bears.setdefault(y["practice_id"], []).append(output)
        ledger.costs = dict(problem.practices.select("practice_id", "cost_yuan_per_mu").iter_rows())
        for r in plan.assignments.iter_rows(named=True):
            for key, price, kg in ledger.outputs(r["practice_id"], r["year"], r["season"], r["area_mu"]):
                ledger.offers[key][price] = ledger.offers[key].get(price, 0.0) + kg
        return ledger

    def outputs(
        self, practice_id: str, year: int, season: int, mu: float
    ) -> Iterable[tuple[SaleKey, tuple[float, float], float]]:
        """What an area of a practice brings: sale key, (price, salvage), kg."""
        for crop_id, per_mu, price, rest in self.bears.get(practice_id, []):
            yield (crop_id, year, season), (price, rest), per_mu * mu

    def change(self, line: Row, practice_id: str) -> float:
        """Yuan gained (negative: lost) when the line's whole area takes another practice, or lies fallow."""
        moved: dict[SaleKey, dict[tuple[float, float], float]] = {}
        for sign, practice in ((-1.0, line["practice_id"]), (1.0, practice_id)):
            for key, price, kg in self.outputs(practice, line["year"], line["season"], line["area_mu"]):
                offer = moved.setdefault(key, dict(self.offers.get(key, {})))
                offer[price] = max(0.0, offer.get(price, 0.0) + sign * kg)
        gained: float = sum(
            self._earned(key, offer) - self._earned(key, self.offers.get(key, {}))
            for key, offer in moved.items()
        )
        dearer: float = self.costs.get(practice_id, 0.0) - self.costs[line["practice_id"]]
        return gained - float(line["area_mu"]) * dearer

    def _earned(self, key: SaleKey, offer: dict[tuple[float, float], float]) -> float:
        left, yuan = self.demand.get(key, 0.0), 0.0
        for (price, rest), kg in sorted(offer.items(), key=lambda o: o[0][1] - o[0][0]):
            sold = min(kg, left)
            left -= sold
            yuan += sold * price + (kg - sold) * rest
        return yuan


@dataclass(frozen=True)
class Alternative:
    """Another use of a line's land: the practice (FALLOW: none), its crop, the yuan gained by it, and what forbids it."""

    practice_id: str
    crop_id: str
    gain_yuan: float
    forbidden_by: str
    """'' when allowed, else 'repeat' or 'legume'."""


def alternatives(
    problem: Problem, params: Params, acts: Activities, plan: Plan
) -> dict[tuple[str, str, int, int], tuple[Alternative | None, Alternative | None]]:
    """Per line (plot, practice, year, season): the best allowed other use of its land, and the best forbidden one."""
    ledger = Ledger.of(problem, params, plan)
    near = _Neighbours.of(problem, params, acts, plan)
    choices: dict[tuple[str, int, int, int], list[Row]] = defaultdict(list)
    for c in _choices(problem, params).iter_rows(named=True):
        choices[c["land_class"], c["season"], c["last_season"], 0].append(c)
    classes = dict(problem.plots.select("plot_id", "land_class").iter_rows())
    found = {}
    for line in plan.assignments.iter_rows(named=True):
        fitting = choices[classes[line["plot_id"]], line["season"], line["last_season"], 0]
        options = [
            Alternative(
                c["practice_id"], c["crop_id"], ledger.change(line, c["practice_id"]), near.forbids(line, c)
            )
            for c in fitting
            if c["practice_id"] != line["practice_id"] and not near.is_refused(line, c["practice_id"])
        ]
        options.append(Alternative(FALLOW, "", ledger.change(line, FALLOW), near.forbids(line, None)))
        allowed = [o for o in options if not o.forbidden_by]
        barred = [o for o in options if o.forbidden_by]
        best = max(allowed, key=lambda o: o.gain_yuan, default=None)
        found[line["plot_id"], line["practice_id"], line["year"], line["season"]] = (
            best,
            max(barred, key=lambda o: o.gain_yuan, default=None),
        )
    return found


def _choices(problem: Problem, params: Params) -> pl.DataFrame:
    group = pl.col("crop_id" if params.rotate_by == "crop" else "family").alias("group")
    return (
        problem.usable_practices()
        .filter(~pl.col("is_perennial"))
        .join(problem.crops.select("crop_id", "family", "is_legume"), on="crop_id")
        .select("practice_id", "crop_id", "land_class", "season", "last_season", "is_legume", group)
        .sort("practice_id")
    )


@dataclass(frozen=True)
class _Neighbours:
    """What stands before and after on each plot, and how much legume area each window can spare."""

    params: Params
    group: dict[str, str]
    legumes: frozenset[str]
    slots: dict[tuple[str, int, int], tuple[int, int]]
    ends: frozenset[tuple[str, str, int]]
    starts: frozenset[tuple[str, str, int]]
    years: frozenset[tuple[str, str, int, int]]
    spare: dict[tuple[str, int, int], float]
    refused: frozenset[tuple[str, str, int, int]]

    @classmethod
    def of(cls, problem: Problem, params: Params, acts: Activities, plan: Plan) -> "_Neighbours":
        name = "crop_id" if params.rotate_by == "crop" else "family"
        group = dict(problem.crops.select("crop_id", pl.col(name).alias("group")).iter_rows())
        legumes = frozenset(problem.crops.filter("is_legume")["crop_id"])
        spans = acts.lines.select("plot_id", "year", "season", "last_season", "start", "end").unique()
        here = plan.assignments.select("plot_id", "crop_id", "year", "season", "last_season", "area_mu")
        placed = here.join(spans, on=["plot_id", "year", "season", "last_season"])
        past = acts.past.select("plot_id", "crop_id", "year", "season", "start", "end")
        both = [*placed.select(past.columns).iter_rows(), *past.iter_rows()]
        spare = {
            (w["plot_id"], w["from_year"], w["to_year"]): -w["missing_mu"]
            for w in acts.legume.iter_rows(named=True)
        }
        for r in here.filter(pl.col("crop_id").is_in(sorted(legumes))).iter_rows(named=True):
            for key in spare:
                if key[0] == r["plot_id"] and key[1] <= r["year"] <= key[2]:
                    spare[key] += r["area_mu"]
        return cls(
            params, group, legumes,
            {(r[0], r[1], r[2]): (r[3], r[4]) for r in spans.select("plot_id", "year", "season", "start", "end").iter_rows()},
            frozenset((p, group.get(c, c), end) for p, c, _, _, _, end in both),
            frozenset((p, group.get(c, c), start) for p, c, _, _, start, _ in both),
            frozenset((p, group.get(c, c), y, s) for p, c, y, s, _, _ in both),
            spare,
            frozenset(problem.fixed.filter(pl.col("max_mu") <= 0).select("plot_id", "practice_id", "year", "season").rows()),
        )  # fmt: skip

    def is_refused(self, line: Row, practice_id: str) -> bool:
        """Whether people settled that the practice shall not stand there."""
        return (line["plot_id"], practice_id, line["year"], line["season"]) in self.refused

    def forbids(self, line: Row, choice: Row | None) -> str:
        """Why another practice (None: fallow) may not take the line's place; '' when it may."""
        plot_id = line["plot_id"]
        if line["crop_id"] in self.legumes and not (choice and choice["is_legume"]):
            mine = [w for w in self.spare if w[0] == plot_id and w[1] <= line["year"] <= w[2]]
            if any(self.spare[w] < line["area_mu"] - 1e-6 for w in mine):
                return "legume"
        if choice is None or choice["crop_id"] in self.params.may_repeat:
            return ""
        start, end = self.slots[plot_id, line["year"], line["season"]]
        own = choice["group"]
        if (plot_id, own, start - 1) in self.ends or (plot_id, own, end + 1) in self.starts:
            return "repeat"
        years = ((plot_id, own, line["year"] + step, line["season"]) for step in (-1, 1))
        if self.params.repeat == "season-too" and any(y in self.years for y in years):
            return "repeat"
        return ""
