"""Demand ahead and behind: one row per series and day (or week), the quantile levels side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl
import polars.selectors as cs

from serving.indexed import Indexed, side_by_side
from serving.problems import Problem, unknown
from serving.published import Release

DAILY = ("product_id", "channel_id", "region_id")
WEEKLY = ("family", "channel_id", "region_id")
BESIDE = ("expected_kg", "in_stock_expected_kg", "has_stock_record")
"""What a day of the daily forecast has once, beside its levels."""
IN_STOCK = "in_stock_"


@dataclass(frozen=True)
class Fan:
    """A forecast with its levels as columns (kg), indexed by series; only the newest cutoff of each day."""

    table: Indexed
    levels: tuple[str, ...]
    expected: bool = False
    """Whether every row has its mean in `expected_kg`; older releases hold none, and weeks never do."""
    in_stock: bool = False
    """Whether sales if in stock were published beside demand: a column per level, named IN_STOCK + level."""

    @property
    def middle(self) -> str | None:
        """The published level nearest to the middle."""
        return min(self.levels, key=lambda level: abs(float(level) - 0.5), default=None)

    @property
    def summed(self) -> str | None:
        """The column to add up over series: the means, which add up; without them the medians, which read low."""
        return "expected_kg" if self.expected else self.middle


def daily_fan(release: Release) -> Fan:
    """The demand forecast with its means, indexed by product, channel, region."""
    long = _with_means(release)
    has_stock = long["in_stock_kg"].null_count() < long.height
    fan = _fan(long, DAILY, "forecast_date", BESIDE, ["in_stock_kg"] if has_stock else [])
    means = fan.table.frame["expected_kg"]
    return replace(fan, expected=len(means) > 0 and means.null_count() == 0, in_stock=has_stock)


def weekly_fan(release: Release) -> Fan:
    """The season forecast, indexed by family, channel, region."""
    return _fan(release.frame("season_forecast"), WEEKLY, "week_start")


def history(release: Release) -> Indexed:
    """Daily sales of the last months (kg), indexed by product, channel, region."""
    return Indexed.of(release.frame("history_daily").drop("revenue_yuan"), DAILY, ["sale_date"])


@dataclass(frozen=True)
class Wish:
    """Which series, which days (both ends in), which levels; None is all."""

    first: str | None = None
    """product_id, or family for weeks."""
    channel_id: str | None = None
    region_id: str | None = None
    start: date | None = None
    end: date | None = None
    levels: str | None = None
    """Comma-separated: 0.1,0.5,0.9."""


def daily(release: Release, wish: Wish) -> pl.DataFrame:
    """One row per product, channel, region and day: `demand_kg` is a struct of the levels (kg), `expected_kg` the mean
    (null in a release without means); `in_stock_kg`, `in_stock_expected_kg` the same of what sells if stock does not run
    out, `has_stock_record` (all null in a release without).

    Raises:
        Problem: 404 for an id unknown in the release, 422 for a level that is not published.
    """
    _known(release, wish, "product", "product_id", "/v1/products")
    fan = release.made(daily_fan)
    levels = chosen_levels(wish.levels, fan.levels)
    named = [pl.col(IN_STOCK + level).alias(level) for level in levels if fan.in_stock]
    shown = pl.struct(named) if named else pl.lit(None)
    return _read(fan, wish, DAILY, "forecast_date", [BESIDE[0], shown.alias("in_stock_kg"), *BESIDE[1:]])


def weekly(release: Release, wish: Wish) -> pl.DataFrame:
    """One row per family, channel, region and week; otherwise as `daily`."""
    fan = release.made(weekly_fan)
    if wish.first is not None and (wish.first,) not in fan.table:
        families = sorted({str(key[0]) for key in fan.table.spans if len(key) == 1})
        raise unknown("family", wish.first, families)
    _known(release, Wish(None, wish.channel_id, wish.region_id), "product", "product_id", "")
    return _read(fan, wish, WEEKLY, "week_start")


def sales(release: Release, wish: Wish) -> pl.DataFrame:
    """One row per product, channel, region and day sold (kg), newest last."""
    _known(release, wish, "product", "product_id", "/v1/products")
    return _days(_series(release.made(history), wish, DAILY), wish, "sale_date")


def of_product(release: Release, product_id: str, wish: Wish) -> pl.DataFrame:
    """The forecast of one product; it must have one.

    Raises:
        Problem: 404 when the product is unknown, or known and without a forecast.
    """
    found = daily(
        release, Wish(product_id, wish.channel_id, wish.region_id, wish.start, wish.end, wish.levels)
    )
    if (product_id,) not in release.made(daily_fan).table:
        raise Problem(
            404,
            "not-found",
            f"product '{product_id[:120]}' is known, but no forecast is published for it",
            "it has too few sales so far, or none of late; see /v1/sales",
        )
    return found


def _with_means(release: Release) -> pl.DataFrame:
    """The demand forecast; where it was published without means, those of `demand_expected` stand beside it."""
    long = release.frame("demand_forecast")
    if long["expected_kg"].null_count() < long.height:
        return long
    keys = [*DAILY, "forecast_date"]
    means = release.frame("demand_expected").select(*keys, "expected_kg")
    return long.drop("expected_kg").join(means, on=keys, how="left", validate="m:1", maintain_order="left")


def _fan(
    long: pl.DataFrame, keys: Sequence[str], day: str, beside: Sequence[str] = (), second: Sequence[str] = ()
) -> Fan:
    newest = long
    if long["cutoff"].n_unique() > 1:
        newest = long.filter(pl.col("cutoff") == pl.col("cutoff").max().over([*keys, day]))
    levels = tuple(str(level) for level in newest["level"].unique().sort())
    index = [*keys, day, "cutoff", "model_version", "fallback_reason", *beside]
    rounded = newest.with_columns((cs.by_name("demand_kg", *beside, *second) & cs.float()).round(3))
    wide = side_by_side(rounded, index, "level", "demand_kg")
    for name in second:
        renamed = {level: IN_STOCK + level for level in levels}
        other = side_by_side(rounded, index, "level", name).select(*keys, day, *levels).rename(renamed)
        wide = wide.join(other, on=[*keys, day], how="left", validate="1:1", maintain_order="left")
    return Fan(Indexed.of(wide, keys, [day]), levels)


def _known(release: Release, wish: Wish, noun: str, column: str, see: str) -> None:
    for name, key, value, where in (
        (noun, column, wish.first, see),
        ("channel", "channel_id", wish.channel_id, "/v1/channels"),
        ("region", "region_id", wish.region_id, "/v1/regions"),
    ):
        if value is not None and value not in release.made(_ids)[key]:
            raise unknown(name, value, see=where)


def _ids(release: Release) -> dict[str, frozenset[str]]:
    """Every id a series can have: of the tables of things, and of what is forecast or was sold."""
    fans = (
        release.made(daily_fan).table.frame,
        release.made(weekly_fan).table.frame,
        release.made(history).frame,
    )
    tables = {"product_id": "product", "channel_id": "channel", "region_id": "region"}
    return {
        key: frozenset(
            value
            for frame in (release.frame(table), *fans)
            if key in frame.columns
            for value in frame[key].unique().drop_nulls()
        )
        for key, table in tables.items()
    }


def _read(
    fan: Fan, wish: Wish, keys: Sequence[str], day: str, beside: Sequence[str | pl.Expr] = ()
) -> pl.DataFrame:
    levels = chosen_levels(wish.levels, fan.levels)
    rows = _days(_series(fan.table, wish, keys), wish, day)
    fanned = pl.struct(levels).alias("demand_kg") if levels else pl.lit(None).alias("demand_kg")
    return rows.select(*keys, day, fanned, *beside, "cutoff", "model_version", "fallback_reason")


def chosen_levels(text: str | None, published: Sequence[str]) -> list[str]:
    """The published levels that `text` names, all without it.

    Raises:
        Problem: 422 for a level that is no number or is not published.
    """
    if text is None:
        return list(published)
    by_value = {float(level): level for level in published}
    try:
        return [by_value[float(part)] for part in dict.fromkeys(text.split(","))]
    except (KeyError, ValueError) as error:
        raise Problem(
            422,
            "unknown-value",
            f"levels '{text[:80]}' names a level that is not published",
            f"published: {', '.join(published)}",
        ) from error


def _series(table: Indexed, wish: Wish, keys: Sequence[str]) -> pl.DataFrame:
    """A slice by the longest prefix of keys that is given, a filter for the rest."""
    wanted = [wish.first, wish.channel_id, wish.region_id]
    depth = next((i for i, value in enumerate(wanted) if value is None), len(wanted))
    rows = table.rows(*wanted[:depth])
    for key, value in list(zip(keys, wanted, strict=True))[depth:]:
        if value is not None:
            rows = rows.filter(pl.col(key) == value)
    return rows


def _days(rows: pl.DataFrame, wish: Wish, day: str) -> pl.DataFrame:
    if wish.start and wish.end and wish.start > wish.end:
        raise Problem(
            422,
            "invalid-parameter",
            f"from {wish.start} is after to {wish.end}",
            "swap them, or leave one out",
        )
    if wish.start:
        rows = rows.filter(pl.col(day) >= wish.start)
    return rows.filter(pl.col(day) <= wish.end) if wish.end else rows
