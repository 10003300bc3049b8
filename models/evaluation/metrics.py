"""How far a forecast was off, as expressions over a wide frame: one row per forecast day, one column per method and level."""

from collections.abc import Mapping, Sequence

import polars as pl


def quantile_column(method: str, level: float) -> str:
    """Name of a method's column at a level, e.g. 'anxu_0.5'."""
    return f"{method}_{level:g}"


def wape(actual: pl.Expr, forecast: pl.Expr) -> pl.Expr:
    """Weighted absolute percentage error: Σ|forecast − actual| ÷ Σ actual; NaN when nothing was sold."""
    return (forecast - actual).abs().sum() / actual.sum()


def bias(actual: pl.Expr, forecast: pl.Expr) -> pl.Expr:
    """Σ(forecast − actual) ÷ Σ actual: positive when too much was expected."""
    return (forecast - actual).sum() / actual.sum()


def pinball(actual: pl.Expr, forecast: pl.Expr, level: float) -> pl.Expr:
    """Quantile loss of each row (kg), 0 is exact; Koenker & Bassett 1978."""
    error = actual - forecast
    return pl.max_horizontal(level * error, (level - 1) * error)


def total_pinball(method: str, levels: Sequence[float]) -> pl.Expr:
    """Each row's quantile loss (kg), averaged over the levels and doubled, so that it compares with |error|."""
    losses = [pinball(pl.col("sold_kg"), pl.col(quantile_column(method, q)), q) for q in levels]
    return 2 * pl.sum_horizontal(losses) / len(levels)


def wql(method: str, levels: Sequence[float]) -> pl.Expr:
    """Weighted quantile loss: 2 Σ pinball ÷ Σ sold, averaged over the levels."""
    return total_pinball(method, levels).sum() / pl.col("sold_kg").sum()


def coverage(actual: pl.Expr, low: pl.Expr, high: pl.Expr) -> pl.Expr:
    """Share of rows with low ≤ actual ≤ high."""
    return actual.is_between(low, high).mean()


def expected_kg(method: str, levels: Sequence[float]) -> pl.Expr:
    """Mean implied by quantiles: the area under the straight line through them, the ends held level.

    It falls short where the upper tail is long: what lies above the highest level is not seen.
    """
    columns = [pl.col(quantile_column(method, q)) for q in levels]
    middle = [
        (right - left) * (a + b) / 2
        for (left, a), (right, b) in zip(
            zip(levels, columns, strict=True), list(zip(levels, columns, strict=True))[1:], strict=False
        )
    ]
    return pl.sum_horizontal(levels[0] * columns[0], *middle, (1 - levels[-1]) * columns[-1])


def scores(method: str, levels: Sequence[float]) -> dict[str, pl.Expr]:
    """Metric name → expression for one method: wape (of the level 0.5), bias (of the implied mean), wql, coverage_80."""
    sold = pl.col("sold_kg")
    found = {
        "bias": bias(sold, expected_kg(method, levels)),
        "wql": wql(method, levels),
    }
    if 0.5 in levels:
        found["wape"] = wape(sold, pl.col(quantile_column(method, 0.5)))
    if 0.1 in levels and 0.9 in levels:
        low, high = (pl.col(quantile_column(method, q)) for q in (0.1, 0.9))
        found["coverage_80"] = coverage(sold, low, high)
    return found


def score_table(
    scored: pl.DataFrame, *, methods: Sequence[str], levels: Sequence[float], segments: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """Score methods over segments.

    Args:
        scored: One row per series and day: `sold_kg` and each method's quantile columns.
        methods: Names, e.g. anxu, seasonal_naive.
        levels: Quantile levels.
        segments: Name → expression giving each row's segment (text); a null leaves the row out.

    Returns:
        One row per segment, metric and method, sorted: `segment`, `rows`, `metric`, `method`, `value`. Segments in
        which nothing was sold are left out, as no share of nothing exists.
    """
    parts = []
    for segment in segments.values():
        per = scored.with_columns(segment=segment).drop_nulls("segment").group_by("segment")
        for method in methods:
            wide = per.agg(pl.len().alias("rows"), sold=pl.col("sold_kg").sum(), **scores(method, levels))
            values = wide.filter(pl.col("sold") > 0).drop("sold")
            parts.append(
                values.unpivot(
                    index=["segment", "rows"], variable_name="metric", value_name="value"
                ).with_columns(method=pl.lit(method))
            )
    table = pl.concat(parts).select("segment", "rows", "metric", "method", pl.col("value").cast(pl.Float64))
    return table.sort("segment", "metric", "method")
