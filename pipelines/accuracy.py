"""What a release says about how good forecasts were: by segment and lead, step by step, per override and per node."""

from datetime import date, timedelta

import polars as pl

from models.evaluation.value_added import pooled, value_added
from warehouse import Warehouse

POOLED_DAYS = 28
"""Scores given in so many days to the cutoff are taken together."""
SEASON_POOLED_DAYS = 182
OVERRIDE_DAYS = 90


def accuracy_tables(warehouse: Warehouse, *, cutoff: date) -> dict[str, pl.DataFrame]:
    """Tables of a release, by name, each in a fixed order: forecast_accuracy, forecast_value_added, season_accuracy,
    override_value, node_status."""
    scores = warehouse.sql(
        "select * from forecast_score where cutoff > $since and cutoff <= $cutoff",
        since=cutoff - timedelta(days=POOLED_DAYS),
        cutoff=cutoff,
    )
    pool = pooled(scores)
    return {
        "forecast_accuracy": pl.concat([pool, _nodes(warehouse, cutoff, pool)]),
        "forecast_value_added": value_added(pool),
        "season_accuracy": season_accuracy(warehouse, cutoff=cutoff),
        "override_value": override_value(warehouse, cutoff=cutoff),
        "node_status": warehouse.sql(
            "select node, product_id, channel_id, region_id, state, since, lost_origins, counted_origins from node_status"
            " where cutoff = $cutoff order by all",
            cutoff=cutoff,
        ),
    }


def override_value(warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """One row per override with scored days, newest first: who, why, what it changed, and whether it was better.

    `before_wql` and `after_wql` over all forecasts it changed (null when nothing was sold on those days), `gain_kg` the loss it
    took off (kg), `is_better` (null when it changed nothing).
    """
    return warehouse.sql(
        "select o.override_id, any_value(o.product_id) as product_id, any_value(o.channel_id) as channel_id,"
        " any_value(o.region_id) as region_id, any_value(o.starts_on) as starts_on, any_value(o.ends_on) as ends_on,"
        " any_value(o.factor) as factor, any_value(o.author) as author, any_value(o.reason) as reason,"
        " count(distinct s.scored_cutoff) as forecasts, sum(s.days)::bigint as days, sum(s.sold_kg) as sold_kg,"
        " sum(s.before_loss_kg) / nullif(sum(s.sold_kg), 0) as before_wql,"
        " sum(s.after_loss_kg) / nullif(sum(s.sold_kg), 0) as after_wql,"
        " sum(s.before_loss_kg) - sum(s.after_loss_kg) as gain_kg,"
        " case when sum(s.before_loss_kg) <> sum(s.after_loss_kg)"
        " then sum(s.after_loss_kg) < sum(s.before_loss_kg) end as is_better"
        " from override_score s join demand_override o using (override_id)"
        " where s.cutoff > $since and s.cutoff <= $cutoff"
        " group by o.override_id order by max(o.written_at) desc, o.override_id",
        since=cutoff - timedelta(days=OVERRIDE_DAYS),
        cutoff=cutoff,
    )


def season_accuracy(warehouse: Warehouse, *, cutoff: date) -> pl.DataFrame:
    """Scores of season forecasts by segment and lead in weeks: matured ones, or for leads without any the newest backtest's.

    `segment`, `lead_weeks`, `source`, `metric`, `method`, `value` (mean weighted by rows), `rows_scored`, `forecasts`.
    """
    return warehouse.sql(
        "with known as (select * from season_score where cutoff > $since and cutoff <= $cutoff),"
        " chosen as (select * from known where source = 'matured' union all"
        " (select * from known k where source = 'backtest' and not exists"
        "  (select 1 from known m where m.source = 'matured' and m.lead_weeks = k.lead_weeks)"
        "  qualify cutoff = max(cutoff) over ()))"
        " select segment, lead_weeks, source, metric, method, sum(value * rows_scored) / sum(rows_scored) as value,"
        " sum(rows_scored)::bigint as rows_scored, count(*) as forecasts from chosen"
        " group by all having sum(rows_scored) > 0 order by all",
        since=cutoff - timedelta(days=SEASON_POOLED_DAYS),
        cutoff=cutoff,
    )


def _nodes(warehouse: Warehouse, cutoff: date, like: pl.DataFrame) -> pl.DataFrame:
    """Share of nodes on which the model beat seasonal naive over the last origins, plain and by what they sold."""
    found = warehouse.sql(
        "with summed as (select node, product_id, channel_id, region_id, sum(model_loss_kg) as model,"
        " sum(naive_loss_kg) as naive, sum(sold_kg) as sold, sum(days) as days, min(scored_cutoff) as first_cutoff,"
        " max(scored_cutoff) as last_cutoff, count(distinct scored_cutoff) as forecasts"
        " from node_score where source = 'matured' and cutoff > $since and cutoff <= $cutoff and node = 'product_channel'"
        " group by all having sum(sold_kg) > 0)"
        " select 'all' as segment, '1-7' as lead_days, unnest(['nodes_beating_naive', 'nodes_beating_naive_by_kg']) as metric,"
        " 'model' as method, unnest([avg((model < naive)::double), sum((model < naive)::double * sold) / sum(sold)]) as value,"
        " sum(days)::bigint as rows_scored, max(forecasts) as forecasts, min(first_cutoff) as first_cutoff,"
        " max(last_cutoff) as last_cutoff from summed having count(*) > 0",
        since=cutoff - timedelta(days=POOLED_DAYS),
        cutoff=cutoff,
    )
    return found.select(like.columns).cast(pl.Schema(like.schema))
