"""Score forecasts whose days have passed against what was sold, beside what seasonal naive would have said."""

from datetime import date, timedelta

import polars as pl

from features.calendar import SERIES
from features.panel import Panel, build_panel
from models.evaluation.backtest import LEAD_BUCKETS, NAIVE, OURS, wide_quantiles
from models.evaluation.metrics import score_table
from models.forecasting.baselines import seasonal_naive
from pipelines.demand_inputs import demand_tables
from pipelines.progress import report
from settings import Settings
from warehouse import Warehouse

MOST_PER_NIGHT = 12
"""Forecasts scored in one night at most, newest first; a back-log is worked off over nights."""


def score_matured(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Score what matured by the cutoff and was not scored at an earlier one; returns the number of scores.

    A lead bucket (1-7, 8-14, 15-28 days) is scored once, when its last day has passed, and the whole forecast as 'all'
    when its last day has. The forecast is taken as it was published, overrides included; seasonal naive is made of what
    was known at the forecast's own cutoff; the sales are those known now. Days on which a channel was closed are left
    out, days out of stock are not: what was sold is what is scored.
    """
    due = matured(warehouse, cutoff=cutoff, horizon_days=settings.horizon_days)
    if not due:
        return warehouse.replace("forecast_score", warehouse.read("forecast_score").clear(), cutoff=cutoff)
    now = _panel(settings, warehouse, cutoff, cutoff)
    found = []
    for number, (scored_cutoff, leads) in enumerate(sorted(due.items())):
        report("score", number, len(due), f"forecast of {scored_cutoff}")
        found.append(_scores(settings, warehouse, now, scored_cutoff, leads))
    rows = pl.concat(found).with_columns(run_id=pl.lit(run_id))
    return warehouse.replace("forecast_score", rows, cutoff=cutoff)


def matured(warehouse: Warehouse, *, cutoff: date, horizon_days: int) -> dict[date, list[str]]:
    """Forecast cutoff → lead buckets whose days have passed by `cutoff` and which no earlier scoring run has scored."""
    made = warehouse.sql("select distinct cutoff from demand_forecast where cutoff < $cutoff", cutoff=cutoff)
    done = warehouse.sql(
        "select distinct scored_cutoff, lead_days from forecast_score where cutoff < $cutoff", cutoff=cutoff
    )
    scored = set(done.rows())
    ends = {
        name: min(high, horizon_days) for name, (low, high) in LEAD_BUCKETS.items() if low <= horizon_days
    }
    ends["all"] = horizon_days
    due = {
        day: [n for n, end in ends.items() if day + timedelta(days=end) <= cutoff and (day, n) not in scored]
        for day in sorted(made["cutoff"].to_list(), reverse=True)
    }
    return dict([(day, leads) for day, leads in due.items() if leads][:MOST_PER_NIGHT])


def _panel(settings: Settings, warehouse: Warehouse, known: date, cutoff: date) -> Panel:
    tables = demand_tables(settings, warehouse, cutoff=known)
    return build_panel(tables, cutoff=cutoff, horizon_days=settings.horizon_days)


def _scores(
    settings: Settings, warehouse: Warehouse, now: Panel, scored_cutoff: date, leads: list[str]
) -> pl.DataFrame:
    then = _panel(settings, warehouse, scored_cutoff, scored_cutoff)
    naive = seasonal_naive(
        then, origin=scored_cutoff, horizon_days=settings.horizon_days, levels=settings.levels
    )
    published = warehouse.sql(
        "select product_id, channel_id, region_id, forecast_date, level, demand_kg from demand_forecast "
        "where cutoff = $cutoff order by all",
        cutoff=scored_cutoff,
    )
    levels = tuple(published["level"].unique().sort().to_list())
    wide = wide_quantiles(published, OURS, levels).join(
        wide_quantiles(naive, NAIVE, levels), on=[*SERIES, "forecast_date"], how="left"
    )
    sold = now.days.join(now.series.select("series", *SERIES, "family"), on="series")
    scored = wide.join(sold, left_on=[*SERIES, "forecast_date"], right_on=[*SERIES, "date"]).drop_nulls(
        "sold_kg"
    )
    lead = (pl.col("forecast_date") - pl.lit(scored_cutoff)).dt.total_days()
    tables = [
        _table(scored.filter(_in_bucket(lead, name)), levels).with_columns(lead_days=pl.lit(name))
        for name in leads
    ]
    return pl.concat(tables).with_columns(scored_cutoff=pl.lit(scored_cutoff))


def _in_bucket(lead: pl.Expr, name: str) -> pl.Expr:
    return pl.lit(True) if name == "all" else lead.is_between(*LEAD_BUCKETS[name])


def _table(scored: pl.DataFrame, levels: tuple[float, ...]) -> pl.DataFrame:
    segments = {
        "all": pl.lit("all"),
        "channel": pl.format("channel:{}", "channel_id"),
        "family": pl.format("family:{}", "family"),
    }
    table = score_table(scored, methods=(OURS, NAIVE), levels=levels, segments=segments)
    return table.drop("rows").filter(pl.col("value").is_finite())
