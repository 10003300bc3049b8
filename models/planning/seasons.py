"""Which seasons are still open, and which season a day's sales belong to."""

from datetime import date, timedelta

import polars as pl

DAY_SCHEMA = pl.Schema(
    {"crop_id": pl.String, "season": pl.Int64, "doy": pl.Int64, "years_back": pl.Int64, "part": pl.Float64}
)


SOWN_SHARE = 0.5
"""A season counts as sown when so much of a year ago's area in it is recorded."""


def first_open_season(practices: pl.DataFrame, planting: pl.DataFrame, cutoff: date) -> tuple[int, int]:
    """The first year and season to plan after `cutoff`.

    A season of the cutoff's year is open while the latest sowing day of any practice starting in it is still to come and it
    is not sown: less than half of the area planted in it a year before is recorded (nothing, where no year before is known).
    What is recorded in an open season stands and is planned around. Perennials do not count; a season without sowing
    days counts as passed in the cutoff's year.
    """
    annual = practices.filter(~pl.col("is_perennial"))
    if annual.is_empty():
        annual = practices
    last_sowing = dict(annual.group_by("season").agg(pl.max("sow_to_doy")).sort("season").iter_rows())
    grown = planting.join(practices.filter("is_perennial"), on="practice_id", how="anti")
    sums = grown.group_by("year", "season").agg(pl.sum("area_mu")).iter_rows()
    area = {(year, season): mu for year, season, mu in sums}
    today = cutoff.timetuple().tm_yday
    for year in range(cutoff.year, cutoff.year + 4):
        for season, doy in last_sowing.items():
            is_ahead = year > cutoff.year or (doy is not None and doy > today)
            now, before = area.get((year, season), 0.0), area.get((year - 1, season), 0.0)
            if is_ahead and now <= SOWN_SHARE * before:
                return year, season
    raise ValueError(
        f"plantings are recorded for every season up to {cutoff.year + 3}; correct their years, the cutoff is {cutoff}"
    )


def selling_days(practices: pl.DataFrame, yields: pl.DataFrame) -> pl.DataFrame:
    """Per crop, season and day of the year on which its harvest is sold: how that day's demand is shared.

    Args:
        practices: With season, sow_from_doy, sell_from_doy, sell_to_doy; a window may wrap the year end. Null: all year.
        yields: practice_yield: every crop a practice bears is sold in its window.

    Returns:
        crop_id, season (first season of the practices), doy 1–366, years_back (how many years before the day the crop was
        sown: 1 when selling runs over the year end or starts before the sowing day), part (1 / seasons sharing the day).
    """
    rows: dict[tuple[str, int, int], int] = {}
    windows = yields.select("practice_id", "crop_id").join(practices.drop("crop_id"), on="practice_id")
    for r in windows.sort("practice_id", "crop_id").iter_rows(named=True):
        start, end = r["sell_from_doy"] or 1, r["sell_to_doy"] or 366
        over_year_end = start > end
        later = int(r["sow_from_doy"] is not None and start < r["sow_from_doy"])
        days = [*range(start, 367), *range(1, end + 1)] if over_year_end else range(start, end + 1)
        for doy in days:
            back = later + int(over_year_end and doy <= end)
            key = (r["crop_id"], r["season"], doy)
            rows[key] = min(back, rows.get(key, back))
    sharing: dict[tuple[str, int], int] = {}
    for crop_id, _, doy in rows:
        sharing[crop_id, doy] = sharing.get((crop_id, doy), 0) + 1
    return pl.DataFrame(
        [(c, s, d, back, 1.0 / sharing[c, d]) for (c, s, d), back in rows.items()],
        schema=DAY_SCHEMA,
        orient="row",
    )


def days_between(first: date, last: date) -> list[date]:
    """Every day from first to last, both counted."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
