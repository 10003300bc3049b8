"""A village's share of the county plan put on its plots: which plot bears how much of what, so that the targets are met.

A land group's targets are mu of each activity (a practice sown in one period). On plots they meet what the county plan does not
see: a least share of a plot, few crops at a time, and what stood there last. Groups of a village meet nowhere, so each is
a programme of its own (`parcels_search`); villages are independent, so they may run in parallel.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.planning.parcels_search import Effort, Group, place_group

NEEDS: Mapping[str, tuple[str, ...]] = {
    "plots": ("plot_id", "group_id", "area_mu", "last_group"),
    "targets": ("group_id", "activity_id", "target_mu"),
    "activities": ("activity_id", "rotation_group"),
    "occupation": ("activity_id", "period", "share"),
    "refused": ("plot_id", "activity_id"),
}
REFUSED_SCHEMA = pl.Schema({"plot_id": pl.String, "activity_id": pl.String})
AREA_DECIMALS = 6


@dataclass(frozen=True)
class ParcelRules:
    """What holds on every plot.

    `min_share`: what an activity takes of a plot at least. `most_activities`: so many stand on a plot at a time at most.
    `miss_share`: the search ends when so much of the targets or less is missed.
    """

    min_share: float = 0.2
    most_activities: int = 2
    miss_share: float = 0.0005

    def __post_init__(self) -> None:
        if not 0 < self.min_share <= 1:
            raise ValueError(f"min_share is {self.min_share}; give a share of the plot above 0, at most 1")
        if self.most_activities < 1:
            raise ValueError(f"most_activities is {self.most_activities}; give 1 or more")


@dataclass(frozen=True)
class VillageTargets:
    """One village: its plots, and what the county plan wants of its land groups.

    `plots`: `last_group` is the rotation group (crop or family) that stood there last, or null. `targets`: mu of each
    activity; those of 0 mu need no row. `occupation`: share of a mu that an activity takes in a period. `refused`: what
    a grower does not want on a plot. An activity never follows its own rotation group: not the last one of before the
    plan, and of two activities of one group on a plot the periods overlap.
    """

    village_id: str
    plots: pl.DataFrame
    targets: pl.DataFrame
    activities: pl.DataFrame
    occupation: pl.DataFrame
    refused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REFUSED_SCHEMA))

    def __post_init__(self) -> None:
        for name, columns in NEEDS.items():
            if lacking := [c for c in columns if c not in getattr(self, name).columns]:
                raise ValueError(f"{name} lacks the columns {lacking}; it has {getattr(self, name).columns}")


@dataclass(frozen=True)
class VillageParcels:
    """`parcels`: plot_id, activity_id, area_mu (> 0, 6 decimals). `reached`: targets with `placed_mu`. `nodes`: of the searches."""

    village_id: str
    parcels: pl.DataFrame
    reached: pl.DataFrame
    nodes: int

    @property
    def missed_mu(self) -> float:
        """What was wanted and not placed, and what was placed beyond it."""
        return float((self.reached["target_mu"] - self.reached["placed_mu"]).abs().sum())


def place_village(village: VillageTargets, rules: ParcelRules, seed: int, effort: Effort) -> VillageParcels:
    """Put a village's targets on its plots; the same arguments give the same parcels, whatever the machine.

    A target on a group without plots, or more than fits, is missed and shows in `reached`; nothing is refused.
    """
    found, nodes = [], 0
    for n, group_id in enumerate(village.targets["group_id"].unique().sort()):
        group, names = _group_of(village, group_id)
        areas, more = place_group(
            group, rules.min_share, rules.most_activities, rules.miss_share, effort, seed + n
        )
        nodes += more
        found.append(_named(areas, *names))
    parcels = pl.concat(found) if found else _named(np.zeros((0, 0)), pl.Series([], dtype=pl.String), [])
    homes = parcels.join(village.plots.select("plot_id", "group_id"), on="plot_id", how="left")
    placed = homes.group_by("group_id", "activity_id").agg(placed_mu=pl.sum("area_mu"))
    reached = village.targets.select(*NEEDS["targets"]).join(
        placed, on=["group_id", "activity_id"], how="left", maintain_order="left"
    )
    return VillageParcels(
        village.village_id, parcels, reached.with_columns(pl.col("placed_mu").fill_null(0.0)), nodes
    )


def place_villages(
    villages: Sequence[VillageTargets],
    rules: ParcelRules,
    seed: int,
    effort: Effort,
    each: Callable[..., Iterable[VillageParcels]] = map,
) -> list[VillageParcels]:
    """`place_village` of each, in order; `each` is `map`, or an executor's `map` to run them side by side."""
    n = len(villages)
    return list(each(place_village, villages, [rules] * n, [seed] * n, [effort] * n))


def _group_of(village: VillageTargets, group_id: str) -> tuple[Group, tuple[pl.Series, list[str]]]:
    """A group's arrays, and the plots' and activities' names in their order."""
    plots = village.plots.filter(pl.col("group_id") == group_id).sort("plot_id")
    targets = (
        village.targets.filter(pl.col("group_id") == group_id, pl.col("target_mu") > 0)
        .join(village.activities, on="activity_id")
        .sort("activity_id")
    )
    names = targets["activity_id"].to_list()
    taken = village.occupation.filter(pl.col("activity_id").is_in(names))
    periods = {p: n for n, p in enumerate(sorted(set(taken["period"])))}
    order = {a: n for n, a in enumerate(names)}
    share = np.zeros((len(names), len(periods)))
    for activity, period, part in taken.select("activity_id", "period", "share").iter_rows():
        share[order[activity], periods[period]] = part
    turns = targets["rotation_group"].to_list()
    last = plots["last_group"].to_list()
    may = np.array([[turn != before for turn in turns] for before in last], dtype=np.bool_).reshape(
        plots.height, len(turns)
    )
    for plot, activity in (
        village.refused.join(plots, on="plot_id", how="semi").select("plot_id", "activity_id").iter_rows()
    ):
        if activity in order:
            may[plots["plot_id"].to_list().index(plot), order[activity]] = False
    group = Group(plots["area_mu"].to_numpy(), targets["target_mu"].to_numpy(), share, may, tuple(turns))
    return group, (plots["plot_id"], names)


def _named(areas: np.ndarray, plots: pl.Series, activities: list[str]) -> pl.DataFrame:
    """Areas above 0 as rows, cut to the last decimal so that land is never exceeded by rounding."""
    cut = np.floor(areas * 10**AREA_DECIMALS + 1e-3) / 10**AREA_DECIMALS
    p, k = np.nonzero(cut > 0)
    return pl.DataFrame(
        {
            "plot_id": plots.gather(p),
            "activity_id": [activities[i] for i in k],
            "area_mu": cut[p, k].round(AREA_DECIMALS),
        },
        schema={"plot_id": pl.String, "activity_id": pl.String, "area_mu": pl.Float64},
    )
