"""Every village's plots after the county plan: targets met, time by number of villages, and slack given back once."""

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmarks.planting_county import RISK, county_plots, county_problem
from models.planning.checker_parcels import check_parcels
from models.planning.county import solve_county
from models.planning.county_problem import CountyPlan, CountyProblem
from models.planning.parcels import ParcelRules, VillageParcels, VillageTargets, place_villages
from models.planning.parcels_search import Effort
from models.planning.slack import give_back, misses, within_reach

RULES, EFFORT = ParcelRules(), Effort()
MOST_SECONDS, MOST_MISSED, LINEAR = 900.0, 0.003, 1.25
"""Seconds of all villages; share of the targets missed; seconds a village of all against those of a quarter."""
Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Timed:
    """Parcels of some villages, wall seconds, and CPU seconds of all processes that placed them."""

    parcels: list[VillageParcels]
    seconds: float
    cpu_seconds: float

    @property
    def reached(self) -> pl.DataFrame:
        """Targets and what was placed, all villages in one frame."""
        return pl.concat([p.reached for p in self.parcels])

    @property
    def missed_share(self) -> float:
        """Mu missed or placed beyond, against all that was wanted."""
        return sum(p.missed_mu for p in self.parcels) / float(self.reached["target_mu"].sum())


def villages_case(
    *, villages: int, scenarios: int, seed: int, time_limit: float, workers: int
) -> tuple[Rows, Rows]:
    """The drawn county's plan on every plot of its villages; returns rows and musts."""
    problem = county_problem(villages=villages, scenarios=scenarios, seed=seed)
    plots = _with_history(problem, county_plots(villages, seed), seed)
    turns = problem.activities.select("activity_id", rotation_group="crop_id")
    problem = replace(problem, options=within_reach(problem.options, turns, plots))
    params = replace(RISK, time_limit_s=time_limit)
    plan = solve_county(problem, params)
    asked = targets(problem, plan, plots)
    timed = {n: _timed(asked[:n], seed, workers) for n in (villages // 4, villages // 2, villages) if n}
    first = timed[villages]
    began = time.monotonic()
    again = give_back(problem, plan, params, first.reached)
    county_seconds = time.monotonic() - began
    moved = _moved(asked, targets(problem, again, plots))
    redone = _timed(moved, seed, workers)
    final = {p.village_id: p for p in first.parcels} | {p.village_id: p for p in redone.parcels}
    last = Timed(
        list(final.values()),
        first.seconds + county_seconds + redone.seconds,
        first.cpu_seconds + redone.cpu_seconds,
    )
    broken = _checked(problem, plots, last)
    rows = [_row(f"{n} villages", m, v) for n, t in timed.items() for m, v in _figures(t).items()]
    rows += [
        _row("slack", "targets_short_before", misses(first.reached).height),
        _row("slack", "targets_short_after", misses(last.reached).height),
        _row("slack", "villages_placed_again", len(moved)),
        _row("slack", "county_seconds", county_seconds),
        _row("county", "plots", plots.height),
        _row("county", "parcels", sum(p.parcels.height for p in last.parcels)),
        _row("county", "expected_yuan_before", plan.expected_yuan),
        _row("county", "expected_yuan_after", again.expected_yuan),
        _row("county", "missed_share", last.missed_share),
    ]
    return rows, _musts(last, broken, timed, villages)


def targets(problem: CountyProblem, plan: CountyPlan, plots: pl.DataFrame) -> list[VillageTargets]:
    """A county plan as one piece per village, in the order of their ids."""
    activities = problem.activities.select("activity_id", rotation_group="crop_id")
    home = plots.select("group_id", "place_id").unique()
    wanted = (
        plan.areas.rename({"area_mu": "target_mu"}).join(home, on="group_id").sort("group_id", "activity_id")
    )
    by_village = wanted.partition_by("place_id", as_dict=True)
    own = plots.partition_by("place_id", as_dict=True)
    found = []
    for (village,), land in sorted(own.items()):
        here = by_village.get((village,), wanted.clear()).select("group_id", "activity_id", "target_mu")
        named = here["activity_id"].unique().implode()
        found.append(
            VillageTargets(
                str(village), land.select("plot_id", "group_id", "area_mu", "last_group"), here,
                activities.filter(pl.col("activity_id").is_in(named)),
                problem.occupation.filter(pl.col("activity_id").is_in(named)),
            )
        )  # fmt: skip
    return found


def _with_history(problem: CountyProblem, plots: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Each plot's last crop, drawn from what its land may bear."""
    rng = np.random.default_rng([seed, 7])
    may = (
        problem.options.join(problem.activities.select("activity_id", "crop_id"), on="activity_id")
        .group_by("group_id").agg(pl.col("crop_id").unique().sort())
    )  # fmt: skip
    crops = dict(may.iter_rows())
    last = [str(rng.choice(crops[group])) for group in plots["group_id"]]
    return plots.with_columns(last_group=pl.Series(last, dtype=pl.String))


def _timed(villages: list[VillageTargets], seed: int, workers: int) -> Timed:
    began, cpu = time.monotonic(), _cpu()
    if workers <= 1:
        parcels = place_villages(villages, RULES, seed, EFFORT)
    else:
        with ProcessPoolExecutor(workers) as pool:
            parcels = place_villages(villages, RULES, seed, EFFORT, pool.map)
    return Timed(parcels, time.monotonic() - began, _cpu() - cpu)


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in both)


def _moved(before: list[VillageTargets], after: list[VillageTargets]) -> list[VillageTargets]:
    """The villages that are asked for something else by more than a thousandth of a mu."""
    key = ["group_id", "activity_id"]
    moved = []
    for old, new in zip(before, after, strict=True):
        both = old.targets.join(new.targets, on=key, how="full", coalesce=True, suffix="_new").fill_null(0.0)
        if (both["target_mu"] - both["target_mu_new"]).abs().sum() > 1e-3:
            moved.append(new)
    return moved


def _checked(problem: CountyProblem, plots: pl.DataFrame, timed: Timed) -> pl.DataFrame:
    return check_parcels(
        pl.concat([p.parcels for p in timed.parcels]), plots=plots,
        activities=problem.activities.select("activity_id", rotation_group="crop_id"),
        occupation=problem.occupation, options=problem.options,
        min_share=RULES.min_share, most_activities=RULES.most_activities,
    )  # fmt: skip


def _figures(timed: Timed) -> dict[str, float]:
    villages = [p.missed_mu / max(float(p.reached["target_mu"].sum()), 1e-9) for p in timed.parcels]
    return {
        "seconds": timed.seconds, "cpu_seconds": timed.cpu_seconds,
        "cpu_seconds_a_village": timed.cpu_seconds / len(timed.parcels),
        "missed_share": timed.missed_share, "missed_share_worst_village": max(villages),
    }  # fmt: skip


def _musts(last: Timed, broken: pl.DataFrame, timed: dict[int, Timed], villages: int) -> Rows:
    quarter, whole = timed[min(timed)], timed[villages]
    growth = (whole.cpu_seconds / len(whole.parcels)) / (quarter.cpu_seconds / len(quarter.parcels))
    told = [
        ("seconds, slack included", last.seconds, MOST_SECONDS, last.seconds <= MOST_SECONDS),
        ("area targets missed", last.missed_share, MOST_MISSED, last.missed_share <= MOST_MISSED),
        ("rules broken", float(broken.height), 0.0, broken.is_empty()),
        ("CPU seconds a village, all of them against a quarter", growth, LINEAR, growth <= LINEAR),
    ]
    return [{"what": f"villages: {w}", "value": v, "limit": limit, "holds": h} for w, v, limit, h in told]


def _row(segment: str, metric: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": "anxu", "value": value}
