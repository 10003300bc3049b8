"""Members of a course joined: weighed by what they missed at earlier origins, with quantiles from what the mix missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.forecasting.season_course import Course, Places
from models.forecasting.season_library import library_members
from models.forecasting.season_members import TINY, own_past
from models.forecasting.season_misses import SeasonSpread, Seen, fit_spread
from models.forecasting.season_trees import TreeParams, trees

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EXPLODES = 5.0
"""A member that expects more than this multiple of the most a series ever sold is dropped for it."""
CLASSES = 3
OLDER = 0.8
"""What an origin's misses count against those of the next one."""
OF_ITSELF = 0.5
"""How far a segment's misses, rather than those over all series, decide its weights."""


@dataclass(frozen=True)
class SeasonParams:
    """The recipe of the season forecast."""

    origins: int = 6
    """Earlier origins looked at, at most."""
    apart: float = 0.25
    """Their distance as a share of the season."""
    sharpness: float = 8.0
    """Power of one over the misses in the weights."""
    tree: TreeParams = field(default_factory=TreeParams)
    library: bool = True
    """Whether statsforecast's members are made, once there is history enough to judge them at earlier origins."""
    costly: bool = False
    """Whether those that take seconds a series are, too."""


@dataclass(frozen=True)
class Rolled:
    """What the members of a course said at one origin."""

    origin: int
    members: dict[str, Array]
    """Member → [series, period ahead], NaN where it was dropped."""
    dropped: list[str | None]
    """Per series the members that exploded, joined by '+'."""
    old: Flags
    """Per series: it had begun a season before the origin."""


@dataclass(frozen=True)
class Joined:
    """The forecast of a course. Axes [series, period ahead] and, for quantiles, [series, period ahead, level]."""

    middle: Array
    expected: Array
    quantiles: Array
    dropped: list[str | None]
    spread: SeasonSpread
    has_past: bool
    """Whether an earlier origin taught weights and spread."""


def past_origins(course: Course, params: SeasonParams) -> list[int]:
    """Earlier origins, ascending: a season and a quarter of history before each."""
    apart = max(1, round(course.season * params.apart))
    first = course.season + max(1, course.season // 4)
    return [o for k in range(params.origins, 0, -1) if (o := course.length - k * apart) >= first]


def forecast_course(
    course: Course,
    *,
    levels: Sequence[float],
    params: SeasonParams,
    seed: int,
    threads: int,
    memo: dict[int, Rolled] | None = None,
) -> Joined:
    """Forecast a course of at least a season.

    `memo` keeps what members said by origin, for callers that forecast the same course from several of its origins; what is
    in it for an origin must come from the same course, recipe and number of periods ahead.
    """
    memo = {} if memo is None else memo
    origins = past_origins(course, params)
    for origin in (*origins, course.length):
        if origin not in memo:
            memo[origin] = roll(course.until(origin), params=params, seed=seed, threads=threads)
    return join(course, memo[course.length], [memo[o] for o in origins], levels=levels, params=params)


def roll(course: Course, *, params: SeasonParams, seed: int, threads: int) -> Rolled:
    """Make all members at the course's end; see Rolled. Needs a season of history."""
    made: dict[str, Array] = dict(own_past(course))
    boosted = trees(course, params=params.tree, seed=seed, threads=threads)
    if boosted is not None:
        made["trees"] = boosted
    if params.library and course.length >= (2 + params.origins * params.apart) * course.season:
        made |= library_members(course, costly=params.costly)
    members, dropped = keep_sane(made, course)
    return Rolled(course.length, members, dropped, course.started <= course.length - course.season)


def keep_sane(made: Mapping[str, Array], course: Course) -> tuple[dict[str, Array], list[str | None]]:
    """Clip members at 0; one that is not finite or beyond EXPLODES × the most ever sold becomes NaN for that series."""
    most = EXPLODES * np.maximum(course.sold.max(axis=1), TINY)
    names: list[list[str]] = [[] for _ in most]
    members = {}
    for name, values in made.items():
        wild = ~np.isfinite(values).all(axis=1) | (np.nan_to_num(values, nan=0.0).max(axis=1) > most)
        young = np.isnan(values).all(axis=1)
        members[name] = np.where(wild[:, None], np.nan, np.nan_to_num(values).clip(0))
        for i in np.flatnonzero(wild & ~young):
            names[i].append(name)
    return members, ["+".join(n) if n else None for n in names]


def join(
    course: Course, now: Rolled, past: Sequence[Rolled], *, levels: Sequence[float], params: SeasonParams
) -> Joined:
    """Weigh the members by their past misses and spread the mix by its own.

    Args:
        course: Known until `now`'s origin.
        now: What the members say.
        past: The same at earlier origins; only periods known by now are looked at.
        levels: Quantile levels, ascending.
        params: The recipe.
    """
    volume = volume_classes(course)
    weights = _weights(course, now, past, volume, params.sharpness)
    mixes = [mix(p.members, weights, volume) for p in past]
    seen = [
        Seen(m[:, :n], course.sold[:, p.origin : p.origin + n], p.old)
        for p, m in zip(past, mixes, strict=True)
        if (n := min(course.ahead, course.length - p.origin)) > 0
    ]
    middle = mix(now.members, weights, volume)
    spread: SeasonSpread = fit_spread(seen, course, volume, levels)
    expected, quantiles = spread.of(middle, volume)
    return Joined(middle, expected, quantiles, now.dropped, spread, bool(seen))


def mix(members: Mapping[str, Array], weights: Mapping[str, Array], volume: Places) -> Array:
    """The weighted mean of the members that are there, as [series, period ahead]; 0 where none is."""
    shape = next(iter(members.values())).shape
    value, weight = np.zeros(shape), np.zeros(shape)
    for name, own in weights.items():
        if name in members:
            share = np.where(np.isfinite(members[name]), own[volume][:, None], 0.0)
            value += share * np.nan_to_num(members[name])
            weight += share
    return np.asarray(np.divide(value, weight, out=np.zeros(shape), where=weight > 0))


def volume_classes(course: Course) -> Places:
    """Per series 0 (least) to 2 by what it sold in the last season; a third each of those a season old."""
    sold = course.sold[:, -course.season :].sum(axis=1)
    old = course.started <= course.length - course.season
    edges = np.quantile(sold[old] if old.any() else sold, np.arange(1, CLASSES) / CLASSES)
    return np.asarray(np.searchsorted(edges, sold, side="right"), dtype=np.int64)


def _weights(
    course: Course, now: Rolled, past: Sequence[Rolled], volume: Places, sharpness: float
) -> dict[str, Array]:
    """Member → [volume class], the classes' misses drawn to those of all; without a past the same for all."""
    names = [
        n for n in now.members if all(n in p.members for p in past)
    ]  # what was not there cannot be judged
    missed = np.zeros((len(names), CLASSES))
    for age, p in enumerate(sorted(past, key=lambda p: -p.origin)):
        n = min(course.ahead, course.length - p.origin)
        sold = course.sold[:, p.origin : p.origin + n]
        for k, name in enumerate(names):
            made = np.where(np.isfinite(p.members[name]), p.members[name], p.members["last_year"])[:, :n]
            off = np.abs(made - sold).sum(axis=1) * p.old
            missed[k] += OLDER**age * np.bincount(volume, off, minlength=CLASSES)
    if not past or missed.sum() == 0:
        return {name: np.ones(CLASSES) for name in names if not name.startswith("pool_")}
    relative = missed / np.maximum(missed.min(axis=0), TINY)
    of_all = missed.sum(axis=1, keepdims=True) / max(missed.sum(axis=1).min(), TINY)
    score = np.maximum(OF_ITSELF * relative + (1 - OF_ITSELF) * of_all, TINY) ** -sharpness
    return {name: score[k] / score.sum(axis=0) for k, name in enumerate(names)}
