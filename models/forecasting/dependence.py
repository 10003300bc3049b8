"""How forecast errors hang together over weeks, channels and families: shares of the variance, learnt from a backtest's ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtri

from models.evaluation.metrics import quantile_column

Array = npt.NDArray[np.float64]

KEYS = ("family", "channel_id", "region_id")
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "all": (), "family": ("family",), "channel": ("channel_id",), "family_channel": ("family", "channel_id"),
    "series": KEYS,
}  # fmt: skip
"""Component → what its errors have in common. Each is drawn once per group, and a series is the sum of its five."""
EDGE = 1e-4
"""Ranks are kept so far from 0 and 1: beyond it a normal score says more than a rank can."""
LASTING = tuple(np.linspace(0, 1, 11).tolist())
KEEPS = (0.0, 0.3, 0.5, 0.65, 0.75, 0.85, 0.9, 0.95)
LAG_WEEKS = 26
"""Distances in weeks from which the course over time is fitted."""
DRAWN_TO = 10.0
"""Groups × years that weigh as much as ASSUMED: one county in one year says little of what moves everything."""


@dataclass(frozen=True)
class Component:
    """One part of the errors: `share` of the variance, of which `lasting` stays for all weeks; the rest keeps `keep` of itself from week to week."""

    share: float
    lasting: float
    keep: float


@dataclass(frozen=True)
class Dependence:
    """The parts by name (COMPONENTS), shares adding up to 1, and how many origins they were learnt from (0: assumed)."""

    parts: Mapping[str, Component]
    origins: int

    def correlation(self, common: tuple[str, ...], weeks_apart: int) -> float:
        """Correlation of the normal scores of two series that have `common` keys in common, so many weeks apart."""
        return sum(
            part.share * (part.lasting + (1 - part.lasting) * part.keep**weeks_apart)
            for name, part in self.parts.items()
            if set(COMPONENTS[name]) <= set(common)
        )


ASSUMED = Dependence(
    {
        "all": Component(0.05, 0.5, 0.8),
        "family": Component(0.15, 0.5, 0.8),
        "channel": Component(0.05, 0.5, 0.8),
        "family_channel": Component(0.15, 0.5, 0.8),
        "series": Component(0.60, 0.3, 0.5),
    },
    0,
)
"""Without a backtest: round figures set beforehand; sums on the sample county and a supermarket chain were covered well with them."""


def fit_dependence(ranks: pl.DataFrame, *, drawn_to: float = DRAWN_TO) -> Dependence:
    """Learn the shares from ranks of what came true within what had been forecast.

    Args:
        ranks: One row per KEYS, `origin` (date) and `lead_weeks` (1, 2, …): `rank` (0–1; null is left out).
        drawn_to: How strongly what few groups and years show is drawn to ASSUMED.

    Returns:
        Method of moments on normal scores: the mean product of two scores of series that have these and only these keys in
        common, by weeks apart, is the sum of the components they share (nested variance components with courses
        lasting + fading). What n groups showed over so many years counts n × years / (n × years + drawn_to), ASSUMED the
        rest. Shares are never negative and add up to 1; what is left is the series' own. With fewer than two origins or
        without two series, ASSUMED.

    Source: ranks carry the dependence (Schefzik, Thorarinsdottir & Gneiting 2013); normal scores as in a Gaussian copula,
    drawn to a structured target as in Ledoit & Wolf 2004.
    """
    usable = ranks.drop_nulls("rank")
    if usable["origin"].n_unique() < 2 or usable.select(KEYS).n_unique() < 2:
        return ASSUMED
    series = usable.select(KEYS).unique().sort(KEYS)
    moments = _moments(usable, series)
    parts, left, years = {}, 1.0, _years(usable)
    for name in ("all", "channel", "family", "family_channel"):
        groups = series.select(COMPONENTS[name]).n_unique() if COMPONENTS[name] else 1
        seen = _course(*moments[name])
        part = _blend(seen, ASSUMED.parts[name], groups * years, drawn_to)
        parts[name] = replace(part, share=min(part.share, left))
        left -= parts[name].share
    own = _course(moments["series"][0][1:], moments["series"][1][1:], first_lag=1)
    held = min(own.share / left, 1.0) if left > 0 else 0.0
    # the own part goes on from week to week as far as it was seen to; the rest of it is new each week
    seen = Component(left, own.lasting * held, own.keep if own.lasting < 1 else 0.0)
    parts["series"] = replace(
        _blend(seen, ASSUMED.parts["series"], series.height * years, drawn_to), share=left
    )
    return Dependence(parts, usable["origin"].n_unique())


def tied_ranks(tested: pl.DataFrame, *, levels: Sequence[float], method: str, seed: int) -> pl.DataFrame:
    """Ranks for fit_dependence where many quantiles are equal, as they are 0 for what sells seldom.

    Args:
        tested: As season_backtest.season_backtest: KEYS, `origin`, `lead_weeks`, `sold_kg`, `rank` and the quantiles.
        levels: Quantile levels, ascending.
        method: Whose quantiles (metrics.quantile_column).
        seed: Of the draw.

    Returns:
        KEYS, `origin`, `lead_weeks`, `rank`: where `sold_kg` equals several quantiles, anywhere among their levels with equal
        chance (below the lowest too where that is 0); null where it equals all of them, as nothing is told then.

    Source: randomised probability integral transform (Smith 1985; Czado, Gneiting & Held 2009).
    """
    sold = pl.col("sold_kg")
    columns = [pl.col(quantile_column(method, q)) for q in levels]
    equal = [(column - sold).abs() <= 1e-9 for column in columns]
    low = pl.min_horizontal(pl.when(e).then(q) for e, q in zip(equal, levels, strict=True))
    high = pl.max_horizontal(pl.when(e).then(q) for e, q in zip(equal, levels, strict=True))
    low = pl.when((sold <= 0) & (low <= levels[0])).then(0.0).otherwise(low)
    chance = pl.Series("chance", np.random.default_rng(seed).random(tested.height))
    drawn = pl.when(low.is_null()).then("rank").otherwise(low + (high - low) * pl.col("chance"))
    return tested.with_columns(chance).select(
        *KEYS, "origin", "lead_weeks", rank=pl.when(~pl.all_horizontal(equal)).then(drawn)
    )


def _years(ranks: pl.DataFrame) -> float:
    """Years that the forecast weeks span."""
    week = pl.col("origin") + pl.duration(weeks=pl.col("lead_weeks"))
    return float(ranks.select((week.max() - week.min()).dt.total_days()).item() + 7) / 364


def _blend(seen: Component, assumed: Component, size: float, drawn_to: float) -> Component:
    """What was seen and what is assumed, as two parts of one: the lasting and the fading variance each add up."""
    weight = size / (size + drawn_to)
    shares = np.array([weight * seen.share, (1 - weight) * assumed.share])
    lasting = np.array([seen.lasting, assumed.lasting])
    fading = shares * (1 - lasting)
    total, faded = float(shares.sum()), float(fading.sum())
    if total <= 0:
        return Component(0.0, 0.0, 0.0)
    keep = float(fading @ [seen.keep, assumed.keep]) / faded if faded > 0 else 0.0
    return Component(total, float(shares @ lasting) / total, keep)


def _moments(ranks: pl.DataFrame, series: pl.DataFrame) -> dict[str, tuple[Array, Array]]:
    """Component → its mean product at each distance in weeks, and how many pairs it comes from."""
    at = {name: _codes(series, keys) for name, keys in COMPONENTS.items()}
    totals = {name: np.zeros((2, LAG_WEEKS + 1)) for name in COMPONENTS}
    placed = ranks.join(series.with_row_index("row"), on=KEYS, how="left", maintain_order="left")
    weeks = int(placed["lead_weeks"].to_numpy().max())
    for origin in placed.partition_by("origin"):
        score = np.full((series.height, weeks), np.nan)
        score[origin["row"].to_numpy(), origin["lead_weeks"].to_numpy() - 1] = ndtri(
            origin["rank"].cast(pl.Float64).to_numpy().clip(EDGE, 1 - EDGE)
        )
        for name, codes in at.items():
            totals[name] += _pairs(score, codes)
    seen = {
        "series": totals["series"],
        "family_channel": totals["family_channel"] - totals["series"],
        "family": totals["family"] - totals["family_channel"],
        "channel": totals["channel"] - totals["family_channel"],
        "all": totals["all"] - totals["family"] - totals["channel"] + totals["family_channel"],
    }
    mean = {name: np.divide(t[0], t[1], out=np.zeros_like(t[0]), where=t[1] > 0) for name, t in seen.items()}
    for name in ("family", "channel", "family_channel", "series"):
        empty = seen[name][1] <= 0
        mean[name] = np.where(empty, mean["all"], mean[name])
    more = {
        "all": mean["all"],
        "family": mean["family"] - mean["all"],
        "channel": mean["channel"] - mean["all"],
        "family_channel": mean["family_channel"] - mean["family"] - mean["channel"] + mean["all"],
        "series": mean["series"] - mean["family_channel"],
    }
    return {name: (course, seen[name][1]) for name, course in more.items()}


def _codes(series: pl.DataFrame, keys: tuple[str, ...]) -> npt.NDArray[np.int64]:
    if not keys:
        return np.zeros(series.height, np.int64)
    return series.select(pl.struct(keys).rank("dense")).to_series().to_numpy().astype(np.int64) - 1


def _pairs(score: Array, codes: npt.NDArray[np.int64]) -> Array:
    """Sum and number of products of two scores in one group (a score with itself included), by weeks apart."""
    there = np.isfinite(score)
    groups = int(codes.max()) + 1
    total, count = np.zeros((groups, score.shape[1])), np.zeros((groups, score.shape[1]))
    np.add.at(total, codes, np.where(there, score, 0.0))
    np.add.at(count, codes, there)
    found = np.zeros((2, LAG_WEEKS + 1))
    for lag in range(min(LAG_WEEKS + 1, score.shape[1])):
        first, second = slice(None, score.shape[1] - lag), slice(lag, None)
        found[:, lag] = (
            (total[:, first] * total[:, second]).sum(),
            (count[:, first] * count[:, second]).sum(),
        )
    return found


def _course(course: Array, pairs: Array, first_lag: int = 0) -> Component:
    """share × (lasting + (1 − lasting) keep^lag) nearest to a course of covariances, weighted by pairs."""
    lags = np.arange(course.size) + first_lag
    best, found = np.inf, Component(0.0, 0.0, 0.0)
    for keep in KEEPS:
        for lasting in LASTING:
            shape = lasting + (1 - lasting) * keep**lags
            norm = float((pairs * shape**2).sum())
            share = max(float((pairs * shape * course).sum()) / norm, 0.0) if norm > 0 else 0.0
            error = float((pairs * (course - share * shape) ** 2).sum())
            if error < best - 1e-12:
                best, found = error, Component(share, lasting, keep)
    return found
