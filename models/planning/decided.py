"""What people's decisions were worth: the profit with each as decided against the profit with it as proposed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

Row = dict[str, Any]
Profit = Callable[[pl.DataFrame], float]
"""The checker's profit (yuan) of lines: plot_id, practice_id, crop_id, year, season, area_mu."""
COLUMNS = ["plot_id", "practice_id", "crop_id", "year", "season", "area_mu"]
SCORE_SCHEMA = pl.Schema(
    {
        "decision_id": pl.String, "recommendation_id": pl.String, "answer": pl.String, "author": pl.String,
        "reason": pl.String, "stage": pl.String, "proposed_mu": pl.Float64, "decided_mu": pl.Float64,
        "proposed_yuan": pl.Float64, "decided_yuan": pl.Float64, "gained_yuan": pl.Float64,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What decisions are judged on: the lines as decided (or as recorded), and what profit lines bring.

    `stage`: 'ahead' while the season is planned, 'past' once it is recorded. `profit` counts the seasons judged only.
    """

    stage: str
    lines: pl.DataFrame
    profit: Profit


def decision_scores(
    decisions: pl.DataFrame,
    answered: Callable[[Row], pl.DataFrame | None],
    judged: Callable[[Row], Judged | None],
) -> pl.DataFrame:
    """Score each decision in the plan that it answered: its plot and year as it came to be, all else as proposed.

    Args:
        decisions: Table decision, one row per recommendation.
        answered: The lines (COLUMNS) of the whole plan that a decision answered; None: it is not known.
        judged: What a line's season is judged on (by year, season); None: nothing is known of it.

    Returns:
        SCORE_SCHEMA: `proposed_yuan`: profit of the plan answered; `decided_yuan`: with the plot as decided; `gained_yuan`:
        what deciding otherwise brought. Decisions on lines that the plan did not have are left out.
    """
    rows = []
    for d in decisions.iter_rows(named=True):
        parts = d["recommendation_id"].split("/")
        if (
            len(parts) != 4
            or not (parts[1].isdigit() and parts[2].isdigit())
            or (plan := answered(d)) is None
        ):
            continue
        place = {"plot_id": parts[0], "year": int(parts[1]), "season": int(parts[2]), "practice_id": parts[3]}
        found = judged(place)
        if found is None:
            continue
        said = (d[c] for c in ("decision_id", "recommendation_id", "answer", "author", "reason"))
        areas = (float(f.filter(**place)["area_mu"].sum()) for f in (plan, found.lines))
        rows.append((*said, found.stage, *areas, *_profits(place, plan, found)))
    return pl.DataFrame(rows, schema=SCORE_SCHEMA, orient="row")


def _profits(place: Row, plan: pl.DataFrame, found: Judged) -> tuple[float, float, float]:
    mine = (pl.col("plot_id") == place["plot_id"]) & (pl.col("year") == place["year"])
    decided = pl.concat(
        [plan.filter(~mine).select(COLUMNS), found.lines.filter(mine).select(COLUMNS)], how="vertical_relaxed"
    )
    as_proposed, as_decided = found.profit(plan), found.profit(decided)
    return as_proposed, as_decided, as_decided - as_proposed
