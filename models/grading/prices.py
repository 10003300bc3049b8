"""What customers pay for a grade: median regression of log price on grade within market × variety × month.

Grade is confounded with market and season, so only prices of one cell are compared. Each grade of a cell counts once, with the
median of its reports, however often it was reported; then the regression of a grade against the base, with an effect per
cell, has its solution at the median of the cells' log ratios, which is taken exactly. Intervals redraw whole markets, because
a market's months are not independent of each other.

Source: Koenker & Bassett 1978 (median regression); Cameron, Gelbach & Miller 2008 (resampling by cluster).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PriceParams:
    """How a premium is judged.

    least_cells, least_markets: With fewer cells (or markets) that hold both grades a ratio is not estimable.
    least_premium: Smallest distance of the interval from 1 that pays for sorting (share of the price).
    """

    draws: int = 200
    level: float = 0.9
    least_cells: int = 8
    least_markets: int = 3
    least_premium: float = 0.01


def grade_price_ratios(
    prices: pl.DataFrame, *, base: str, grades: Sequence[str], seed: int, params: PriceParams | None = None
) -> pl.DataFrame:
    """Price of each grade relative to a base grade.

    Args:
        prices: One row per report: `market`, `variety`, `month` (any label of year and month), `grade`, `price` (> 0, any
            unit). Rows with a null or a price of 0 or less are left out.
        base: The grade others are held against.
        grades: Grades asked about; one that never occurs beside the base is answered too.
        seed: Of the redrawn markets.

    Returns:
        One row per grade of `grades` in that order: `grade`, `price_ratio`, `low`, `high` (null: not estimable), `cells`,
        `markets` (that hold both grades), `reports` of the grade, `within_cell_median` (median over cells of the ratio of
        the cell's medians; null: no cell), `advice`: base, pays, does_not_pay, costs (below 1), not_estimable.
    """
    params = params or PriceParams()
    rows = _usable(prices)
    medians = rows.group_by("cell", "market", "grade").agg(pl.median("price"))
    counts = _pairs(medians, base)
    asked = [g for g in grades if g != base and _estimable(counts.get(g), params)]
    fits = _fitted(medians, base, asked, seed, params) if asked else {}
    return pl.DataFrame(
        [_answer(g, base, rows, counts.get(g), fits.get(g), params) for g in grades],
        schema=ANSWER,
        orient="row",
    )


@dataclass(frozen=True)
class _Pair:
    cells: int
    markets: int
    median: float


def _usable(prices: pl.DataFrame) -> pl.DataFrame:
    """Rows that say something, with `cell` (market × variety × month)."""
    return (
        prices.drop_nulls(["market", "variety", "month", "grade", "price"])
        .filter(pl.col("price") > 0)
        .with_columns(cell=pl.struct("market", "variety", "month").rank("dense").cast(pl.Int64) - 1)
    )


def _pairs(medians: pl.DataFrame, base: str) -> dict[str, _Pair]:
    """Of each grade: cells and markets that hold it and the base, and the median ratio of their medians."""
    held = medians.filter(pl.col("grade") == base).select("cell", base="price")
    both = medians.filter(pl.col("grade") != base).join(held, on="cell")
    found = both.group_by("grade").agg(
        cells=pl.len(),
        markets=pl.col("market").n_unique(),
        median=(pl.col("price") / pl.col("base")).median(),
    )
    return {
        g: _Pair(c, m, r) for g, c, m, r in found.select("grade", "cells", "markets", "median").iter_rows()
    }


def _estimable(pair: _Pair | None, params: PriceParams) -> bool:
    return pair is not None and pair.cells >= params.least_cells and pair.markets >= params.least_markets


def _fitted(
    medians: pl.DataFrame, base: str, asked: list[str], seed: int, params: PriceParams
) -> dict[str, tuple[float, float, float]]:
    """Ratio and interval of each grade asked about."""
    held = medians.filter(pl.col("grade") == base).select("cell", base="price")
    found = {}
    for grade in asked:
        both = medians.filter(pl.col("grade") == grade).join(held, on="cell").sort("cell")
        step = np.log((both["price"] / both["base"]).to_numpy())
        market = both["market"].rank("dense").cast(pl.Int64).to_numpy() - 1
        low, high = _interval(step, market, np.random.default_rng(seed), params)
        found[grade] = (float(np.exp(weighted_median(step, np.ones(len(step))))), low, high)
    return found


def _interval(
    step: Floats, market: Ints, rng: np.random.Generator, params: PriceParams
) -> tuple[float, float]:
    markets = int(market.max()) + 1
    draws = np.empty(params.draws)
    for n in range(params.draws):
        times = np.bincount(rng.integers(0, markets, markets), minlength=markets)
        draws[n] = weighted_median(step, times[market].astype(float))
    tail = (1 - params.level) / 2
    low, high = np.exp(np.quantile(draws, [tail, 1 - tail]))
    return float(low), float(high)


def weighted_median(values: Floats, weights: Floats) -> float:
    """The middle of the values with half the weight on each side; between two, their mean."""
    order = np.argsort(values, kind="stable")
    v, w = values[order], weights[order]
    v, w = v[w > 0], w[w > 0]
    upto, half = np.cumsum(w), w.sum() / 2
    at = int(np.searchsorted(upto, half - 1e-9))
    is_even = abs(upto[at] - half) <= 1e-9 and at + 1 < len(v)
    return float((v[at] + v[at + 1]) / 2 if is_even else v[at])


def _answer(
    grade: str, base: str, rows: pl.DataFrame, pair: _Pair | None, fit: tuple[float, float, float] | None,
    params: PriceParams,
) -> tuple[object, ...]:  # fmt: skip
    reports = rows.filter(pl.col("grade") == grade).height
    if grade == base and reports:
        return grade, 1.0, 1.0, 1.0, rows["cell"].n_unique(), rows["market"].n_unique(), reports, 1.0, "base"
    cells, markets, median = (0, 0, None) if pair is None else (pair.cells, pair.markets, pair.median)
    if fit is None:
        return grade, None, None, None, cells, markets, reports, median, "not_estimable"
    return grade, *fit, cells, markets, reports, median, advice(fit[1], fit[2], params.least_premium)


def advice(low: float, high: float, least_premium: float) -> str:
    """pays when the whole interval lies above 1 + least_premium, costs when it lies below 1 − least_premium, else does_not_pay."""
    if low > 1 + least_premium:
        return "pays"
    return "costs" if high < 1 - least_premium else "does_not_pay"


ANSWER = {
    "grade": pl.String, "price_ratio": pl.Float64, "low": pl.Float64, "high": pl.Float64, "cells": pl.Int64,
    "markets": pl.Int64, "reports": pl.Int64, "within_cell_median": pl.Float64, "advice": pl.String,
}  # fmt: skip
