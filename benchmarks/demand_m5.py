"""`anxu bench demand --data …` on items by day and store: intermittent sales four weeks ahead, at the leaf and in sum."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.demand_m5_data import M5Data, demand_tables, read_m5
from benchmarks.demand_m5_peers import Forecasts, learners, statistics, sums
from benchmarks.demand_m5_scores import LEAF, NODE_SEGMENT, OURS, Row, averaged, musts, scores
from benchmarks.demand_peers import DECILES
from features.assemble import future_frame
from features.panel import build_panel
from models.forecasting.demand import DemandParams
from models.forecasting.learning import learn
from models.forecasting.nodes import brought_to_nodes, forecast_nodes, node_sales
from pipelines.progress import report

PARAMS = DemandParams(max_rows=250_000)
"""Chosen on origins before the one that is scored (docs/methods-forecasting.md, "Rare sales")."""


LEAST_DAYS = 56
"""Series drawn for the methods that go series by series have so many days: AutoETS refuses shorter ones."""


@dataclass(frozen=True)
class Case:
    """One origin of a folder."""

    data: M5Data
    """All series, or a sample: the leaves that are forecast."""
    whole: M5Data
    """All series, of which the nodes are made."""
    origin: date
    horizon: int
    seed: int
    threads: int
    cache: Path
    """Where finished forecasts are kept, so that an interrupted run goes on."""

    def kept(self, name: str, make: Callable[[], Forecasts]) -> Forecasts:
        """The forecasts of an earlier run of the same case, or made now; its CPU seconds beside."""
        data = self.whole if name.endswith("node") else self.data
        known = data.until(self.origin).sales
        told = f"{self.origin} {self.horizon} {self.seed} {known.hash_rows().sum()} {PARAMS if name == OURS else ''}"
        folder = self.cache / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
        if not (folder / "cpu_s.txt").exists():
            folder.mkdir(parents=True, exist_ok=True)
            begun = time.process_time()
            for method, found in make().items():
                found.write_parquet(folder / f"{method}.parquet")
            (folder / "cpu_s.txt").write_text(f"{time.process_time() - begun:.1f}")
        return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def run_m5(
    data: Path,
    *,
    origins: int = 1,
    horizon: int = 28,
    series: int = 0,
    seed: int = 1,
    threads: int = 1,
    skip: int = 0,
    drawn: int = 1000,
    cache: Path = Path("bench-cache/demand-m5"),
) -> dict[str, object]:
    """Forecast from each origin with every method and score them on the same rows.

    Args:
        data: Folder laid out as m5-foods-ca-tx.
        origins: So many, a week apart; the last one a horizon before the last day.
        horizon: Days ahead.
        series: Leaves of whole store-departments, drawn until they are so many; 0: all. Nodes are always all of them.
        seed: Of samples and models.
        threads: For LightGBM.
        skip: Leave out the newest origins; settings are chosen on origins before those that are scored.
        drawn: Series on which the methods that go series by series are run.
        cache: Where finished forecasts are kept.
    """
    whole = read_m5(data)
    sales = read_m5(data, series=series, seed=seed) if series else whole
    rows = list[Row]()
    for i in range(origins):
        origin = sales.last - timedelta(days=horizon + 7 * (i + skip))
        rows += _scored(Case(sales, whole, origin, horizon, seed, threads, cache), drawn)
    means = averaged(rows)
    return {"bench": "demand", "data": str(data), "seed": seed, "rows": means, "must": musts(means)}


def _scored(case: Case, drawn: int) -> list[Row]:
    known = case.data.until(case.origin)
    sold = (
        known.sales.filter(pl.col("sold") > 0)
        .select("item_id", "store_id")
        .unique()
        .sort("item_id", "store_id")
    )
    long = known.sales.group_by("item_id", "store_id").len().filter(pl.col("len") >= LEAST_DAYS)
    settled = sold.join(long, on=["item_id", "store_id"], how="semi", maintain_order="left")
    few = settled[np.sort(np.random.default_rng(case.seed).permutation(settled.height)[:drawn])]
    leaves = {OURS: _leaves(case)} | _peers(case, case.data, "leaf")
    part = M5Data(case.data.sales.join(few, on=["item_id", "store_id"], how="semi"), case.data.calendar)
    report("bench demand", 5, 6, f"{case.origin} statistical")
    each = case.kept("statistical-leaf", lambda: statistics(part, origin=case.origin, horizon=case.horizon))
    nodes = case.whole.nodes()
    above = {OURS: _wide(_nodes(case))} | _peers(case, nodes, "node")
    above |= case.kept(
        "statistical-node", lambda: statistics(nodes, origin=case.origin, horizon=case.horizon)
    )
    if case.data.sales.height == case.whole.sales.height:
        above |= sums({method: found for method, found in leaves.items() if method != OURS}, case.data)
    of_nodes = nodes.sales.select("item_id", "store_id").unique().sort("item_id", "store_id")
    return [
        *_rows(case, case.data, leaves, LEAF, sold),
        *_rows(case, case.data, leaves | each, f"{LEAF}, {few.height} drawn", few),
        *_rows(case, nodes, above, NODE_SEGMENT, of_nodes),
    ]


def _rows(case: Case, data: M5Data, found: Forecasts, segment: str, keys: pl.DataFrame) -> list[Row]:
    return [
        {"segment": segment, "metric": metric, "method": method, "value": value}
        for method, forecast in found.items()
        for metric, value in scores(
            data, forecast, origin=case.origin, horizon=case.horizon, keys=keys
        ).items()
    ]


def _peers(case: Case, data: M5Data, level: str) -> Forecasts:
    found: Forecasts = {}
    asked = learners(data, origin=case.origin, horizon=case.horizon, seed=case.seed, threads=case.threads)
    for i, (name, make) in enumerate(asked.items()):
        report("bench demand", i + 1, 6, f"{case.origin} {name} {level}")
        found |= case.kept(f"{name}-{level}", make)
    return found


def _leaves(case: Case) -> pl.DataFrame:
    """Ours at the leaf: the calls of the nightly run, brought to the nodes."""

    def make() -> Forecasts:
        tables = demand_tables(case.data.until(case.origin))
        panel = build_panel(tables, cutoff=case.origin, horizon_days=case.horizon)
        model = learn(
            panel,
            last=case.origin,
            params=PARAMS,
            horizon_days=case.horizon,
            levels=DECILES,
            seed=case.seed,
            threads=case.threads,
        )
        future = future_frame(panel, origin=case.origin, horizon_days=case.horizon)
        alone = model.predict(future, threads=case.threads)
        node_of = tables.product.select("product_id", node="family")
        return {OURS: _wide(brought_to_nodes(alone, _nodes(case), node_of))}

    return case.kept(OURS, make)[OURS]


def _nodes(case: Case) -> pl.DataFrame:
    """Ours at store × department: the sums as series of their own."""

    def make() -> Forecasts:
        tables = node_sales(
            demand_tables(case.whole.until(case.origin)), product=pl.col("family"), family=pl.lit("all")
        )
        panel = build_panel(tables, cutoff=case.origin, horizon_days=case.horizon)
        found = forecast_nodes(
            panel, horizon_days=case.horizon, levels=DECILES, seed=case.seed, threads=case.threads
        )
        return {OURS: found.rows}

    return case.kept(f"{OURS}-node", make)[OURS]


def _wide(long: pl.DataFrame) -> pl.DataFrame:
    at = [pl.col("demand_kg").filter(pl.col("level") == q).first().alias(f"q_{q:g}") for q in DECILES]
    return long.group_by(
        item_id="product_id", store_id="channel_id", date="forecast_date", maintain_order=True
    ).agg(pl.col("expected_kg").first().alias("mean"), *at)
