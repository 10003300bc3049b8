"""From measured pieces, what is paid and the present cuts to one answer a crop: new cuts, keep the present ones, or do not grade."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.grading.cut_choice import (
    ChoiceParams,
    CutChoice,
    choose_cuts,
    edges_for,
    equal_share,
    equal_width,
    gains,
)
from models.grading.cuts import CutProblem, Floats, Grade, worth

Limits = tuple[tuple[str, float | None], ...]
"""(grade, lower limit; None: no limit), best first."""
NEW, KEEP, NONE = "new_cuts", "keep", "do_not_grade"


@dataclass(frozen=True)
class ProposeParams:
    """When new cuts are proposed.

    least_gain: They are expected to bring so much more than the present ones (share of the net). demand_cv: how far a year's
    demand of a grade may lie from the year before (standard deviation ÷ mean). Both chosen on sample counties of seeds 101–106.
    error_share: standard deviation of measuring ÷ that of the pieces. bins: about so many cuts are tried.
    """

    least_gain: float = 0.05
    demand_cv: float = 0.6
    error_share: float = 0.1
    bins: int = 50
    choice: ChoiceParams = field(default_factory=ChoiceParams)


@dataclass(frozen=True)
class Sold:
    """What a grade brought: yuan per kg and kg a year (of crop), and the limit its name promises now (None: none)."""

    grade: str
    yuan_per_kg: float
    kg: float
    least: float | None = None


@dataclass(frozen=True)
class Proposal:
    """The answer. `limits`: of the cuts it stands for; one grade without limit for `do_not_grade`.

    net_yuan … terciles_yuan: a year's net with those cuts, with the present ones (None: none are known), with equal width, with
    terciles, unsorted. gain_yuan: (low, middle, high) above unsorted, quantiles 0.05, 0.5, 0.95 over resamples. moved, regret: of
    the best cuts (see cut_choice.Number).
    """

    answer: str
    limits: Limits
    net_yuan: float
    present_yuan: float | None
    equal_width_yuan: float
    terciles_yuan: float
    unsorted: str
    unsorted_yuan: float
    gain_yuan: tuple[float, float, float]
    moved: float
    regret: float
    choice: CutChoice


def cut_problem(
    values: Floats, kg: Floats, sold: Sequence[Sold], *, clearance_yuan_per_kg: float, error: float,
    params: ProposeParams | None = None,
) -> CutProblem:  # fmt: skip
    """The problem of one crop: `values` with more being better, `kg` as a year's, `sold` best grade first.

    A grade is cut at or above the limit its name promises now: what customers would pay for less is not known.
    """
    params = params or ProposeParams()
    edges = edges_for(values, [x.least for x in sold if x.least is not None], params.bins)
    grades = tuple(
        Grade(x.grade, x.yuan_per_kg, x.kg, least=x.least, demand_cv=params.demand_cv) for x in sold
    )
    return CutProblem(values, kg, edges, grades, clearance_yuan_per_kg, error)


def propose(
    problem: CutProblem, present: Limits | None, *, seed: int, params: ProposeParams | None = None
) -> Proposal:
    """Weigh the best stable cuts against the present ones and against not sorting.

    Raises:
        ValueError: No cut is allowed: every class asks more than anything measured.
    """
    params = params or ProposeParams()
    choice = choose_cuts(problem, seed=seed, params=params.choice)
    best = tuple(
        (g, None if x <= problem.edges[0] else x) for g, x in choice.chosen.cuts.limits(problem.edges).items()
    )
    bottom = float(problem.edges[0])
    now = None if present is None else worth(problem, _open(present, bottom))
    answer = _answer(choice, now, params)
    limits = {NEW: best, KEEP: present or best, NONE: ((choice.unsorted, None),)}[answer]
    net = {NEW: choice.chosen.cuts.net_yuan, KEEP: now or 0.0, NONE: choice.unsorted_yuan}[answer]
    return Proposal(
        answer, limits, net, now, worth(problem, equal_width(problem, problem.grades)),
        worth(problem, equal_share(problem, problem.grades)), choice.unsorted, choice.unsorted_yuan,
        gains(problem, _open(limits, bottom), seed=seed, resamples=params.choice.resamples),
        choice.chosen.moved, choice.chosen.regret, choice,
    )  # fmt: skip


def _answer(choice: CutChoice, present_yuan: float | None, params: ProposeParams) -> str:
    best = choice.chosen.cuts.net_yuan
    if not choice.pays and (present_yuan is None or present_yuan <= choice.unsorted_yuan):
        return NONE
    if present_yuan is None or best >= (1 + params.least_gain) * present_yuan:
        return NEW
    return KEEP


def _open(limits: Limits, bottom: float) -> list[tuple[str, float]]:
    return [(g, bottom if x is None else x) for g, x in limits]


def shares(problem: CutProblem, limits: Limits) -> dict[str, float]:
    """Grade → share (0–1) of the kilograms between its limit and the next better one; what lies below the last is left out."""
    upper, total, found = np.inf, float(problem.kg.sum()), {}
    for grade, limit in limits:
        low = -np.inf if limit is None else limit
        inside = (problem.values >= low) & (problem.values < upper)
        found[grade] = float(problem.kg[inside].sum()) / total
        upper = low
    return found


def curve(problem: CutProblem, limits: Limits, grade: str) -> Floats:
    """Net yuan where the limit of `grade` is moved to each edge [edge], the other limits held; NaN where it would pass one of them."""
    names = [g for g, _ in limits]
    at = names.index(grade)
    bottom = float(problem.edges[0])
    held = _open(limits, bottom)
    upper = held[at - 1][1] if at else np.inf
    lower = held[at + 1][1] if at + 1 < len(held) else bottom
    found = np.full(len(problem.edges), np.nan)
    for i, edge in enumerate(problem.edges):
        if lower <= edge <= upper:
            found[i] = worth(problem, [*held[:at], (grade, float(edge)), *held[at + 1 :]])
    return found
