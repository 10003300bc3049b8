"""Nodes above the leaves as series of their own: what all leaves share, events above all, shows more clearly in their sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from features.assemble import future_frame, scored_frame
from features.calendar import SERIES
from features.panel import DemandTables, Panel
from models.forecasting.demand import DemandParams
from models.forecasting.intervals import RatioTable, fit_ratios
from models.forecasting.learning import relearn
from models.forecasting.recursive import recursive_kg

FAMILIES = {"direct": 0.0, "averaged": 0.5, "recursive": 1.0}
"""Family of forecast → share of the recursive member in it."""
AVERAGED = "averaged"
LEAST_GAIN = 0.02
"""A single member must have so much less squared error than the average of both to be taken instead of it."""
NODE_PARAMS = DemandParams(max_rows=60_000)
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NodeForecast:
    """Forecasts of nodes and how they came about."""

    rows: pl.DataFrame
    """As DemandModel.predict: SERIES, `forecast_date`, `level`, `demand_kg`, `expected_kg`, `fallback_reason`."""
    family: str
    """Of FAMILIES: 'averaged', unless a single member was 2 % better at earlier origins."""
    tried: pl.DataFrame
    """`origin`, `family`, `squared_error` (mean over nodes of the squared error ÷ the node's squared mean)."""


def forecast_nodes(
    panel: Panel,
    *,
    horizon_days: int,
    levels: Sequence[float],
    seed: int,
    threads: int,
    params: DemandParams = NODE_PARAMS,
    origins: int = 3,
) -> NodeForecast:
    """Forecast the days after the panel's cutoff for series that are sums of many.

    Args:
        panel: Of sums: a node stands where a series does, e.g. the family as product.
        horizon_days: Days ahead.
        levels: Quantile levels, ascending.
        seed: Of both members.
        threads: For LightGBM.
        params: Of the direct member.
        origins: Earlier origins, a horizon apart, at which all families forecast with what was known there; they choose the
            family and give the spread (intervals.fit_ratios).

    Raises:
        TooLittleHistoryError: The earliest origin has no row to train on.
    """
    earlier = [panel.cutoff - timedelta(days=horizon_days * k) for k in range(origins, 0, -1)]
    tested = pl.concat(
        _members(panel, scored_frame(panel, origin=o, horizon_days=horizon_days), o, params, seed, threads)
        for o in earlier
    )
    tried = _errors(tested)
    family = _chosen(tried)
    ratios = fit_ratios(_blend(tested, family), tested, levels)
    ahead = future_frame(panel, origin=panel.cutoff, horizon_days=horizon_days)
    final = _members(panel, ahead, panel.cutoff, params, seed, threads)
    return NodeForecast(_laid_out(final, _blend(final, family), ratios), family, tried)


def _members(
    panel: Panel, rows: pl.DataFrame, origin: date, params: DemandParams, seed: int, threads: int
) -> pl.DataFrame:
    """`rows` with what each member expects of them: `direct_kg`, and `recursive_kg` (the direct one where there is none)."""
    horizon = int(rows.select(pl.col("lead_days").max()).item())
    direct = relearn(
        panel,
        last=origin,
        params=params,
        spreads=None,
        horizon_days=horizon,
        seed=seed,
        threads=threads,
    )
    fed = recursive_kg(panel, origin=origin, horizon_days=horizon, seed=seed, threads=threads)
    return (
        rows.with_columns(direct_kg=pl.Series(direct.mean_kg(rows, threads=threads)))
        .join(fed, on=["series", "date"], how="left", maintain_order="left")
        .with_columns(pl.coalesce("recursive_kg", "direct_kg").alias("recursive_kg"))
    )


def _chosen(tried: pl.DataFrame) -> str:
    errors = dict(tried.group_by("family").agg(pl.col("squared_error").mean()).iter_rows())
    best = min(sorted(errors), key=lambda family: float(errors[family]))
    return best if errors[best] < (1 - LEAST_GAIN) * errors[AVERAGED] else AVERAGED


def _blend(rows: pl.DataFrame, family: str) -> Array:
    share = FAMILIES[family]
    return (1 - share) * rows["direct_kg"].to_numpy() + share * rows["recursive_kg"].to_numpy()


def _errors(tested: pl.DataFrame) -> pl.DataFrame:
    parts = []
    for family in FAMILIES:
        off = tested.with_columns(off=pl.Series(_blend(tested, family)) - pl.col("sold_kg"))
        per_node = off.group_by("origin", "series").agg(
            value=(pl.col("off") ** 2).mean() / (pl.col("sold_kg").mean() ** 2).clip(1e-9)
        )
        parts.append(
            per_node.group_by("origin")
            .agg(squared_error=pl.col("value").mean())
            .select("origin", pl.lit(family).alias("family"), "squared_error")
        )
    return pl.concat(parts).sort("origin", "family")


def _laid_out(rows: pl.DataFrame, mean: Array, ratios: RatioTable) -> pl.DataFrame:
    kg = ratios.quantiles(mean, rows)
    keys = rows.select(
        *SERIES, "fallback_reason", forecast_date="date", expected_kg=pl.Series(mean.clip(min=0))
    )
    return pl.concat(
        keys.select(
            *SERIES,
            "forecast_date",
            level=pl.lit(q),
            demand_kg=pl.Series(kg[:, i]),
            expected_kg="expected_kg",
            fallback_reason="fallback_reason",
        )
        for i, q in enumerate(ratios.levels)
    )


def node_sales(tables: DemandTables, *, product: pl.Expr, family: pl.Expr) -> DemandTables:
    """Add sales up to nodes that stand where products do, e.g. families.

    Args:
        tables: Of the leaves; its `product` gives each product's family.
        product: Names the node from `product_id` and `family`, e.g. pl.col("family").
        family: Names what takes the place of its family, e.g. pl.lit("all").

    Returns:
        Sales by node, channel and region; campaigns stay, what belongs to single products is left out.
    """
    named = tables.sales.join(
        tables.product.select("product_id", "family"), on="product_id", how="left"
    ).with_columns(pl.col("family").fill_null("unsorted"))
    nodes = named.with_columns(product_id=product, family=family)
    sales = nodes.group_by("product_id", "channel_id", "region_id", "sale_date").agg(
        pl.col("sold_kg").sum(), pl.col("orders").sum()
    )
    return DemandTables(
        sales=sales.sort(*SERIES, "sale_date"),
        stock_day=tables.stock_day.clear(),
        price_day=tables.price_day.clear(),
        campaign=tables.campaign,
        live_slot=tables.live_slot.clear(),
        product=nodes.select("product_id", "family")
        .unique()
        .sort("product_id")
        .with_columns(launched_on=pl.lit(None, pl.Date)),
    )


def brought_to_nodes(leaves: pl.DataFrame, nodes: pl.DataFrame, node_of: pl.DataFrame) -> pl.DataFrame:
    """Scale leaves so that their means add up to their node's: nodes know better what all leaves share.

    Args:
        leaves: As DemandModel.predict.
        nodes: As forecast_nodes gave it, of the same days.
        node_of: `product_id`, `node`: the product's name among the nodes (their `product_id`).

    Returns:
        `leaves` in order, `demand_kg` and `expected_kg` × node ÷ Σ leaves of the node, channel, region and day; unchanged where
        there is no such node or nothing is expected of its leaves.
    """
    by = ["node", "channel_id", "region_id", "forecast_date"]
    means = nodes.unique([*SERIES, "forecast_date"]).select(
        node="product_id",
        channel_id="channel_id",
        region_id="region_id",
        forecast_date="forecast_date",
        wanted_kg="expected_kg",
    )
    named = leaves.join(node_of, on="product_id", how="left", maintain_order="left")
    sums = named.unique([*SERIES, "forecast_date"]).group_by(by).agg(summed_kg=pl.col("expected_kg").sum())
    factor = pl.when(pl.col("summed_kg") > 0).then(pl.col("wanted_kg") / pl.col("summed_kg")).fill_null(1.0)
    return (
        named.join(means, on=by, how="left", maintain_order="left")
        .join(sums, on=by, how="left", maintain_order="left")
        .with_columns(pl.col("demand_kg", "expected_kg") * factor)
        .select(leaves.columns)
    )
