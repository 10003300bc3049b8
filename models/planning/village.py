"""A planting plan for the plots of a village (or a small county): what, where, when, how much."""

import time
from dataclasses import replace

import numpy as np
import polars as pl

from models.planning.activities import Activities, spread
from models.planning.conflict import smallest_conflict
from models.planning.formulation import Programme, formulate
from models.planning.highs import Solver
from models.planning.limits import INF, Floats
from models.planning.problem import AREA_DECIMALS, Params, Plan, Problem, Stop
from models.planning.search import Found, NoPoint, search

LINE_COLUMNS = [
    "plot_id", "practice_id", "crop_id", "year", "season", "last_season", "area_mu", "expected_kg", "expected_profit_yuan",
]  # fmt: skip


def solve(problem: Problem, params: Params, seed: int, stop: Stop) -> Plan:
    """Plan plots × practices × seasons × years for the largest profit.

    Revenue counts up to the demand of each crop, year and season, what is left over at salvage (or nothing), less cost;
    commitments come first, at a weight above any margin. All rules of `params` hold, history counts. A linear programme
    where that suffices, yes/no columns only where the repeat or minimum-share rule needs them.

    Args:
        problem: Land, practices, history, demand; see Problem.
        params: Horizon and rules.
        seed: Draws the neighbourhoods of the search; equal calls give equal plans unless the time limit cuts in.
        stop: Gap, nodes, rounds, seconds.

    Returns:
        The plan with status ('optimal' when the gap asked for is proven), profit, bound and shadow prices.

    Raises:
        Infeasible: No plan keeps all rules; names one plot and its smallest set of conflicting limits.
        ValueError: Frames lack columns, or a settled area fits no rule.
    """
    began = time.monotonic()
    acts = spread(problem, params)
    programme = formulate(problem, params, acts)
    spent = time.monotonic() - began
    solver = Solver(
        programme, seed=seed, time_limit_s=max(stop.time_limit_s - spent, 0.2 * stop.time_limit_s)
    )
    try:
        found = search(programme, acts.keys["year"].to_numpy().astype(np.int64), solver, seed=seed, stop=stop)
    except NoPoint as nothing:
        raise smallest_conflict(problem, programme, nothing.plots, seed=seed) from None
    x, prices = _polish(programme, found, seed)
    return _plan(acts, programme, found, x, prices, stop, time.monotonic() - began)


def _polish(programme: Programme, found: Found, seed: int) -> tuple[Floats, Floats]:
    """Areas and shadow prices of the linear programme with every yes/no as found.

    A crop that is there may take its whole plot: that limit is left to land, so that land carries the price.
    """
    settled = np.round(found.x[programme.keys])
    shares = np.flatnonzero((programme.rows["kind"] == "share_high").to_numpy())
    upper = programme.row_upper.copy()
    upper[shares[settled > 0.5]] = INF
    solver = Solver(replace(programme, row_upper=upper), seed=seed, time_limit_s=60.0)
    answer = solver.run(binary=np.zeros(settled.size, dtype=np.bool_), settled=settled)
    if answer.x is None:
        return found.x, np.zeros(programme.rows.height)
    return answer.x, solver.row_prices()


def _plan(
    acts: Activities,
    programme: Programme,
    found: Found,
    x: Floats,
    prices: Floats,
    stop: Stop,
    seconds: float,
) -> Plan:
    area = _rounded(acts.lines, x[: programme.first_key])
    sales = _sold(programme, area)
    grown = _grown(programme, area).join(sales.select("sale", "yuan_per_kg"), on="sale")
    per_line = grown.group_by("line").agg(revenue=(pl.col("kg") * pl.col("yuan_per_kg")).sum())
    main = grown.group_by("line", "crop_id").agg(expected_kg=pl.sum("kg"))
    lines = (
        acts.lines.with_columns(area_mu=pl.Series(area))
        .filter(pl.col("area_mu") > 0)
        .join(per_line, on="line", how="left", maintain_order="left")
        .join(main, on=["line", "crop_id"], how="left", maintain_order="left")
        .with_columns(
            pl.col("expected_kg").fill_null(0.0),
            expected_profit_yuan=pl.col("revenue").fill_null(0.0)
            - pl.col("area_mu") * pl.col("cost_yuan_per_mu"),
        )
    )
    profit = float(lines["expected_profit_yuan"].sum())
    weight = float(programme.penalty @ x[programme.shorts])
    bound = max(profit, found.bound + weight)
    gap = (bound - profit) / max(abs(bound), 1.0)
    return Plan(
        status="optimal" if gap <= max(stop.gap, 1e-6) else "feasible",
        profit_yuan=profit,
        bound_yuan=bound,
        lp_bound_yuan=found.lp_bound + weight,
        assignments=lines.select(LINE_COLUMNS),
        balance=_balance(programme, sales),
        limits=programme.rows.with_columns(price_yuan=pl.Series(prices)),
        nodes=found.nodes,
        seconds=seconds,
    )


def _rounded(lines: pl.DataFrame, area: Floats) -> Floats:
    """Areas in whole units of the last decimal; what is sown on a plot at one time adds up to no more than before.

    Cut off first, then the units left go to legumes, then to the largest remainders.
    """
    units = lines.select(
        "line", "plot_id", "start", "is_legume", units=pl.Series(area * 10**AREA_DECIMALS).clip(0)
    )
    here = ["plot_id", "start"]
    cut = units.with_columns(whole=(pl.col("units") + 0.2).floor()).with_columns(
        rest=(pl.col("units") - pl.col("whole")).clip(0),
        spare=((pl.col("units").sum().over(here) + 0.2).floor() - pl.col("whole").sum().over(here)),
    )
    ranked = cut.sort(
        "plot_id", "start", "is_legume", "rest", "line", descending=[False, False, True, True, False]
    )
    place = pl.int_range(pl.len()).over(here)
    more = ((pl.col("rest") > 0) & (place < pl.col("spare"))).cast(pl.Float64)
    whole: Floats = ranked.with_columns(pl.col("whole") + more).sort("line")["whole"].to_numpy()
    return np.asarray(np.round(whole / 10**AREA_DECIMALS, AREA_DECIMALS))


def _grown(programme: Programme, area: Floats) -> pl.DataFrame:
    """Kilograms that each line brings to each sale class."""
    per_line = pl.Series(area).gather(programme.outputs["line"])
    return programme.outputs.with_columns(kg=per_line * pl.col("yield_kg_per_mu"))


def _sold(programme: Programme, area: Floats) -> pl.DataFrame:
    """Per sale class: kg grown and sold, and what a kg of it earns on average; what earns most above salvage sells first."""
    total = _grown(programme, area).group_by("sale").agg(pl.sum("kg"))
    sold = pl.min_horizontal("kg", (pl.col("demand_kg") - pl.col("before")).clip(lower_bound=0))
    return (
        programme.sales.join(total, on="sale", how="left", maintain_order="left")
        .with_columns(pl.col("kg").fill_null(0.0))
        .join(programme.demand.select("row", "demand_kg"), on="row", maintain_order="left")
        .sort("row", pl.col("salvage") - pl.col("price"), "sale")
        .with_columns(before=pl.col("kg").cum_sum().over("row") - pl.col("kg"))
        .with_columns(sold=sold)
        .with_columns(
            yuan_per_kg=pl.when(pl.col("kg") > 0)
            .then(pl.col("salvage") + pl.col("sold") / pl.col("kg") * (pl.col("price") - pl.col("salvage")))
            .otherwise(0.0)
        )
    )


def _balance(programme: Programme, sales: pl.DataFrame) -> pl.DataFrame:
    """Demand, supply, sold, surplus and unserved kg per crop, year and season."""
    totals = sales.group_by("row").agg(supply_kg=pl.sum("kg").round(6), sold_kg=pl.sum("sold").round(6))
    return (
        programme.demand.join(totals, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("supply_kg", "sold_kg").fill_null(0.0))
        .with_columns(
            surplus_kg=(pl.col("supply_kg") - pl.col("sold_kg")).clip(lower_bound=0),
            unserved_kg=(pl.col("demand_kg") - pl.col("sold_kg")).clip(lower_bound=0),
        )
        .filter((pl.col("demand_kg") > 0) | (pl.col("supply_kg") > 0))
        .select(
            "crop_id", "year", "season", "demand_kg", "committed_kg", "supply_kg", "sold_kg", "surplus_kg",
            "unserved_kg", "demand_source",
        )
    )  # fmt: skip
