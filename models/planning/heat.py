"""Whether the usual year is warm enough for a crop to ripen: thermal time of each practice from day-of-year climate."""

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.weather import growing_degree_days

DAYS = 365
AUTUMN_DOY = 197
"""16 July: frosts before it are those of spring (features.weather.frost_dates)."""
ROUNDING_C_D = 1e-6
HEAT_SCHEMA = pl.Schema(
    {
        "practice_id": pl.String, "crop_id": pl.String, "land_class": pl.String, "sow_from_doy": pl.Int64,
        "in_by_doy": pl.Int64, "ended_by": pl.String, "heat_c_d": pl.Float64, "late_heat_c_d": pl.Float64,
        "needed_c_d": pl.Float64, "fits": pl.Boolean, "ripe_doy": pl.Int64,
    }
)  # fmt: skip
Row = dict[str, Any]
Floats = NDArray[np.float64]


def usual_year(climate: pl.DataFrame) -> pl.DataFrame:
    """The mean over stations: one row per day_of_year 1–365 with low_c, high_c, cold_night_c; null: not known.

    Args:
        climate: Rows of features.weather.climate_by_day. `cold_night_c` is the minimum that one night in ten undercuts.
    """
    days = pl.DataFrame({"day_of_year": range(1, DAYS + 1)}, schema={"day_of_year": pl.Int32})
    mean = climate.group_by(pl.col("day_of_year").cast(pl.Int32)).agg(
        low_c=pl.col("air_temp_min_c_mean").mean(),
        high_c=pl.col("air_temp_max_c_mean").mean(),
        cold_night_c=pl.col("air_temp_min_c_p10").mean(),
    )
    return days.join(mean, on="day_of_year", how="left", maintain_order="left")


def heat_fit(
    practices: pl.DataFrame,
    crops: pl.DataFrame,
    climate: pl.DataFrame,
    *,
    sheltered: Collection[str] = frozenset(),
) -> pl.DataFrame:
    """How much thermal time the usual year holds for each practice, and whether its main crop ripens on it.

    Days count from the first sowing day, itself included, to the day the harvest must be in: the day before the usual
    first frost (from 16 July on, the first day on which one night in ten freezes), or the last selling day where that
    comes earlier. A crop sold from a day of the year before its sowing day stands over winter, so frost does not end it.

    Args:
        practices, crops: In the warehouse's columns.
        climate: Rows of features.weather.climate_by_day; several stations are averaged.
        sheltered: Land classes that the open air's climate says nothing about.

    Returns:
        One row per annual practice under the open sky, with a sowing day, whose crop has base_temp_c and
        mature_gdd_c_d; none where a day that counts is not in the climate, for nothing is guessed. `in_by_doy`: the last
        day that counts; `ended_by`: frost, sale or year (365 days); `heat_c_d` and `late_heat_c_d`: from the first and
        from the last sowing day (null: no last one); `fits`: needed_c_d ≤ heat_c_d; `ripe_doy`: day on which
        the sum is reached from the first sowing day, null if not within 365 days. Sorted by practice_id.

    Source: McMaster & Wilhelm 1997, method 1 on mean minimum and maximum; there is no upper limit, so heat is flattered
    where summers are hotter than a crop likes.
    """
    known = crops.select("crop_id", "base_temp_c", needed_c_d="mature_gdd_c_d").drop_nulls()
    open_air = practices.filter(
        ~pl.col("is_perennial"),
        ~pl.col("land_class").is_in(sorted(sheltered)),
        pl.col("sow_from_doy").is_not_null(),
    ).join(known, on="crop_id")
    year = usual_year(climate)
    frost = (year["cold_night_c"] <= 0).fill_null(value=False).to_numpy()
    rows = [_judged(r, year, frost) for r in open_air.sort("practice_id").iter_rows(named=True)]
    return pl.DataFrame([r for r in rows if r is not None], schema=HEAT_SCHEMA)


def _judged(practice: Row, year: pl.DataFrame, frost: NDArray[np.bool_]) -> Row | None:
    """The row of one practice; None where a day that counts is unknown."""
    sown = min(practice["sow_from_doy"], DAYS)
    reached = _sums(year, practice["base_temp_c"], sown)
    last, ended_by = _last_day(practice, sown, np.roll(frost, 1 - sown))
    heat = float(reached[last + 1])
    if np.isnan(heat):
        return None
    ripe = np.flatnonzero(reached[1:] >= practice["needed_c_d"] - ROUNDING_C_D)
    late = None
    if practice["sow_to_doy"] is not None:
        late = heat - float(reached[min((practice["sow_to_doy"] - sown) % DAYS, last + 1)])
    return {
        "practice_id": practice["practice_id"],
        "crop_id": practice["crop_id"],
        "land_class": practice["land_class"],
        "sow_from_doy": sown,
        "in_by_doy": _day_of_year(sown, last),
        "ended_by": ended_by,
        "heat_c_d": heat,
        "late_heat_c_d": late,
        "needed_c_d": practice["needed_c_d"],
        "fits": practice["needed_c_d"] <= heat + ROUNDING_C_D,
        "ripe_doy": _day_of_year(sown, int(ripe[0])) if ripe.size else None,
    }


def _sums(year: pl.DataFrame, base_c: float, sown: int) -> Floats:
    """Thermal time (°C·d) after 0, 1 … 365 days from the sowing day on; NaN from the first unknown day on."""
    daily = year.select(growing_degree_days(pl.col("low_c"), pl.col("high_c"), base_c=base_c)).to_series()
    from_sowing = np.roll(daily.cast(pl.Float64).fill_null(np.nan).to_numpy(), 1 - sown)
    return np.concatenate([[0.0], np.cumsum(from_sowing)])


def _last_day(practice: Row, sown: int, frost: NDArray[np.bool_]) -> tuple[int, str]:
    """The last day that counts, as days after the sowing day (-1: none), and what ends it.

    `frost` tells, from the sowing day on, on which days one night in ten freezes.
    """
    first, to = practice["sell_from_doy"], practice["sell_to_doy"]
    ends = [(DAYS - 1, "year")]
    is_all_year = first is None or to is None or (first <= 1 and to >= DAYS)
    if not is_all_year:
        ends.append(((first - sown) % DAYS + (to - first) % DAYS, "sale"))
    if is_all_year or first >= sown:
        ahead = max(0, AUTUMN_DOY - sown)
        ends += [(ahead + int(k) - 1, "frost") for k in np.flatnonzero(frost[ahead:])[:1]]
    return min(ends)


def _day_of_year(sown: int, days_later: int) -> int:
    return (sown - 1 + days_later) % DAYS + 1
