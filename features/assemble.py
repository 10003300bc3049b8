"""The training frame and the future frame, built by the same code from (series, origin, target day) rows.

Direct, many days ahead: one row asks for one target day as seen from one origin, and how far ahead it lies is a feature.
Everything of a row but its target is what was known at its origin.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from features.calendar import SERIES
from features.festival_index import in_unit_of_day
from features.festivals import FESTIVALS
from features.newcomers import add_newcomers
from features.panel import POOLS, Panel
from features.plans import add_plans
from features.pools import add_pool, on_day
from features.products import launch_age
from features.promotions import FEATURES as OF_PROMOTIONS
from features.promotions import add_promotions
from features.sales import TOLD_DAYS, WHOLE_DAYS, stock_out_weight

LEAST_HISTORY_DAYS = 28
DORMANT_DAYS = 28
SHORT_HISTORY = "short_history"
CATEGORIES = (*SERIES, "family")
YEARLY = (
    *(f"year_{name}_{k}" for k in (1, 2) for name in ("sin", "cos")),
    "lunar_day",
    "days_in_term",
    *(f"days_from_{name}" for name in FESTIVALS),
)
"""What comes back once a year, or fits the trend of a few weeks as well: null where records hold less than a year."""
CALENDAR = ("weekday", "is_day_off", "is_holiday", "is_makeup_workday", *YEARLY)
OF_POOLS = ("trend", "trend_3", "trend_1", "weekday_index", "year_ratio", "lunar_ratio")
YEAR_DAYS = 330
"""Records shorter than this hold no day of a year ago: nothing is looked up there."""
NUMBERS = (
    "lead_days",
    "log_level",
    "log_orders",
    "week_ratio",
    "month_ratio",
    "half_year_ratio",
    "weekday_ratio",
    "weekday_mean_ratio",
    "spread_ratio",
    "idle_share_28",
    "days_since_sale",
    "out_days_7",
    "out_days_28",
    "out_hours_1",
    "out_hours_7",
    *(f"told_ratio_{n}" for n in TOLD_DAYS),
    *(f"whole_ratio_{n}" for n in WHOLE_DAYS),
    *(f"whole_days_{n}" for n in WHOLE_DAYS),
    "history_days",
    "age_days",
    *(f"{name}_{pool}" for pool in POOLS for name in OF_POOLS),
    "price_ratio",
    "price_ratio_week",
    "price_ratio_origin",
    "price_step",
    "discount_share",
    "discount_share_origin",
    "price_in_family",
    "campaign_day",
    "campaign_discount",
    "presale",
    "after_campaign",
    "live_slots",
    "live_allotment_ratio",
    *OF_PROMOTIONS,
    *CALENDAR,
)
FEATURES = (*CATEGORIES, *NUMBERS)
"""Columns a model may learn from; the first four are names, the others numbers."""
OF_ROW = ("level_kg", "festival_index", "kg_per_order", "has_stock_record", "naive_kg", "profile_kg", "year_kg",
    "fallback_reason")  # fmt: skip
REVISION = 3
"""Raised whenever a feature changes its meaning under the same name, so that no model reads what it was not taught."""


def training_frame(
    panel: Panel,
    *,
    last: date,
    days: int,
    horizon_days: int,
    max_rows: int,
    seed: int,
    least_history_days: int = LEAST_HISTORY_DAYS,
) -> pl.DataFrame:
    """Draw rows to learn from: target days until `last`, each seen from a random origin.

    Args:
        panel: What is known; only its days until `last` are used.
        last: Last target day.
        days: How many target days back to go.
        horizon_days: Each row's lead is drawn evenly from 1 to this.
        max_rows: At most this many rows, drawn evenly; a target day is used with at most 3 leads.
        seed: Of the draw.
        least_history_days: Origins with less history of their series teach nothing.

    Returns:
        As add_features, plus of the target day `sold_kg`, `demand_kg`, `is_whole`, `out_hours` and `weight`
        (stock_out_weight). Only open target days with a festival index, and origins at which the series has that history and
        sold within 28 days.
    """
    first = max(last - timedelta(days=days - 1), panel.records_begin + timedelta(days=least_history_days))
    targets = panel.days.filter(pl.col("date").is_between(first, last) & pl.col("sold_kg").is_not_null())
    rng = np.random.default_rng(seed)
    copies = min(3, -(-max_rows // max(targets.height, 1)))
    drawn = pl.concat([targets] * copies).with_columns(
        lead=pl.Series(rng.integers(1, horizon_days + 1, copies * targets.height), dtype=pl.Int16)
    )
    keep = np.sort(rng.permutation(drawn.height)[:max_rows])
    rows = (
        drawn[keep].with_columns(origin=pl.col("date").dt.offset_by(pl.format("-{}d", "lead"))).drop("lead")
    )
    framed = add_features(
        panel, rows.with_columns(weight=stock_out_weight(pl.col("out_hours")).cast(pl.Float32))
    )
    return framed.filter(
        pl.col("fallback_reason").is_null() | (pl.col("fallback_reason") == SHORT_HISTORY),
        pl.col("history_days") >= least_history_days,
        pl.col("days_since_sale") < DORMANT_DAYS,
        pl.col("festival_index").is_not_null(),
    )


def future_frame(panel: Panel, *, origin: date, horizon_days: int) -> pl.DataFrame:
    """Lay out the days after `origin` for every series that had sold by then; as add_newcomers, without a target."""
    ahead = pl.DataFrame({"date": [origin + timedelta(days=h) for h in range(1, horizon_days + 1)]})
    series = panel.series.filter(pl.col("first_sale") <= origin).select("series")
    rows = series.join(ahead, how="cross").with_columns(origin=pl.lit(origin))
    return add_newcomers(panel, add_features(panel, rows))


def scored_frame(
    panel: Panel,
    *,
    origin: date,
    horizon_days: int,
    last: date | None = None,
    max_rows: int | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """The future frame of an earlier origin with what came; closed days are left out.

    Args:
        panel: What is known.
        origin: Last day a row may know of.
        horizon_days: Days ahead.
        last: Target days after it are left out.
        max_rows: At most so many rows, drawn evenly.
        seed: Of the draw.

    Returns:
        As add_newcomers, with `sold_kg`, `out_hours`, `demand_kg`, `is_whole`, `weight` of the target day.
    """
    end = min(d for d in (last, origin + timedelta(days=horizon_days)) if d is not None)
    ahead = pl.col("date").is_between(origin, end, closed="right")
    came = panel.days.filter(ahead & pl.col("sold_kg").is_not_null())
    known = panel.series.filter(pl.col("first_sale") <= origin).select("series")
    rows = came.join(known, on="series", how="semi", maintain_order="left").sort("series", "date")
    if max_rows is not None and rows.height > max_rows:
        rows = rows[np.sort(np.random.default_rng(seed).permutation(rows.height)[:max_rows])]
    weight = stock_out_weight(pl.col("out_hours")).cast(pl.Float32)
    return add_newcomers(panel, add_features(panel, rows.with_columns(origin=pl.lit(origin), weight=weight)))


def add_features(panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Look up what was known at each row's origin about its target day.

    Args:
        panel: Must reach to every `origin`.
        rows: `series`, `origin`, `date` (the target day, 1 to 56 days after the origin); other columns are kept.

    Returns:
        `rows` in order with SERIES, `family`, every column of NUMBERS (numbers or booleans; null: not known),
        `level_kg` (the unit the target is measured in, kg/day: what is usual × the festival index), `festival_index`
        (null: unknown), `kg_per_order`, `has_stock_record` (hours out of stock were recorded in the 28 days to the origin),
        and for baselines `naive_kg` (last same weekday), `profile_kg` (own mean × the pool's weekday index), `year_kg` (mean of the week around the day a
        year before), and `fallback_reason`: 'short_history' (< 28 days), 'no_sale_28d', else null.
    """
    lead = (pl.col("date") - pl.col("origin")).dt.total_days()
    seen = (
        rows.with_row_index("row")
        .with_columns(lead_days=lead.cast(pl.Int16))
        .join(panel.series, on="series", how="left", maintain_order="left")
        .join(panel.calendar.drop("solar_term", "is_projected"), on="date", how="left", maintain_order="left")
        .with_columns(
            same_weekday=_days_before("origin", (7 - lead % 7) % 7),
            year_twin=pl.col("date").dt.offset_by("-364d"),
        )
    )
    seen = _add_series(seen, panel.state)
    has_year = (panel.cutoff - panel.records_begin).days >= YEAR_DAYS
    for name, by in POOLS.items():
        seen = add_pool(seen, panel.pools[name], name, by, has_year=has_year)
    seen = add_plans(seen, panel.prices, panel.campaigns, panel.live)
    seen = add_promotions(seen, panel.promotions, panel.promoted)
    seen = _add_ratios(seen, panel.records_begin)
    seen = in_unit_of_day(seen, panel.calendar, panel.pools, POOLS, has_year=has_year)
    lived_a_year = (pl.col("origin") - panel.records_begin).dt.total_days() >= YEAR_DAYS
    return seen.with_columns(pl.when(lived_a_year).then(pl.col(YEARLY))).select(
        *(c for c in rows.columns if c not in FEATURES),
        *FEATURES,
        *OF_ROW,
    )


def _days_before(day: str, days: pl.Expr) -> pl.Expr:
    return pl.col(day) - pl.duration(days=days)


def _add_series(rows: pl.DataFrame, state: pl.DataFrame) -> pl.DataFrame:
    weekday, year_ago = ["weekday_kg", "weekday_mean_kg"], ["mean_7"]
    for day, columns in (
        ("origin", state.drop("series", "date", *weekday).columns),
        ("same_weekday", weekday),
    ):
        rows = rows.hstack(on_day(rows, state, ["series"], pl.col(day), columns))
    middle_of_week = pl.col("year_twin").dt.offset_by("3d")
    return rows.hstack(
        on_day(rows, state, ["series"], middle_of_week, year_ago).rename({"mean_7": "year_kg"})
    )


def _add_ratios(rows: pl.DataFrame, records_begin: date) -> pl.DataFrame:
    level = pl.col("level_kg")
    index = pl.coalesce("weekday_index_product_channel", "weekday_index_family_channel", pl.lit(1.0))
    own_mean = pl.coalesce("mean_28", "mean_182", pl.lit(0.0))
    reason = (
        pl.when(pl.col("history_days") < LEAST_HISTORY_DAYS)
        .then(pl.lit(SHORT_HISTORY))
        .when(pl.col("days_since_sale").fill_null(DORMANT_DAYS) >= DORMANT_DAYS)
        .then(pl.lit("no_sale_28d"))
    )
    return rows.with_columns(
        log_level=level.log(),
        log_orders=(level / pl.col("kg_per_order")).log(),
        week_ratio=pl.col("mean_7") / level,
        month_ratio=pl.col("mean_28") / level,
        half_year_ratio=pl.col("mean_182") / level,
        weekday_ratio=pl.col("weekday_kg") / level,
        weekday_mean_ratio=pl.col("weekday_mean_kg") / level,
        spread_ratio=pl.col("std_28") / level,
        **{f"told_ratio_{n}": pl.col(f"told_{n}") / level for n in TOLD_DAYS},
        **{f"whole_ratio_{n}": pl.col(f"whole_{n}") / level for n in WHOLE_DAYS},
        has_stock_record=pl.col("stock_days_28") > 0,
        age_days=launch_age(pl.lit(records_begin), pl.col("origin")),
        naive_kg=pl.coalesce("weekday_kg", "weekday_mean_kg", "mean_28", pl.lit(0.0)).cast(pl.Float32),
        profile_kg=(own_mean * index.clip(0.2, 5)).cast(pl.Float32),
        fallback_reason=reason,
    )
