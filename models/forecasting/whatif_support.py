"""How far a what-if is backed: what the model saw in training, and what the series itself has been through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from features.panel import Panel
from features.plans import Plans
from features.prices import KEYS
from models.forecasting.demand import DemandModel
from models.forecasting.whatif_plans import Changes

Range = tuple[float, float]
PRICE_FEATURES = ("price_ratio", "price_ratio_week", "price_ratio_origin", "price_step", "discount_share")
"""What a price shows in; a model that learnt of none of them knows no effect of prices."""
KINDS = {
    "no_price_record": "no price was recorded until the cutoff, so another price cannot be weighed",
    "price_not_learnt": "prices hardly moved in training: the model has learnt no effect of them",
    "outside_seen_range": "outside the range of training: the answer is that of its nearest edge",
    "outside_own_range": "this product never had such a price in this channel: the effect is learnt from others",
    "campaign_not_learnt": "training held no campaign, or too few days of one: no effect is shown",
    "presale_not_learnt": "training held no pre-sale, or too few days of one: no effect is shown",
    "after_campaign_not_learnt": "training held no days after a campaign, or too few: no dip is shown",
    "no_own_campaign": "this channel had no campaign in the days looked at: the effect is learnt from others",
    "live_not_learnt": "training held no live-stream slot, or too few: no effect is shown",
    "no_own_live": "this product had no live-stream slot in this channel: the effect is learnt from others",
    "no_after_effect": "the model has no feature for the days after such a change: no dip is shown, though one may follow",
    "stand_in": "a baseline or a blend stands in for the model on this series: prices and events count little or not at all",
    "on_baseline": "a baseline is published for this series: what the model sees in the change is laid on it, in proportion",
}
"""Kind of a caution → what it means."""


@dataclass(frozen=True)
class Caution:
    """Why an answer, or a part of it, rests on little."""

    kind: str
    """One of KINDS."""
    what: str = ""
    """'price_yuan_per_kg', 'discount_share', 'allotment_kg' or an event; empty where the kind says it."""
    value: float | None = None
    """What was asked, in the unit of `what`."""
    low: float | None = None
    """Ends of the range seen."""
    high: float | None = None


def own_history(panel: Panel, *, days: int) -> pl.DataFrame:
    """What each product went through in each channel in the last `days` days.

    Returns:
        One row per product and channel of the panel, sorted: KEYS, `price_low`, `price_high` (yuan/kg, null: none recorded),
        `campaign_days`, `live_days` (counts).
    """
    first = panel.cutoff - timedelta(days=days - 1)
    recent = pl.col("date").is_between(first, panel.cutoff)
    prices = panel.prices.filter(recent).group_by(KEYS)
    campaigns = panel.campaigns.filter(recent & pl.col("campaign_day").is_not_null())
    live = panel.live.filter(recent).group_by(KEYS).agg(live_days=pl.col("date").n_unique())
    return (
        panel.series.select(KEYS)
        .unique()
        .join(
            prices.agg(price_low=pl.col("price").min(), price_high=pl.col("price").max()), on=KEYS, how="left"
        )
        .join(
            campaigns.group_by("channel_id").agg(campaign_days=pl.col("date").n_unique()),
            on="channel_id",
            how="left",
        )
        .join(live, on=KEYS, how="left")
        .with_columns(pl.col("campaign_days", "live_days").fill_null(0))
        .sort(KEYS)
    )


def learnt_ranges(model: DemandModel) -> dict[str, Range]:
    """Feature → lowest and highest value in training; a feature that told nothing there (constant, or too rare) is missing."""
    infos = model.booster.dump_model(num_iteration=1)["feature_infos"]
    return {name: (about["min_value"], about["max_value"]) for name, about in infos.items() if about}


def cautions(
    changed: pl.DataFrame,
    changes: Changes,
    plans: Plans,
    seen: pl.DataFrame,
    learnt: dict[str, Range],
    published_reason: str | None = None,
) -> list[Caution]:
    """Say on what a changed case rests.

    Args:
        changed: Rows of one case, as models.forecasting.whatif_plans.changed_rows; none: the night had none for the series.
        changes: Of the case.
        plans: Of the Book.
        seen: As own_history.
        learnt: As learnt_ranges.
        published_reason: `fallback_reason` of the published forecast.

    Returns:
        The cautions, each kind and `what` once; none where nothing is changed.
    """
    if not changes.days():
        return []
    if changed.is_empty():
        return [Caution("stand_in", published_reason or "")]
    touched = changed.filter(pl.col("date").is_in(sorted(changes.days())))
    product, channel = touched.select(KEYS).row(0)
    own = seen.filter(pl.col("product_id") == product, pl.col("channel_id") == channel)
    past = own.row(0, named=True) if own.height else {}
    found = _of_stand_ins(touched, published_reason)
    if _asks_price(changes):
        found += _of_price(touched, plans, product, channel, past, learnt)
    if changes.campaigns:
        found += _of_campaigns(changes, past, learnt)
    if changes.live:
        found += _of_live(touched, changes, past, learnt)
    return list({(c.kind, c.what): c for c in reversed(found)}.values())[::-1]


def _asks_price(changes: Changes) -> bool:
    asked = [s.yuan_per_kg for s in changes.live] + [
        c.discount_share for c in changes.campaigns if c.is_added
    ]
    return bool(changes.prices) or any(asked)


def _of_stand_ins(touched: pl.DataFrame, published_reason: str | None) -> list[Caution]:
    reasons = touched["fallback_reason"].drop_nulls()
    if len(reasons):
        return [Caution("stand_in", str(reasons[0]))]
    return [Caution("on_baseline", published_reason)] if published_reason else []


def _of_price(
    touched: pl.DataFrame,
    plans: Plans,
    product: str,
    channel: str,
    past: dict[str, float],
    learnt: dict[str, Range],
) -> list[Caution]:
    what = "price_yuan_per_kg"
    usual = plans.prices.filter(
        pl.col("date") == plans.origin, pl.col("product_id") == product, pl.col("channel_id") == channel
    )["price_mean_28"]
    if not len(usual) or touched["price_ratio"].null_count():
        return [Caution("no_price_record", what)]
    prices = (touched["price_ratio"].cast(pl.Float64) * usual[0]).round(2).to_list()
    if not any(name in learnt for name in PRICE_FEATURES):
        return [Caution("price_not_learnt", what)]
    low, high = (round(edge * usual[0], 2) for edge in learnt.get("price_ratio", (1.0, 1.0)))
    found = _outside("outside_seen_range", what, prices, (low, high))
    if past.get("price_low") is not None:
        found += _outside("outside_own_range", what, prices, (past["price_low"], past["price_high"]))
    return found if "price_step" in learnt else [*found, Caution("no_after_effect", "price")]


def _of_campaigns(changes: Changes, past: dict[str, float], learnt: dict[str, Range]) -> list[Caution]:
    if "campaign_day" not in learnt and "campaign_discount" not in learnt:
        return [Caution("campaign_not_learnt", "campaign")]
    shares = [c.discount_share for c in changes.campaigns if c.discount_share is not None]
    found = _outside(
        "outside_seen_range", "discount_share", shares, learnt.get("campaign_discount", (0.0, 0.0))
    )
    if any(c.presale_from for c in changes.campaigns) and "presale" not in learnt:
        found.append(Caution("presale_not_learnt", "presale"))
    if "after_campaign" not in learnt:
        found.append(Caution("after_campaign_not_learnt", "campaign"))
    return found if past.get("campaign_days") else [*found, Caution("no_own_campaign", "campaign")]


def _of_live(
    touched: pl.DataFrame, changes: Changes, past: dict[str, float], learnt: dict[str, Range]
) -> list[Caution]:
    if "live_slots" not in learnt:
        return [Caution("live_not_learnt", "live_slot")]
    found = [Caution("no_after_effect", "live_slot")]
    if not past.get("live_days"):
        found.append(Caution("no_own_live", "live_slot"))
    level = float(touched["level_kg"][0])
    caps = [s.allotment_kg for s in changes.live if s.allotment_kg is not None]
    low, high = (round(edge * level, 1) for edge in learnt.get("live_allotment_ratio", (0.0, 0.0)))
    return found + _outside("outside_seen_range", "allotment_kg", caps, (low, high))


def _outside(kind: str, what: str, values: Sequence[float], seen: Range) -> list[Caution]:
    """The value that lies furthest outside, beyond a thousandth of rounding; none where all are inside."""
    low, high = seen
    slack = 1e-3 * max(abs(low), abs(high))
    out = [v for v in values if v < low - slack or v > high + slack]
    worst = max(out, key=lambda v: max(low - v, v - high), default=0.0)
    return [Caution(kind, what, worst, round(low, 4), round(high, 4))] if out else []
