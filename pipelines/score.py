"""Score forecasts whose days have passed against what was sold, step by step from seasonal naive to what was published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from features.calendar import SERIES
from features.panel import Panel, build_panel
from models.evaluation.backtest import LEAD_BUCKETS, NAIVE
from models.evaluation.matured import (
    MODEL,
    model_days,
    override_losses,
    step_by_step,
    step_scores,
    volume_classes,
)
from models.evaluation.standing import JUDGED_DAYS, node_losses
from models.forecasting.baselines import seasonal_naive
from pipelines.demand_inputs import demand_tables
from pipelines.progress import report
from pipelines.standing import put_node_scores
from settings import Settings
from warehouse import Warehouse

VOLUME_DAYS = 28
MOST_PER_NIGHT = 12
"""Forecasts scored in one night at most, newest first; a back-log is worked off over nights."""


@dataclass(frozen=True)
class Matured:
    """One forecast beside what came: a row per series and open day on which stock lasted, as far as is on record."""

    scored_cutoff: date
    days: pl.DataFrame
    """As step_by_step, with `sold_kg`, `family`, `volume`, `lead`."""
    levels: tuple[float, ...]

    def within(self, lead: str) -> pl.DataFrame:
        """The days of a lead bucket; 'all' is all."""
        return (
            self.days if lead == "all" else self.days.filter(pl.col("lead").is_between(*LEAD_BUCKETS[lead]))
        )


def score_matured(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Score what matured by the cutoff and was not scored at an earlier one; returns the number of scores.

    A lead bucket (1-7, 8-14, 15-28 days) is scored once, when its last day has passed, and the whole forecast as 'all'
    when its last day has. Scored are the steps of value_added.STEPS: seasonal naive, made of what was known at the
    forecast's own cutoff, the model's forecast, the forecast before overrides, and as published; of two outputs that for days in
    stock, held against the sales, as known now, of days on which stock lasted: a day that sold out does not tell what was wanted.
    Days on which a channel was closed are left out. Beside `forecast_score` this writes the cutoff's `override_score`
    and `node_score` (of origins a week apart).
    """
    due = matured(warehouse, cutoff=cutoff, horizon_days=settings.horizon_days)
    found: dict[str, list[pl.DataFrame]] = {"forecast_score": [], "override_score": [], "node_score": []}
    now = _panel(settings, warehouse, cutoff, cutoff) if due else None
    judged = _judged(warehouse, cutoff)
    for number, (scored_cutoff, leads) in enumerate(sorted(due.items())):
        report("score", number, len(due), f"forecast of {scored_cutoff}")
        assert now is not None
        one = _matured(settings, warehouse, now, scored_cutoff)
        for name, rows in _scores(one, leads).items():
            found[name].append(rows)
        if "1-7" in leads and all(abs((day - scored_cutoff).days) >= JUDGED_DAYS for day in judged):
            judged.append(scored_cutoff)
            found["node_score"].append(_nodes(one))
    nodes = [warehouse.sql("select * from node_score limit 0"), *found["node_score"]]
    put_node_scores(
        warehouse,
        pl.concat(nodes, how="diagonal_relaxed"),
        cutoff=cutoff,
        source="matured",
        run_id=run_id,
    )
    for name in ("override_score", "forecast_score"):
        empty = warehouse.sql(f"select * from {name} limit 0")
        rows = pl.concat([empty, *found[name]], how="diagonal_relaxed").with_columns(
            run_id=pl.lit(run_id), cutoff=pl.lit(cutoff)
        )
        written = warehouse.replace(name, rows, cutoff=cutoff)
    return written


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


def _judged(warehouse: Warehouse, cutoff: date) -> list[date]:
    """Origins whose nodes were scored on earlier nights."""
    done = warehouse.sql(
        "select distinct scored_cutoff from node_score where source = 'matured' and cutoff < $cutoff",
        cutoff=cutoff,
    )
    return list(done["scored_cutoff"])


def _matured(settings: Settings, warehouse: Warehouse, now: Panel, scored_cutoff: date) -> Matured:
    then = _panel(settings, warehouse, scored_cutoff, scored_cutoff)
    naive = seasonal_naive(
        then, origin=scored_cutoff, horizon_days=settings.horizon_days, levels=settings.levels
    )
    columns = (
        "product_id, channel_id, region_id, forecast_date, level, coalesce(in_stock_kg, demand_kg) as demand_kg,"
        " coalesce(in_stock_expected_kg, expected_kg) as expected_kg"
    )
    published, before = (
        warehouse.sql(
            f"select {columns}, {more} from {table} where cutoff = $cutoff order by all", cutoff=scored_cutoff
        )
        for table, more in (
            ("demand_forecast", "model_version, fallback_reason"),
            ("demand_before", "step, override_id"),
        )
    )
    levels = tuple(published["level"].unique().sort().to_list())
    wide = step_by_step(published, before, naive, levels)
    sold = now.days.join(now.series.select("series", *SERIES, "family"), on="series")
    scored = (
        wide.join(sold, left_on=[*SERIES, "forecast_date"], right_on=[*SERIES, "date"])
        .join(_volumes(then, scored_cutoff), on=SERIES, how="left", maintain_order="left")
        .filter(pl.col("sold_kg").is_not_null() & pl.col("is_whole"))
        .with_columns(lead=(pl.col("forecast_date") - pl.lit(scored_cutoff)).dt.total_days())
    )
    return Matured(scored_cutoff, scored, levels)


def _volumes(then: Panel, scored_cutoff: date) -> pl.DataFrame:
    recent = then.days.filter(pl.col("date") > scored_cutoff - timedelta(days=VOLUME_DAYS))
    sold = then.series.select("series", *SERIES).join(
        recent.group_by("series").agg(pl.col("sold_kg").sum()), on="series", how="left"
    )
    return volume_classes(sold.with_columns(pl.col("sold_kg").fill_null(0)))


def _scores(one: Matured, leads: list[str]) -> dict[str, pl.DataFrame]:
    """Rows of `forecast_score` and `override_score`; what an override did counts once, by lead bucket."""

    def of(lead: str, score: Callable[[pl.DataFrame, Sequence[float]], pl.DataFrame]) -> pl.DataFrame:
        rows = score(one.within(lead), one.levels)
        return rows.with_columns(lead_days=pl.lit(lead), scored_cutoff=pl.lit(one.scored_cutoff, pl.Date))

    empty = one.days.clear()
    return {
        "forecast_score": pl.concat(of(lead, step_scores) for lead in leads),
        "override_score": pl.concat(
            [
                override_losses(empty, one.levels),
                *(of(lead, override_losses) for lead in leads if lead != "all"),
            ],
            how="diagonal_relaxed",
        ),
    }


def _nodes(one: Matured) -> pl.DataFrame:
    rows = node_losses(model_days(one.within("1-7")), model=MODEL, naive=NAIVE, levels=one.levels)
    return rows.with_columns(scored_cutoff=pl.lit(one.scored_cutoff, pl.Date))
