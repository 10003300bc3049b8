"""Draw joint paths of demand by crop, grade, channel and week from the season forecast, and write them."""

from dataclasses import asdict
from datetime import date, timedelta

import polars as pl

from features.products import product_families
from models.forecasting.dependence import Component, Dependence, fit_dependence, tied_ranks
from models.forecasting.product_mix import crop_mix, product_shares
from models.forecasting.scenarios import scenario_paths, scenario_totals
from models.forecasting.season_backtest import OURS, season_backtest
from pipelines.progress import report
from pipelines.score_season import put_season_backtest
from settings import Settings
from warehouse import Warehouse

WEEKS = 52
ORIGINS, EVERY_WEEKS = 7, 11
"""Of the backtest whose ranks teach the dependence, to 77 weeks back: each origin costs a season forecast."""


def draw_scenarios(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Write `demand_scenario` and its totals for the season forecast of the cutoff; returns the number of paths' rows.

    The seed is the settings'. Paths of earlier cutoffs are taken away. Without a season forecast, or when no product is
    mapped to a crop, there are no rows.
    """
    season = warehouse.sql("select * from season_forecast where cutoff = $cutoff order by all", cutoff=cutoff)
    if season.is_empty():
        nothing = pl.DataFrame(schema={"run_id": pl.String})
        return _write(warehouse, nothing, nothing, cutoff)
    report("forecast", 3, 4, "paths")
    paths = draw_paths(settings, warehouse, season, cutoff=cutoff, run_id=run_id, seed=settings.seed)
    totals = scenario_totals(paths, levels=settings.levels).with_columns(run_id=pl.lit(run_id))
    rows = paths.with_columns(run_id=pl.lit(run_id), seed=pl.lit(settings.seed, pl.Int64))
    return _write(warehouse, rows, totals, cutoff)


def draw_paths(
    settings: Settings, warehouse: Warehouse, season: pl.DataFrame, *, cutoff: date, run_id: str, seed: int
) -> pl.DataFrame:
    """Joint paths of a season forecast (scenario_paths) with what is sold and the dependence known at the cutoff."""
    sold = family_sales(settings, warehouse, cutoff)
    mix = crop_mix(
        product_shares(sold, cutoff=cutoff), warehouse.read("product"), warehouse.read("product_crop")
    )
    dependence = dependence_of(settings, warehouse, sold, cutoff=cutoff, run_id=run_id)
    return scenario_paths(season, mix, dependence=dependence, seed=seed)


def dependence_of(
    settings: Settings, warehouse: Warehouse, sold: pl.DataFrame, *, cutoff: date, run_id: str
) -> Dependence:
    """The dependence learnt within the last `train_every_days`; else learnt anew from a backtest, and written."""
    since = cutoff - timedelta(days=settings.train_every_days - 1)
    known = warehouse.sql(
        "select * from scenario_dependence where cutoff between $since and $cutoff "
        "qualify cutoff = max(cutoff) over () order by component",
        since=since,
        cutoff=cutoff,
    )
    if known.height:
        parts = {
            r["component"]: Component(r["share"], r["lasting"], r["keep"])
            for r in known.iter_rows(named=True)
        }
        return Dependence(parts, known["origins"][0])
    tested = season_backtest(
        sold.select("family", "channel_id", "region_id", "sale_date", "sold_kg"),
        cutoff=cutoff,
        levels=settings.levels,
        leads=range(1, WEEKS + 1),
        most_origins=ORIGINS,
        every_weeks=EVERY_WEEKS,
        seed=settings.seed,
        threads=settings.threads,
    )
    put_season_backtest(warehouse, tested, levels=settings.levels, cutoff=cutoff, run_id=run_id)
    found = fit_dependence(tied_ranks(tested, levels=settings.levels, method=OURS, seed=settings.seed))
    rows = [
        {"component": name, **asdict(part), "origins": found.origins} for name, part in found.parts.items()
    ]
    warehouse.replace(
        "scenario_dependence", pl.DataFrame(rows).with_columns(run_id=pl.lit(run_id)), cutoff=cutoff
    )
    return found


def family_sales(settings: Settings, warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    """What was sold by day (Warehouse.sold_by_day) as known at the cutoff, with `family`."""
    sales = warehouse.sold_by_day(known_by=settings.known_by(cutoff))
    family = product_families(warehouse.read("product"), sales["product_id"]).select("product_id", "family")
    return sales.join(family, on="product_id", how="left")


def _write(warehouse: Warehouse, rows: pl.DataFrame, totals: pl.DataFrame, cutoff: date) -> int:
    with warehouse.transaction():
        for table in ("demand_scenario", "demand_scenario_total"):
            warehouse.delete_before(table, "cutoff", cutoff)
        warehouse.replace("demand_scenario_total", totals, cutoff=cutoff)
        return warehouse.replace("demand_scenario", rows, cutoff=cutoff)
