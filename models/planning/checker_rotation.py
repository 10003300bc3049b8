"""The checker's rules on what follows what: repeats and legumes."""

from collections import defaultdict
from collections.abc import Iterator

from models.planning.checker_rows import (
    TOLERANCE_MU,
    Broken,
    Land,
    Row,
    Rules,
    group_of,
    standing_areas,
    step_of,
)


def follow_themselves(planned: list[Row], past: list[Row], land: Land, rules: Rules) -> Iterator[Broken]:
    """Crops that stand on a plot again in its next season, or in the same season of the next year."""
    ends: dict[tuple[str, str, int], Row] = {}
    starts: dict[tuple[str, str, int, int], Row] = {}
    sown: dict[tuple[str, str, int], Row] = {}
    for r in [*past, *planned]:
        if r["crop_id"] not in land.crops:
            continue
        land_class, group = land.plots[r["plot_id"]]["land_class"], group_of(r, land, rules)
        ends[r["plot_id"], group, step_of(land, land_class, r["year"], r["last_season"])] = r
        starts[r["plot_id"], group, r["year"], r["season"]] = r
        if not r["is_planned"]:
            sown[r["plot_id"], group, step_of(land, land_class, r["year"], r["season"])] = r
    for r in planned:
        if r["crop_id"] in rules.may_repeat or land.practices[r["practice_id"]]["is_perennial"]:
            continue
        plot_id, group = r["plot_id"], group_of(r, land, rules)
        step = step_of(land, land.plots[plot_id]["land_class"], r["year"], r["season"])
        last_step = step_of(land, land.plots[plot_id]["land_class"], r["year"], r["last_season"])
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


def too_few_legumes(planned: list[Row], past: list[Row], land: Land, rules: Rules) -> Iterator[Broken]:
    """Plots whose legumes do not cover them within a window of years."""
    borne: dict[tuple[str, int], float] = defaultdict(float)
    for r in [*past, *planned]:
        if r["crop_id"] in land.crops and land.crops[r["crop_id"]]["is_legume"]:
            borne[r["plot_id"], r["year"]] += r["area_mu"]
    standing = standing_areas(past, land)
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
