"""Plans of the seller as features of a target day: price, campaigns, live-stream slots. One path for nights and what-ifs."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from features.events import AFTER_DAYS, add_events, campaign_days, live_days
from features.prices import KEYS, add_price

_ASKED = ("row", *KEYS, "origin", "date", "level_kg")


@dataclass(frozen=True)
class Plans:
    """What was planned, at an origin, for the days after it."""

    origin: date
    """Last known day."""
    prices: pl.DataFrame
    """As features.prices.price_days, days from the origin on."""
    campaign: pl.DataFrame
    """`channel_id` ('*' for all), `presale_from`, `starts_on`, `ends_on`, `discount_share`, `known_on`."""
    live_slot: pl.DataFrame
    """`product_id`, `channel_id`, `slot_date`, `allotment_kg`, `known_on`."""


def add_plans(
    rows: pl.DataFrame, prices: pl.DataFrame, campaigns: pl.DataFrame, live: pl.DataFrame
) -> pl.DataFrame:
    """Add what was planned for each row's target day and known at its origin: see add_price and add_events."""
    return add_events(add_price(rows, prices), campaigns, live)


def replan(rows: pl.DataFrame, plans: Plans) -> pl.DataFrame:
    """Give rows that have the features of one plan those of another.

    Args:
        rows: As features.assemble.add_features, all of `plans.origin`.
        plans: The other plan; channels and products are named as in `rows`.

    Returns:
        `rows` in their order and with their columns; those that add_plans makes are made anew.
    """
    made = add_plans(
        rows.with_row_index("row").select(_ASKED),
        plans.prices,
        campaign_days(plans.campaign, rows["channel_id"]),
        live_days(plans.live_slot),
    )
    return rows.with_columns(made.select(c for c in made.columns if c in rows.columns and c not in _ASKED))


def coming(plans: Plans, *, last: date) -> Plans:
    """The part of a plan that can touch a day after the origin and until `last`."""
    begins = pl.min_horizontal("presale_from", "starts_on")
    ends = pl.col("ends_on").dt.offset_by(f"{AFTER_DAYS}d")
    return Plans(
        plans.origin,
        plans.prices.filter(pl.col("date").is_between(plans.origin, last)),
        plans.campaign.filter((begins <= last) & (ends > plans.origin)),
        plans.live_slot.filter(pl.col("slot_date").is_between(plans.origin, last, closed="right")),
    )
