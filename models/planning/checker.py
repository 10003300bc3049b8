"""Re-reads a planting plan from scratch and says which rules it breaks and what it earns.

It shares no code with the planner: plain loops over the rows of the written plan, so that a mistake there is not made twice.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from models.planning.checker_money import balance_and_profit

TOLERANCE_MU = 1e-6 + 1e-9
BROKEN_SCHEMA = pl.Schema({"rule": pl.String, "plot_id": pl.String, "detail": pl.String})
Row = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """The rules a plan must keep; meanings as in the planner's parameters, restated here on purpose.

    `legume_from`: first year of the first legume window; `legume_classes` None: every land class.
    """

    first_year: int
    last_year: int
    first_season: int = 1
    repeat: str = "next"
    rotate_by: str = "crop"
    may_repeat: frozenset[str] = frozenset()
    surplus: str = "salvage"
    legume_years: int = 3
    legume_from: int = 0
    legume_classes: frozenset[str] | None = None
    min_share: float = 0.0
    one_crop: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True)
class Report:
    """`broken`: one row per broken rule (rule, plot_id, detail). `balance`: crop, year and season. Profit as recomputed."""

    broken: pl.DataFrame
    balance: pl.DataFrame
    profit_yuan: float


@dataclass(frozen=True)
class _Land:
    plots: dict[str, Row]
    practices: dict[str, Row]
    crops: dict[str, Row]
    seasons: dict[str, list[int]]
    """Seasons in use per land class, ascending."""


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
    land = _Land(
        plots={r["plot_id"]: r for r in plots.iter_rows(named=True)},
        practices={r["practice_id"]: r for r in practices.iter_rows(named=True)},
        crops={r["crop_id"]: r for r in crops.iter_rows(named=True)},
        seasons=_seasons_in_use(practices),
    )
    rows = list(lines.iter_rows(named=True))
    broken = list(_unreadable(rows, land, rules))
    sound = [r for r in rows if r["plot_id"] in land.plots and r["practice_id"] in land.practices]
    past = [
        _past_row(r, land)
        for r in planting.iter_rows(named=True)
        if r["plot_id"] in land.plots and r["area_mu"] > 0
    ]
    planned = [_planned_row(r, land) for r in sound]
    broken += _too_much_land(planned, past, land)
    broken += _follow_themselves(planned, past, land, rules)
    broken += _too_few_legumes(planned, past, land, rules)
    broken += _too_small_or_many(planned, land, rules)
    broken += _perennials_moved(planned, past, land)
    asked = demand.filter(
        (pl.col("year") > rules.first_year)
        | ((pl.col("year") == rules.first_year) & (pl.col("season") >= rules.first_season)),
        pl.col("year") <= rules.last_year,
    )
    balance, profit = balance_and_profit(sound, practices, practice_yield, asked, surplus=rules.surplus)
    return Report(pl.DataFrame(broken, schema=BROKEN_SCHEMA, orient="row"), balance, profit)


def _seasons_in_use(practices: pl.DataFrame) -> dict[str, list[int]]:
    used: dict[str, set[int]] = defaultdict(set)
    for r in practices.iter_rows(named=True):
        used[r["land_class"]].update(range(r["season"], r["last_season"] + 1))
    return {land_class: sorted(seasons) for land_class, seasons in used.items()}


def _planned_row(row: Row, land: _Land) -> Row:
    return {**row, "last_season": land.practices[row["practice_id"]]["last_season"], "is_planned": True}


def _past_row(row: Row, land: _Land) -> Row:
    """A planting of the past with its last season: its practice's, else the longest that fits, else its own season."""
    known = land.practices.get(row["practice_id"] or "")
    land_class = land.plots[row["plot_id"]]["land_class"]
    fitting = [
        p["last_season"]
        for p in land.practices.values()
        if (p["crop_id"], p["land_class"], p["season"]) == (row["crop_id"], land_class, row["season"])
    ]
    last = known["last_season"] if known else max(fitting, default=row["season"])
    return {**row, "last_season": last, "is_planned": False}


def _unreadable(rows: list[Row], land: _Land, rules: Rules) -> Iterator[tuple[str, str, str]]:
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


def _misfits(r: Row, practice: Row, land: _Land, rules: Rules, name: str) -> Iterator[tuple[str, str, str]]:
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


def _too_much_land(planned: list[Row], past: list[Row], land: _Land) -> Iterator[tuple[str, str, str]]:
    taken: dict[tuple[str, int, int], float] = defaultdict(float)
    has_plan: set[tuple[str, int, int]] = set()
    for r in [*past, *planned]:
        for season in range(r["season"], r["last_season"] + 1):
            taken[r["plot_id"], r["year"], season] += r["area_mu"]
            if r["is_planned"]:
                has_plan.add((r["plot_id"], r["year"], season))
    for plot_id, year, season in sorted(has_plan):
        area, limit = taken[plot_id, year, season], land.plots[plot_id]["area_mu"]
        if area > limit + TOLERANCE_MU:
            yield (
                "area_over",
                plot_id,
                (
                    f"plot '{plot_id}': planned {area:.6g} mu exceed its {limit:.6g} mu in {year} season {season}; "
                    "lower the area or split the crop over two plots"
                ),
            )


def _group(r: Row, land: _Land, rules: Rules) -> str:
    return str(r["crop_id"] if rules.rotate_by == "crop" else land.crops[r["crop_id"]]["family"])


def _step(land: _Land, land_class: str, year: int, season: int) -> int:
    """The number of a season counted over the years in those seasons only that the land class uses."""
    used = land.seasons.get(land_class, [1])
    return year * len(used) + max(0, sum(s <= season for s in used) - 1)


def _follow_themselves(
    planned: list[Row], past: list[Row], land: _Land, rules: Rules
) -> Iterator[tuple[str, str, str]]:
    ends: dict[tuple[str, str, int], Row] = {}
    starts: dict[tuple[str, str, int, int], Row] = {}
    sown: dict[tuple[str, str, int], Row] = {}
    for r in [*past, *planned]:
        if r["crop_id"] not in land.crops:
            continue
        land_class, group = land.plots[r["plot_id"]]["land_class"], _group(r, land, rules)
        ends[r["plot_id"], group, _step(land, land_class, r["year"], r["last_season"])] = r
        starts[r["plot_id"], group, r["year"], r["season"]] = r
        if not r["is_planned"]:
            sown[r["plot_id"], group, _step(land, land_class, r["year"], r["season"])] = r
    for r in planned:
        if r["crop_id"] in rules.may_repeat or land.practices[r["practice_id"]]["is_perennial"]:
            continue
        plot_id, group = r["plot_id"], _group(r, land, rules)
        step = _step(land, land.plots[plot_id]["land_class"], r["year"], r["season"])
        last_step = _step(land, land.plots[plot_id]["land_class"], r["year"], r["last_season"])
        before = ends.get((plot_id, group, step - 1)) or sown.get((plot_id, group, last_step + 1))
        if before is None and rules.repeat == "season-too":
            before = starts.get((plot_id, group, r["year"] - 1, r["season"]))
        if before is not None:
            yield (
                "repeat",
                plot_id,
                (
                    f"plot '{plot_id}': crop '{r['crop_id']}' in {r['year']} season {r['season']} meets itself "
                    f"({before['year']} season {before['season']}); plant another crop between"
                ),
            )


def _too_few_legumes(
    planned: list[Row], past: list[Row], land: _Land, rules: Rules
) -> Iterator[tuple[str, str, str]]:
    borne: dict[tuple[str, int], float] = defaultdict(float)
    for r in [*past, *planned]:
        if r["crop_id"] in land.crops and land.crops[r["crop_id"]]["is_legume"]:
            borne[r["plot_id"], r["year"]] += r["area_mu"]
    standing = _standing(past, land)
    for plot_id, plot in sorted(land.plots.items()):
        if not rules.legume_years or (
            rules.legume_classes is not None and plot["land_class"] not in rules.legume_classes
        ):
            continue
        need = plot["area_mu"] - sum(mu for (p, _), mu in standing.items() if p == plot_id)
        for first in range(rules.legume_from, rules.last_year - rules.legume_years + 2):
            last = first + rules.legume_years - 1
            if last < rules.first_year:
                continue
            area = sum(borne[plot_id, year] for year in range(first, last + 1))
            if area < need - TOLERANCE_MU:
                yield (
                    "legume",
                    plot_id,
                    (
                        f"plot '{plot_id}': {area:.6g} mu of legumes in {first}–{last} fall short of its {need:.6g} mu; "
                        "plant a legume on the rest once"
                    ),
                )


def _too_small_or_many(planned: list[Row], land: _Land, rules: Rules) -> Iterator[tuple[str, str, str]]:
    area: dict[tuple[str, int, int, int, str], float] = defaultdict(float)
    for r in planned:
        if not land.practices[r["practice_id"]]["is_perennial"]:
            area[r["plot_id"], r["year"], r["season"], r["last_season"], _group(r, land, rules)] += r[
                "area_mu"
            ]
    alone: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    for (plot_id, year, season, last_season, group), mu in area.items():
        plot = land.plots[plot_id]
        if mu < rules.min_share * plot["area_mu"] - TOLERANCE_MU:
            yield (
                "min_share",
                plot_id,
                (
                    f"plot '{plot_id}': '{group}' takes {mu:.6g} of its {plot['area_mu']:.6g} mu in {year} season {season}, "
                    f"below the least share {rules.min_share:g}; plant more of it there or none"
                ),
            )
        for s in range(season, last_season + 1):
            alone[plot_id, year, s].add(group)
    for (plot_id, year, season), groups in sorted(alone.items()):
        if len(groups) > 1 and (land.plots[plot_id]["land_class"], season) in rules.one_crop:
            yield (
                "one_crop",
                plot_id,
                (
                    f"plot '{plot_id}': {sorted(groups)} share {year} season {season}, where only one crop may stand; choose one"
                ),
            )


def _standing(past: list[Row], land: _Land) -> dict[tuple[str, str], float]:
    """Area under each perennial in its plot's last known year."""
    perennial = {(p["crop_id"], p["land_class"]) for p in land.practices.values() if p["is_perennial"]}
    last: dict[str, int] = {}
    for r in past:
        last[r["plot_id"]] = max(last.get(r["plot_id"], 0), r["year"])
    found: dict[tuple[str, str], float] = {}
    for r in past:
        kind = (r["crop_id"], land.plots[r["plot_id"]]["land_class"])
        if r["year"] == last[r["plot_id"]] and kind in perennial:
            key = (r["plot_id"], r["crop_id"])
            found[key] = max(found.get(key, 0.0), r["area_mu"])
    return found


def _perennials_moved(planned: list[Row], past: list[Row], land: _Land) -> Iterator[tuple[str, str, str]]:
    standing = _standing(past, land)
    area: dict[tuple[str, str], dict[int, float]] = defaultdict(lambda: defaultdict(float))
    others: dict[tuple[str, int, int], float] = defaultdict(float)
    for r in planned:
        if land.practices[r["practice_id"]]["is_perennial"]:
            area[r["plot_id"], r["crop_id"]][r["year"]] += r["area_mu"]
        else:
            for season in range(r["season"], r["last_season"] + 1):
                others[r["plot_id"], r["year"], season] += r["area_mu"]
    for (plot_id, crop_id), by_year in sorted(area.items()):
        limit = standing.get((plot_id, crop_id), 0.0)
        for year, mu in sorted(by_year.items()):
            if mu > limit + TOLERANCE_MU:
                yield (
                    "perennial",
                    plot_id,
                    (
                        f"plot '{plot_id}': {mu:.6g} mu of perennial '{crop_id}' in {year} exceed the {limit:.6g} mu that stand; "
                        "plan only what stands and was kept"
                    ),
                )
            limit = min(limit, mu)
    for (plot_id, year, season), mu in sorted(others.items()):
        under = sum(a for (p, _), a in standing.items() if p == plot_id)
        if under and mu > land.plots[plot_id]["area_mu"] - under + TOLERANCE_MU:
            yield (
                "perennial",
                plot_id,
                (
                    f"plot '{plot_id}': {mu:.6g} mu of other crops in {year} season {season} reach into the {under:.6g} mu "
                    "under perennials; lower the area"
                ),
            )
