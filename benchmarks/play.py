"""`anxu bench play`: the night's plan of a sample county played forward, beside other plans under the same luck."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.play_plans import MEAN, ORACLE, OURS, SCALED, USUAL, Planned, oracle, planned, plans
from models.simulation.actions import Actions, Harvest, cut_to_order, cut_when_ripe
from models.simulation.play import Outcome, play
from models.simulation.stage import Truth, truth_of
from models.simulation.world import build_world
from pipelines.demo import prepare_demo
from pipelines.run import flow_night

Floats = NDArray[np.float64]
LEAST_OVER_USUAL = 0.10
T_90 = {10: 1.833, 20: 1.729, 30: 1.699, 60: 1.671}
"""Student's t, quantile 0.95, for so many seeds; between them that of the next fewer is taken, which is wider."""
HARVESTS = {"ripe": cut_when_ripe, "order": cut_to_order}
OTHERS = (MEAN, USUAL, SCALED, ORACLE)


def run(
    home: Path | None = None,
    *,
    size: str = "demo",
    seed: int = 1,
    seeds: int = 30,
    first: int = 1000,
    harvest: str = "ripe",
) -> dict[str, object]:
    """Plan a sample county that had its night, and play this and other plans from the day after to September after the last year.

    Weather, yields and demand of a seed are the same for all plans; none of these seeds was planned for.

    Args:
        home: A county made by `anxu demo`; left out: one of `size` and `seed` is made and goes at the end.
        size: tiny, demo or county; of a county that is made.
        seed: Of a county that is made.
        seeds: How many are played.
        first: The first of them.
        harvest: How all of them cut: 'ripe' (present practice: all at once) or 'order' (by today's orders).

    Raises:
        ValueError: A name that is none, or fewer than 10 seeds.
    """
    if harvest not in HARVESTS or seeds < min(T_90):
        raise ValueError(
            f"harvest is one of {', '.join(HARVESTS)}, seeds at least {min(T_90)}; got '{harvest}', {seeds}"
        )
    began = time.process_time()
    with _county(home, size, seed) as folder:
        made_of = json.loads((folder / "sample" / "sample.json").read_text("utf-8"))
        found = planned(folder)
        truth = truth_of(build_world(made_of["size"], made_of["seed"]))
        outcomes = _played(truth, found, HARVESTS[harvest](), range(first, first + seeds))
    profit = {name: np.array([o.profit_yuan for o in of]) for name, of in outcomes.items()}
    rows = [*_figures(found, outcomes), *_compared(profit)]
    rows.append(_row("run", "cpu_s", "all", time.process_time() - began))
    return {
        "bench": "play",
        "data": f"county '{made_of['size']}' of seed {made_of['seed']}, {found.inputs.problem.plots.height} plots, planned "
        f"{found.params.first_year}/{found.params.first_season}–{found.params.last_year}, cut {harvest}",
        "seed": f"{first}–{first + seeds - 1}",
        "rows": rows,
        "must": _limits(profit),
    }


@contextmanager
def _county(home: Path | None, size: str, seed: int) -> Iterator[Path]:
    if home is not None:
        yield home
        return
    with TemporaryDirectory() as folder:
        made = Path(folder) / "county"
        _, cutoff, now = prepare_demo(made, size=size, seed=seed)
        flow_night(made, cutoff, now)
        yield made


def _played(truth: Truth, found: Planned, harvest: Harvest, seeds: range) -> dict[str, list[Outcome]]:
    """Method → outcome per seed."""
    fixed = plans(truth, found)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in (*fixed, ORACLE)}
    for seed in seeds:
        for name, lines in {**fixed, ORACLE: oracle(truth, found, seed)}.items():
            outcomes[name].append(play(truth, Actions(lines, harvest), seed))
    return outcomes


def _figures(found: Planned, outcomes: Mapping[str, list[Outcome]]) -> list[dict[str, Any]]:
    """Mean of each plan over the seeds, and what the night itself reckoned with."""
    rows = [
        _row("played, mean of the seeds", metric, name, float(np.mean([getattr(o, metric) for o in of])))
        for metric in ("profit_yuan", "cost_yuan", "sold_kg", "unserved_kg", "lost_kg", "labour_hours")
        for name, of in outcomes.items()
    ]
    worth = found.made.value.row(0, named=True)
    rows += [
        _row("as the night valued it", metric, OURS, worth[metric])
        for metric in ("expected_yuan", "mean_plan_yuan", "vss_yuan", "evpi_yuan")
    ]
    return rows


def _compared(profit: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """Ours less each other plan, seed by seed: mean, 90 % interval of the mean, share of seeds won; and regret."""
    rows = []
    for other in OTHERS:
        low, high = interval(profit[OURS] - profit[other])
        more = profit[OURS] - profit[other]
        name = f"ours less {other}"
        rows += [
            _row(name, "yuan", "mean", float(more.mean())),
            _row(name, "yuan", "90 % interval, low", low),
            _row(name, "yuan", "90 % interval, high", high),
            _row(name, "share", "of the other's profit", float(more.mean() / abs(profit[other].mean()))),
            _row(name, "share", "of seeds won", float((more > 0).mean())),
        ]
    best = np.maximum(profit[ORACLE], profit[OURS])
    rows.append(_row("regret", "yuan", "oracle less ours", float((profit[ORACLE] - profit[OURS]).mean())))
    rows.append(_row("regret", "yuan", "better of both less ours", float((best - profit[OURS]).mean())))
    return rows


def interval(more: Floats) -> tuple[float, float]:
    """The 90 % interval of a mean (Student's t)."""
    t = T_90[max(n for n in T_90 if n <= len(more))]
    half = t * float(more.std(ddof=1)) / len(more) ** 0.5
    return float(more.mean()) - half, float(more.mean()) + half


def _limits(profit: Mapping[str, Floats]) -> list[dict[str, Any]]:
    over = float(profit[OURS].mean() / profit[USUAL].mean() - 1) if profit[USUAL].mean() > 0 else np.inf
    low, _ = interval(profit[OURS] - profit[MEAN])
    return [
        {
            "what": "profit over 'as last year', share",
            "value": over,
            "limit": f"≥ {LEAST_OVER_USUAL:g}",
            "holds": over >= LEAST_OVER_USUAL and profit[OURS].mean() > 0,
        },
        {
            "what": "ours less the plan on average demand, low end of the 90 % interval, yuan",
            "value": low,
            "limit": "> 0",
            "holds": low > 0,
        },
    ]


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, Any]:
    return {"segment": segment, "metric": metric, "method": method, "value": value}
