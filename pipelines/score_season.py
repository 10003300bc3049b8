"""Keep season forecasts at the leads at which planting locks until their weeks have passed, then score them."""

from datetime import date, timedelta

import polars as pl

from features.products import product_families
from models.evaluation.season_matured import at_locks, season_naive, season_scores_of
from models.forecasting.season import KEYS
from models.forecasting.season_backtest import LOCK_WEEKS, season_scores
from settings import Settings
from warehouse import Warehouse

EVERY_DAYS = 7


def keep_season(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Keep the cutoff's season forecast at the lock leads, unless one of the 6 days before is kept; returns rows kept.

    Whole season forecasts are forgotten long before their year is over.
    """
    earlier = warehouse.sql(
        "select count(*) as n from season_kept where cutoff < $cutoff and cutoff > $since",
        cutoff=cutoff,
        since=cutoff - timedelta(days=EVERY_DAYS),
    )
    made = warehouse.sql(
        "select family, channel_id, region_id, week_start, level, demand_kg from season_forecast where cutoff = $cutoff order by all",
        cutoff=cutoff,
    )
    if earlier["n"][0] or made.is_empty():
        return warehouse.replace(
            "season_kept", warehouse.sql("select * from season_kept limit 0"), cutoff=cutoff
        )
    sold = _family_sales(settings, warehouse, cutoff)
    levels = tuple(made["level"].unique().sort().to_list())
    naive = season_naive(sold, cutoff=cutoff, levels=levels)
    kept = at_locks(made).join(naive, on=[*KEYS, "week_start", "level"], how="left", maintain_order="left")
    return warehouse.replace("season_kept", kept.with_columns(run_id=pl.lit(run_id)), cutoff=cutoff)


def score_season(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Score kept season forecasts whose week has ended and which no earlier night has scored; returns the number of scores."""
    due = warehouse.sql(
        "select k.* from season_kept k where k.cutoff < $cutoff and k.week_start <= $last and not exists ("
        "select 1 from season_score s where s.source = 'matured' and s.cutoff < $cutoff"
        " and s.scored_cutoff = k.cutoff and s.lead_weeks = k.lead_weeks) order by all",
        cutoff=cutoff,
        last=cutoff - timedelta(days=6),
    )
    parts = [warehouse.sql("select * from season_score limit 0")]
    if due.height:
        sales = _family_sales(settings, warehouse, cutoff)
        weekly = sales.group_by(*KEYS, week_start=pl.col("sale_date").dt.truncate("1w")).agg(
            pl.col("sold_kg").sum()
        )
        for (scored_cutoff, lead), rows in due.group_by("cutoff", "lead_weeks", maintain_order=True):
            scores = season_scores_of(rows, weekly)
            parts.append(
                scores.with_columns(scored_cutoff=pl.lit(scored_cutoff, pl.Date), lead_weeks=pl.lit(lead))
            )
    rows = pl.concat(parts, how="diagonal_relaxed")
    return _put(warehouse, rows, cutoff=cutoff, source="matured", run_id=run_id)


def put_season_backtest(
    warehouse: Warehouse, tested: pl.DataFrame, *, levels: tuple[float, ...], cutoff: date, run_id: str
) -> int:
    """Write the scores of a season_backtest at the lock leads; returns their number."""
    locked = tested.filter(pl.col("lead_weeks").is_in(LOCK_WEEKS))
    by_lead = season_scores(locked, levels=levels).filter(pl.col("segment").str.starts_with("lead:"))
    if by_lead.is_empty():
        return 0
    rows = by_lead.select(
        "metric",
        "method",
        "value",
        segment=pl.lit("all"),
        lead_weeks=pl.col("segment").str.strip_prefix("lead:").cast(pl.Int64),
        rows_scored=pl.col("rows").cast(pl.Int64),
        scored_cutoff=pl.lit(tested["origin"].max(), pl.Date),
    ).filter(pl.col("value").is_finite())
    return _put(warehouse, rows, cutoff=cutoff, source="backtest", run_id=run_id)


def _put(warehouse: Warehouse, rows: pl.DataFrame, *, cutoff: date, source: str, run_id: str) -> int:
    others = warehouse.sql(
        "select * from season_score where cutoff = $cutoff and source <> $source",
        cutoff=cutoff,
        source=source,
    )
    named = rows.with_columns(run_id=pl.lit(run_id), cutoff=pl.lit(cutoff), source=pl.lit(source))
    warehouse.replace("season_score", pl.concat([others, named], how="diagonal_relaxed"), cutoff=cutoff)
    return rows.height


def _family_sales(settings: Settings, warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    sales = warehouse.sold_by_day(known_by=settings.known_by(cutoff)).filter(pl.col("sale_date") <= cutoff)
    family = product_families(warehouse.read("product"), sales["product_id"]).select("product_id", "family")
    return sales.join(family, on="product_id", how="left").select(*KEYS, "sale_date", "sold_kg")
