"""`anxu bench planting`: the village plan on the public benchmark, beside HiGHS alone on the same programme."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.planting_county import county
from benchmarks.planting_farms import farms
from benchmarks.planting_form import write_form
from benchmarks.planting_villages import villages_case
from models.planning.activities import spread
from models.planning.checker import Report
from models.planning.formulation import formulate
from models.planning.highs import Solver
from models.planning.problem import Params, Plan, Problem, Stop
from models.planning.village import solve
from pipelines.plan import check_plan
from pipelines.real_land import land_tables
from pipelines.real_profile import real_profile

YEARS = 7
PRICES = {"mid": "price_yuan_per_kg", "low": "price_low_yuan_per_kg", "high": "price_high_yuan_per_kg"}
KEPT = {"lost": 0.0, "half": 0.5}
"""Share of its price that a kg beyond demand still brings."""
MOST_GAP = 0.02
BOUND_ROUNDS = 4


def run(
    data: Path,
    *,
    surplus: str = "lost",
    price: str = "mid",
    demand_scale: float = 1.0,
    repeat: str = "next",
    min_share: float = 0.0,
    time_limit: float = 120.0,
    gap: float = 1e-6,
    peer_time_limit: float = 0.0,
    out: Path = Path("bench-cache/plan.csv"),
    seed: int = 1,
    case: str = "village",
    villages: int = 248,
    scenarios: int = 10,
    workers: int = 2,
) -> dict[str, object]:
    """Plan seven years after the recorded one, write the plan, read it back and have it checked.

    Args:
        data: Folder laid out as cumcm2024c.
        surplus: 'lost', or 'half' for half the price.
        price: 'mid', 'low' or 'high' of the price range.
        demand_scale: Expected sales × this.
        repeat: 'next' or 'season-too'.
        min_share: What a crop takes of a plot at least.
        time_limit: Cap in seconds.
        gap: Stop when so close to the bound; HiGHS alone is asked for no less.
        peer_time_limit: Seconds for HiGHS alone; 0 takes `time_limit`, less than 0 leaves it out.
        out: Where the plan is written: plot, season, crop_id, year, area_mu; beside it, as .xlsx, on the benchmark's answer form.
        seed: Draws the neighbourhoods, and the county.
        case: 'village'; 'farms': two textbook farms to the cent, `data` laid out as farm-lp; 'county': a drawn county;
            'villages': the plots of each of its villages after it.
        villages: Of the drawn county.
        scenarios: Of the drawn county.
        workers: Processes that place villages side by side.
    """
    if case != "village":
        return _other_case(case, data, seed, villages, scenarios, time_limit, workers)
    problem, params = case_of(
        data, surplus=surplus, price=price, demand_scale=demand_scale, repeat=repeat, min_share=min_share
    )
    stop = Stop(gap=gap, nodes=50, rounds=2000, time_limit_s=time_limit, bound_rounds=BOUND_ROUNDS)
    cpu = time.process_time()
    plan = solve(problem, params, seed, stop)
    cpu = time.process_time() - cpu
    report = _written_and_checked(plan, problem, params, out)
    write_form(plan, data, out.with_suffix(".xlsx"))
    rows = [*_figures("anxu", plan, report), _row("cpu_seconds", "anxu", cpu)]
    must = [
        {
            "what": "rules broken",
            "value": report.broken.height,
            "limit": 0,
            "holds": report.broken.is_empty(),
        },
        {
            "what": "gap to the proven bound",
            "value": plan.gap,
            "limit": MOST_GAP,
            "holds": plan.gap <= MOST_GAP,
        },
    ]
    if peer_time_limit >= 0:
        alone = _highs_alone(problem, params, seed, peer_time_limit or time_limit)
        rows += [_row(metric, "highs", value) for metric, value in alone.items()]
        peer = alone["profit_yuan"]
        must.append(
            {
                "what": "profit no worse than HiGHS alone", "value": report.profit_yuan, "limit": peer,
                "holds": report.profit_yuan >= peer - 1.0,
            }
        )  # fmt: skip
    return {"bench": "planting", "data": str(data), "seed": seed, "rows": rows, "must": must}


def _other_case(
    case: str, data: Path, seed: int, villages: int, scenarios: int, time_limit: float, workers: int
) -> dict[str, object]:
    if case == "farms":
        rows, must = farms(data if (data / "farmer.json").exists() else data.parent / "farm-lp")
    elif case == "county":
        rows, must = county(villages=villages, scenarios=scenarios, seed=seed, time_limit=time_limit)
    elif case == "villages":
        rows, must = villages_case(
            villages=villages, scenarios=scenarios, seed=seed, time_limit=time_limit, workers=workers
        )
    else:
        raise ValueError(f"--case {case}: choose village, farms, county or villages")
    return {"bench": f"planting {case}", "data": str(data), "seed": seed, "rows": rows, "must": must}


def case_of(
    data: Path,
    *,
    surplus: str = "lost",
    price: str = "mid",
    demand_scale: float = 1.0,
    repeat: str = "next",
    min_share: float = 0.0,
    years: int = YEARS,
) -> tuple[Problem, Params]:
    """The benchmark village and the rules of one case; arguments as in `run`, and the years planned.

    Raises:
        ValueError: An argument is none of its choices.
    """
    for name, value, known in (("surplus", surplus, KEPT), ("price", price, PRICES)):
        if value not in known:
            raise ValueError(f"--{name} {value}: choose one of {', '.join(known)}")
    if repeat not in ("next", "season-too"):
        raise ValueError(f"--repeat {repeat}: choose next or season-too")
    tables = land_tables(data, real_profile())
    known_year = int(tables["planting"]["year"].max())  # type: ignore[arg-type]
    planned = pl.DataFrame(
        {"year": list(range(known_year + 1, known_year + 1 + years))}, schema={"year": pl.Int64}
    )
    worth = pl.col(PRICES[price])
    problem = Problem.from_frames(
        plots=tables["plot"],
        practices=tables["practice"].with_columns(is_perennial=pl.lit(value=False)),
        practice_yield=tables["practice_yield"].with_columns(
            price_yuan_per_kg=worth, salvage_yuan_per_kg=worth * KEPT[surplus]
        ),
        crops=tables["crop"],
        planting=tables["planting"],
        demand=tables["expected_sale"]
        .join(planned, how="cross")
        .select(
            "crop_id", "year", "season", demand_kg=pl.col("year_kg") * demand_scale, committed_kg=pl.lit(0.0),
            demand_source=pl.lit("expected sales"),
        ),
    )  # fmt: skip
    params = Params(
        first_year=known_year + 1,
        years=years,
        repeat="season-too" if repeat == "season-too" else "next",
        min_share=min_share,
        one_crop=frozenset(tables["single_crop_land"].select("land_class", "season").iter_rows()),
    )
    return problem, params


def _written_and_checked(plan: Plan, problem: Problem, params: Params, out: Path) -> Report:
    """Write the plan, read it back, and let the checker judge what is written."""
    out.parent.mkdir(parents=True, exist_ok=True)
    plan.assignments.select("season", "crop_id", "year", "area_mu", plot="plot_id").select(
        "plot", "season", "crop_id", "year", "area_mu"
    ).write_csv(out, float_precision=6)
    found = problem.plots.join(problem.practices, on="land_class").select(
        "plot_id", "crop_id", "season", "practice_id"
    )
    lines = (
        pl.read_csv(out, schema_overrides={"plot": pl.String, "crop_id": pl.String, "area_mu": pl.Float64})
        .rename({"plot": "plot_id"})
        .join(found, on=["plot_id", "crop_id", "season"], how="left")
    )
    return check_plan(replace(plan, assignments=lines), problem, params)


def _highs_alone(problem: Problem, params: Params, seed: int, seconds: float) -> dict[str, float]:
    """HiGHS left with the whole programme, the tightest written (cliques of repeats): profit (0 for the empty plan), bounds and time."""
    began, cpu = time.monotonic(), time.process_time()
    programme = formulate(problem, params, spread(problem, params))
    keys = programme.first_sale - programme.first_key
    solver = Solver(programme, seed=seed, time_limit_s=seconds)
    every, free = np.ones(keys, dtype=np.bool_), np.full(keys, np.nan)
    relaxed = solver.run(binary=~every, settled=free)
    answer = solver.run(binary=every, settled=free, gap=1e-6)
    return {
        "profit_yuan": max(0.0, answer.value), "bound_yuan": min(answer.bound, relaxed.value),
        "lp_bound_yuan": relaxed.value, "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu,
    }  # fmt: skip


def _figures(method: str, plan: Plan, report: Report) -> list[dict[str, object]]:
    return [
        _row("profit_yuan", method, report.profit_yuan),
        _row("bound_yuan", method, plan.bound_yuan),
        _row("lp_bound_yuan", method, plan.lp_bound_yuan),
        _row("gap", method, plan.gap),
        _row("rules_broken", method, report.broken.height),
        _row("lines", method, plan.assignments.height),
        _row("seconds", method, plan.seconds),
    ]


def _row(metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": "all years", "metric": metric, "method": method, "value": value}
