"""Looking up what was known on a day, and what pools of series say of the days to come."""

from collections.abc import Sequence

import polars as pl


def on_day(
    rows: pl.DataFrame, known: pl.DataFrame, by: Sequence[str], day: pl.Expr, columns: Sequence[str]
) -> pl.DataFrame:
    """Look up `columns` of `known` (keyed by `by` and `date`) on one day per row; days that are not asked for are skipped."""
    asked = rows.select(*by, date=day)
    there = known.select(*by, "date", *columns).filter(pl.col("date").is_in(asked["date"].unique().implode()))
    return asked.join(there, on=[*by, "date"], how="left", maintain_order="left").select(columns)


def add_pool(
    rows: pl.DataFrame, pool: pl.DataFrame, name: str, by: tuple[str, ...], *, has_year: bool
) -> pl.DataFrame:
    """Ratios of a pool: last days to last 28 days, this weekday to them, and the target day's twins to theirs."""
    means = [f"pool_mean_{n}" for n in (1, 3, 7, 28)]
    here = on_day(rows, pool, by, pl.col("origin"), means)
    month = here["pool_mean_28"]
    weekday = on_day(rows, pool, by, pl.col("same_weekday"), ["weekday_mean_kg"]).to_series()
    ratios = {
        "trend": here["pool_mean_7"] / month,
        "trend_3": here["pool_mean_3"] / month,
        "trend_1": here["pool_mean_1"] / month,
        "weekday_index": weekday / month,
    }
    for key, twin in (("year_ratio", "year_twin"), ("lunar_ratio", "lunar_twin")):
        ratios[key] = (
            _twin_ratio(rows, pool, by, twin)
            if has_year
            else pl.repeat(None, rows.height, dtype=pl.Float32, eager=True)
        )
    finite = pl.DataFrame(
        {f"{key}_{name}": value.cast(pl.Float32) for key, value in ratios.items()}
    ).with_columns(pl.when(pl.all().is_finite()).then(pl.all().clip(0, 20)))
    return rows.hstack(finite)


def _twin_ratio(rows: pl.DataFrame, pool: pl.DataFrame, by: tuple[str, ...], twin: str) -> pl.Series:
    """What the pool sold about the target day's twin ÷ what it had sold in the 28 days to as long before it."""
    about = on_day(rows, pool, by, pl.col(twin), ["pool_kg_3"]).to_series()
    ahead = pl.col(twin) - pl.duration(days=pl.col("lead_days"))
    return about / on_day(rows, pool, by, ahead, ["pool_mean_28"]).to_series()
