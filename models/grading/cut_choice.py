"""How many grades, whether their cuts hold still under resampling, and whether sorting pays at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.grading.cuts import CutProblem, Cuts, Grade, best_cuts, with_chances, worth

Floats = NDArray[np.float64]
STEPS = (1.0, 2.0, 2.5, 5.0)


@dataclass(frozen=True)
class ChoiceParams:
    """How still cuts must hold.

    A number of grades is stable when a cut moves by more than `bins_moved` in at most `most_moved` of the resamples, or when
    keeping the cuts costs at most `most_regret` of the net there: where the summit is flat, cuts wander without harm.
    sure: grading pays when its gain is above 0 in this share of the resamples.
    """

    resamples: int = 60
    bins_moved: int = 1
    most_moved: float = 0.2
    most_regret: float = 0.02
    sure: float = 0.95


@dataclass(frozen=True)
class Number:
    """Cuts with so many grades: `moved` share of resamples in which a cut moved, `regret` mean share of the net lost by keeping
    these cuts on a resample in place of that resample's own best."""

    cuts: Cuts
    moved: float
    regret: float
    is_stable: bool


@dataclass(frozen=True)
class CutChoice:
    """The answer: `chosen` of `numbers` (one per number of grades, ascending), and its gain over not sorting.

    gain: (low, middle, high) of net yuan above `unsorted_yuan`, quantiles 0.05, 0.5, 0.95 over resamples.
    """

    chosen: Number
    numbers: tuple[Number, ...]
    unsorted: str
    unsorted_yuan: float
    gain_yuan: tuple[float, float, float]
    pays: bool


def edges_for(values: Floats, limits: Sequence[float] = (), bins: int = 50) -> Floats:
    """Round cuts over the values, the given limits among them; the first lies below every value.

    A step is 1, 2, 2.5 or 5 times a power of ten, so that there are at most about `bins`.
    """
    low, high = np.quantile(values, [0.002, 0.998])
    rough = max(float(high - low) / bins, 1e-9)
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(s * power for s in (*STEPS, 10.0) if s * power >= rough)
    grid = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    below = min(float(values.min()), float(grid[0]) if len(grid) else float(values.min())) - step
    inner = [x for x in limits if below < x]
    every = np.unique(np.round(np.concatenate([grid, inner]), 9))
    return np.concatenate([[below], every[every > below]])


def choose_cuts(problem: CutProblem, *, seed: int, params: ChoiceParams | None = None) -> CutChoice:
    """Best cuts for each number of grades, how still they hold, and the stable number that earns most (else the stillest).

    Raises:
        ValueError: No cut is allowed: every class asks more than anything measured.
    """
    params = params or ChoiceParams()
    problem = with_chances(problem)
    found = best_cuts(problem)
    if not found:
        raise ValueError("no grade can be cut: every class asks for more than was measured")
    draws = _resampled(problem, seed, params.resamples)
    again = [{len(c.at): c for c in best_cuts(d)} for d in draws]
    numbers = tuple(_number(c, problem, draws, again, params) for c in found)
    stable = [n for n in numbers if n.is_stable]
    chosen = max(stable, key=lambda n: n.cuts.net_yuan) if stable else min(numbers, key=lambda n: n.moved)
    name, plain = unsorted(problem)
    limits = list(chosen.cuts.limits(problem.edges).items())
    gained = _gains(draws, limits)
    is_sure = float(np.mean(gained > 0)) >= params.sure
    return CutChoice(chosen, numbers, name, plain, _middle(gained), len(limits) > 1 and is_sure)


def gains(
    problem: CutProblem, limits: Sequence[tuple[str, float]], *, seed: int, resamples: int
) -> tuple[float, float, float]:
    """Net yuan of given limits above not sorting: quantiles 0.05, 0.5, 0.95 over resamples."""
    return _middle(_gains(_resampled(problem, seed, resamples), limits))


def _gains(draws: Sequence[CutProblem], limits: Sequence[tuple[str, float]]) -> Floats:
    return np.array([worth(d, limits) - unsorted(d)[1] for d in draws])


def _middle(gained: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(x) for x in np.quantile(gained, [0.05, 0.5, 0.95]))
    return low, middle, high


def unsorted(problem: CutProblem) -> tuple[str, float]:
    """The grade under which all goods as they come earn most, and its net yuan (no sorting cost, refunds for what misses it)."""
    bottom = float(problem.edges[0])
    each = [(g.name, worth(problem, [(g.name, bottom)])) for g in problem.grades]
    return max(each, key=lambda x: x[1])


def equal_width(problem: CutProblem, grades: Sequence[Grade]) -> list[tuple[str, float]]:
    """Limits that part the range of the values evenly, best first."""
    low, high = float(problem.values.min()), float(problem.values.max())
    n = len(grades)
    return [
        (g.name, low + (high - low) * (n - 1 - i) / n if i < n - 1 else float(problem.edges[0]))
        for i, g in enumerate(grades)
    ]


def equal_share(problem: CutProblem, grades: Sequence[Grade]) -> list[tuple[str, float]]:
    """Limits that part the kilograms evenly (terciles for three), best first."""
    order = np.argsort(problem.values)
    upto = np.cumsum(problem.kg[order]) / problem.kg.sum()
    n = len(grades)
    at = [float(problem.values[order][np.searchsorted(upto, (n - 1 - i) / n)]) for i in range(n - 1)]
    return [(g.name, x) for g, x in zip(grades, [*at, float(problem.edges[0])], strict=True)]


def _resampled(problem: CutProblem, seed: int, times: int) -> list[CutProblem]:
    rng, n = np.random.default_rng(seed), len(problem.values)
    found = []
    for _ in range(times):
        count = np.bincount(rng.integers(0, n, n), minlength=n)
        kg = problem.kg * count
        found.append(replace(problem, kg=kg * problem.kg.sum() / max(kg.sum(), 1e-12)))
    return found


def _number(
    cuts: Cuts, problem: CutProblem, draws: list[CutProblem], again: list[dict[int, Cuts]], params: ChoiceParams
) -> Number:  # fmt: skip
    limits = list(cuts.limits(problem.edges).items())
    moved, regret = [], []
    for draw, found in zip(draws, again, strict=True):
        other = found.get(len(cuts.at))
        if other is None:
            moved.append(True)
            continue
        moved.append(_is_moved(cuts, other, params.bins_moved))
        regret.append((other.net_yuan - worth(draw, limits)) / max(abs(other.net_yuan), 1e-9))
    share, lost = float(np.mean(moved)), float(np.mean(regret)) if regret else 1.0
    is_stable = share <= params.most_moved or (len(regret) == len(draws) and lost <= params.most_regret)
    return Number(cuts, share, lost, is_stable)


def _is_moved(one: Cuts, other: Cuts, bins: int) -> bool:
    names, again = dict(one.at), dict(other.at)
    return names.keys() != again.keys() or any(abs(names[n] - again[n]) > bins for n in names)
