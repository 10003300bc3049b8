"""`anxu bench truth`: forecasts of the sample county against its own truth.

Demand that stock-outs hid counts here, as the generator knows what customers wanted; and so does Spring Festival, which the
sample county keeps every year.
"""

from datetime import date

import numpy as np
import polars as pl

from benchmarks.truth_county import DAY, ORACLE, County, by_level, county
from benchmarks.truth_festival import FESTIVAL_LIMIT, festival_scores
from features.assemble import future_frame
from features.panel import DemandTables, build_panel
from models.forecasting.demand import DemandParams
from models.forecasting.learning import learn
from models.simulation.truth import HORIZON_DAYS, LEVELS, origins
from pipelines.progress import report

OURS = "anxu"
WQL_LIMIT = 1.15
SCORED = 3
"""So many newest origins of the truth are scored; what is chosen, is chosen on those before."""
PARAMS = DemandParams(train_days=900, max_rows=300_000, trees=300, leaves=31, feature_share=0.3)
"""Chosen on origins before those that are scored (docs/methods-forecasting.md, "Hidden demand")."""


def run(*, size: str = "demo", seed: int = 1, threads: int = 1) -> dict[str, object]:
    """Make the county, take its files in, forecast from earlier days, and compare with what was wanted.

    Args:
        size: demo or county; smaller ones have no earlier Spring Festival.
        seed: Of the county and of the models.
        threads: For LightGBM.
    """
    with county(size, seed) as found:
        chosen = sorted(origins())[-SCORED:]
        scored = []
        for number, origin in enumerate(chosen):
            report("truth", number, len(chosen) + 1, f"{origin}")
            scored.append(_one_origin(found, origin, seed=seed, threads=threads))
        report("truth", len(chosen), len(chosen) + 1, "Spring Festival")
        festival, judged, festival_ratio = festival_scores(found, PARAMS, seed=seed, threads=threads)
    rows = [row for frame, hidden in scored for row in (*_quantile_rows(frame), *hidden)]
    pooled = pl.concat([frame for frame, _ in scored])
    rows += _quantile_rows(pooled, "all origins") + festival
    ratio = _loss(pooled, OURS) / _loss(pooled, ORACLE)
    must = [
        _must("WQL of demand / that of the true quantiles", ratio, WQL_LIMIT),
        _must(f"{judged}: WAPE / with lags only", festival_ratio, FESTIVAL_LIMIT),
    ]
    return {"bench": "truth", "data": size, "seed": seed, "rows": rows, "must": must}


def _one_origin(
    found: County, origin: date, *, seed: int, threads: int
) -> tuple[pl.DataFrame, list[dict[str, object]]]:
    """Forecast from one origin: DAY, `origin`, `true_kg`, `expected_kg`, a column per method and level; and how recovery did."""
    tables = found.tables(origin)
    panel = build_panel(tables, cutoff=origin, horizon_days=HORIZON_DAYS)
    model = learn(
        panel,
        last=origin,
        params=PARAMS,
        horizon_days=HORIZON_DAYS,
        levels=LEVELS,
        seed=seed,
        threads=threads,
    )
    forecast = model.predict(
        future_frame(panel, origin=origin, horizon_days=HORIZON_DAYS), threads=threads
    ).rename({"forecast_date": "date"})
    wide = by_level(forecast).rename({str(q): f"{OURS} {q}" for q in LEVELS})
    oracle = found.oracle(origin).rename({str(q): f"{ORACLE} {q}" for q in LEVELS})
    ahead = panel.calendar["date"].max()
    wanted = found.wanted(origin, ahead).filter(pl.col("date") > origin)  # type: ignore[arg-type]
    frame = (
        wanted.join(oracle, on=DAY)
        .join(wide, on=DAY, how="left")
        .join(forecast.select(*DAY, "expected_kg").unique(DAY), on=DAY, how="left")
        .with_columns(pl.exclude(*DAY).fill_null(0.0), origin=pl.lit(origin))
    )
    return frame, _recovery_rows(found, tables, origin)


def _recovery_rows(found: County, tables: DemandTables, origin: date) -> list[dict[str, object]]:
    """Recovered demand of all days with a stock-out until the origin, against what was wanted."""
    if tables.latent is None:
        return []
    days = tables.latent.join(found.wanted(found.world.size.starts_on, origin), on=DAY, how="inner")
    kg, true, sold = (days[name].cast(pl.Float64).to_numpy() for name in ("demand_kg", "true_kg", "sold_kg"))
    segment = f"stock-out days until {origin}"
    return [
        _row(segment, metric, method, value)
        for method, guess in ((OURS, kg), ("sold", sold))
        for metric, value in (
            ("wape", float(np.abs(guess - true).sum() / true.sum())),
            ("bias", float((guess - true).sum() / true.sum())),
        )
    ]


def _quantile_rows(frame: pl.DataFrame, segment: str | None = None) -> list[dict[str, object]]:
    named = segment or f"origin {frame['origin'][0]}"
    true = float(frame["true_kg"].sum())
    rows = [_row(named, "wql", method, _loss(frame, method)) for method in (OURS, ORACLE)]
    rows.append(_row(named, "bias", OURS, float(frame["expected_kg"].sum()) / true - 1))
    for method in (OURS, ORACLE):
        inside = pl.col("true_kg").is_between(f"{method} 0.1", f"{method} 0.9")
        rows.append(_row(named, "coverage_80", method, float(frame.select(inside.mean()).item())))
    return rows


def _loss(frame: pl.DataFrame, method: str) -> float:
    """Weighted quantile loss over LEVELS against true demand."""
    true = frame["true_kg"].to_numpy()
    total = 0.0
    for q in LEVELS:
        error = true - frame[f"{method} {q}"].to_numpy()
        total += float(np.maximum(q * error, (q - 1) * error).sum())
    return 2 * total / len(LEVELS) / float(true.sum())


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(float(value), 4)}


def _must(what: str, value: float, limit: float) -> dict[str, object]:
    return {"what": what, "value": round(value, 4), "limit": limit, "holds": value <= limit}
