"""Marked days of a release: festivals, solar terms, campaigns."""

from datetime import date

import polars as pl

from pipelines.page_tables import EVENTS, marked_days

NONE = pl.DataFrame(
    schema={"starts_on": pl.Date, "ends_on": pl.Date, "name": pl.String, "channel_id": pl.String}
)


def keys(events: pl.DataFrame, kind: str) -> dict[str, date]:
    return dict(events.filter(pl.col("kind") == kind).select("key", "day").iter_rows())


def test_a_year_has_its_24_terms_and_its_festivals() -> None:
    events = marked_days(NONE, date(2026, 1, 1), date(2026, 12, 31))
    assert events.schema == pl.Schema(EVENTS)
    assert len(keys(events, "solar_term")) == 24
    assert keys(events, "festival")["mid_autumn"] == date(2026, 9, 25)
    assert keys(events, "festival")["spring_festival"] == date(2026, 2, 17)


def test_a_campaign_keeps_its_span_and_days_outside_are_left_out() -> None:
    campaigns = pl.DataFrame(
        {
            "starts_on": [date(2026, 11, 1), date(2027, 11, 1)],
            "ends_on": [date(2026, 11, 11), date(2027, 11, 11)],
            "name": ["双11", "双11"],
            "channel_id": ["*", "*"],
        }
    )
    events = marked_days(campaigns, date(2026, 10, 30), date(2026, 11, 12)).filter(
        pl.col("kind") == "campaign"
    )
    assert events.rows() == [(date(2026, 11, 1), date(2026, 11, 11), "campaign", "双11", "*")]
