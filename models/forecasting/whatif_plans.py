"""Changes of plans, price, campaigns, live-stream slots, laid under the feature rows of a night."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from features.calendar import SERIES
from features.events import ALL_CHANNELS
from features.plans import Plans, replan
from features.prices import KEYS, set_prices


class NothingPlannedError(ValueError):
    """An event is to be taken away where none is planned; the message names where."""


@dataclass(frozen=True)
class PriceChange:
    """Another price on the days from `first` to `last`: in yuan per kg, or as a share off the list price."""

    first: date
    last: date
    yuan_per_kg: float | None = None
    off_list: float | None = None


@dataclass(frozen=True)
class CampaignChange:
    """A campaign of the channel added, or those that overlap its days taken away."""

    is_added: bool
    first: date
    last: date
    discount_share: float | None = None
    """Also taken off the planned price of its days, unless a price is asked for them."""
    presale_from: date | None = None


@dataclass(frozen=True)
class LiveChange:
    """A live-stream slot of the product added on a day, or the day's slots taken away."""

    is_added: bool
    day: date
    yuan_per_kg: float | None = None
    allotment_kg: float | None = None
    """Null: not capped."""


@dataclass(frozen=True)
class Changes:
    """What is to be otherwise for one series; empty: nothing."""

    prices: tuple[PriceChange, ...] = ()
    campaigns: tuple[CampaignChange, ...] = ()
    live: tuple[LiveChange, ...] = ()

    def days(self) -> set[date]:
        """The days that are touched: of a campaign from its pre-sale to its end."""
        spans = [(p.first, p.last) for p in self.prices] + [(s.day, s.day) for s in self.live]
        spans += [(c.presale_from or c.first, c.last) for c in self.campaigns]
        return {day for first, last in spans for day in days_of(first, last)}


def days_of(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def changed_rows(rows: pl.DataFrame, plans: Plans, changes: Sequence[Changes]) -> pl.DataFrame:
    """Lay the changed plans under feature rows.

    Args:
        rows: Rows of a Book, with `case` (the place in `changes` that holds for the row).
        plans: Of the Book.
        changes: One per case.

    Returns:
        `rows` in order with the columns that come of plans made anew.

    Raises:
        NothingPlannedError: An event to be taken away is not planned.
    """
    cases = rows.select("case", *SERIES).unique(maintain_order=True)
    own = _own_plans(cases, plans)
    for case, product, channel, _ in cases.iter_rows():
        _refuse_nothing(own, case, product, channel, changes[case])
    renamed = rows.with_columns(channel_id=_own_channel())
    replanned = replan(renamed, _changed_plans(own, cases, changes))
    return replanned.with_columns(rows["channel_id"])


def _own_channel() -> pl.Expr:
    """Each case has plans of its own: its channel is named after it, so that plans of one channel may differ."""
    return pl.format("{}", "case")


def _own_plans(cases: pl.DataFrame, plans: Plans) -> Plans:
    of = cases.select("case", "product_id", "channel_id")
    shared = plans.campaign.filter(pl.col("channel_id") == ALL_CHANNELS).drop("channel_id")
    named = plans.campaign.join(of.drop("product_id"), on="channel_id", how="inner")
    everywhere = shared.join(of.select("case", "channel_id"), how="cross").select(named.columns)
    return Plans(
        plans.origin,
        _owned(plans.prices.join(of, on=KEYS, how="inner")),
        _owned(pl.concat([named, everywhere])),
        _owned(plans.live_slot.join(of, on=KEYS, how="inner")),
    )


def _owned(plan: pl.DataFrame) -> pl.DataFrame:
    return plan.with_columns(channel_id=_own_channel()).drop("case")


def _refuse_nothing(own: Plans, case: int, product: str, channel: str, changes: Changes) -> None:
    mine = pl.col("channel_id") == str(case)
    for gone in (c for c in changes.campaigns if not c.is_added):
        if own.campaign.filter(mine & _overlaps(gone)).is_empty():
            raise NothingPlannedError(
                f"no campaign of channel '{channel}' is planned between {gone.first} and {gone.last}"
            )
    for slot in (s for s in changes.live if not s.is_added):
        if own.live_slot.filter(mine & (pl.col("slot_date") == slot.day)).is_empty():
            raise NothingPlannedError(
                f"no live-stream slot of '{product}' in channel '{channel}' is planned on {slot.day}"
            )


def _overlaps(campaign: CampaignChange) -> pl.Expr:
    begins = pl.min_horizontal("presale_from", "starts_on")
    return (begins <= campaign.last) & (pl.col("ends_on") >= campaign.first)


def _changed_plans(own: Plans, cases: pl.DataFrame, changes: Sequence[Changes]) -> Plans:
    asked, campaign, live = [], own.campaign, own.live_slot
    for case, product, _, _ in cases.iter_rows():
        mine = pl.col("channel_id") == str(case)
        for c in changes[case].campaigns:
            campaign = (
                _with_campaign(campaign, c, str(case), own.origin)
                if c.is_added
                else campaign.filter(~(mine & _overlaps(c)))
            )
        for s in changes[case].live:
            live = (
                _with_slot(live, s, product, str(case), own.origin)
                if s.is_added
                else live.filter(~(mine & (pl.col("slot_date") == s.day)))
            )
        asked += [
            {"product_id": product, "channel_id": str(case), "date": day, **price}
            for day, price in _prices(changes[case]).items()
        ]
    wanted = pl.DataFrame(asked, schema=_ASKED, orient="row")
    return replace(
        own, prices=set_prices(own.prices, wanted, origin=own.origin), campaign=campaign, live_slot=live
    )


_ASKED = {
    "product_id": pl.String,
    "channel_id": pl.String,
    "date": pl.Date,
    "price_yuan_per_kg": pl.Float64,
    "list_share": pl.Float64,
    "planned_share": pl.Float64,
}


def _prices(changes: Changes) -> dict[date, Mapping[str, float]]:
    """Day → what is asked; a price asked for outright goes before a slot's, and that before a campaign's discount."""
    asked: dict[date, Mapping[str, float]] = {}
    for c in changes.campaigns:
        if c.is_added and c.discount_share:
            asked |= {day: {"planned_share": c.discount_share} for day in days_of(c.first, c.last)}
    asked |= {s.day: {"price_yuan_per_kg": s.yuan_per_kg} for s in changes.live if s.yuan_per_kg}
    for p in changes.prices:
        price = {"price_yuan_per_kg": p.yuan_per_kg, "list_share": p.off_list}
        given = {name: value for name, value in price.items() if value is not None}
        asked |= dict.fromkeys(days_of(p.first, p.last), given)
    return asked


def _with_campaign(plan: pl.DataFrame, c: CampaignChange, channel: str, origin: date) -> pl.DataFrame:
    row = {
        "channel_id": channel,
        "presale_from": c.presale_from,
        "starts_on": c.first,
        "ends_on": c.last,
        "discount_share": c.discount_share,
        "known_on": origin,
    }
    return _with_row(plan, row)


def _with_slot(plan: pl.DataFrame, s: LiveChange, product: str, channel: str, origin: date) -> pl.DataFrame:
    row = {
        "product_id": product,
        "channel_id": channel,
        "slot_date": s.day,
        "allotment_kg": s.allotment_kg,
        "known_on": origin,
    }
    return _with_row(plan, row)


def _with_row(plan: pl.DataFrame, row: Mapping[str, object]) -> pl.DataFrame:
    return pl.concat([plan, pl.DataFrame([row], schema={name: plan.schema[name] for name in plan.columns})])
