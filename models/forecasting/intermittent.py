"""Series that sell on few days: what kind they are, plain forecasts made for them, and a spread of whole orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import nbinom
from statsforecast import StatsForecast
from statsforecast.models import ADIDA, TSB, CrostonSBA

from features.panel import Panel
from models.forecasting.intervals import TooLittleHistoryError

Array = npt.NDArray[np.float64]

ADI_BORDER, CV2_BORDER = 1.32, 0.49
"""Borders between the four kinds: days per selling day, and the squared variation of what selling days sell."""
WINDOW_DAYS = 182
METHODS = ("TSB", "CrostonSBA", "ADIDA")
POOLED = "anxu"
LEAST_ROWS = 500
LEAST_GAIN = 0.02
"""A plain method must be this much better than the pooled model to stand in for it."""


def kinds(panel: Panel, origin: date) -> pl.DataFrame:
    """Say of every series that had sold by `origin` how it sells, from its last 182 open days.

    Returns:
        `series`, `adi` (days per selling day, ≥ 1), `cv2` (squared coefficient of variation of selling days' kg), `kind`:
        'smooth', 'erratic' (ADI ≤ 1.32), 'intermittent', 'lumpy' (ADI > 1.32; the second of each with CV² > 0.49), or
        'silent' where nothing was sold in the window.

    Source: Syntetos, Boylan & Croston, J. Operational Research Society 56 (2005), 495–503.
    """
    begins = origin - timedelta(days=WINDOW_DAYS)
    window = panel.days.filter(pl.col("date").is_between(begins, origin, closed="right")).drop_nulls(
        "sold_kg"
    )
    sold = pl.col("sold_kg").filter(pl.col("sold_kg") > 0).cast(pl.Float64)
    found = window.group_by("series").agg(
        adi=pl.len() / (pl.col("sold_kg") > 0).sum(),
        cv2=(sold.std(ddof=0) / sold.mean()) ** 2,
    )
    rare, uneven = pl.col("adi") > ADI_BORDER, pl.col("cv2") > CV2_BORDER
    kind = (
        pl.when(pl.col("adi").is_infinite())
        .then(pl.lit("silent"))
        .when(rare & uneven)
        .then(pl.lit("lumpy"))
        .when(rare)
        .then(pl.lit("intermittent"))
        .when(uneven)
        .then(pl.lit("erratic"))
        .otherwise(pl.lit("smooth"))
    )
    return found.with_columns(kind=kind).sort("series")


def plain_forecasts(panel: Panel, origin: date, series: Sequence[int]) -> pl.DataFrame:
    """Forecast series by methods made for rare sales: one value that holds for every day ahead.

    Args:
        panel: What is known; only the 364 days until `origin` are used, closed days as 0.
        origin: Last known day.
        series: Numbers of the series in the panel.

    Returns:
        One row per series of them with a known day: `series` and kg per day, ≥ 0, as 'TSB', 'CrostonSBA', 'ADIDA'.

    Source: Teunter, Syntetos & Babai 2011 (TSB); Syntetos & Boylan 2005 (SBA); Nikolopoulos et al. 2011 (ADIDA); all by
    statsforecast.
    """
    known = panel.days.filter(
        pl.col("series").is_in(list(series))
        & pl.col("date").is_between(origin - timedelta(days=364), origin, closed="right")
    )
    if known.is_empty():
        return known.select("series", *(pl.lit(0.0).alias(m) for m in METHODS))
    frame = known.select(
        unique_id=pl.col("series").cast(pl.Int64),
        ds="date",
        y=pl.col("sold_kg").fill_null(0).cast(pl.Float64),
    )
    models = [TSB(alpha_d=0.1, alpha_p=0.1), CrostonSBA(), ADIDA()]
    ahead: pl.DataFrame = StatsForecast(models=models, freq="1d", n_jobs=1).forecast(df=frame, h=1)
    kg = [pl.col(m).cast(pl.Float64).fill_nan(0).fill_null(0).clip(0) for m in METHODS]
    return ahead.select(pl.col("unique_id").cast(known.schema["series"]).alias("series"), *kg).sort("series")


def choose(scored: pl.DataFrame) -> dict[str, str]:
    """Which plain method stands in for the pooled model in which kind of series.

    Args:
        scored: Rows of a backtest: `origin`, `kind`, `sold_kg`, and expected kg as columns POOLED and METHODS.

    Returns:
        Kind → method, only where one is better than the pooled model by 2 % of the squared error, on all rows together
        and at no origin worse, over at least 500 rows. Squared error asks for the mean, as absolute error would be
        least with 0. Mostly empty: pooling wins.
    """
    chosen = {}
    error = [((pl.col(m) - pl.col("sold_kg")) ** 2).sum().alias(m) for m in (POOLED, *METHODS)]
    per_origin = scored.group_by("kind", "origin").agg(pl.len().alias("rows"), *error).sort("kind", "origin")
    for (kind,), rows in per_origin.group_by("kind", maintain_order=True):
        if rows["rows"].sum() < LEAST_ROWS:
            continue
        share = rows.select(pl.col(METHODS).sum() / pl.col(POOLED).sum()).row(0)
        of_pooled, best = min(zip(share, METHODS, strict=True))
        if of_pooled < 1 - LEAST_GAIN and (rows[best] <= rows[POOLED]).all():
            chosen[str(kind)] = best
    return chosen


@dataclass(frozen=True)
class CountTable:
    """Whole orders around an expected number of them: negative binomial, as wide as its volume class has been."""

    levels: tuple[float, ...]
    edges: tuple[float, ...]
    """Borders between volume classes, in expected orders per day."""
    dispersion: tuple[float, ...]
    """Per class α of variance = mean + α · mean²."""
    factor: tuple[float, ...]
    """Per class orders that came ÷ orders expected."""

    def quantiles(self, mean_kg: Array, kg_per_order: Array) -> Array:
        """Return kg as [rows, levels]: whole orders, never negative, never crossing.

        Args:
            mean_kg: Expected kg per row, ≥ 0.
            kg_per_order: Kg of one order per row, > 0.
        """
        orders = mean_kg / kg_per_order
        volume = np.searchsorted(self.edges, orders, side="right")
        kg = np.zeros((orders.size, len(self.levels)))
        for v in np.unique(volume):
            rows = volume == v
            kg[rows] = count_quantiles(orders[rows] * self.factor[v], self.dispersion[v], self.levels)
        return kg * kg_per_order[:, None]


def count_quantiles(mean: Array, dispersion: float, levels: Sequence[float]) -> Array:
    """Quantiles of a negative binomial: [rows, levels], whole numbers.

    Args:
        mean: ≥ 0; each is moved to the nearest of a grid 1 % apart, so that a hundred thousand rows take a moment.
        dispersion: α > 0 of variance = mean + α · mean².
        levels: Between 0 and 1.
    """
    step = np.rint(np.log(np.maximum(mean, 1e-6)) / 0.01)
    grid, back = np.unique(step, return_inverse=True)
    of_grid = np.exp(grid * 0.01)[:, None]
    size = 1 / dispersion
    return np.asarray(nbinom.ppf(np.asarray(levels), size, size / (size + of_grid))[back])


def fit_counts(
    mean_kg: Array, sold_kg: Array, kg_per_order: Array, levels: Sequence[float], edges: Sequence[float]
) -> CountTable:
    """Learn the dispersion of each volume class from rows the expected value was not fitted on.

    Args:
        mean_kg: Expected kg per row; rows expecting nothing are passed over.
        sold_kg: What came.
        kg_per_order: Kg of one order per row, > 0.
        levels: Ascending, between 0 and 1.
        edges: Ascending borders between classes, in expected orders per day.

    Returns:
        A class's dispersion is the one of DISPERSIONS with the least quantile loss; a class with fewer than 500 rows
        takes in its neighbours, step by step.

    Raises:
        TooLittleHistoryError: No row expects anything.
    """
    expecting = mean_kg > 0
    if not expecting.any():
        raise TooLittleHistoryError("no held-out day with an expected sale to learn a spread from")
    orders, came = (mean_kg / kg_per_order)[expecting], (sold_kg / kg_per_order)[expecting]
    volume = np.searchsorted(edges, orders, side="right")
    fitted = [_class(orders, came, _near(volume, v), levels) for v in range(len(edges) + 1)]
    return CountTable(
        tuple(levels),
        tuple(edges),
        tuple(alpha for alpha, _ in fitted),
        tuple(factor for _, factor in fitted),
    )


DISPERSIONS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)


def _near(volume: npt.NDArray[np.int64], v: int) -> npt.NDArray[np.bool_]:
    for width in range(int(volume.max()) + v + 1):
        near = np.abs(volume - v) <= width
        if near.sum() >= LEAST_ROWS:
            return np.asarray(near)
    return np.ones_like(volume, dtype=bool)


def _class(
    orders: Array, came: Array, rows: npt.NDArray[np.bool_], levels: Sequence[float]
) -> tuple[float, float]:
    mean, actual = orders[rows], came[rows]
    factor = float(actual.sum() / mean.sum())
    losses: Mapping[float, float] = {
        alpha: _loss(actual, count_quantiles(mean * factor, alpha, levels), levels) for alpha in DISPERSIONS
    }
    return min(losses, key=lambda alpha: losses[alpha]), factor


def _loss(actual: Array, quantiles: Array, levels: Sequence[float]) -> float:
    error = actual[:, None] - quantiles
    q = np.asarray(levels)
    return float(np.maximum(q * error, (q - 1) * error).sum())
