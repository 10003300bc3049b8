"""`anxu bench harvest`: kilograms of the next picks of a left-out compartment, and how often 80 % intervals hold."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harvest_data import read_compartments
from models.harvest.picks import Picks, Season, choose, forecast_mean

LEADS = (7, 14)
AGAINST_BEST_PEER = 0.95
Floats = NDArray[np.float64]
Rows = list[dict[str, object]]


def run(data: Path, *, seeds: int = 30, seed: int = 1) -> dict[str, object]:
    """Measure forecasts of picks and the coverage of ready dates and yields.

    Args:
        data: Folder as `greenhouse-agc2`: one folder a compartment, each with Production.csv.
        seeds: Sample counties whose intervals are counted; 0: none.
        seed: The first of them.

    Returns:
        `bench`, `data`, `seed`, `rows` and `must` in the common form. Errors are summed over the compartments, each left out
        in turn; the setting is chosen on the others alone, each of those left out in turn.
    """
    compartments, notes = read_compartments(data)
    rows: Rows = [_row("data", note, "anxu", 1) for note in notes]
    must: Rows = []
    for lead in LEADS:
        found, limits = _lead(compartments, lead)
        rows, must = rows + found, must + limits
    if seeds:
        from benchmarks.harvest_intervals import interval_figures

        found, limits = interval_figures(seed, seeds)
        rows, must = rows + found, must + limits
    return {"bench": "harvest", "data": data.name, "seed": seed, "rows": rows, "must": must}


def _lead(compartments: dict[str, Picks], lead: int) -> tuple[Rows, Rows]:
    rows: Rows = []
    errors: dict[str, float] = {}
    total = 0.0
    for name, own in compartments.items():
        others = [p for other, p in compartments.items() if other != name]
        methods = {
            "anxu": forecast_mean(own, others, choose(others, lead), lead),
            **_peers(own, others, lead),
        }
        known = ~np.isnan(np.array(list(methods.values()))).any(axis=0)
        truth = own.kg[known]
        total += float(truth.sum())
        rows.append(_row(f"{name}, {lead} days ahead", "picks", "anxu", int(known.sum())))
        for method, kg in methods.items():
            error = float(np.abs(kg[known] - truth).sum())
            errors[method] = errors.get(method, 0.0) + error
            rows.append(_row(f"{name}, {lead} days ahead", "wape", method, error / float(truth.sum())))
    wape = {method: error / total for method, error in errors.items()}
    rows += [_row(f"all, {lead} days ahead", "wape", m, w) for m, w in wape.items()]
    best = min(w for m, w in wape.items() if m != "anxu")
    ratio = round(wape["anxu"] / best, 4)
    what = f"{lead} days ahead: WAPE ÷ the best of three peers, at most"
    return rows, [
        {"what": what, "value": ratio, "limit": AGAINST_BEST_PEER, "holds": ratio <= AGAINST_BEST_PEER}
    ]


def _peers(own: Picks, others: list[Picks], lead: int) -> dict[str, Floats]:
    """Last pick, mean of the last three, and mean of the others on that day; NaN where a peer has nothing to say."""
    last, three = np.full(len(own.day), np.nan), np.full(len(own.day), np.nan)
    for i, day in enumerate(own.day):
        known = own.kg[own.day <= day - lead]
        if known.size:
            last[i], three[i] = known[-1], known[-3:].mean()
    exact = Season.of(own, others, [1.0]).exact
    return {"last_pick": last, "mean_of_last_3": three, "others_that_day": exact}


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(float(value), 4)}
