"""Days that stand out in the chart of a product: festivals, campaigns, and days on which stock ran out."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from serving.published import Release
from serving.reads.forecasts import Wish
from serving.web.calendar import marks
from serving.web.say import Say

EVERYWHERE = "*"


@dataclass(frozen=True)
class Marked:
    """What stands out among the days of a chart."""

    events: list[tuple[int, str]] = field(default_factory=list)
    """Position and name of festivals and campaigns."""
    short: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Position → series that ran out that day, and the longest time one did (hours)."""
    shades: list[int] = field(default_factory=list)
    """Positions on which at least half of the series shown ran out."""


def marked(release: Release, say: Say, wish: Wish, days: list[date], series: int) -> Marked:
    """The marks of evenly spaced `days` for what a wish names; stock-outs only where they are single days.

    Args:
        series: How many series are shown.
    """
    events = marks(release, say, days, channel=wish.channel_id)
    if len(days) < 2 or (days[1] - days[0]).days != 1:
        return Marked(events)
    rows = release.frame("stock_out_daily").filter(
        pl.col("product_id") == wish.first, pl.col("stock_date").is_between(days[0], days[-1])
    )
    for column, wanted in (("channel_id", wish.channel_id), ("region_id", wish.region_id)):
        if wanted:
            here = (pl.col(column) == wanted) | (pl.col(column) == EVERYWHERE) | pl.col(column).is_null()
            rows = rows.filter(here)
    by_day = (
        rows.group_by("stock_date")
        .agg(n=pl.len(), hours=pl.col("hours_out_of_stock").max())
        .sort("stock_date")
    )
    short = {
        (row["stock_date"] - days[0]).days: (row["n"], row["hours"]) for row in by_day.iter_rows(named=True)
    }
    return Marked(events, short, [at for at, (n, _) in short.items() if 2 * n >= series])


def words(say: Say, found: Marked, at: int) -> str:
    """What a hover adds to the day at a position; '' for a plain one."""
    told = [name for place, name in found.events if place == at and name]
    if at in found.short:
        n, hours = found.short[at]
        told.append(say.t("demand.short_day", n=n, hours=f"{hours:.0f}"))
    return "".join(f" · {word}" for word in told)
