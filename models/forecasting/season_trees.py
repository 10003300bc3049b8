"""One boosted model for all series of a course: how far sales lie from the mean course, by lead, season and recent past."""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from models.forecasting.season_course import Course
from models.forecasting.season_members import TINY, own_past, years_of

Array = npt.NDArray[np.float64]

FLOOR = 0.05
"""Out of season a series is expected to sell this share of its mean period at least, so that ratios stay finite."""
LARGEST = 5.0
"""Sold ÷ expected is cut here before it is learnt."""


@dataclass(frozen=True)
class TreeParams:
    """The recipe of the boosted model."""

    trees: int = 150
    leaves: int = 31
    rate: float = 0.05
    least_rows: int = 60
    most_rows: int = 80_000
    weight_power: float = 0.7
    """A row weighs what it is expected to sell to this power: 1 is the WAPE's own weight, 0 counts series alike."""
    most_origins: int = 16
    sharpness: float = 4.0
    """How strongly the mean that is corrected leans on the members that missed least so far."""
    objective: str = "l1"


def trees(course: Course, *, params: TreeParams, seed: int, threads: int) -> Array | None:
    """Learn from earlier origins of the course and forecast the periods ahead: [series, period ahead], at least 0.

    None where the course is younger than a season and a quarter, as no origin lies a season after the start and has
    periods after it.
    """
    first = course.season + max(1, course.season // 4)
    origins = np.unique(np.linspace(first - 1, course.length - 1, params.most_origins).astype(int))
    origins = origins[origins >= course.season]
    if course.length < first or not origins.size:
        return None
    rng = np.random.default_rng(seed)
    share = params.most_rows / (
        course.sold.shape[0] * sum(min(course.ahead, course.length - o) for o in origins)
    )
    past = {int(o): own_past(course.until(int(o))) for o in origins}
    mixed = mixture(course, past, params.sharpness)
    parts = [_rows(course, o, members, share, mixed, rng) for o, members in past.items()]
    x, ratio, base = (np.concatenate([p[i] for p in parts]) for i in range(3))
    if len(ratio) < 2 * params.least_rows:
        return None
    data = lgb.Dataset(x, ratio.clip(0, LARGEST), weight=base**params.weight_power, free_raw_data=True)
    booster = lgb.train(_settings(params, seed, threads), data, num_boost_round=params.trees)
    x, base = _features(course, own_past(course), mixed)
    made = booster.predict(x.reshape(-1, x.shape[2]), num_threads=threads).reshape(base.shape)
    return np.asarray(base * made).clip(0)


def _settings(params: TreeParams, seed: int, threads: int) -> dict[str, object]:
    return {
        "objective": params.objective,
        "learning_rate": params.rate,
        "num_leaves": params.leaves,
        "min_data_in_leaf": params.least_rows,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def mixture(course: Course, past: Mapping[int, Mapping[str, Array]], sharpness: float) -> dict[str, float]:
    """Weights of members: one over their summed misses at earlier origins (origin → member → forecast), to a power."""
    missed: dict[str, float] = {}
    for origin, members in past.items():
        seen = min(course.ahead, course.length - origin)
        old = course.started <= origin - course.season
        sold = course.sold[old, origin : origin + seen]
        for name, made in members.items():
            missed[name] = missed.get(name, 0.0) + float(np.abs(made[old, :seen] - sold).sum())
    best = max(min(missed.values()), TINY)
    weight = {name: (best / max(value, TINY)) ** sharpness for name, value in missed.items()}
    total = sum(weight.values())
    return {name: value / total for name, value in weight.items()}


def _rows(
    course: Course,
    origin: int,
    members: Mapping[str, Array],
    share: float,
    mixed: Mapping[str, float],
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Rows of one origin whose periods are known by now, a drawn share of them: features, sold ÷ expected, expected."""
    seen = min(course.ahead, course.length - origin)
    x, base = _features(course.until(origin), members, mixed)
    sold = course.sold[:, origin : origin + seen]
    keep = (course.started <= origin - course.season)[:, None] & (rng.random(sold.shape) < share)
    x, base = x[:, :seen][keep], base[:, :seen][keep]
    return x, sold[keep] / base, base


def _features(
    course: Course, members: Mapping[str, Array], mixed: Mapping[str, float]
) -> tuple[Array, Array]:
    """[series, period ahead, feature] and what is expected without the model [series, period ahead]."""
    years = years_of(course, 3)
    level = np.maximum(years.level[0], TINY)[:, None]
    base = np.maximum(
        sum((share * members[name] for name, share in mixed.items()), np.zeros(1)), FLOOR * level
    )
    shape = base.shape
    leads = np.arange(course.ahead)
    place = 2 * np.pi * ((course.length + leads) % course.season) / course.season
    by_lead = [leads / course.season, np.sin(place), np.cos(place), np.sin(2 * place), np.cos(2 * place)]
    by_lead += list(course.calendar[course.length :].T[:, : course.ahead])
    by_series = _past(course, level)
    parts = [np.log((m + FLOOR * level) / (base + FLOOR * level)) for m in members.values()]
    parts += [np.log((y.clip(0) + FLOOR * level) / (base + FLOOR * level)) for y in years.ahead[1:]]
    parts += [np.full(shape, np.nan)] * (2 - len(years.ahead[1:]))
    parts += [np.log((base + FLOOR * level) / level)]
    parts += [np.broadcast_to(v, shape) for v in by_lead]
    parts += [np.broadcast_to(v[:, None], shape) for v in by_series]
    return np.stack(parts, axis=2), base


def _past(course: Course, level: Array) -> list[Array]:
    """What a series was like lately, [series] each: growth, recent months against the year, swing, idle share."""
    season = course.season
    year = course.sold[:, -season:]
    before = course.sold[:, -2 * season : -season]
    month = max(1, round(season / 12))
    found = [np.log(level[:, 0] + TINY)]
    floor = FLOOR * level[:, 0]
    found += [
        np.log((year[:, -periods:].mean(axis=1).clip(0) + floor) / level[:, 0])
        for periods in (month, 3 * month, 6 * month)
    ]
    growth = np.full(len(level), np.nan)
    if before.shape[1] == season:
        growth = np.log((year.sum(axis=1).clip(0) + TINY) / (before.sum(axis=1).clip(0) + TINY)).clip(-2, 2)
    return [*found, growth, year.std(axis=1) / level[:, 0], (year <= 0).mean(axis=1)]
