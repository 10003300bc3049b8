"""The night's own calls on tables in a folder, each job a process of its own: refit, predict."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from benchmarks import scale_data
from benchmarks.scale_data import CUTOFF
from features.assemble import future_frame
from features.latent import recovered_days
from features.panel import DemandTables, Panel, build_panel
from features.products import product_families
from models.evaluation.backtest import backtest, backtest_origins
from models.evaluation.metrics import quantile_column
from models.forecasting.choice import choice_origins, choose_recipe, recipes
from models.forecasting.demand import DemandModel, DemandParams, spreads_of
from models.forecasting.intermittent import choose_plain, take_plain
from models.forecasting.learning import relearn
from models.forecasting.node_spread import NODE_KEYS, NOTHING_SEEN, fit_node_spread, leaf_deviation, node_sums
from models.forecasting.reconcile import DAYS_ALONE, NODE, agree, leaf_quantiles
from models.forecasting.season import season_forecast
from models.forecasting.unsold import forecast_unsold
from settings import Settings


@dataclass
class Clock:
    """CPU seconds of each stage (all threads), and counts."""

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what passes inside to the stage, and say so: a job that is ended tells how far it came."""
        begun = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begun
        sys.stdout.write(f"{name}: {self.seconds[name]:.1f} s\n")
        sys.stdout.flush()


def known(folder: Path, clock: Clock) -> tuple[DemandTables, pl.DataFrame]:
    """Tables with hidden demand recovered, as pipelines.demand_inputs; and each product's family."""
    with clock.stage("read"):
        tables, hourly = scale_data.read(folder)
    families = product_families(tables.product, tables.sales["product_id"])
    with clock.stage("latent demand"):
        latent = recovered_days(tables.sales, tables.stock_day, families, hourly, cutoff=CUTOFF)
    clock.counts |= {"sales": tables.sales.height, "recovered": latent.height}
    return replace(tables, latent=latent), families.select("product_id", "family")


def refit(folder: Path, settings: Settings, clock: Clock) -> None:
    """Panel, recipe, backtest, spread, fit on all days, sums of the backtest: as pipelines.train; writes the model's files."""
    tables, _ = known(folder, clock)
    with clock.stage("panel"):
        panel = build_panel(tables, cutoff=CUTOFF, horizon_days=settings.horizon_days)
    del tables
    common = {"horizon_days": settings.horizon_days, "seed": settings.seed, "threads": settings.threads}
    origins = backtest_origins(CUTOFF, count=settings.backtest_origins, horizon_days=settings.horizon_days)
    with clock.stage("recipe"):
        params = _recipe(settings, panel, common)
    with clock.stage("backtest"):
        tested = backtest(panel, params=params, origins=origins, levels=settings.levels, **common)
        tested.table()
    with clock.stage("spread"):
        spreads = spreads_of(
            tested.model, tested.scored, levels=settings.levels, seed=settings.seed, threads=settings.threads
        )
        spreads = replace(spreads, plain=choose_plain(panel, tested.scored))
    with clock.stage("fit on all days"):
        files = relearn(panel, last=CUTOFF, params=params, spreads=spreads, **common).to_files()
    with clock.stage("nodes"):
        _learn_nodes(tested.scored, settings)
    clock.counts["scored"] = tested.scored.height
    for name, text in files.items():
        (folder / name).write_text(text)


def predict(folder: Path, settings: Settings, clock: Clock) -> None:
    """Panel, days, weeks, agreement, sums: as pipelines.forecast and reconcile; keeps the forecast as parquet."""
    tables, families = known(folder, clock)
    with clock.stage("panel"):
        panel = build_panel(tables, cutoff=CUTOFF, horizon_days=settings.horizon_days)
    model = DemandModel.from_files(
        {p.name: p.read_text() for p in folder.iterdir() if p.suffix in (".txt", ".json")}
    )
    with clock.stage("days"):
        days = _days(panel, tables.product, model, settings)
    clock.counts |= {"series": panel.series.height, "series_days": panel.days.height}
    del panel, tables
    named = scale_data.read(folder)[0].sales.join(families, on="product_id", how="left")
    with clock.stage("weeks"):
        weeks = season_forecast(
            named, cutoff=CUTOFF, levels=settings.levels, seed=settings.seed, threads=settings.threads
        )
    with clock.stage("agree and add up"):
        nodes, days = _agreed(days.join(families, on="product_id", how="left"), weeks, named, settings)
    with clock.stage("write"):
        days.write_parquet(folder / "demand_forecast.parquet")
    clock.counts |= {"forecast": days.height, "weeks": weeks.height, "nodes": nodes.height}


def _recipe(settings: Settings, panel: Panel, common: dict[str, int]) -> DemandParams:
    first = backtest_origins(CUTOFF, count=settings.backtest_origins, horizon_days=settings.horizon_days)[0]
    origins = choice_origins(first, count=2, horizon_days=settings.horizon_days)
    default = DemandParams()
    if origins[0] - panel.records_begin < timedelta(days=365 + default.held_out_days):
        return default
    chosen = choose_recipe(
        panel,
        recipes(default),
        origins=origins,
        levels=settings.levels,
        budget_s=settings.recipe_budget_s,
        **common,
    )
    return chosen.params


def _days(panel: Panel, product: pl.DataFrame, model: DemandModel, settings: Settings) -> pl.DataFrame:
    future = future_frame(panel, origin=CUTOFF, horizon_days=settings.horizon_days)
    listed = forecast_unsold(panel, product, model, origin=CUTOFF, horizon_days=settings.horizon_days)
    forecast = model.predict(future, threads=settings.threads)
    plain = model.spreads.plain if model.spreads else {}
    both = pl.concat([take_plain(panel, forecast, plain, origin=CUTOFF), listed])
    return both.with_columns(model_version=pl.lit("bench"))


def _learn_nodes(scored: pl.DataFrame, settings: Settings) -> None:
    quantiles = scored.select(quantile_column("anxu", q) for q in settings.levels).to_numpy()
    deviation = leaf_deviation(quantiles, settings.levels, scored["mean_kg"].to_numpy())
    leaves = scored.select(
        *NODE_KEYS,
        "origin",
        "date",
        expected_kg="mean_kg",
        actual_kg="demand_kg",
        leaf_sd=pl.Series(deviation),
    )
    fit_node_spread(
        node_sums(leaves, by=("origin", "date"), also=("actual_kg",)),
        levels=settings.levels,
        actual="actual_kg",
    )


def _agreed(
    days: pl.DataFrame, weeks: pl.DataFrame, sold: pl.DataFrame, settings: Settings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    monday = CUTOFF + timedelta(days=1) - timedelta(days=(CUTOFF + timedelta(days=1)).weekday())
    this_week = sold.filter(pl.col("sale_date") >= monday).group_by(NODE).agg(pl.col("sold_kg").sum())
    covered = sold.select(NODE).unique().with_columns(share=pl.lit(1.0))
    moved, _ = agree(
        days, weeks, cutoff=CUTOFF, horizon_days=settings.horizon_days, weights=DAYS_ALONE, sold=this_week,
        covered=covered,
    )  # fmt: skip
    leaves, quantiles, levels = leaf_quantiles(moved)
    deviation = leaf_deviation(quantiles, levels, leaves["expected_kg"].to_numpy())
    nodes = node_sums(leaves.with_columns(leaf_sd=pl.Series(deviation)), by=("forecast_date",))
    NOTHING_SEEN.quantiles(nodes, levels)
    return nodes, moved


def main(job: str, folder: Path, asked: dict[str, int]) -> None:
    """Do one job in this process and print its seconds and counts as the last line."""
    clock, settings = Clock(), Settings(home=folder, threads=asked["threads"])
    {"refit": refit, "predict": predict}[job](folder, settings, clock)
    sys.stdout.write(json.dumps({"seconds": clock.seconds, "counts": clock.counts}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
