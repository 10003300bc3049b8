"""Joint paths of demand: season quantiles as margins, dependence from the ranks of a backtest's errors."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

from models.forecasting.dependence import COMPONENTS, KEYS, Component, Dependence

Array = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int32]

PATHS = 1000
SHORT = 10
"""Bits kept of a path's kg behind the first one: off by 0.05 % at most."""


def margin_grid(quantiles: Array, levels: Sequence[float], mean: Array, paths: int = PATHS) -> Array:
    """What each margin takes on its `paths` equally likely values, ascending: [margin, path] (kg).

    Args:
        quantiles: [margin, level] (kg, ≥ 0), never falling along the levels.
        levels: Ascending, between 0 and 1.
        mean: [margin] (kg): what the values shall have as mean; NaN: what follows from the quantiles.
        paths: How many values.

    Returns:
        Straight lines through the levels at the places (i − ½)/paths. Below the lowest level the first line goes on down, to
        0 at least. Above the highest an exponential tail, as long as the mean wants it; without a mean as long as its rise
        from the last level but one. Where the mean is smaller than even no tail gives, the lines sag towards the lower
        ends of their steps. So the mean holds to rounding unless the quantiles forbid it, and quantiles are kept.
    """
    place = (np.arange(paths) + 0.5) / paths
    at = np.asarray(levels)
    steps = np.diff(quantiles, axis=1)
    slope = steps[:, :1] / (at[1] - at[0]) if at.size > 1 else np.zeros((quantiles.shape[0], 1))
    lowest = np.maximum(quantiles[:, :1] - slope * at[0], 0.0)
    ends = np.concatenate([lowest, quantiles], axis=1)
    knots = np.concatenate([[0.0], at])
    upper = place > at[-1]
    step = np.clip(np.searchsorted(knots, place, side="left") - 1, 0, at.size - 1)
    within = np.where(upper, 1.0, (place - knots[step]) / (knots[step + 1] - knots[step]))
    low, high = ends[:, step], ends[:, step + 1]
    straight = low + (high - low) * within
    stepped = np.where(upper, high, low)
    tail = np.maximum(np.log((1 - at[-1]) / (1 - place)), 0.0)
    rise = steps[:, -1] / np.log((1 - at[-2]) / (1 - at[-1])) if at.size > 1 else np.zeros(len(quantiles))
    if not upper.any():
        return np.asarray(straight)
    wanted = np.where(np.isnan(mean), straight.mean(axis=1) + rise * tail.mean(), mean)
    length = np.maximum(wanted - straight.mean(axis=1), 0.0) / tail.mean()
    room = straight.mean(axis=1) - stepped.mean(axis=1)
    sag = np.divide(straight.mean(axis=1) - wanted, room, out=np.zeros_like(room), where=room > 0).clip(0, 1)
    lines = straight + sag[:, None] * (stepped - straight)
    return np.asarray(lines + length[:, None] * tail)


class PathDraw:
    """Draws the ranks of the paths, group by group; the same seed, groups and weeks give the same ranks in any order."""

    def __init__(self, dependence: Dependence, *, weeks: int, seed: int, paths: int = PATHS) -> None:
        self._dependence, self._weeks, self._seed, self._paths = dependence, weeks, seed, paths
        self._kept: dict[tuple[str, ...], Array] = {}

    def ranks(self, family: str, channel_id: str, region_id: str) -> Ranks:
        """Which place of margin_grid each path takes in each week: [week, path], every place once a week."""
        named = {"family": family, "channel_id": channel_id, "region_id": region_id}
        score = np.zeros((self._weeks, self._paths))
        for name, part in self._dependence.parts.items():
            if part.share > 0:
                score += np.sqrt(part.share) * self._part(
                    name, part, tuple(named[k] for k in COMPONENTS[name])
                )
        order = np.argsort(score, axis=1, kind="stable")
        ranks = np.empty(score.shape, np.int32)
        np.put_along_axis(ranks, order, np.arange(self._paths, dtype=np.int32)[None, :], axis=1)
        return ranks

    def _part(self, name: str, part: Component, group: tuple[str, ...]) -> Array:
        key = (name, *group)
        if name == "series":
            return self._course(part, key)
        if key not in self._kept:
            self._kept[key] = self._course(part, key)
        return self._kept[key]

    def _course(self, part: Component, key: tuple[str, ...]) -> Array:
        """Standard normal, [week, path]: a lasting level and a first-order course around it."""
        digest = blake2b("\x1f".join(key).encode(), digest_size=16).digest()
        rng = np.random.default_rng([self._seed, int.from_bytes(digest, "little")])
        noise = rng.standard_normal((self._weeks + 1, self._paths), dtype=np.float32).astype(np.float64)
        course = np.empty((self._weeks, self._paths))
        course[0] = noise[0]
        fresh = np.sqrt(1 - part.keep**2)
        for week in range(1, self._weeks):
            course[week] = part.keep * course[week - 1] + fresh * noise[week]
        return np.asarray(np.sqrt(part.lasting) * noise[-1] + np.sqrt(1 - part.lasting) * course)


def scenario_paths(
    season: pl.DataFrame,
    makes: pl.DataFrame,
    *,
    dependence: Dependence,
    seed: int,
    paths: int = PATHS,
) -> pl.DataFrame:
    """Draw joint paths of what each crop and grade is wanted for in each channel and week.

    Args:
        season: KEYS, `week_start`, `level`, `demand_kg`, `expected_kg` (kg a week; null: what the quantiles imply); every
            series has every week and level.
        makes: family, channel_id, crop_id, grade (null: not graded), `crop_kg_per_kg`: kg of crop per kg of the family sold in
            the channel. A family without a row makes no crop.
        dependence: As dependence.fit_dependence.
        seed: Of the draw.
        paths: How many.

    Returns:
        One row per crop_id, grade, channel_id and week_start, sorted: `expected_kg`, the mean of the paths, and `path_kg`, a
        list of `paths` kg (Float32, ≥ 0, rounded by 0.05 % at most). Place i of every list belongs to path i. Within a family and channel the grades
        share one path, as shares of products are taken as given.

    Each series' values are those of margin_grid in every week, in an order that the dependence gives (a Gaussian copula), so
    margins are kept exactly.
    """
    weeks = season["week_start"].unique().sort()
    draw = PathDraw(dependence, weeks=weeks.len(), seed=seed, paths=paths)
    held: dict[tuple[str, str | None, str], Array] = {}
    wanted = season.join(
        makes.select("family", "channel_id").unique(), on=["family", "channel_id"], how="semi"
    )
    for (family, channel), rows in _by(wanted, "family", "channel_id"):
        total = _family_paths(rows, draw, paths)
        for crop_id, grade, factor in (
            makes.filter(pl.col("family") == family, pl.col("channel_id") == channel)
            .select("crop_id", "grade", "crop_kg_per_kg")
            .iter_rows()
        ):
            key = (crop_id, grade, channel)
            held[key] = held.get(key, np.zeros_like(total)) + factor * total
    return _frame(held, weeks, paths)


def _family_paths(rows: pl.DataFrame, draw: PathDraw, paths: int) -> Array:
    """Paths of one family in one channel, added up over regions: [week, path] (kg)."""
    total: Array | None = None
    for (family, channel, region), own in _by(rows, *KEYS):
        wide = own.sort("week_start", "level")
        levels = wide["level"].unique().sort().to_list()
        quantiles = wide["demand_kg"].to_numpy().reshape(-1, len(levels))
        mean = (
            wide["expected_kg"].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(quantiles.shape)[:, 0]
        )
        grid = margin_grid(quantiles, levels, mean, paths)
        kg = np.take_along_axis(grid, draw.ranks(family, channel, region), axis=1)
        total = kg if total is None else total + kg
    assert total is not None
    return total


def _by(frame: pl.DataFrame, *keys: str) -> list[tuple[tuple[str, ...], pl.DataFrame]]:
    return [
        (tuple(str(k) for k in key), rows)
        for key, rows in frame.sort(keys, maintain_order=True).group_by(keys, maintain_order=True)
    ]


def _frame(held: dict[tuple[str, str | None, str], Array], weeks: pl.Series, paths: int) -> pl.DataFrame:
    schema = {"crop_id": pl.String, "grade": pl.String, "channel_id": pl.String}
    keys = sorted(held, key=lambda k: (k[0], k[1] is not None, k[1] or "", k[2]))
    kg = np.concatenate([held[k] for k in keys]) if keys else np.zeros((0, paths))
    names = pl.DataFrame([k for k in keys for _ in range(weeks.len())], schema=schema, orient="row")
    return names.with_columns(
        week_start=pl.Series(weeks.to_list() * len(keys), dtype=pl.Date),
        expected_kg=pl.Series(kg.mean(axis=1)),
        path_kg=pl.Series(_short(kg), dtype=pl.Array(pl.Float32, paths)).cast(pl.List(pl.Float32)),
    )


def _short(kg: Array) -> npt.NDArray[np.float32]:
    """To SHORT bits behind the first: numbers that pack to less than half."""
    drop = 23 - SHORT
    bits = kg.astype(np.float32).view(np.uint32).astype(np.uint64) + (1 << (drop - 1))
    return (bits >> drop << drop).astype(np.uint32).view(np.float32)


def scenario_totals(scenario: pl.DataFrame, *, levels: Sequence[float]) -> pl.DataFrame:
    """Quantiles of each crop's paths over all grades and channels.

    Args:
        scenario: As scenario_paths.
        levels: Quantile levels.

    Returns:
        One row per crop_id, week_start (null: all weeks together) and level, sorted: `demand_kg`, `expected_kg` (kg).
    """
    found: list[tuple[str, object, float, float, float]] = []
    for (crop_id,), rows in _by(scenario, "crop_id"):
        weekly = {
            week: _sum(part["path_kg"])
            for (week,), part in rows.sort("week_start").group_by("week_start", maintain_order=True)
        }
        for week, kg in {None: np.sum(list(weekly.values()), axis=0), **weekly}.items():
            quantiles = np.quantile(kg, levels, method="hazen")
            found += [
                (crop_id, week, q, float(v), float(kg.mean())) for q, v in zip(levels, quantiles, strict=True)
            ]
    schema = {
        "crop_id": pl.String, "week_start": pl.Date, "level": pl.Float64, "demand_kg": pl.Float64, "expected_kg": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(found, schema=schema, orient="row")


def _sum(lists: pl.Series) -> Array:
    """Path by path."""
    return np.asarray(np.sum([part.to_numpy() for part in lists], axis=0, dtype=np.float64))
