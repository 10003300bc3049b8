"""Planned selling events: campaigns and live-stream slots, counted from the day they were known."""

from datetime import date

import polars as pl

ALL_CHANNELS = "*"
AFTER_DAYS = 7
ALWAYS = date(1, 1, 1)


def campaign_days(campaign: pl.DataFrame, channels: pl.Series) -> pl.DataFrame:
    """Lay campaigns out day by day and channel.

    Args:
        campaign: `channel_id` ('*' for all), `presale_from` (or null), `starts_on`, `ends_on`, `discount_share` (or
            null), `known_on` (the first cutoff that knows the row); may be empty.
        channels: The channels there are.

    Returns:
        One row per channel, day and campaign that touches it, from the pre-sale to 7 days after the end: `channel_id`,
        `date`, `campaign_day` (1 on the first day, null outside), `campaign_discount` (share, 0 outside), `presale` and
        `after_campaign` (0 or 1), `event_known_on`. A campaign recorded only after it began (a history load) counts as
        planned all along.
    """
    everyone = pl.DataFrame({"channel_id": channels.unique().sort()})
    named = campaign.filter(pl.col("channel_id") != ALL_CHANNELS)
    shared = (
        campaign.filter(pl.col("channel_id") == ALL_CHANNELS).drop("channel_id").join(everyone, how="cross")
    )
    begins = pl.coalesce("presale_from", "starts_on")
    day, start, end = pl.col("date"), pl.col("starts_on"), pl.col("ends_on")
    is_on = day.is_between(start, end)
    return (
        pl.concat([named, shared.select(named.columns)])
        .with_columns(
            date=pl.date_ranges(pl.min_horizontal(begins, start), end.dt.offset_by(f"{AFTER_DAYS}d"))
        )
        .explode("date")
        .select(
            "channel_id",
            "date",
            campaign_day=pl.when(is_on).then((day - start).dt.total_days() + 1).cast(pl.Float32),
            campaign_discount=pl.when(is_on)
            .then(pl.col("discount_share").fill_null(0))
            .otherwise(0)
            .cast(pl.Float32),
            presale=(day < start).cast(pl.Float32),
            after_campaign=(day > end).cast(pl.Float32),
            event_known_on=_known_on(begins),
        )
    )


def live_days(live_slot: pl.DataFrame) -> pl.DataFrame:
    """Lay live-stream slots out by product, channel and day.

    Args:
        live_slot: `product_id`, `channel_id`, `slot_date`, `allotment_kg` (null: not capped), `known_on`; may be
            empty.

    Returns:
        One row per product, channel, day and time of knowing: `product_id`, `channel_id`, `date`, `live_slots` (count),
        `live_allotment_kg` (sum of the capped slots, null: none is capped), `event_known_on`. A slot recorded only on or after its day counts as planned all along.
    """
    return live_slot.group_by(
        "product_id",
        "channel_id",
        pl.col("slot_date").alias("date"),
        _known_on(pl.col("slot_date")).alias("event_known_on"),
    ).agg(
        live_slots=pl.len().cast(pl.Float32),
        live_allotment_kg=pl.when(pl.col("allotment_kg").count() > 0)
        .then(pl.col("allotment_kg").sum())
        .cast(pl.Float32),
    )


def _known_on(day: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("known_on") >= day).then(ALWAYS).otherwise("known_on")


def add_events(rows: pl.DataFrame, campaigns: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    """Add the events of the target day that were known at the origin.

    Args:
        rows: Has `row` (unique), `product_id`, `channel_id`, `origin`, `date` (the target day), `level_kg`.
        campaigns: As campaign_days.
        live: As live_days.

    Returns:
        `rows` in order with `campaign_day`, `campaign_discount`, `presale`, `after_campaign` (the strongest of several
        campaigns; 0 without one), `live_slots` (0 without one), `live_allotment_ratio` (÷ `level_kg`; null: not capped).
    """
    known = pl.col("event_known_on") <= pl.col("origin")
    of_campaigns = (
        _match(rows, campaigns, ["channel_id", "date"])
        .filter(known)
        .group_by("row")
        .agg(pl.col("campaign_day").min(), pl.col("campaign_discount", "presale", "after_campaign").max())
    )
    of_live = (
        _match(rows, live, ["product_id", "channel_id", "date"])
        .filter(known)
        .group_by("row")
        .agg(
            pl.col("live_slots").sum(),
            pl.col("live_allotment_kg").sum(),
            capped=pl.col("live_allotment_kg").count(),
        )
    )
    ratio = pl.when(pl.col("capped") > 0).then(pl.col("live_allotment_kg") / pl.col("level_kg"))
    return (
        rows.join(of_campaigns, on="row", how="left", maintain_order="left")
        .join(of_live, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("campaign_day", "campaign_discount", "presale", "after_campaign", "live_slots").fill_null(
                0
            ),
            live_allotment_ratio=ratio.cast(pl.Float32),
        )
        .drop("live_allotment_kg", "capped")
    )


def _match(rows: pl.DataFrame, events: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    return rows.select("row", "origin", *on).join(events, on=on, how="inner")
