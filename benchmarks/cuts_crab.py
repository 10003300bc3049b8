"""Crab weights with demand caps: cuts chosen on a few hundred weighed crabs, scored on many others of the same season.

The market is made up: customers pay by the weight that is promised, the top grade finds few buyers, what a grade's buyers do
not take is cleared.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.grading.cut_choice import choose_cuts, edges_for, equal_share, equal_width
from models.grading.cuts import CutProblem, Floats, Grade, worth

SEASON_KG, CLEARANCE = 1000.0, 30.0
PRICE_AT_G, PRICE = (
    (60.0, 100.0, 125.0, 150.0, 175.0, 200.0, 230.0),
    (40.0, 75.0, 96.0, 118.0, 140.0, 178.0, 215.0),
)
"""Grams promised and yuan/kg: the order of the sample county's crab packs."""
SHARES = (("top", 0.15, 0.35), ("middle", 0.35, 0.50), ("lower", 0.35, 0.50))
"""Grade, and least and most of the season's kilograms that its buyers take."""
WEIGHED, OTHERS = 600, 20_000


def crab_rows(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Revenue of ours ÷ equal width's and terciles', by seed and over all."""
    rows, width, terciles = [], [], []
    for seed in seeds:
        earned = one_market(seed)
        width.append(earned["anxu"] / earned["equal_width"])
        terciles.append(earned["anxu"] / earned["terciles"])
        rows += [_row(f"crab seed {seed}", "revenue_yuan", m, v) for m, v in earned.items()]
    rows += [
        _row("all crab", "crab_over_equal_width", "anxu", float(np.mean(width))),
        _row("all crab", "crab_over_equal_width_least", "anxu", min(width)),
        _row("all crab", "crab_over_terciles", "anxu", float(np.mean(terciles))),
        _row("all crab", "crab_over_terciles_least", "anxu", min(terciles)),
    ]
    return rows


def one_market(seed: int) -> dict[str, float]:
    """Net yuan of a season on crabs that were not weighed, by method; each chose its cuts on the weighed ones."""
    rng = np.random.default_rng(seed)
    shares = [(name, float(rng.uniform(low, high))) for name, low, high in SHARES]
    weighed, others = crabs(rng, WEIGHED), crabs(rng, OTHERS)
    known = _problem(weighed, edges_for(weighed), shares)
    chosen = choose_cuts(known, seed=seed).chosen.cuts
    limits = {
        "anxu": list(chosen.limits(known.edges).items()),
        "equal_width": equal_width(known, known.grades),
        "terciles": equal_share(known, known.grades),
    }
    fine = np.concatenate([[0.0], np.unique([x for cut in limits.values() for _, x in cut if x > 0])])
    truth = _problem(others, fine, shares)
    return {name: worth(truth, cut) for name, cut in limits.items()}


def crabs(rng: np.random.Generator, number: int) -> Floats:
    """Weights (g) of males and females, half each."""
    is_male = rng.random(number) < 0.5
    drawn: Floats = np.where(is_male, rng.normal(150, 30, number), rng.normal(118, 22, number)).clip(30, 320)
    return drawn


def _problem(weights: Floats, edges: Floats, shares: Sequence[tuple[str, float]]) -> CutProblem:
    """A season's kilograms stand for the crabs, by weight; prices by the promised limit."""
    kg = weights / weights.sum() * SEASON_KG
    price = tuple(float(x) for x in np.interp(edges, PRICE_AT_G, PRICE))
    grades = tuple(Grade(name, price, share * SEASON_KG) for name, share in shares)
    return CutProblem(weights, kg, edges, grades, CLEARANCE)


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, Any]:
    return {"segment": segment, "metric": metric, "method": method, "value": value}
