"""What kind of day it is: weekday, season, days off, lunar date, solar term, distance to festivals; and the day grid."""

from datetime import date, timedelta
from functools import cache
from math import pi

import chinese_calendar
import polars as pl

from features.festivals import FESTIVALS, lunar_day, lunar_months, statutory_days, term_days

SERIES = ("product_id", "channel_id", "region_id")
FAR_DAYS = 45
"""Distances to festivals are cut at this many days: beyond it a festival says nothing."""
OPEN_SHARE = 0.5


def calendar_days(first: date, last: date) -> pl.DataFrame:
    """Describe every day from `first` to `last`, both included.

    Returns:
        One row per day, ascending: `date`; `weekday` (1 Monday); `year_sin_1`, `year_cos_1`, `year_sin_2`,
        `year_cos_2` (harmonics of the day of year); `is_day_off` (weekend or holiday, less make-up work days);
        `is_holiday` (a named holiday's day off); `is_makeup_workday`; `is_projected` (the year's holidays are not
        announced yet: standing rules stand in, no make-up days); `lunar_month` 1–12, `lunar_day` 1–30,
        `is_leap_month`; `solar_term` 0–23 (the one that began last), `days_in_term`; `days_from_NAME` for each of
        FESTIVALS, negative before it, cut at ±45 d; `lunar_twin`: the day one lunar year earlier of the same lunar
        date, in the twelfth month at the same distance from the next Spring Festival.

    Source: holidays and work days by chinesecalendar (State Council notices), lunar dates and terms by lunar-python.
    """
    days = pl.DataFrame({"date": pl.date_range(first, last, "1d", eager=True)})
    rows = [_described(day) for day in days["date"].to_list()]
    angle = pl.col("date").dt.ordinal_day() * (2 * pi / 365.25)
    harmonics = {
        f"year_{name}_{k}": getattr(angle * k, name)().cast(pl.Float32)
        for k in (1, 2)
        for name in ("sin", "cos")
    }
    return days.hstack(pl.DataFrame(rows)).with_columns(
        weekday=pl.col("date").dt.weekday().cast(pl.Int16), **harmonics
    )


@cache
def _described(day: date) -> dict[str, object]:
    month, day_of_month, is_leap = _lunar_date(day)
    term, days_in_term = _solar_term(day)
    return {
        **_work(day),
        "lunar_month": month,
        "lunar_day": day_of_month,
        "is_leap_month": is_leap,
        "solar_term": term,
        "days_in_term": days_in_term,
        "lunar_twin": _lunar_twin(day),
        **{f"days_from_{name}": _distance(day, name) for name in FESTIVALS},
    }


def _work(day: date) -> dict[str, bool]:
    """Whether the day is off, by the notice where there is one and by the standing rule where there is none."""
    weekend = day.isoweekday() > 5
    try:
        off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        holiday = day in statutory_days(day.year)
        return {
            "is_day_off": weekend or holiday,
            "is_holiday": holiday,
            "is_makeup_workday": False,
            "is_projected": True,
        }
    return {
        "is_day_off": off,
        "is_holiday": off and name is not None,
        "is_makeup_workday": weekend and not off,
        "is_projected": False,
    }


def _lunar_date(day: date) -> tuple[int, int, bool]:
    for first, month, is_leap, length in lunar_months(day.year):
        if 0 <= (day - first).days < length:
            return month, (day - first).days + 1, is_leap
    raise ValueError(f"no lunar month holds {day}; lunar-python covers the years 1900 to 2100")


def _solar_term(day: date) -> tuple[int, int]:
    terms = term_days(day.year)
    begun = [i for i, start in enumerate(terms) if start <= day]
    if begun:
        return begun[-1], (day - terms[begun[-1]]).days
    return 23, (day - term_days(day.year - 1)[23]).days


def _distance(day: date, festival: str) -> int:
    nearest = min(
        ((day - FESTIVALS[festival](year)).days for year in (day.year - 1, day.year, day.year + 1)), key=abs
    )
    return max(-FAR_DAYS, min(FAR_DAYS, nearest))


def _lunar_twin(day: date) -> date:
    """In the twelfth month as far from the next Spring Festival; else the same day of the same month, leap or not.

    A leap month puts the festivals after it a month further from Spring Festival, so that distance serves before it only.
    """
    month, day_of_month, _ = _lunar_date(day)
    year = day.year if day >= lunar_day(day.year, 1, 1) else day.year - 1
    if month == 12:
        return day - (lunar_day(year + 1, 1, 1) - lunar_day(year, 1, 1))
    return lunar_day(year - 1, month, 1) + timedelta(days=day_of_month - 1)


def day_grid(sales: pl.DataFrame, *, cutoff: date, first: date | None = None) -> pl.DataFrame:
    """Lay out every day of every series, so that a day without sales is a 0 and a closed day is a null.

    Args:
        sales: One row per SERIES and `sale_date` with `sold_kg` (kg, ≥ 0), `orders` (count or null). Days without
            sales may be missing; rows after the cutoff are not looked at.
        cutoff: Last day of the grid.
        first: Days before it are left out (a series keeps its true `first_sale`). None: from each first sale.

    Returns:
        One row per series and day, sorted: `series` (UInt32, the place of the series in SERIES order), SERIES,
        `date`, `first_sale`, `sold_kg` (Float32, null on a closed day), `orders` (Float32, null where none are
        known). A channel is closed on a day it sold nothing at all, provided it had sold on at least half of its
        days until then: a shop with a few orders a month is open on its empty days.
    """
    known = sales.filter(pl.col("sale_date") <= cutoff)
    series = (
        known.group_by(SERIES).agg(first_sale=pl.col("sale_date").min()).sort(SERIES).with_row_index("series")
    )
    start = pl.col("first_sale") if first is None else pl.max_horizontal("first_sale", pl.lit(first))
    grid = series.with_columns(date=pl.date_ranges(start, pl.lit(cutoff))).explode("date").drop_nulls("date")
    numbered = known.join(series.select("series", *SERIES), on=SERIES, how="inner")
    by_day = numbered.group_by("series", date=pl.col("sale_date")).agg(
        pl.col("sold_kg").sum().cast(pl.Float32),
        orders=pl.col("orders").sum().cast(pl.Float32)
        if "orders" in known.columns
        else pl.lit(None, pl.Float32),
    )
    return (
        grid.join(by_day, on=["series", "date"], how="left", maintain_order="left")
        .join(closed_days(known, cutoff=cutoff), on=["channel_id", "date"], how="left", maintain_order="left")
        .with_columns(
            sold_kg=pl.when(pl.col("is_closed")).then(None).otherwise(pl.col("sold_kg").fill_null(0)),
            orders=pl.when(pl.col("is_closed")).then(None).otherwise(pl.col("orders").fill_null(0)),
        )
        .drop("is_closed")
    )


def by_series(rows: pl.DataFrame, grid: pl.DataFrame) -> pl.DataFrame:
    """`rows` of series in the grid, with `series`: joins by number and day take a fraction of the memory of joins by three names."""
    return rows.join(grid.select("series", *SERIES).unique(), on=SERIES, how="inner")


def closed_days(sales: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Days on which a whole channel sold nothing though it usually does: `channel_id`, `date`, `is_closed` (true)."""
    sold = sales.filter(pl.col("sold_kg") > 0).select("channel_id", date="sale_date").unique()
    return (
        sold.group_by("channel_id")
        .agg(first=pl.col("date").min())
        .with_columns(date=pl.date_ranges("first", pl.lit(cutoff)))
        .explode("date")
        .join(sold.with_columns(has_sold=True), on=["channel_id", "date"], how="left")
        .sort("channel_id", "date")
        .with_columns(pl.col("has_sold").fill_null(False))
        .with_columns(
            share=pl.col("has_sold").cum_sum().over("channel_id")
            / pl.int_range(1, pl.len() + 1).over("channel_id")
        )
        .filter(~pl.col("has_sold") & (pl.col("share") >= OPEN_SHARE))
        .select("channel_id", "date", is_closed=pl.lit(True))
    )
