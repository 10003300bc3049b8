"""Re-reads a planting plan from scratch and says which rules it breaks and what it earns.

It shares no code with the planner: plain loops over the rows of the written plan, so that a mistake there is not made twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from models.planning.checker_land import perennials_moved, too_much_land, too_small_or_many
from models.planning.checker_money import balance_and_profit
from models.planning.checker_rotation import follow_themselves, too_few_legumes
from models.planning.checker_rows import Broken, Land, Row, Rules, past_row, planned_row, seasons_in_use

__all__ = ["Report", "Rules", "check"]
BROKEN_SCHEMA = pl.Schema({"rule": pl.String, "plot_id": pl.String, "detail": pl.String})


@dataclass(frozen=True)
class Report:
    """`broken`: one row per broken rule (rule, plot_id, detail). `balance`: crop, year and season. Profit as recomputed."""

    broken: pl.DataFrame
    balance: pl.DataFrame
    profit_yuan: float


def check(
    lines: pl.DataFrame,
    *,
    plots: pl.DataFrame,
    practices: pl.DataFrame,
    practice_yield: pl.DataFrame,
    crops: pl.DataFrame,
    planting: pl.DataFrame,
    demand: pl.DataFrame,
    rules: Rules,
) -> Report:
    """Check a plan against land, rotation and legume rules, and count its money anew.

    Args:
        lines: The plan: plot_id, practice_id, crop_id, year, season, area_mu.
        plots, practices, practice_yield, crops, planting: Facts in the warehouse's column names.
        demand: crop_id, year, season, demand_kg, committed_kg, demand_source.
        rules: What must hold.

    Returns:
        Broken rules with what to do about them, the balance of demand and supply, and the profit in yuan.
    """
    land = Land(
        plots={r["plot_id"]: r for r in plots.iter_rows(named=True)},
        practices={r["practice_id"]: r for r in practices.iter_rows(named=True)},
        crops={r["crop_id"]: r for r in crops.iter_rows(named=True)},
        seasons=seasons_in_use(practices),
    )
    rows = list(lines.iter_rows(named=True))
    broken = list(_unreadable(rows, land, rules))
    sound = [r for r in rows if r["plot_id"] in land.plots and r["practice_id"] in land.practices]
    past = [
        past_row(r, land)
        for r in planting.iter_rows(named=True)
        if r["plot_id"] in land.plots and r["area_mu"] > 0
    ]
    planned = [planned_row(r, land) for r in sound]
    broken += too_much_land(planned, past, land)
    broken += follow_themselves(planned, past, land, rules)
    broken += too_few_legumes(planned, past, land, rules)
    broken += too_small_or_many(planned, land, rules)
    broken += perennials_moved(planned, past, land)
    asked = demand.filter(
        (pl.col("year") > rules.first_year)
        | ((pl.col("year") == rules.first_year) & (pl.col("season") >= rules.first_season)),
        pl.col("year") <= rules.last_year,
    )
    balance, profit = balance_and_profit(sound, practices, practice_yield, asked, surplus=rules.surplus)
    return Report(pl.DataFrame(broken, schema=BROKEN_SCHEMA, orient="row"), balance, profit)


def _unreadable(rows: list[Row], land: Land, rules: Rules) -> Iterator[Broken]:
    seen: set[tuple[str, str, int, int]] = set()
    for r in rows:
        plot_id, name = r["plot_id"], f"plot '{r['plot_id']}', {r['year']} season {r['season']}"
        key = (plot_id, r["practice_id"], r["year"], r["season"])
        if key in seen:
            yield (
                "twice",
                plot_id,
                f"{name}: practice '{r['practice_id']}' stands twice; add the areas up in one line",
            )
        seen.add(key)
        if not r["area_mu"] > 0:
            yield "area", plot_id, f"{name}: {r['area_mu']} mu is no area; leave the line out"
        if plot_id not in land.plots:
            yield "unknown_plot", plot_id, f"{name}: there is no such plot; correct the id"
            continue
        practice = land.practices.get(r["practice_id"])
        if practice is None:
            yield (
                "unknown_practice",
                plot_id,
                f"{name}: there is no practice '{r['practice_id']}'; correct the id",
            )
            continue
        yield from _misfits(r, practice, land, rules, name)


def _misfits(r: Row, practice: Row, land: Land, rules: Rules, name: str) -> Iterator[Broken]:
    land_class = land.plots[r["plot_id"]]["land_class"]
    if practice["land_class"] != land_class:
        yield (
            "land_class",
            r["plot_id"],
            (
                f"{name}: practice '{r['practice_id']}' needs {practice['land_class']}, the plot is {land_class}; move it"
            ),
        )
    if practice["season"] != r["season"]:
        yield (
            "season",
            r["plot_id"],
            (
                f"{name}: practice '{r['practice_id']}' starts in season {practice['season']}; correct the season"
            ),
        )
    if practice["crop_id"] != r["crop_id"]:
        yield (
            "crop",
            r["plot_id"],
            f"{name}: practice '{r['practice_id']}' bears '{practice['crop_id']}', not '{r['crop_id']}'",
        )
    early = (r["year"], r["season"]) < (rules.first_year, rules.first_season)
    if early or r["year"] > rules.last_year:
        yield (
            "horizon",
            r["plot_id"],
            (
                f"{name} lies outside {rules.first_year} season {rules.first_season} to {rules.last_year}; leave it out"
            ),
        )
