"""An independent reading of parcels: areas by period, least shares, how many stand at a time, and what follows what.

Shares no code with the planner; plain loops on purpose.
"""

from collections import defaultdict
from itertools import combinations

import polars as pl

ROOM_MU = 1e-6 + 1e-9
BROKEN_SCHEMA = pl.Schema({"rule": pl.String, "plot_id": pl.String, "detail": pl.String})


def check_parcels(
    parcels: pl.DataFrame,
    *,
    plots: pl.DataFrame,
    activities: pl.DataFrame,
    occupation: pl.DataFrame,
    options: pl.DataFrame,
    min_share: float,
    most_activities: int,
) -> pl.DataFrame:
    """What the parcels break: rule, plot_id, detail; no row when they are sound.

    Args:
        parcels: plot_id, activity_id, area_mu.
        plots: plot_id, group_id, area_mu, last_group (nullable).
        activities: activity_id, rotation_group.
        occupation: activity_id, period, share of a mu.
        options: group_id, activity_id: what may stand on a group's land.
        min_share, most_activities: The rules.
    """
    land = {r["plot_id"]: r for r in plots.iter_rows(named=True)}
    turn = dict(activities.select("activity_id", "rotation_group").iter_rows())
    allowed = set(options.select("group_id", "activity_id").iter_rows())
    stands: dict[str, dict[int, float]] = defaultdict(dict)
    for activity, period, share in occupation.select("activity_id", "period", "share").iter_rows():
        stands[activity][period] = share
    rows: list[tuple[str, str, str]] = []
    by_plot: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for plot_id, activity, mu in parcels.select("plot_id", "activity_id", "area_mu").iter_rows():
        if plot_id not in land:
            rows.append(("plot", plot_id, f"plot '{plot_id}' is not known"))
            continue
        by_plot[plot_id].append((activity, mu))
        plot = land[plot_id]
        if (plot["group_id"], activity) not in allowed:
            rows.append(("option", plot_id, f"plot '{plot_id}': '{activity}' may not stand on its land"))
        if mu < min_share * plot["area_mu"] - ROOM_MU:
            least = f"below the least share {min_share:g}"
            rows.append(
                (
                    "min_share",
                    plot_id,
                    f"plot '{plot_id}': '{activity}' takes {mu:.6g} mu of {plot['area_mu']:.6g}, {least}",
                )
            )
        if plot["last_group"] is not None and turn[activity] == plot["last_group"]:
            rows.append(
                (
                    "repeat",
                    plot_id,
                    f"plot '{plot_id}': '{activity}' follows '{plot['last_group']}' of before the plan",
                )
            )
    for plot_id, lines in by_plot.items():
        rows += _on_a_plot(plot_id, land[plot_id]["area_mu"], lines, stands, turn, most_activities)
    return pl.DataFrame(rows, schema=BROKEN_SCHEMA, orient="row")


def _on_a_plot(
    plot_id: str,
    area: float,
    lines: list[tuple[str, float]],
    stands: dict[str, dict[int, float]],
    turn: dict[str, str],
    most: int,
) -> list[tuple[str, str, str]]:
    taken: dict[int, float] = defaultdict(float)
    count: dict[int, int] = defaultdict(int)
    rows: list[tuple[str, str, str]] = []
    for activity, mu in lines:
        for period, share in stands[activity].items():
            taken[period] += mu * share
            count[period] += 1
    for period in sorted(taken):
        if taken[period] > area + ROOM_MU:
            rows.append(
                (
                    "area_over",
                    plot_id,
                    f"plot '{plot_id}': {taken[period]:.6g} mu stand on {area:.6g} in period {period}",
                )
            )
        if count[period] > most:
            rows.append(
                (
                    "too_many",
                    plot_id,
                    f"plot '{plot_id}': {count[period]} activities stand in period {period}, at most {most} may",
                )
            )
    for (one, _), (two, _) in combinations(lines, 2):
        if turn[one] == turn[two] and not set(stands[one]) & set(stands[two]):
            rows.append(
                (
                    "repeat",
                    plot_id,
                    f"plot '{plot_id}': '{one}' and '{two}' are one crop, one after the other",
                )
            )
    return rows
