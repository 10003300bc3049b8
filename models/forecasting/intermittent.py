"""Series that sell on few days: what kind they are, and plain forecasts made for them that may stand in for the model."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl
from statsforecast import StatsForecast
from statsforecast.models import ADIDA, TSB, CrostonSBA

from features.calendar import SERIES
from features.panel import Panel

ADI_BORDER, CV2_BORDER = 1.32, 0.49
"""Borders between the four kinds: days per selling day, and the squared variation of what selling days sell."""
WINDOW_DAYS = 182
RARE = ("intermittent", "lumpy")
"""Kinds in which a plain method may stand in."""
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


def choose_plain(panel: Panel, tested: pl.DataFrame) -> dict[str, str]:
    """As `choose`, from a backtest, for series that sell on few days.

    Args:
        panel: Must reach to every origin.
        tested: Rows of a backtest: `series`, `origin`, `sold_kg`, `mean_kg`, `fallback_reason`.
    """
    ours = tested.filter(pl.col("fallback_reason").is_null())
    parts = []
    for (origin,), rows in ours.group_by("origin", maintain_order=True):
        rare = kinds(panel, origin).filter(pl.col("kind").is_in(RARE))
        plain = plain_forecasts(panel, origin, rare["series"].to_list())
        known = rare.select("series", "kind").join(plain, on="series", how="inner")
        scored = rows.select("series", "origin", "sold_kg", pl.col("mean_kg").alias(POOLED))
        parts.append(scored.join(known, on="series", how="inner"))
    return choose(pl.concat(parts)) if parts else {}


def take_plain(
    panel: Panel, forecast: pl.DataFrame, chosen: Mapping[str, str], *, origin: date
) -> pl.DataFrame:
    """Let plain methods stand in where a backtest chose them.

    Args:
        panel: Must reach to `origin`.
        forecast: As DemandModel.predict.
        chosen: Kind → method, as choose_plain gave it.
        origin: Last known day.

    Returns:
        `forecast` in order. Rows of the model whose series is of a chosen kind hold the plain method's mean, their quantiles
        moved with it, and `fallback_reason` 'intermittent:METHOD'.
    """
    if not chosen:
        return forecast
    of_kind = kinds(panel, origin).filter(pl.col("kind").is_in(list(chosen)))
    plain = plain_forecasts(panel, origin, of_kind["series"].to_list())
    picked = pl.coalesce(pl.when(pl.col("kind") == k).then(pl.col(m)) for k, m in chosen.items())
    named = (
        of_kind.join(plain, on="series", how="inner")
        .join(panel.series.select("series", *SERIES), on="series", how="left")
        .select(*SERIES, plain_kg=picked, method=pl.col("kind").replace_strict(chosen, default=None))
    )
    stands = pl.col("plain_kg").is_not_null() & pl.col("fallback_reason").is_null()
    moved = [
        pl.when(stands & (pl.col(mean) > 0))
        .then(pl.col(kg) * pl.col("plain_kg") / pl.col(mean))
        .otherwise(kg)
        .alias(kg)
        for kg, mean in (("demand_kg", "expected_kg"), ("in_stock_kg", "in_stock_expected_kg"))
    ]
    means = [
        pl.when(stands).then("plain_kg").otherwise(mean).alias(mean)
        for mean in ("expected_kg", "in_stock_expected_kg")
    ]
    reason = pl.when(stands).then(pl.format("intermittent:{}", "method")).otherwise("fallback_reason")
    return (
        forecast.join(named, on=list(SERIES), how="left", maintain_order="left")
        .with_columns(*moved, *means, fallback_reason=reason)
        .select(forecast.columns)
    )
