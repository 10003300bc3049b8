"""When festivals fall: by the lunar calendar, by solar term, or on a fixed day."""

from collections.abc import Callable
from datetime import date
from functools import cache

from lunar_python import Lunar, LunarYear, Solar

# fmt: off
SOLAR_TERMS = (
    "小寒", "大寒", "立春", "雨水", "惊蛰", "春分", "清明", "谷雨",
    "立夏", "小满", "芒种", "夏至", "小暑", "大暑", "立秋", "处暑",
    "白露", "秋分", "寒露", "霜降", "立冬", "小雪", "大雪", "冬至",
)
# fmt: on
"""The 24 terms in the order of the civil year; a term's number is its place here, from 0."""


@cache
def lunar_day(year: int, month: int, day: int) -> date:
    """The civil day of a day of the lunar calendar (lunar `year`, ordinary month)."""
    return _civil(Lunar.fromYmd(year, month, day).getSolar())


@cache
def lunar_months(year: int) -> tuple[tuple[date, int, bool, int], ...]:
    """Months that touch the lunar year: first civil day, month 1–12, whether it is a leap month, its days."""
    return tuple(
        (_civil(Solar.fromJulianDay(m.getFirstJulianDay())), abs(m.getMonth()), m.isLeap(), m.getDayCount())
        for m in LunarYear.fromYear(year).getMonths()
    )


@cache
def term_days(year: int) -> tuple[date, ...]:
    """The civil days of the year's 24 solar terms, in the order of SOLAR_TERMS."""
    table = Lunar.fromYmd(
        year, 6, 1
    ).getJieQiTable()  # its 冬至 is the one before; the year's own is DONG_ZHI
    return tuple(_civil(table["DONG_ZHI" if name == "冬至" else name]) for name in SOLAR_TERMS)


def _civil(solar: Solar) -> date:
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _lunar(month: int, day: int) -> Callable[[int], date]:
    return lambda year: lunar_day(year, month, day)


FESTIVALS: dict[str, Callable[[int], date]] = {
    "spring_festival": _lunar(1, 1),
    "qingming": lambda year: term_days(year)[SOLAR_TERMS.index("清明")],
    "labour_day": _fixed(5, 1),
    "dragon_boat": _lunar(5, 5),
    "mid_autumn": _lunar(8, 15),
    "national_day": _fixed(10, 1),
    "double_ninth": _lunar(9, 9),
    "women_day": _fixed(3, 8),
    "sale_618": _fixed(6, 18),
    "sale_1111": _fixed(11, 11),
    "sale_1212": _fixed(12, 12),
}
"""Name → the day in a civil year (for lunar ones: in the lunar year of that number)."""


def statutory_days(year: int) -> frozenset[date]:
    """Days off by the standing rule, for years the State Council has not announced: no swaps, no bridges.

    New Year 1 day; Spring Festival from its eve, 8 days; Qingming, Dragon Boat and Mid-Autumn 1 day each; Labour Day
    5 days; National Day 7 days. Source: the pattern of the notices for 2025 and 2026; the true notice may differ.
    """
    spans = {
        date(year, 1, 1): 1,
        date.fromordinal(lunar_day(year, 1, 1).toordinal() - 1): 8,
        FESTIVALS["qingming"](year): 1,
        date(year, 5, 1): 5,
        lunar_day(year, 5, 5): 1,
        lunar_day(year, 8, 15): 1,
        date(year, 10, 1): 7,
    }
    return frozenset(date.fromordinal(d.toordinal() + i) for d, n in spans.items() for i in range(n))
