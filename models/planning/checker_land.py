"""The checker's rules on land: areas, least shares, single crops, perennials."""

from collections import defaultdict
from collections.abc import Iterator

from models.planning.checker_rows import TOLERANCE_MU, Broken, Land, Row, Rules, group_of, standing_areas


def too_much_land(planned: list[Row], past: list[Row], land: Land) -> Iterator[Broken]:
    """Plots on which a season's plantings, recorded ones included, exceed the area."""
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


def too_small_or_many(planned: list[Row], land: Land, rules: Rules) -> Iterator[Broken]:
    """Crops below the least share of a plot, and crops that share a season where only one may stand."""
    area: dict[tuple[str, int, int, int, str], float] = defaultdict(float)
    for r in planned:
        if not land.practices[r["practice_id"]]["is_perennial"]:
            area[r["plot_id"], r["year"], r["season"], r["last_season"], group_of(r, land, rules)] += r[
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


def perennials_moved(planned: list[Row], past: list[Row], land: Land) -> Iterator[Broken]:
    """Perennials beyond what stands and was kept, and other crops that reach into their land."""
    standing = standing_areas(past, land)
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
