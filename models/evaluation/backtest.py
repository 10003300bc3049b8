"""A rolling-origin backtest: what would have been forecast at earlier origins, beside seasonal naive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from features.assemble import scored_frame
from features.calendar import SERIES
from features.panel import Panel
from features.sales import ALL_OUT_HOURS
from models.evaluation.metrics import quantile_column, score_table
from models.forecasting.baselines import seasonal_naive
from models.forecasting.demand import DemandModel, DemandParams
from models.forecasting.learning import learn

OURS, NAIVE = "anxu", "seasonal_naive"
STEP_DAYS = 14
SERIES_AT_ONCE = 2_000
NAIVE_DAYS = 400
"""Days that seasonal naive may look back on: more than any horizon and the days its errors are taken from."""


@dataclass(frozen=True)
class Backtest:
    """Forecasts of earlier origins beside what was sold."""

    origins: tuple[date, ...]
    scored: pl.DataFrame
    """One row per origin, series and open day ahead: features.assemble.scored_frame's columns, `weight`, `had_stock`
    (not out of stock all day), `mean_kg`, and a column per method and level."""
    model: DemandModel
    """The model that made them, fitted once on what was known at the first origin."""
    levels: tuple[float, ...]

    def table(self) -> pl.DataFrame:
        """Scores per segment (metrics.score_table): on days with stock, and as 'all_days' on every open day."""
        return score_table(self.scored, methods=(OURS, NAIVE), levels=self.levels, segments=SEGMENTS)

    def headline(self) -> dict[str, float]:
        """`wape`, `wql`, `bias`, `coverage_80` of ours over all series on days with stock, the same of seasonal naive as `naive_…`."""
        rows = self.table().filter(pl.col("segment") == "all")
        prefix = {OURS: "", NAIVE: "naive_"}
        return {prefix[r["method"]] + r["metric"]: r["value"] for r in rows.iter_rows(named=True)}


def _had_stock(segment: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("had_stock")).then(segment)


LEAD_BUCKETS = {"1-7": (1, 7), "8-14": (8, 14), "15-28": (15, 28)}
LEAD = pl.coalesce(
    pl.when(pl.col("lead_days").is_between(low, high)).then(pl.lit(name))
    for name, (low, high) in LEAD_BUCKETS.items()
)
SEGMENTS: Mapping[str, pl.Expr] = {
    "all": _had_stock(pl.lit("all")),
    "all_days": pl.lit("all_days"),
    "channel": _had_stock(pl.format("channel:{}", "channel_id")),
    "family": _had_stock(pl.format("family:{}", "family")),
    "lead": _had_stock(pl.format("lead:{}", LEAD)),
    "fallback": _had_stock(pl.format("fallback:{}", pl.col("fallback_reason").fill_null("model"))),
}


def backtest_origins(
    cutoff: date, *, count: int, horizon_days: int, step_days: int = STEP_DAYS
) -> tuple[date, ...]:
    """The last `count` origins whose whole horizon is known at the cutoff, `step_days` apart, ascending."""
    last = cutoff - timedelta(days=horizon_days)
    return tuple(last - timedelta(days=step_days * i) for i in reversed(range(count)))


def backtest(
    panel: Panel,
    *,
    params: DemandParams,
    origins: Sequence[date],
    horizon_days: int,
    levels: Sequence[float],
    seed: int,
    threads: int,
) -> Backtest:
    """Fit once on what was known at the first origin, then forecast from every origin with what was known there.

    Args:
        panel: Must reach to the last origin plus the horizon for whole scores.
        params: The recipe.
        origins: Ascending; the model is not refitted between them, so later origins are forecast by an older model
            than the nightly flow would use, and the scores are on the careful side.
        horizon_days: Days ahead.
        levels: Quantile levels.
        seed: As for the fit.
        threads: As for the fit.

    Raises:
        TooLittleHistoryError: Too little history before the first origin (see demand.fit).
    """
    model = learn(
        panel,
        last=origins[0],
        params=params,
        horizon_days=horizon_days,
        levels=levels,
        seed=seed,
        threads=threads,
    )
    scored = pl.concat(_forecast(panel, model, origin, horizon_days, levels, threads) for origin in origins)
    return Backtest(tuple(origins), scored, model, tuple(levels))


def _forecast(
    panel: Panel, model: DemandModel, origin: date, horizon_days: int, levels: Sequence[float], threads: int
) -> pl.DataFrame:
    rows = scored_frame(panel, origin=origin, horizon_days=horizon_days)
    mean = model.mean_kg(rows, threads=threads)
    kg = model.quantiles(mean, rows, threads=threads)
    naive = _naive(panel, origin, horizon_days, levels)
    return (
        rows.with_columns(
            pl.Series("mean_kg", mean),
            *(pl.Series(quantile_column(OURS, q), kg[:, i]) for i, q in enumerate(levels)),
        )
        .join(
            naive,
            left_on=[*SERIES, "date"],
            right_on=[*SERIES, "forecast_date"],
            how="left",
            maintain_order="left",
        )
        .with_columns(had_stock=pl.col("out_hours").fill_null(0) < ALL_OUT_HOURS)
    )


def _naive(panel: Panel, origin: date, horizon_days: int, levels: Sequence[float]) -> pl.DataFrame:
    """Seasonal naive as wide_quantiles, some series at a time: a row per level of all at once would take gigabytes."""
    recent = panel.days.filter(pl.col("date").is_between(origin - timedelta(days=NAIVE_DAYS), origin))
    parts = []
    for series in panel.series.iter_slices(SERIES_AT_ONCE):
        days = recent.filter(pl.col("series").is_between(series["series"].min(), series["series"].max()))
        some = replace(panel, series=series, days=days)
        long = seasonal_naive(some, origin=origin, horizon_days=horizon_days, levels=levels)
        parts.append(wide_quantiles(long, NAIVE, levels))
    return pl.concat(parts)


def wide_quantiles(forecast: pl.DataFrame, method: str, levels: Sequence[float]) -> pl.DataFrame:
    """Turn forecast rows (SERIES, `forecast_date`, `level`, `demand_kg`) into one row per series and day with a column per level."""
    at = {
        quantile_column(method, q): pl.col("demand_kg").filter((pl.col("level") - q).abs() < 1e-9).first()
        for q in levels
    }
    return forecast.group_by(*SERIES, "forecast_date", maintain_order=True).agg(**at)
