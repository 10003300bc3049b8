"""Marked days for charts: names of festivals, solar terms and campaigns in the reader's language."""

from datetime import date, timedelta

import polars as pl

from serving.published import Release
from serving.web.say import Say
from serving.web.texts import catalogue

KINDS = ("festival", "campaign")


def marks(
    release: Release,
    say: Say,
    days: list[date],
    *,
    kinds: tuple[str, ...] = KINDS,
    channel: str | None = None,
) -> list[tuple[int, str]]:
    """(Position, name) of the marked days among `days` (ascending, evenly spaced): the position is that of the last day not
    after the event. Campaigns of other channels than `channel` are left out when one is given."""
    if not days:
        return []
    step = (days[1] - days[0]).days if len(days) > 1 else 1
    rows = (
        release.frame("calendar_event")
        .filter(
            pl.col("kind").is_in(kinds),
            pl.col("day").is_between(days[0], days[-1] + timedelta(days=step - 1)),
        )
        .filter(pl.col("channel_id").is_null() | (pl.col("channel_id") == "*") | _is(channel))
    )
    found = [
        ((row["day"] - days[0]).days // step, named(say, row["kind"], row["key"])) for row in rows.to_dicts()
    ]
    return list(dict.fromkeys(found))


def named(say: Say, kind: str, key: str) -> str:
    """A marked day's name; a campaign's as delivered."""
    word = f"{kind}.{key}"
    return say.t(word) if word in catalogue() else key


def _is(channel: str | None) -> pl.Expr:
    return pl.lit(True) if channel is None else pl.col("channel_id") == channel
