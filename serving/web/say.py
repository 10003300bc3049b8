"""How numbers, days and names are written: by language and weight unit, the unit always beside the number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from serving.web.texts import text

UNITS = {"kg": 1.0, "jin": 2.0, "t": 0.001}
"""Weight unit → how many of it are one kg (1 jin = 0.5 kg)."""
AREAS = {"mu": 1.0, "ha": 1 / 15}
"""Area unit → how many of it are one mu."""
NONE = "—"
LONGEST = timedelta(days=7)
"""A run that seems to take longer has a wrong clock behind it."""
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


@dataclass(frozen=True)
class Say:
    """Writes values for one reader."""

    language: str
    unit: str
    zone: ZoneInfo
    area_unit: str = "mu"

    def t(self, key: str, **values: object) -> str:
        """A sentence of the catalogue."""
        return text(key, self.language, **values)

    def count(self, value: float | None) -> str:
        """A number of things: 12,345."""
        return NONE if value is None else f"{value:,.0f}"

    def weight(self, kg: float | None) -> str:
        """A weight in the reader's unit: 1,234 公斤."""
        return NONE if kg is None else f"{self.bare_weight(kg)} {self.t(f'unit.{self.unit}')}"

    def bare_weight(self, kg: float | None) -> str:
        """A weight in the reader's unit without the word, for tables whose head names it."""
        return NONE if kg is None else _sized(kg * UNITS[self.unit])

    def yuan(self, value: float | None) -> str:
        """Money: 1,234 元, 56.7 万元; 1,234 yuan, 567 k yuan."""
        if value is None:
            return NONE
        for limit, key in ((1e4, "wan"),) if self.language == "zh" else ((1e6, "million"), (1e4, "wan")):
            if abs(value) >= limit:
                scale = 1e6 if key == "million" else 1e4 if self.language == "zh" else 1e3
                return f"{_sized(value / scale)} {self.t(f'unit.{key}')}"
        return f"{value:,.0f} {self.t('unit.yuan')}"

    def area(self, mu: float | None) -> str:
        """An area in the reader's unit: 12.5 亩."""
        return NONE if mu is None else f"{self.bare_area(mu)} {self.t(f'unit.{self.area_unit}')}"

    def bare_area(self, mu: float | None) -> str:
        """An area in the reader's unit without the word, for tables whose head names it."""
        return NONE if mu is None else _sized(mu * AREAS[self.area_unit])

    def share(self, value: float | None) -> str:
        """A part of one as per cent: 3.1%."""
        return NONE if value is None else f"{value:.1%}"

    def change(self, value: float | None) -> str:
        """A relative change with its sign: +12%."""
        if value is None:
            return NONE
        return f"{value:+.{1 if abs(value) < 0.1 else 0}%}".replace("-", "−")

    def day(self, value: date | None) -> str:
        """A day: 5月4日 周一; Mon 4 May."""
        if value is None:
            return NONE
        if self.language == "zh":
            return f"{value.month}月{value.day}日 {WEEKDAYS[value.weekday()]}"
        return f"{value:%a} {value.day} {value:%b}"

    def long_day(self, value: date | None) -> str:
        """A day with its year."""
        if value is None:
            return NONE
        return (
            f"{value.year}年{self.day(value)}" if self.language == "zh" else f"{self.day(value)} {value.year}"
        )

    def month(self, value: date) -> str:
        """A month for an axis; January carries the year."""
        if self.language == "zh":
            return f"{value.year}年1月" if value.month == 1 else f"{value.month}月"
        return f"{value:%b %Y}" if value.month == 1 else f"{value:%b}"

    def when(self, value: datetime | None) -> str:
        """An instant in local time: 5月4日 06:02."""
        if value is None:
            return NONE
        local = value.astimezone(self.zone)
        return f"{self.day(local.date()).rsplit(' ', 1)[0] if self.language == 'zh' else f'{local.day} {local:%b}'} {local:%H:%M}"

    def hours(self, value: float | None) -> str:
        """A span: 5 小时, from two days on 3 天."""
        if value is None:
            return NONE
        if value >= 48:
            return f"{value / 24:.0f} {self.t('unit.days')}"
        return (
            f"{value:.0f} {self.t('unit.hours')}"
            if value >= 1
            else f"{value * 60:.0f} {self.t('unit.minutes')}"
        )

    def took(self, start: datetime | None, end: datetime | None) -> str:
        """How long something took in its two largest units: 12 s, 3 min 5 s, 2 h 4 min.

        Empty when it has not ended, ended before it began, or took over a week: then a clock was wrong.
        """
        if start is None or end is None or not timedelta() <= end - start <= LONGEST:
            return ""
        minutes, seconds = divmod(round((end - start).total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        parts = [(hours, "hours"), (minutes, "minutes"), (seconds, "seconds")]
        first = next((i for i, (n, _) in enumerate(parts) if n), len(parts) - 1)
        kept = [(n, unit) for i, (n, unit) in enumerate(parts[first : first + 2]) if n or not i]
        return " ".join(f"{n} {self.t(f'unit.{unit}')}" for n, unit in kept)

    def name(self, names: Mapping[str, Mapping[str, str]], key: str | None) -> str:
        """The name of a thing in the reader's language, else its id."""
        if key is None:
            return NONE
        return names[key][self.language] if key in names else key

    def fact(self, kind: str, value: object) -> str:
        """A value written by its kind: weight, yuan, share, count, hours, area or text."""
        if kind == "text":
            return str(value)
        writers = {
            "weight": self.weight,
            "yuan": self.yuan,
            "share": self.share,
            "count": self.count,
            "hours": self.hours,
        }
        return writers[kind](float(str(value)))


def _sized(value: float) -> str:
    """Three or four figures that mean something: 12,345; 123; 12.3; 1.23."""
    size = abs(value)
    digits = 0 if size >= 100 or value == round(value) else 1 if size >= 10 else 2
    return f"{value:,.{digits}f}".replace("-", "−")
