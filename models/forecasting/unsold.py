"""A labelled forecast of products that are listed and have never sold."""

from datetime import date

import polars as pl

from features.calendar import SERIES
from features.newcomers import expected_of_newcomers, unsold_rows
from features.panel import Panel
from models.forecasting.demand import DemandModel
from models.forecasting.launches import NEW, SHORT


def forecast_unsold(
    panel: Panel, product: pl.DataFrame, model: DemandModel, *, origin: date, horizon_days: int
) -> pl.DataFrame:
    """Forecast listed products from what the launches most like them sold at that age.

    Args:
        panel: Must reach to `origin`; with prices of these products.
        product: `product_id`, `family`, `launched_on`; a product without a launch day, or without a price in a channel, is
            passed over: nobody has said that it will be sold there.
        model: Gives the blend at age 0 and the spread of series with a short history.
        origin: Last known day.
        horizon_days: Days ahead.

    Returns:
        As DemandModel.predict, with `fallback_reason` 'launch:neighbours', from each product's launch on; none where neither
        a neighbour nor a pool tells anything.
    """
    rows = unsold_rows(panel, product, origin=origin, horizon_days=horizon_days)
    known = expected_of_newcomers(panel, rows).filter(
        pl.col("neighbour_kg").is_not_null() | pl.col("floor_kg").is_not_null()
    )
    spreads = model.spreads
    if spreads is None or known.is_empty():
        return EMPTY
    asked = known.join(
        _order_sizes(panel, origin), on="channel_id", how="left", maintain_order="left"
    ).with_columns(
        history_days=pl.lit(None, pl.Float32),
        profile_kg=pl.lit(None, pl.Float64),
        model_kg=pl.lit(None, pl.Float64),
        lead_days=(pl.col("date") - origin).dt.total_days().cast(pl.Int16),
        fallback_reason=pl.lit(SHORT),
    )
    mean = spreads.launches.expected_kg(asked)
    kg = spreads.demand.base.quantiles(mean, asked)  # [rows, levels]
    keys = asked.select(*SERIES, forecast_date="date", expected_kg=pl.Series(mean))
    return pl.concat(
        keys.select(
            *SERIES,
            "forecast_date",
            level=pl.lit(q),
            demand_kg=pl.Series(kg[:, i]),
            expected_kg="expected_kg",
            in_stock_kg=pl.Series(kg[:, i]),
            in_stock_expected_kg="expected_kg",
            has_stock_record=pl.lit(False),
            fallback_reason=pl.lit(NEW),
        )
        for i, q in enumerate(spreads.demand.levels)
    )


EMPTY = pl.DataFrame(
    schema=dict.fromkeys(SERIES, pl.String)
    | {
        "forecast_date": pl.Date,
        "level": pl.Float64,
        "demand_kg": pl.Float64,
        "expected_kg": pl.Float64,
        "in_stock_kg": pl.Float64,
        "in_stock_expected_kg": pl.Float64,
        "has_stock_record": pl.Boolean,
        "fallback_reason": pl.String,
    }
)


def _order_sizes(panel: Panel, origin: date) -> pl.DataFrame:
    """`channel_id`, `kg_per_order`: the middle one of the channel's series."""
    state = panel.state.filter(pl.col("date") == origin).select("series", "kg_per_order")
    named = state.join(panel.series.select("series", "channel_id"), on="series", how="left")
    return named.group_by("channel_id").agg(pl.col("kg_per_order").median())
