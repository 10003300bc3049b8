"""`anxu bench demand`: our daily forecast on real sales with stock-outs, beside those of others on the same rows."""

from pathlib import Path

import polars as pl

from benchmarks.demand_case import weekly_origins, what_came
from benchmarks.demand_jobs import Done, Job, done
from benchmarks.demand_m5 import run_m5
from benchmarks.demand_m5_data import is_m5
from benchmarks.demand_names import DECILE, MAE, OURS, PLAIN, STATISTICAL, STRONG, TWEEDIE
from benchmarks.demand_scores import Limits, figures, musts
from benchmarks.fresh_data import read_fresh
from pipelines.progress import report

EVERYWHERE = (OURS, TWEEDIE, MAE, STRONG, PLAIN, STATISTICAL)
DECILE_ORIGINS = 3


def run(
    data: Path,
    *,
    origins: int = 6,
    horizon: int = 7,
    series: int = 0,
    seed: int = 1,
    threads: int = 2,
    skip: int = 0,
    statistical: int = 1000,
    limit_s: float = 3600.0,
    cache: Path = Path("bench-cache/demand"),
) -> dict[str, object]:
    """Forecast from each origin with every method, each in a process of its own, and score them together.

    Args:
        data: Folder laid out as freshretailnet-cities, or as m5-foods-ca-tx (benchmarks.demand_m5).
        origins: So many, a week apart; the last one a horizon before the last day.
        horizon: Days ahead.
        series: A sample of so many whole series; 0: all.
        seed: Of samples and models.
        threads: Of each process.
        skip: Leave out the newest origins; settings are chosen on origins before those that are scored.
        statistical: Series, drawn from them, of the statistical peers.
        limit_s: Most seconds a process may take.
        cache: Where finished jobs are kept, so that an interrupted run goes on.
    """
    if is_m5(data):
        return run_m5(
            data, origins=origins, horizon=horizon, series=series, seed=seed, threads=threads, skip=skip,
            drawn=statistical, cache=cache.with_name(f"{cache.name}-m5"),
        )  # fmt: skip
    sales = read_fresh(data, series=series, seed=seed)
    asked = weekly_origins(sales, count=origins, horizon=horizon, skip=skip)
    scored, costs = list[pl.DataFrame](), list[tuple[str, Done]]()
    for i, origin in enumerate(asked):
        methods = (*EVERYWHERE, DECILE) if i >= len(asked) - DECILE_ORIGINS else EVERYWHERE
        frame = what_came(sales, origin=origin, horizon=horizon).with_columns(origin=pl.lit(f"{origin}"))
        for method in methods:
            report("bench demand", i + 1, len(asked), f"{origin} {method}")
            most = statistical if method == STATISTICAL else 0
            job = Job(method, str(data), f"{origin}", horizon, series, seed, threads, most)
            found = done(job, cache=cache, limit_s=limit_s)
            costs.append((method, found))
            frame = frame.join(
                found.forecast,
                left_on=["series_id", "dt"],
                right_on=["unique_id", "ds"],
                how="left",
                maintain_order="left",
            )
        scored.append(frame)
    both = pl.concat(scored, how="diagonal")
    cpu_s = {m: sum(d.cpu_s for name, d in costs if name == m) for m in (*EVERYWHERE, DECILE)}
    peak = {m: max(d.peak_gb for name, d in costs if name == m) for m in (*EVERYWHERE, DECILE)}
    return {
        "bench": "demand",
        "data": str(data),
        "seed": seed,
        "rows": [*figures(both), *_cost_rows("cpu_s", cpu_s), *_cost_rows("peak_gb", peak)],
        "must": musts(both, cpu_s, peak[OURS], Limits(), whole=sales.whole),
    }


def _cost_rows(metric: str, values: dict[str, float]) -> list[dict[str, object]]:
    return [
        {"segment": "all origins", "metric": metric, "method": name, "value": round(value, 3)}
        for name, value in values.items()
    ]
